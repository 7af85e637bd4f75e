# Every check of both drivers: on a device with a mailbox (the bridge is bound too, and shares the vectors), and on one without doorbells.
set -e
for pci in /sys/bus/pci/drivers/tombolo/0*; do
  if [ "$(cat "$pci/tombolo/vectors")" = 0 ]; then plain=$(basename "$pci"); else bell=$(basename "$pci"); fi
done
id=$(cat "/sys/bus/pci/devices/$bell/tombolo/own_id")
type=$(cat "/sys/bus/pci/devices/$bell/tombolo/memory_type")
node() { echo "/dev/tombolo_$1_$(echo "$2" | sed 's/^0000:\(..\):\(..\)\..*/\1\2/')"; } # node KIND PCI
mailbox() { cat "/sys/bus/tombolo/devices/mailbox.$bell/$1"; }
bridge() {
  echo 500 >/sys/module/tombolo_bridge/parameters/timeout_ms
  bridge_check "$(node bridge "$bell")" "$id" "$(mailbox max_message)" "$(mailbox server_id)" 4
}
[ "$type" = "$TYPE" ]
window_check "$(node window "$bell")" calls "$id" 1048576 6 "$type" 0x40000
echo PASSED window calls
bridge
echo PASSED bridge
[ -n "$plain" ] || exit 0
window_check "$(node window "$plain")" plain
echo PASSED plain
window_check "$(node window "$bell")" gone "$bell"
echo PASSED gone
window_check "$(node window "$bell")" storm "$bell" 30
echo PASSED storm
bridge
echo PASSED bridge again
