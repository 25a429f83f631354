#!/usr/bin/env bash
# Compaction as Kafka's programs see it: a compacted topic written by Kafka's console producer, cleaned by our broker, read by
# Kafka's consumer and by DumpLogSegments; then the directory goes to Apache Kafka, which reads it and goes on cleaning.
# With ODRADEK_BOOTSTRAP: the same steps up to the release on a broker that is there.
set -uo pipefail
source "$(dirname "$0")/peer.sh"
topic=compacted-$$
records=60000 keys=500
one_node log.cleaner.backoff.ms=200 odradek.http.listeners=http://127.0.0.1:0
start_ours() {
  "$odradek" serve "$work/server.properties" < /dev/null >> "$work/broker.log" 2>&1 &
  broker=$!
  check "our broker starts" wait_for_port "$broker"
}
# Of each key the last value; some have none (a tombstone: the producer is told that NIL is null).
python3 - $records $keys > "$work/lines" << 'END'
import random, sys
n, keys = map(int, sys.argv[1:])
draw = random.Random(1)
for i in range(n):
    gone = i >= n - keys and i % keys % 50 == 7
    print(f"key{i % keys}\t" + ("NIL" if gone else f"value-{i}-{draw.getrandbits(800):0200x}"))
END
awk -F '\t' '{ last[$1] = $2 } END { for (k in last) print k "\t" (last[k] == "NIL" ? "null" : last[k]) }' "$work/lines" | sort > "$work/newest"
produce() {  # produce CODEC FILE
  "$root/tests/compat/kafka" run org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$bootstrap" --topic "$topic-$1" \
    --reader-property parse.key=true --reader-property null.marker=NIL --compression-codec "$1" < "$2"
}
consume() {  # consume CODEC: all there is, "key<tab>value"
  kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic-$1" --partition 0 --offset earliest \
    --timeout-ms 6000 --formatter-property print.key=true 2> /dev/null | grep $'\t'
}
newest_of() { awk -F '\t' '{ last[$1] = $2 } END { for (k in last) print k "\t" last[k] }' | sort; }
bytes_of() { cat "$data/$topic-$1"-0/*.log | wc -c; }
shrunk() {  # shrunk CODEC BYTES: within 40 s
  for _ in $(seq 200); do [ "$(bytes_of "$1")" -lt "$2" ] && return 0; sleep 0.2; done
  return 1
}
no_damage() { ! grep -iE "isvalid: false|mismatch|illegal|exception|could not|corrupt" <<< "$said"; }

start_ours
for codec in none zstd; do
  check "a compacted topic ($codec)" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic-$codec" \
    --partitions 1 --replication-factor 1 --config cleanup.policy=compact --config segment.bytes=1048576 \
    --config min.cleanable.dirty.ratio=0.01 --config file.delete.delay.ms=100
  check "the console producer writes $records records over $keys keys" produce $codec "$work/lines"
  check "they are compacted" shrunk $codec 3000000
  consume $codec > "$work/read-$codec"
  check "Kafka's consumer finds the newest record of every key" cmp <(newest_of < "$work/read-$codec") "$work/newest"
  check "and few of the others" test "$(wc -l < "$work/read-$codec")" -lt $((records / 2))
done
said=$(echo keyless | "$root/tests/compat/kafka" run org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$bootstrap" \
  --topic "$topic-none" --sync 2>&1)
holds "a record without a key is refused" "$said" "InvalidRecordException|failed to validate"
kill -9 "$broker"; wait "$broker" 2> /dev/null; broker=
start_ours
check "after a kill they are all there" cmp <(consume zstd | newest_of) "$work/newest"
stop_broker
for codec in none zstd; do
  segments=("$data/$topic-$codec"-0/*.log)
  check "Kafka's dump tool reads the cleaned segments ($codec)" kafka tools.DumpLogSegments --deep-iteration --files "$(IFS=,; echo "${segments[*]}")"
  said=$output
  check "and finds nothing wrong" no_damage
  check "odradek dump reads them" "$odradek" dump "${segments[@]}"
  indexes=("$data/$topic-$codec"-0/*.index "$data/$topic-$codec"-0/*.timeindex)
  check "Kafka's dump tool reads their indexes" kafka tools.DumpLogSegments --files "$(IFS=,; echo "${indexes[*]}")"
  said=$output
  check "and they fit" no_damage
done
check "the directory is released" "$odradek" storage release --config "$work/server.properties"
holds "the cleaner's checkpoint is Kafka's" "$(cat "$data/cleaner-offset-checkpoint")" "^$topic-zstd 0 [1-9][0-9]*$"
KAFKA_HEAP=${KAFKA_HEAP:-512m} "$root/tests/compat/kafka" serve "$home" "$port_kept" log.cleaner.backoff.ms=500 > "$work/kafka.log" 2>&1 &
kafka_pid=$!
check "Apache Kafka starts on it" wait_for_port "$kafka_pid"
for codec in none zstd; do
  check "Kafka serves what we cleaned ($codec)" cmp <(consume $codec | newest_of) "$work/newest"
done
sed 's/value-/again-/' "$work/lines" > "$work/more"
check "and goes on writing" produce zstd "$work/more"
before=$(bytes_of zstd)
check "and cleaning, from where we were" shrunk zstd $((before - 1))
awk -F '\t' '{ last[$1] = $2 } END { for (k in last) print k "\t" (last[k] == "NIL" ? "null" : last[k]) }' "$work/more" | sort > "$work/newest"
check "the newest records are there" cmp <(consume zstd | newest_of) "$work/newest"
check "Kafka found nothing to recover" bash -c '! grep -iE "ERROR|corrupt|uncleanable" "$1"' - "$work/kafka.log"
[ "$failed" = 0 ] || { echo "Kafka said:"; grep -vE "^\s+at " "$work/kafka.log" | tail -n 30 | cut -c 1-300; }
kill -TERM "$kafka_pid"; wait "$kafka_pid" 2> /dev/null; kafka_pid=
finish
