# Pings the other machine, then sends it the same bytes again and again over one TCP connection, says how far it is, and what sum the other machine answers.
ip addr add 192.168.1.1/24 dev eth0
ip link set eth0 up
until ping -c 1 -W 1 192.168.1.2 >/dev/null; do :; done
ping -c 5 192.168.1.2 | grep 'packets transmitted'
dd if=/dev/urandom of=/tmp/bytes bs=1M count=2 2>/dev/null
all() { for i in $(seq 1 40); do cat /tmp/bytes; [ -z "$1" ] || echo "SENT $i." >/dev/console; done; }
echo "WANTED $(all | md5sum | cut -c1-32)."
echo "GOT $(all aloud | nc 192.168.1.2 5000 | cut -c1-32)."
