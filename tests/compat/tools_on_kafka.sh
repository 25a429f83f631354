#!/usr/bin/env bash
# Our verbs against a real Apache Kafka: one story is told to our broker and to Kafka, and what the verbs print must be
# equal but for ids, ports, times and sizes.
set -uo pipefail
source "$(dirname "$0")/peer.sh"
kafka_pid=
trap '[ -z "$kafka_pid" ] || { kill "$kafka_pid"; wait "$kafka_pid"; } 2> /dev/null
  [ -z "$broker" ] || { kill -9 "$broker"; wait "$broker"; } 2> /dev/null; rm -rf "$work"' EXIT

begin_kafka() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  KAFKA_HEAP=512m "$root/tests/compat/kafka" serve "$work/kafka" "$port" num.partitions=1 > "$work/kafka.log" 2>&1 &
  kafka_pid=$! kafka_bootstrap=127.0.0.1:$port
  for _ in $(seq 60); do
    "$odradek" cluster id --bootstrap-server "$kafka_bootstrap" --timeout 1 > /dev/null 2>&1 && return
    kill -0 "$kafka_pid" 2> /dev/null || break
    sleep 1
  done
  echo "Kafka did not start:"; tail -n 20 "$work/kafka.log"; failed=$((failed + 1)); finish
}

# What may differ: ids, addresses, clocks, durations; of an error the broker's own words.
mask() {
  sed -E -e 's/\b(reader|console-consumer)-[0-9a-f-]{36}\b/MEMBER/g' -e 's/\b[A-Za-z0-9_-]{22}\b/ID/g' -e "s/$1/BROKER/g" -e 's/"port": [0-9]+/"port": N/' \
    -e 's/[0-9]+\.[0-9]+ s, [0-9]+ records\/s/TIME/' -e 's/"seconds": [0-9.e-]+/"seconds": N/' \
    -e '/ a turn of the loop took /d' -e 's/: ([A-Z_]{6,}): .*/: \1/' -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/DATE/'
}

tell() {  # FILE VERB ...: the verb, what it printed, and its exit code, to the end of FILE
  local file=$1
  shift
  {
    echo "\$ odradek $*"
    timeout 60 "$odradek" "$@" --bootstrap-server "$target" 2>&1 | mask "$target"
    echo "exit ${PIPESTATUS[0]}"
  } >> "$file"
}

settle() { sleep "${settle_seconds:-0}"; }  # Kafka answers before each broker has heard

topics() {
  tell "$1" topic create --topic tale --partitions 3 --config retention.ms=4000000000000 --config cleanup.policy=delete
  tell "$1" topic create --topic tale
  tell "$1" topic create --topic bad --config no.such.key=1
  tell "$1" topic create --topic bad --replication-factor 9
  tell "$1" topic create --topic other --partitions 1 --json
  settle
  tell "$1" topic list
  tell "$1" topic describe --topic tale
  tell "$1" topic describe --topic 'ta.*|oth.*' --json
  tell "$1" topic describe --topic nobody
  tell "$1" topic alter --topic tale --config retention.ms=5000000000000 --delete-config cleanup.policy
  settle
  tell "$1" topic describe --topic tale
}

records() {
  local codec n=0
  for codec in none gzip snappy lz4 zstd; do
    seq 2000 | tell "$1" produce --topic tale --partition $((n % 3)) -z "$codec" --timestamp $((1000 + n))
    n=$((n + 1))
  done
  printf 'k1:a\nk2:b\nk3:\n' | tell "$1" produce --topic tale -K : -H trace=7 --timestamp 2000 --json
  tell "$1" consume --topic tale --from-beginning --until-end --partition 0
  tell "$1" consume --topic tale --offset -3 --until-end --partition 1 --json
  for n in 0 1 2; do
    tell "$1" consume --topic tale --partition "$n" --from-time 2000 --until-end --format '%p %k=%s %h %T\n' --quiet
  done
  tell "$1" consume --topic tale --partition 0 --offset 99999 --max-messages 1
  tell "$1" consume --topic tale --partition 2 --offset 5 --max-messages 2 --property print.offset=true --quiet
  tell "$1" produce --topic tale --partition 9 < /dev/null
}

offsets() {
  local when
  for when in latest earliest max-timestamp earliest-local latest-tiered 1002 999999; do
    tell "$1" offsets --topic tale --time "$when"
  done
  tell "$1" offsets --topic-partitions 'tale:0-2,other' --quiet
  tell "$1" offsets --topic nobody
}

the_rest() {
  tell "$1" config describe --topic tale
  tell "$1" config alter --topic tale --add-config min.insync.replicas=1,segment.bytes=1500000
  settle
  tell "$1" config describe --topic tale --quiet
  tell "$1" config alter --topic tale --add-config segment.bytes=few
  tell "$1" config describe --topic nobody
  tell "$1" delete-records --topic tale --partition 0 --offset 100
  tell "$1" delete-records --topic tale --partition 0,1 --offset -1
  tell "$1" delete-records --topic tale --offset 999999
  tell "$1" offsets --topic tale --time earliest
  tell "$1" cluster id
  tell "$1" cluster brokers --json
}

quotas() {
  tell "$1" quota alter --client fast --add-config producer_byte_rate=1000000,request_percentage=12.5
  tell "$1" quota alter --user ann --client-defaults --add-config consumer_byte_rate=2000000
  tell "$1" quota alter --ip 10.0.0.7 --add-config connection_creation_rate=5
  tell "$1" quota alter --ip 10.0.0.7 --add-config producer_byte_rate=5
  tell "$1" quota alter --client fast --validate-only --add-config producer_byte_rate=0.5
  settle
  tell "$1" quota describe
  tell "$1" quota describe --client-defaults --json
  tell "$1" quota describe --user ann --strict
  tell "$1" quota alter --client fast --delete-config producer_byte_rate,request_percentage
  settle
  tell "$1" quota describe --quiet
}

groups() {
  local member
  tell "$1" group describe nobody
  tell "$1" group reset app --topic tale --to-offset 150
  tell "$1" group reset app --topic tale --to-offset 150 --execute
  tell "$1" group reset app --topic tale:0,2 --shift-by -40 --execute --json
  tell "$1" group reset app --topic other --shift-by 1 --execute
  tell "$1" group reset app --all-topics --to-current
  tell "$1" group reset app --topic tale --to-datetime 1970-01-01T00:00:01.002Z --execute --quiet
  tell "$1" group reset app --topic tale:1 --to-latest --execute
  tell "$1" group reset app --topic tale:2 --to-earliest --execute
  tell "$1" group reset app --topic tale:0 --by-duration P1D
  tell "$1" group reset app --topic tale:9 --to-latest
  tell "$1" group reset app --topic nobody --to-latest
  tell "$1" group list
  tell "$1" group describe app
  tell "$1" group describe app nobody --json
  # A member of each protocol, whose ids are its own.
  for protocol in classic consumer; do
    timeout 60 "$root/tests/compat/kafka" run org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$target" --topic tale \
      --group "$protocol" --consumer-property "group.protocol=$protocol" --consumer-property client.id=reader > /dev/null 2>&1 &
    member=$!
    for _ in $(seq 100); do
      "$odradek" group describe "$protocol" --offsets --quiet -b "$target" 2> /dev/null | grep -cP '\t0\treader\t' | grep -q 3 && break
      sleep 0.3
    done
    tell "$1" group list --state stable --type "$protocol"
    tell "$1" group describe "$protocol"
    tell "$1" group describe "$protocol" --members --quiet
    tell "$1" group reset "$protocol" --all-topics --to-earliest --execute
    tell "$1" group delete "$protocol" app-that-is-not
    tell "$1" group delete-offsets "$protocol" --topic tale:0
    kill -TERM "$member"
    wait "$member"
    for _ in $(seq 100); do
      "$odradek" group list --state empty --quiet -b "$target" | grep -qx "$protocol" && break
      sleep 0.3
    done
  done 2> /dev/null
  tell "$1" group describe --all-groups --offsets
  tell "$1" group delete-offsets app --topic tale:1
  tell "$1" group delete-offsets app --topic other
  tell "$1" group describe app --quiet
  tell "$1" group delete app classic
  tell "$1" group delete app
  tell "$1" group list --quiet
}

newer() {  # what our broker may not serve yet
  tell "$1" topic alter --topic other --partitions 2
  settle
  tell "$1" offsets --topic other
  tell "$1" topic alter --topic other --partitions 1
  tell "$1" log-dirs --topic-list other --quiet
  tell "$1" cluster quorum --quiet
}

the_end() {
  tell "$1" topic delete --topic 'tale,other'
  settle
  tell "$1" topic list
}

story() {
  topics "$1"
  records "$1"
  offsets "$1"
  the_rest "$1"
  groups "$1"
  quotas "$1"
  the_end "$1"
}

start_broker node.id=1
begin_kafka
target=$bootstrap story "$work/ours"
target=$kafka_bootstrap settle_seconds=1 story "$work/theirs"
check "the story has every verb of it on both sides" test "$(grep -c '^\$' "$work/ours")" -ge 40 -a "$(grep -c '^\$' "$work/ours")" = "$(grep -c '^\$' "$work/theirs")"
check "most of it went well" test "$(grep -c '^exit 0' "$work/theirs")" -ge 35
check "no verb was wrong usage" bash -c '! grep -q "^exit 2" "$1" "$2"' - "$work/ours" "$work/theirs"
check "our verbs print the same of our broker and of Kafka" cmp "$work/theirs" "$work/ours"
diff -U 3 --label Kafka --label Odradek "$work/theirs" "$work/ours" | head -n 200
check "our verbs list Kafka's APIs" "$odradek" api-versions --bootstrap-server "$kafka_bootstrap"
holds "and speak its newest Fetch" "$output" "Fetch +1 +4 +18 +18"
check "our verbs list Kafka's features" "$odradek" cluster features --bootstrap-server "$kafka_bootstrap"
holds "the metadata version among them" "$output" "^metadata.version"
target=$kafka_bootstrap
tell "$work/newer" topic create --topic other --partitions 1
settle_seconds=1 newer "$work/newer"
check "partitions, log directories and the quorum work against Kafka" test "$(grep -c '^exit 0' "$work/newer")" = 5
holds "the partitions are two" "$(cat "$work/newer")" "^other +1 +0"
holds "they cannot become fewer" "$(cat "$work/newer")" "INVALID_PARTITIONS"
stop_broker
finish
