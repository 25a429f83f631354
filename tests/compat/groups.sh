#!/usr/bin/env bash
# Apache Kafka's programs for consumer groups, unchanged, against our broker: a console consumer that goes on where it left off
# after a restart, and kafka-consumer-groups and kafka-groups with what they list, describe, reset and delete; `odradek group`,
# which must tell the same numbers; then Kafka's own dump of what the coordinator wrote. With ODRADEK_PEER=kafka Kafka is the broker.
set -uo pipefail
source "$(dirname "$0")/peer.sh"
start_broker group.initial.rebalance.delay.ms=100
topic=my-topic-$$ group=my-group-$$
groups() { kafka tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$bootstrap" "$@"; }
produce() {
  check "the console producer writes $1" bash -c '"$@"' - bash -c "seq $1 | '$root/tests/compat/kafka' run \
    org.apache.kafka.tools.ConsoleProducer --bootstrap-server $bootstrap --topic $topic"
}
consume() {
  check "$1" kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic" --group "$group" \
    --timeout-ms 8000 "${@:2}"
}
# Our verb and Kafka's tool tell the same of a group: partitions, offsets, ends and lag, and by whom they are read.
same() {  # same GROUP --offsets|--members THEIRS OURS: columns of Kafka's lines and of ours
  local theirs ours
  theirs=$(groups --describe --group "$1" "$2" 2> /dev/null | awk -v g="$1" "\$1 == g { print $3 }" | sort)
  ours=$("$odradek" group describe "$1" "$2" --quiet --bootstrap-server "$bootstrap" | awk "{ print $4 }" | sort)
  [ -n "$theirs" ] && diff <(echo "$theirs") <(echo "$ours")
}
same_offsets() { same "$1" --offsets '$2, $3, $4, $5, $6, $7, $9' '$2, $3, $4, $5, $6, $9, $7'; }
same_members() { same "$1" --members '$2, $3, $4' '$4, $3, $2'; }
numbers() { grep -cE '^[0-9]+$' <<< "$output"; }

check "kafka-topics creates a topic" \
  kafka tools.TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 1
produce 100
consume "the console consumer reads in a group" --from-beginning
check "it got all of them" test "$(numbers)" = 100
[ -n "${ODRADEK_BOOTSTRAP:-}" ] || { stop_broker; start_broker group.initial.rebalance.delay.ms=100; }
produce 7
consume "after a restart it reads again" --from-beginning
check "and goes on where it left off" test "$(numbers)" = 7

check "kafka-consumer-groups lists" groups --list
holds "the group is in the list" "$output" "^$group$"
check "and by state" groups --list --state
holds "it is empty now" "$output" "^$group +Empty"
check "and by type" groups --list --type
holds "it is a classic group" "$output" "^$group +Classic"
check "kafka-consumer-groups describes the offsets" groups --describe --group "$group"
check "nothing lags" bash -c 'test "$(awk "\$1 == \"$1\" { n += \$6; c++ } END { print n + 0, c }" <<< "$2")" = "0 3"' - "$group" "$output"
check "odradek group tells the same offsets" same_offsets "$group"
check "it describes the state" groups --describe --group "$group" --state
holds "without members" "$output" "$group .* Empty +0$"
check "it describes the members" groups --describe --group "$group" --members
holds "of which there are none" "$output" "has no active members"
check "a reset to the beginning, tried" groups --reset-offsets --group "$group" --topic "$topic" --to-earliest --dry-run
check "changes nothing" groups --describe --group "$group"
check "nothing lags yet" bash -c 'test "$(awk "\$1 == \"$1\" { n += \$6 } END { print n + 0 }" <<< "$2")" = 0' - "$group" "$output"
check "a reset to the beginning, done" groups --reset-offsets --group "$group" --topic "$topic" --to-earliest --execute
check "shows" groups --describe --group "$group"
check "as a lag of everything" bash -c 'test "$(awk "\$1 == \"$1\" { n += \$6 } END { print n + 0 }" <<< "$2")" = 107' - "$group" "$output"
check "odradek group tells the same lag" same_offsets "$group"
consume "and the group reads again"
check "all of it" test "$(numbers)" = 107
check "a shift by -2 of one partition" groups --reset-offsets --group "$group" --topic "$topic:0" --shift-by -2 --execute
check "offsets of a partition are deleted" groups --delete-offsets --group "$group" --topic "$topic:1"
holds "successfully" "$output" "Successful"
check "kafka-groups lists all groups" kafka tools.GroupsCommand --bootstrap-server "$bootstrap" --list
holds "with type and protocol" "$output" "^$group +Classic +consumer"

KAFKA_TOOL_SECONDS=40 kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic" --group "$group" > /dev/null 2>&1 &
member=$!
for _ in $(seq 30); do
  output=$(groups --describe --group "$group" --members --verbose 2>&1)
  grep -qE "^$group +console-consumer.* 3 " <<< "$output" && break
done
holds "a member is described with its assignment" "$output" "^$group +console-consumer-.* +/127.0.0.1 +console-consumer +3 .*$topic:0,1,2"
check "odradek group tells the same offsets of an active group" same_offsets "$group"
check "and the same members" same_members "$group"
check "a group with members is not deleted" bash -c '"$@" 2>&1 | grep -q "not empty"' - \
  "$root/tests/compat/kafka" run org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$bootstrap" --delete --group "$group"
pkill -P "$member" 2> /dev/null
kill "$member" 2> /dev/null
wait "$member" 2> /dev/null
for _ in $(seq 20); do
  output=$(groups --delete --group "$group" 2>&1)
  grep -q "successful" <<< "$output" && break
  sleep 3
done
holds "once it is empty, it is" "$output" "Deletion of requested consumer groups .* was successful"
check "and gone" groups --list
check "from the list" bash -c '! grep -q "^$1$" <<< "$2"' - "$group" "$output"

# The consumer protocol (KIP-848): the same programs with group.protocol=consumer, three members, both migrations.
modern=modern-$$
consume_modern() {
  check "$1" kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic" --group "$modern" \
    --consumer-property group.protocol=consumer --timeout-ms 8000 "${@:2}"
}
total=$((107 + 20))
produce 20
consume_modern "a consumer of the new protocol reads in a group" --from-beginning
check "all there is" test "$(numbers)" = $total
[ -n "${ODRADEK_BOOTSTRAP:-}" ] || { stop_broker; start_broker group.initial.rebalance.delay.ms=100; }
produce 5
consume_modern "and after a restart" --from-beginning
check "goes on where it left off" test "$(numbers)" = 5
check "kafka-consumer-groups lists types" groups --list --type
holds "it is a consumer group" "$output" "^$modern +Consumer"
check "its offsets are described" groups --describe --group "$modern"
check "and nothing lags" bash -c 'test "$(awk "\$1 == \"$1\" { n += \$6; c++ } END { print n + 0, c }" <<< "$2")" = "0 3"' - "$modern" "$output"
check "its state is" groups --describe --group "$modern" --state
holds "empty, with the server's assignor" "$output" "^$modern .* uniform +Empty +0$"

start_member() {  # start_member PROTOCOL: one more console consumer; the last one's pid is in members[-1]
  KAFKA_TOOL_SECONDS=150 kafka tools.consumer.ConsoleConsumer --bootstrap-server "$bootstrap" --topic "$topic" --group "$modern" \
    --consumer-property "group.protocol=$1" --consumer-property "client.id=$1" > /dev/null 2>&1 &
  members+=($!)
}
stop_member() {  # stop_member INDEX: timeout passes the signal on to the JVM
  pkill -TERM -P "${members[$1]}" 2> /dev/null
  wait "${members[$1]}" 2> /dev/null
  unset "members[$1]"
}
wait_for_members() {  # wait_for_members PATTERN COUNT: so many lines of the description match
  for _ in $(seq 30); do
    output=$(groups --describe --group "$modern" --members --verbose 2>&1)
    [ "$(grep -cE "$1" <<< "$output")" = "$2" ] && return 0
    sleep 1
  done
  return 1
}
members=()
for _ in 1 2 3; do start_member consumer; done
check "three members share three partitions" wait_for_members "^$modern +[^ ]+ +/127.0.0.1 +consumer +1 " 3
check "the group is described" groups --describe --group "$modern" --state
holds "as stable with three members" "$output" "^$modern .* uniform +Stable +3$"
check "odradek group tells the same offsets of it" same_offsets "$modern"
check "and the same members" same_members "$modern"
stop_member 2
check "one leaves, and two have all of them" wait_for_members "^$modern +[^ ]+ +/127.0.0.1 +consumer +[12] " 2
stop_member 1
start_member classic
check "a classic member joins the consumer group" wait_for_members "^$modern +[^ ]+ +/127.0.0.1 +(consumer|classic) +[12] " 2
check "kafka-consumer-groups lists it" groups --list --type
holds "as a consumer group still" "$output" "^$modern +Consumer"
stop_member 0
check "the last new member leaves, and the classic one has everything" wait_for_members "^$modern +[^ ]+ +/127.0.0.1 +classic +3 " 1
check "the group" groups --list --type
holds "is classic again" "$output" "^$modern +Classic"
start_member consumer
check "a consumer of the new protocol comes to the classic group" wait_for_members "^$modern +[^ ]+ +/127.0.0.1 +(consumer|classic) +[12] " 2
check "which" groups --list --type
holds "is a consumer group once more" "$output" "^$modern +Consumer"
for member in "${!members[@]}"; do stop_member "$member"; done

if [ -z "${ODRADEK_BOOTSTRAP:-}" ]; then
  stop_broker
  dump=
  for log in "$data"/__consumer_offsets-*/*.log; do
    [ -s "$log" ] || continue
    check "DumpLogSegments reads ${log#"$data"/}" kafka tools.DumpLogSegments --offsets-decoder --deep-iteration --files "$log"
    dump+=$output
  done
  holds "and finds the group's metadata" "$dump" "\"type\":\"2\".*\"group\":\"$group\".*\"protocolType\":\"consumer\""
  holds "its offsets" "$dump" "\"type\":\"1\".*\"group\":\"$group\".*\"topic\":\"$topic\".*\"offset\":"
  holds "the consumer group's epochs" "$dump" "\"type\":\"3\".*\"groupId\":\"$modern\".*\"epoch\":"
  holds "and what its members had" "$dump" "\"type\":\"8\".*\"groupId\":\"$modern\".*\"memberEpoch\":"
  holds "and its tombstone" "$dump" "\"type\":\"2\".*\"group\":\"$group\".*payload: (null|<DELETE>)"
fi
finish
