#!/usr/bin/env bash
# Kafka's readers on our files: DumpLogSegments on closed segments and the metadata log of a running broker, on every
# segment and index after a clean stop, MetadataShell on our snapshot; and what they say against `odradek dump`.
# `odradek dump` prints a batch as Kafka does: "baseOffset: N lastOffset: N count: N ...".
set -uo pipefail
source "$(dirname "$0")/peer.sh"
topic=dump-$$ records=20000

dump() { kafka tools.DumpLogSegments --deep-iteration --files "$(IFS=,; echo "$*")"; }
batches() { grep -oE 'baseOffset: [0-9]+ lastOffset: [0-9]+ count: [0-9]+' | sort; }
counted() { batches | awk '{ n += $6 } END { print n + 0 }'; }
readable() {  # readable WHAT: nothing in $said tells of damage
  # Kafka says "-1 is followed by N" of each segment that does not begin at offset 0: that is its way, not an error.
  check "$1: no error in it" no_damage
}
no_damage() {
  ! grep -iE "isvalid: false|mismatch|illegal|exception|could not|corrupt|is followed by" <<< "$said" | grep -vE '^ +-1 is followed by'
}
agrees() {  # agrees WHAT KAFKA-OUTPUT FILE...: odradek dump sees the same batches
  local what=$1 theirs=$2 ours
  shift 2
  [ -x "$odradek" ] || { echo "SKIP $what beside odradek dump: $odradek is not there"; return; }
  check "odradek dump reads $what" "$odradek" dump "$@"
  ours=$output
  check "odradek dump agrees with Kafka about $what" cmp <(batches <<< "$ours") <(batches <<< "$theirs")
}

start_broker log.segment.bytes=1048576
check "a topic" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 2 --replication-factor 1
for codec in none gzip snappy lz4 zstd; do
  check "$records records with $codec" kafka tools.ProducerPerformance --topic "$topic" --num-records "$records" --record-size 300 \
    --throughput -1 --bootstrap-server "$bootstrap" --command-property compression.type="$codec"
done

shopt -s nullglob
closed=()
for partition in 0 1; do
  segments=("$data/$topic-$partition"/*.log)
  closed+=("${segments[@]:0:${#segments[@]}-1}")
done
check "segments were closed" test ${#closed[@]} -ge 2
check "Kafka reads the closed segments of a running broker" dump "${closed[@]}"
said=$output
readable "the closed segments"
agrees "the closed segments" "$said" "${closed[@]}"

metadata=("$data"/__cluster_metadata-0/*.log)
check "Kafka reads the running metadata log" \
  kafka tools.DumpLogSegments --cluster-metadata-decoder --deep-iteration --files "$(IFS=,; echo "${metadata[*]}")"
said=$output
readable "the metadata log"
holds "it knows the topic" "$said" "TOPIC_RECORD.*\"name\":\"$topic\""
holds "and its partitions" "$said" "PARTITION_RECORD.*\"partitionId\":1"
holds "and that we are registered" "$said" "REGISTER_BROKER_RECORD"
agrees "the metadata log" "$said" "${metadata[@]}"

if [ -n "${ODRADEK_BOOTSTRAP:-}" ]; then echo "SKIP after a clean stop: the broker is not ours to stop"; finish; fi
stop_broker
segments=("$data/$topic"-*/*.log)
check "Kafka reads every segment after a clean stop" dump "${segments[@]}"
said=$output
readable "every segment"
check "all $((5 * records)) records are there" test "$(counted <<< "$said")" = $((5 * records))
agrees "every segment" "$said" "${segments[@]}"
indexes=("$data/$topic"-*/*.index "$data/$topic"-*/*.timeindex)
check "there are indexes" test ${#indexes[@]} -ge 2
check "Kafka reads every index" kafka tools.DumpLogSegments --files "$(IFS=,; echo "${indexes[*]}")"
said=$output
readable "every index"
check "odradek dump reads every index" "$odradek" dump "${indexes[@]}"
check "odradek dump finds nothing wrong in the directory" "$odradek" dump "$data"
newest_snapshot() { ls "$data"/__cluster_metadata-0/*.checkpoint | tail -n 1; }
shell() {  # shell SNAPSHOT: it answers with what it has loaded so far, which on a busy machine is nothing at first
  local found
  for _ in 1 2 3 4 5; do
    found=$(kafka shell.MetadataShell --snapshot "$1" find /) || return
    [[ $found != */image/topics/byName/* ]] || break
  done
  echo "$found"
}
opens() {  # opens WHAT TOPIC: Kafka's readers and ours on the newest metadata snapshot
  local snapshot
  snapshot=$(newest_snapshot)
  # The one at offset 0 holds only voters, and the shell waits for records without end.
  check "$1 is a snapshot of records: $(basename "$snapshot")" test "${snapshot##*/}" \> 00000000000000000001
  # Elsewhere: the shell wants the lock of the directory, which a running broker holds.
  mkdir -p "$work/snapshot"
  cp "$snapshot" "$work/snapshot/"
  check "Kafka's metadata shell opens it" shell "$work/snapshot/${snapshot##*/}"
  holds "it has the image's root" "$output" "^/image"
  holds "and the topic" "$output" "^/image/topics/byName/$2\$"
  check "Kafka reads its records" kafka tools.DumpLogSegments --cluster-metadata-decoder --deep-iteration --files "$snapshot"
  said=$output
  readable "$1"
  agrees "$1" "$said" "$snapshot"
}
opens "the clean stop's metadata snapshot" "$topic"
start_broker metadata.log.max.record.bytes.between.snapshots=1000
check "the broker starts again on that directory" kafka tools.GetOffsetShell --bootstrap-server "$bootstrap" --topic "$topic"
check "with all records" test "$(awk -F: '{ n += $3 } END { print n }' <<< "$output")" = $((5 * records))
before=$(newest_snapshot)
check "another topic" kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic-b" --partitions 20 --replication-factor 1
check "its records are enough for another snapshot" test "$(newest_snapshot)" \> "$before"
opens "the running broker's metadata snapshot" "$topic-b"
stop_broker
finish
