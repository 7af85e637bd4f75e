# Takes one TCP connection, and answers with the sum of what came over it.
ip addr add 192.168.1.2/24 dev eth0
ip link set eth0 up
nc -l -p 5000 -e md5sum
