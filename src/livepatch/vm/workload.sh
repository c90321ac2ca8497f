#!/bin/sh
# The workload of a proof: `workload.sh start`, `workload.sh stop`, or `workload.sh once`. Prints a line for each kind,
# "<kind> <times>", "<kind> absent" or "<kind> FAILED: <why>", when it has ended. /workload is the compiled part; without it
# the shell does the little that a shell can. /modules/spare names a module that is in nobody's way.
folder=/tmp/workload

count() { # kind function: until told to stop, or once
  times=0
  while :; do
    if ! why=$($2 2>&1); then echo "$1 FAILED: $(echo "$why" | tail -n 1)"; return 1; fi
    times=$((times+1))
    [ "$mode" = once ] && break
    [ -e $folder/stop ] && break
    sleep 0.1
  done
  echo "$1 $times"
}

modules() {
  read -r spare </modules/spare
  insmod "/modules/$spare" && rmmod "${spare%.ko}"
}

programs() {
  [ "$(echo one two | tr a-z A-Z | awk '{print $2}')" = TWO ] && ls -l /proc/self >/dev/null
}

shell_files() {
  f=$folder/shell.$$
  echo text >$f && mv $f $f.2 && ln $f.2 $f && [ "$(cat $f)" = text ] && rm $f $f.2 && mkdir $f && rmdir $f
}

shell_processes() { (exit 3); [ $? = 3 ] && sh -c 'kill -USR1 $$' 2>/dev/null; [ $? -gt 128 ]; }

shell_reads() { cat /proc/self/status /proc/meminfo /proc/cmdline /sys/kernel/uevent_seqnum >/dev/null; }

work() {
  mode=$1
  if [ -x /workload ]; then
    if [ "$mode" = once ]; then /workload $folder 2; else /workload $folder; fi >$folder/kinds.1 2>&1 &
  else
    { count files shell_files; count processes shell_processes; count reads shell_reads; } >$folder/kinds.1 2>&1 &
  fi
  if [ -s /modules/spare ]; then count modules modules; else echo 'modules absent'; fi >$folder/kinds.2 2>&1 &
  count programs programs >$folder/kinds.3 2>&1
  wait
  touch $folder/ended
}

begin() { rm -rf $folder; mkdir -p $folder; }

case $1 in
  start)
    begin
    work run </dev/null >/dev/null 2>&1 &
    ;;
  stop)
    [ -d $folder ] || exit 0
    touch $folder/stop
    i=0
    until [ -e $folder/ended ]; do
      i=$((i+1))
      [ $i -gt 300 ] && { echo 'workload FAILED: it did not end'; break; }
      sleep 0.1
    done
    cat $folder/kinds.*
    rm -rf $folder
    ;;
  once)
    begin
    work once
    cat $folder/kinds.*
    ;;
esac
