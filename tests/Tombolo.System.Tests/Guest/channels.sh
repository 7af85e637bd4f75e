# Channels of every kind, on sides SIDE with the other guest; where HOST is set, then as spoke with the host. Where SELF is set, at last with another program of this guest, which stands under the same ID.
set -e
pass() { tombolo-exercise channel --count 300 --timeout 120 --death-after 60 "$@"; }
pass --side "$SIDE" --name guests
[ -z "$HOST" ] || pass --side spoke --name "$HOST"
[ -z "$SELF" ] && exit
pass --side hub --name self &
pass --side spoke --name self
wait $!
