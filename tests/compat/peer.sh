# Sourced by the scripts of tests/compat: a broker of ours for the script's life, and checks that count.
#   start_broker [key=value ...]    $bootstrap, $data; stop_broker ends it with SIGTERM and checks that it went well
#   check CLAIM COMMAND ...         one count; on failure prints what the command said, which is in $output either way
#   holds CLAIM TEXT PATTERN        one count: TEXT has a line that matches the extended regular expression
#   finish                          prints "N passed, N failed" and exits
# With ODRADEK_BOOTSTRAP=host:port the scripts talk to a broker that is there (a real Kafka, to check themselves).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kafka() { timeout "${KAFKA_TOOL_SECONDS:-60}" "$root/tests/compat/kafka" run "org.apache.kafka.$@"; }
odradek=${ODRADEK_BINARY:-$root/build/release/odradek}
work=$(mktemp --directory --tmpdir odradek-compat-XXXXXX)
data=$work/data passed=0 failed=0 broker= output=
trap '[ -z "$broker" ] || { kill -9 "$broker"; wait "$broker"; } 2> /dev/null; rm -rf "$work"' EXIT

start_broker() {
  if [ -n "${ODRADEK_BOOTSTRAP:-}" ]; then bootstrap=$ODRADEK_BOOTSTRAP data=${ODRADEK_DATA:-$data}; return; fi
  local port overrides=() pair
  port=${port_kept:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
  port_kept=$port bootstrap=127.0.0.1:$port
  for pair in "listeners=PLAINTEXT://$bootstrap" "log.dirs=$data" odradek.http.listeners= "$@"; do overrides+=(--override "$pair"); done
  "$odradek" serve "${overrides[@]}" < /dev/null >> "$work/broker.log" 2>&1 &
  broker=$!
  for _ in $(seq 100); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && return
    kill -0 "$broker" 2> /dev/null || break
    sleep 0.1
  done
  echo "the broker did not start:"; cat "$work/broker.log"
  failed=$((failed + 1)); broker=; finish
}

stop_broker() {
  [ -n "$broker" ] || return 0
  local code=0
  kill -TERM "$broker"
  wait "$broker" || code=$?
  broker=
  check "SIGTERM stops the broker with exit code 0" test "$code" = 0
}

check() {
  local claim=$1
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1)); echo "ok   $claim"
  else
    local code=$?
    failed=$((failed + 1)); echo "FAIL $claim (exit $code)"; echo "     $*"; tail -n 15 <<< "$output" | cut -c 1-300
  fi
}

holds() {
  if grep -qE -- "$3" <<< "$2"; then passed=$((passed + 1)); echo "ok   $1"
  else failed=$((failed + 1)); echo "FAIL $1: no /$3/ in:"; tail -n 15 <<< "$2" | cut -c 1-300; fi
}

finish() {
  [ "$failed" = 0 ] || { [ ! -f "$work/broker.log" ] || { echo "the broker said:"; tail -n 30 "$work/broker.log"; }; }
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}
