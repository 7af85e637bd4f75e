# Every check of tombolo_grant.ko that one guest can do alone, the store of the host, and the device taken away.
set -e
pci=$(basename /sys/bus/pci/drivers/tombolo/0*)
address=$(echo "$pci" | sed 's/^0000:\(..\):\(..\)\..*/\1\2/')
grant_check "$address" store /guests/note
echo PASSED store
grant_check "$address" calls
echo PASSED calls
grant_check "$address" deaths 300
echo PASSED deaths
grant_check "$address" gone "$pci"
echo PASSED gone
rmmod tombolo_grant
modprobe tombolo_grant
grant_check "$address" calls
echo PASSED again
