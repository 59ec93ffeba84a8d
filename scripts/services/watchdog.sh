#!/bin/sh
# Ends servers and removes their folders when standard input closes, which happens however the process at its other end
# ends, kill -9 included. Lines: `server PID:SIGNAL`, `gone PID`, `folder PATH`.
trap '' INT TERM HUP

servers=
while read -r verb what; do
  case $verb in
    server) servers="$servers $what" ;;
    gone)
      others=
      for server in $servers; do
        [ "${server%:*}" = "$what" ] || others="$others $server"
      done
      servers=$others
      ;;
    folder) set -- "$@" "$what" ;;
  esac
done

children() {
  cat "/proc/$1/task/$1/children" 2>/dev/null ||
    ps -A -o pid= -o ppid= | awk -v parent="$1" '$2 == parent { print $1 }'
}

# A zombie does not count: it may wait long until somebody takes note of its end.
anyone() {
  for server in $servers; do
    pid=${server%:*}
    kill -0 "$pid" && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$pid/status" && return 0
  done 2>/dev/null
  return 1
}

# The signal lets PostgreSQL give back its shared memory. What is not gone two seconds later is killed.
targets=
for server in $servers; do
  pid=${server%:*}
  offspring=$(children "$pid")
  targets="$targets -$pid $offspring"
  for one in $pid $offspring; do kill -s CONT "$one"; done
  kill -s "${server#*:}" "$pid"
done 2>/dev/null

patience=40
while anyone && [ $patience -gt 0 ]; do
  sleep 0.05
  patience=$((patience - 1))
done

for target in $targets; do
  kill -s KILL -- "$target" 2>/dev/null
done
rm -rf -- "$@" 2>/dev/null || { sleep 0.5 && rm -rf -- "$@"; }
