# One side of the conformance suite (SIDE, PEER), over the second serial port; then, where FAR is set, copies of that grant of a domain in another window.
set -e
stty -F /dev/ttyS1 raw -echo
tombolo-grant-check /dev/ttyS1 "$SIDE" "$PEER"
[ -z "$FAR" ] || tombolo-grant-check copy-from $FAR
