# Counts aloud for the machine that TO names until told to stop, says what it hears, and answers "hello".
dev=$(ls /dev/tombolo_bridge_* | head -n 1)
facts=$(ls -d /sys/bus/tombolo/devices/mailbox.* | head -n 1)
me=$(hostname)
ears() { # one message per read
  while message=$(dd if="$dev" bs=65536 count=1 2>/dev/null) && [ -n "$message" ]; do
    from=${message%%:*} text=${message#*:}
    echo "HEARD $text."
    case $text in
      hello) printf '%s:welcome from %s' "$from" "$me" >"$dev" ;;
      stop) touch /tmp/stop ;;
    esac
  done
}
ears &
n=0
while [ ! -e /tmp/stop ]; do
  id=$(awk -v to="$TO" '$2 == to { print $1 }' "$facts/peers")
  [ -n "$id" ] && printf '%s:number %s' "$id" $((n + 1)) >"$dev" 2>/dev/null && n=$((n + 1))
done
echo "COUNTED $n."
wait
