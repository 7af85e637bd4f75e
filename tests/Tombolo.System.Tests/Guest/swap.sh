# Hands a block to and fro: with the other guest on side SIDE, then, where HOST is set, with the host. First says how the window is mapped.
set -e
tombolo-exercise probe
tombolo-exercise swap --side "$SIDE" --at 65536 --count 500 --timeout 120
[ -z "$HOST" ] || tombolo-exercise swap --side second --at 131072 --count 500 --size 10000 --timeout 120
