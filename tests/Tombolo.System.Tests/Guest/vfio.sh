# No module of ours: vfio is chosen by itself. Then the kernel wants the device back from a program that waits for its partner.
set -e
tombolo-exercise probe
tombolo-exercise swap --side second --at 65536 --count 500 --timeout 120
tombolo-exercise swap --side second --at 131072 --timeout 120 &
waiting=$!
until grep -qE '^(232|281) ' /proc/$waiting/syscall 2>/dev/null; do usleep 20000; done # it sleeps in epoll_wait
if tombolo-exercise probe; then exit 1; fi
device=$(basename /sys/bus/pci/drivers/vfio-pci/0*)
echo "$device" >/sys/bus/pci/drivers/vfio-pci/unbind
if wait $waiting; then exit 1; fi
echo "BACK without a driver: $(ls /sys/bus/pci/devices/"$device" | grep -c '^driver$')"
