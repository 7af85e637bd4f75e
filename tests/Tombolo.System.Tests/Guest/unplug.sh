# A program waits for its partner while the device is pulled out under it; a new device is found, and works.
set -e
tombolo-exercise swap --side second --at 65536 --timeout 120 &
waiting=$!
until grep -qE '^(232|281) ' /proc/$waiting/syscall 2>/dev/null; do usleep 20000; done # it sleeps in epoll_wait
echo WAITING
if wait $waiting; then exit 1; fi
echo GONE
until ls /dev/tombolo_window_* >/dev/null 2>&1; do usleep 20000; done
tombolo-exercise swap --side second --at 65536 --count 100 --timeout 120
