#!/usr/bin/env bash
# Apache Kafka's command-line programs, unchanged, against our broker: topics, console producer and consumer, the Java
# producer at its defaults (idempotent, acks=all), offsets, and the programs that only ask.
set -uo pipefail
source "$(dirname "$0")/peer.sh"
start_broker
topic=my-topic-$$

check "kafka-topics creates a topic" \
  kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 1
holds "kafka-topics says so" "$output" "^Created topic $topic\.$"
check "kafka-topics refuses to create it twice" \
  bash -c '! "$@"' - "$root/tests/compat/kafka" run org.apache.kafka.tools.TopicCommand \
  --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 1
holds "kafka-topics names the reason" "$output" "already exists"
check "kafka-topics describes it" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --describe --topic "$topic"
holds "it has three partitions" "$output" "PartitionCount: 3.*ReplicationFactor: 1"
holds "its partitions have a leader and an in-sync replica" "$output" "Partition: 2.*Leader: [0-9]+.*Replicas: [0-9]+.*Isr: [0-9]+"
check "kafka-topics lists it" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --list
holds "it is in the list" "$output" "^$topic$"

seq 1000 > "$work/lines"
check "the console producer writes" \
  bash -c '"$@" < "'"$work"'/lines"' - "$root/tests/compat/kafka" run org.apache.kafka.tools.ConsoleProducer \
  --bootstrap-server "$bootstrap" --topic "$topic" --reader-property parse.key=false
for partition in 0 1 2; do
  check "the console consumer reads partition $partition" kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" \
    --topic "$topic" --partition "$partition" --offset earliest --timeout-ms 4000
  grep -E '^[0-9]+$' <<< "$output" >> "$work/back" || true
done
check "together they are what was written" cmp <(sort -n "$work/back") "$work/lines"
check "kafka-get-offsets counts them" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic"
check "its three ends add up to 1000" test "$(awk -F: '{ n += $3 } END { print n }' <<< "$output")" = 1000

check "the Java producer at its defaults writes 50,000 records" \
  kafka tools.ProducerPerformance --topic "$topic" --num-records 50000 --record-size 500 --throughput -1 --bootstrap-server "$bootstrap"
holds "all are acknowledged" "$output" "^50000 records sent"
check "and with zstd and acks=1" kafka tools.ProducerPerformance --topic "$topic" --num-records 20000 --record-size 500 --throughput -1 \
  --bootstrap-server "$bootstrap" --command-property compression.type=zstd acks=1 enable.idempotence=false
holds "all are acknowledged" "$output" "^20000 records sent"
check "the console consumer reads from an offset" kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" \
  --topic "$topic" --partition 0 --offset 5 --max-messages 3 --formatter-property print.offset=true --formatter-property print.value=false
holds "beginning with that one" "$output" "^Offset:5"
holds "and stops after three" "$output" "^Processed a total of 3 messages"
check "kafka-broker-api-versions asks" kafka tools.BrokerApiVersionsCommand --bootstrap-server "$bootstrap"
holds "what it may use is usable" "$output" "Produce\(0\): .*usable: [0-9]+"
check "kafka-cluster asks for the cluster id" kafka tools.ClusterTool cluster-id --bootstrap-server "$bootstrap"
holds "there is one" "$output" "^Cluster ID: [A-Za-z0-9_-]{22}$"

check "kafka-topics deletes it" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --delete --topic "$topic"
check "kafka-topics lists again" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --list
check "it is gone" bash -c '! grep -q "^$1$" <<< "$2"' - "$topic" "$output"
stop_broker
finish
