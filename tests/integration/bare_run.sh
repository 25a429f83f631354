#!/usr/bin/env bash
# Inside a bare Debian: scripts/run sets up, builds and serves with no configuration at 127.0.0.1:9092; then kcat sends a
# text file of LINES lines there and back with each compression, with 1, 2 and 4 shards, each on a fresh directory.
set -euo pipefail
cd "$(mktemp --directory)"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lines=${LINES_MAX:-1000000} passed=0 failed=0 server=
trap '[ -z "$server" ] || kill -9 "$server" 2> /dev/null || true' EXIT

start() {  # start SECONDS [args]: scripts/run in the background until it accepts a connection
  local seconds=$1 began=$SECONDS
  shift
  "$root/scripts/run" "$@" < /dev/null > run.log 2>&1 &
  server=$!
  until (exec 3<> /dev/tcp/127.0.0.1/9092) 2> /dev/null; do
    if ! kill -0 "$server" 2> /dev/null || [ $((SECONDS - began)) -ge "$seconds" ]; then cat run.log; exit 1; fi
    sleep 0.2
  done
  echo "scripts/run $*: accepted a connection after $((SECONDS - began)) s"
}
stop() {
  kill -TERM "$server"
  if wait "$server"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL stop: exit $?"; tail run.log; fi
  server=
}

start 900  # setup, build, and the defaults
stop
"$root/scripts/setup" test
seq -f 'line %.0f of a text file that goes there and back' "$lines" > text
for shards in 1 2 4; do
  start 60 --override "log.dirs=$PWD/data-$shards" --override "odradek.shards=$shards"
  for codec in none gzip snappy lz4 zstd; do
    began=$(date +%s.%N) topic=text-$codec
    kcat -b 127.0.0.1:9092 -P -t "$topic" -p 0 -z "$codec" -l text
    kcat -b 127.0.0.1:9092 -C -q -t "$topic" -p 0 -o beginning -e > back
    if cmp text back; then passed=$((passed + 1)) said=ok; else failed=$((failed + 1)) said=FAIL; fi
    echo "$said $lines lines, $codec, $shards shards: $(echo "$began $(date +%s.%N)" | awk '{ printf "%.1f", $2 - $1 }') s"
  done
  stop
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
