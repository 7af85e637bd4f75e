# Every call of the region driver, twice: before and after the device went away under its users.
set -e
pci=$(basename /sys/bus/pci/drivers/tombolo/0*)
[ "$(cat /sys/bus/tombolo/devices/region."$pci"/modalias)" = tombolo:region ]
region_check calls
echo PASSED region calls
region_check gone "$pci"
echo PASSED region gone
region_check calls
echo PASSED region calls again
