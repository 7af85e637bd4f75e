# Sends numbered messages to the machine that OTHER names and takes as many from it, every byte checked, both at once.
dev=$(ls /dev/tombolo_bridge_*)
facts=$(ls -d /sys/bus/tombolo/devices/mailbox.*)
echo 60000 >/sys/module/tombolo_bridge/parameters/timeout_ms
id() { awk -v name="$OTHER" '$2 == name { print $1 }' "$facts/peers"; }
until [ -n "$(id)" ]; do :; done
mail_load "$dev" receive 2000 300 &
mail_load "$dev" send "$(id)" 2000 300 || exit 1
wait $!
