#!/usr/bin/env bash
# From our broker to Apache Kafka: produce, kill -9, `odradek storage release`, and Kafka opens the directory as the same
# node of the same cluster, reads everything that was acknowledged, and goes on producing. The lock is one that a JVM's
# lock conflicts with.
set -uo pipefail
source "$(dirname "$0")/peer.sh"
topic=released-$$
one_node log.segment.bytes=1048576
refused() { ! "$@"; }
lines_of() {  # lines_of PARTITION
  kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic" --partition "$1" --offset earliest \
    --timeout-ms 5000 2> /dev/null | grep -E '^[0-9]+$'
}
all_lines() { for p in 0 1 2; do lines_of $p; done | sort -n; }

"$odradek" serve "$work/server.properties" < /dev/null >> "$work/broker.log" 2>&1 &
broker=$!
check "our broker starts with Kafka's properties" wait_for_port "$broker"
check "a topic" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 1
check "another one" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic-large" --partitions 2 --replication-factor 1
check "a third one, without records" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic-empty" --partitions 1 --replication-factor 1
seq 3000 > "$work/lines"
check "the console producer writes 3000 lines" bash -c '"$@" < "'"$work"'/lines"' - "$root/tests/compat/kafka" run \
  org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$bootstrap" --topic "$topic" --reader-property parse.key=false
check "the Java producer writes 20,000 records, over several segments" kafka tools.ProducerPerformance --topic "$topic-large" \
  --num-records 20000 --record-size 300 --throughput -1 --bootstrap-server "$bootstrap"
printf '{"partitions":[{"topic":"%s","partition":0,"offset":100}],"version":1}' "$topic-large" > "$work/delete.json"
check "records before 100 are deleted" kafka tools.DeleteRecordsCommand --bootstrap-server "$bootstrap" --offset-json-file "$work/delete.json"
check "offsets" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic.*" --time -1
ends=$(sort <<< "$output")
check "starts" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic.*" --time -2
starts=$(sort <<< "$output")
check "the cluster's id" kafka tools.ClusterTool cluster-id --bootstrap-server "$bootstrap"
id=$(grep -oE '[A-Za-z0-9_-]{22}$' <<< "$output")

check "release is refused while the broker runs" refused "$odradek" storage release --config "$work/server.properties"
holds "and says so" "$output" "in use by another process"
check "a JVM cannot take the lock meanwhile" refused java "$root/tests/compat/lock/TryLock.java" "$data"
kill -9 "$broker"; wait "$broker" 2> /dev/null; broker=
java "$root/tests/compat/lock/TryLock.java" "$data" 6000 > "$work/jvm" & jvm=$!
for _ in $(seq 100); do grep -q locked "$work/jvm" && break; sleep 0.1; done
check "while a JVM has the lock, release is refused" refused "$odradek" storage release --config "$work/server.properties"
check "and so is a start" refused timeout 10 "$odradek" serve "$work/server.properties"
kill "$jvm"; wait "$jvm" 2> /dev/null

check "release, after a kill" "$odradek" storage release --config "$work/server.properties"
holds "it says what it did" "$output" "partitions, [0-9]+ bytes of records released"
check "nothing of ours is left" bash -c '! ls -A "$1" "$1"/*/ | grep -v ":$" | grep -E "odradek|\.odx$|\.tmp$"' - "$data"
check "Kafka's mark of a clean stop is there" grep -qE '"brokerEpoch":[0-9]+' "$data/.kafka_cleanshutdown"
check "our broker refuses the directory now" refused timeout 10 "$odradek" serve "$work/server.properties"
holds "and says whose it is" "$output" "holds data of Apache Kafka"

KAFKA_HEAP=${KAFKA_HEAP:-512m} "$root/tests/compat/kafka" serve "$home" "$port_kept" log.segment.bytes=1048576 > "$work/kafka.log" 2>&1 &
kafka_pid=$!
check "Apache Kafka starts on it" wait_for_port "$kafka_pid"
check "Kafka tells the cluster's id" kafka tools.ClusterTool cluster-id --bootstrap-server "$bootstrap"
holds "it is the same" "$output" "$id"
check "Kafka's ends" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic.*" --time -1
check "are ours" cmp <(sort <<< "$output") - <<< "$ends"
check "Kafka's starts" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic.*" --time -2
check "are ours too" cmp <(sort <<< "$output") - <<< "$starts"
check "Kafka's consumer reads every line that was acknowledged" cmp <(all_lines) "$work/lines"
check "Kafka's consumer reads the records of several segments" kafka tools.ConsumerPerformance --bootstrap-server "$bootstrap" \
  --topic "$topic-large" --num-records 19900 --timeout 20000
seq 3001 4000 > "$work/more"
check "Kafka goes on producing" bash -c '"$@" < "'"$work"'/more"' - "$root/tests/compat/kafka" run \
  org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$bootstrap" --topic "$topic" --reader-property parse.key=false
cat "$work/lines" "$work/more" > "$work/all"
check "and everything is there" cmp <(all_lines) "$work/all"
check "Kafka writes to the topic without records" kafka tools.ProducerPerformance --topic "$topic-empty" --num-records 10 \
  --record-size 10 --throughput -1 --bootstrap-server "$bootstrap"
check "Kafka found nothing to recover" bash -c '! grep -iE "ERROR|corrupt|recover" "$1"' - "$work/kafka.log"
[ "$failed" = 0 ] || { echo "Kafka said:"; grep -vE "^\s+at " "$work/kafka.log" | tail -n 30 | cut -c 1-300; }
kill -TERM "$kafka_pid"; wait "$kafka_pid" 2> /dev/null; kafka_pid=
finish
