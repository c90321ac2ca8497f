#!/bin/busybox sh
# First program of the virtual machine: mounts what is needed and obeys commands from the second serial line, so that
# results never mix with the kernel's messages on the first.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /sbin /usr/bin /usr/sbin /root
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
ifconfig lo 127.0.0.1 up 2>/dev/null
[ -x /setup ] && . /setup
stty -F /dev/ttyS1 raw -echo 2>/dev/null
exec 3</dev/ttyS1 4>/dev/ttyS1
echo '!ready' >&4
while IFS=' ' read -r id command <&3; do
  echo "$command" | base64 -d >/tmp/.command
  sh /tmp/.command >/tmp/.output 2>&1 </dev/null 3<&- 4>&-
  status=$?
  echo "=$id $status $(base64 -w 0 /tmp/.output)" >&4
done
poweroff -f
