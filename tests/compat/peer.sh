# Sourced by the scripts of tests/compat: a broker of ours for the script's life, and checks that count.
#   start_broker [key=value ...]    $bootstrap, $data; stop_broker ends it with SIGTERM and checks that it went well.
#                                   With ODRADEK_PEER=kafka in the environment it is Apache Kafka, to check the script itself
#   one_node [key=value ...]        a directory for either broker, as one node: $home, $data, $bootstrap and $work/server.properties.
#                                   Whoever starts them sets $broker (ours) and $kafka_pid, which end with the script
#   wait_for_port PID [TENTHS]      until $port_kept accepts a connection; fails when the process ends, or after so many tenths of a second
#   check CLAIM COMMAND ...         one count; on failure prints what the command said, which is in $output either way
#   holds CLAIM TEXT PATTERN        one count: TEXT has a line that matches the extended regular expression
#   finish                          prints "N passed, N failed" and exits
# With ODRADEK_BOOTSTRAP=host:port the scripts talk to a broker that is there (a real Kafka, to check themselves).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kafka() { timeout "${KAFKA_TOOL_SECONDS:-60}" "$root/tests/compat/kafka" run "org.apache.kafka.$@"; }
odradek=${ODRADEK_BINARY:-$root/build/release/odradek}
work=$(mktemp --directory --tmpdir odradek-compat-XXXXXX)
data=$work/data passed=0 failed=0 broker= kafka_pid= output=
trap 'for pid in $broker $kafka_pid; do { kill -9 "$pid"; wait "$pid"; } 2> /dev/null; done; rm -rf "$work"' EXIT

wait_for_port() {
  for _ in $(seq "${2:-300}"); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port_kept") 2> /dev/null && return 0
    kill -0 "$1" 2> /dev/null || return 1
    sleep 0.1
  done
  return 1
}

free_port() {  # with one that is 1000 higher, for Kafka's controller
  python3 -c 'import random, socket
while True:
    port = random.randrange(20000, 50000)
    try:
        for p in (port, port + 1000):
            with socket.socket() as s: s.bind(("127.0.0.1", p))
        print(port); break
    except OSError: pass'
}

one_node() {
  port_kept=$(free_port)
  home=$work/kafka data=$work/kafka/data bootstrap=127.0.0.1:$port_kept
  local controller=127.0.0.1:$((port_kept + 1000))
  mkdir -p "$home"
  # What `tests/compat/kafka serve` writes: both brokers are the same node.
  printf '%s\n' process.roles=broker,controller node.id=1 "controller.quorum.voters=1@$controller" \
    controller.listener.names=CONTROLLER "listeners=PLAINTEXT://$bootstrap,CONTROLLER://$controller" \
    listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT "log.dirs=$data" "$@" > "$work/server.properties"
}

start_broker() {
  if [ -n "${ODRADEK_BOOTSTRAP:-}" ]; then bootstrap=$ODRADEK_BOOTSTRAP data=${ODRADEK_DATA:-$data}; return; fi
  if [ "${ODRADEK_PEER:-odradek}" = kafka ]; then start_kafka "$@"; return; fi
  local port overrides=() pair
  port=${port_kept:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
  port_kept=$port bootstrap=127.0.0.1:$port
  for pair in "listeners=PLAINTEXT://$bootstrap" "log.dirs=$data" odradek.http.listeners= "$@"; do overrides+=(--override "$pair"); done
  "$odradek" serve "${overrides[@]}" < /dev/null >> "$work/broker.log" 2>&1 &
  broker=$!
  wait_for_port "$broker" 100 && return
  echo "the broker did not start:"; cat "$work/broker.log"
  failed=$((failed + 1)); broker=; finish
}

start_kafka() {
  port_kept=${port_kept:-$(free_port)}
  bootstrap=127.0.0.1:$port_kept data=$work/kafka/data
  KAFKA_HEAP=${KAFKA_HEAP:-512m} "$root/tests/compat/kafka" serve "$work/kafka" "$port_kept" "$@" >> "$work/broker.log" 2>&1 &
  broker=$! broker_code=143  # of a JVM that SIGTERM stopped
  wait_for_port "$broker" 600 && return
  echo "Kafka did not start:"; tail -n 30 "$work/broker.log"
  failed=$((failed + 1)); broker=; finish
}

stop_broker() {
  [ -n "$broker" ] || return 0
  local code=0
  kill -TERM "$broker"
  wait "$broker" || code=$?
  broker=
  check "SIGTERM stops the broker with exit code ${broker_code:-0}" test "$code" = "${broker_code:-0}"
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
