"""ListOffsets, OffsetForLeaderEpoch, DeleteRecords."""

from world import Step


def timestamp(world, topic, index):
    special = [-1, -1, -2, -2, -3, -4, -5, -6, -7, -100, 0, 2**62]
    if topic and 0 <= index < len(topic.partitions):
        batches = topic.partitions[index].batches
        if topic.partitions[index].start > 0:
            special.remove(-3)  # Kafka answers with a record that was deleted: see greatest_time
        if batches and not world.chance(3):
            return world.random.choice(batches)[2] + world.pick(0, 0, 1, -1, -500, -5000)
    return world.random.choice(special)


def list_offsets(world):
    topics, seen = [], set()
    for _ in range(world.pick(1, 1, 2, 3)):
        name, _, topic = world.some_topic()
        if name in seen:
            continue
        seen.add(name)
        partitions = []
        for _ in range(world.pick(1, 1, 2)):
            index = world.partition_index(topic) if topic else world.pick(0, 1)
            partitions.append({"PartitionIndex": index, "CurrentLeaderEpoch": world.epoch(), "Timestamp": timestamp(world, topic, index)})
        if not world.chance(20):
            partitions = list({p["PartitionIndex"]: p for p in partitions}.values())
        topics.append({"Name": name, "Partitions": partitions})
    yield Step("list offsets", "ListOffsets", world.version("ListOffsets"),
               {"ReplicaId": world.pick(-1, -1, -1, -1, -1, -2, 1, 7), "IsolationLevel": world.pick(0, 0, 0, 1), "Topics": topics,
                "TimeoutMs": world.pick(0, 1000, -1)}, late=True)


def every_time(world):
    """Every special time in every version, one after another."""
    topic = world.topic()
    index = world.random.randrange(len(topic.partitions))
    low, high = world.ranges["ListOffsets"]
    for version in range(low, high + 1):
        time = world.random.choice([-1, -2, -3, -4, -5, -6, -7, 0])
        after = " after a deletion" if time == -3 and topic.partitions[index].start > 0 else ""
        yield Step(f"list offsets: time {time}{after}", "ListOffsets", version, {"ReplicaId": -1, "Topics": [
            {"Name": topic.name, "Partitions": [{"PartitionIndex": index, "CurrentLeaderEpoch": -1, "Timestamp": time}]}]}, late=True)


def for_leader_epoch(world):
    topics, seen = [], set()
    for _ in range(world.pick(1, 1, 2)):
        name, _, topic = world.some_topic()
        if name in seen:
            continue
        seen.add(name)
        index = world.partition_index(topic) if topic else 0
        topics.append({"Topic": name, "Partitions": [{"Partition": index, "CurrentLeaderEpoch": world.epoch(),
                                                      "LeaderEpoch": world.pick(0, 0, 0, 1, -1, 5, -2, 2**31 - 1)}]})
    yield Step("offset for leader epoch", "OffsetForLeaderEpoch", world.version("OffsetForLeaderEpoch"),
               {"ReplicaId": world.pick(-1, -1, -2, 1, 9), "Topics": topics}, late=True)


def delete_records(world):
    name, _, topic = world.some_topic()
    partitions, chosen = [], {}
    for _ in range(world.pick(1, 1, 2)):
        index = world.partition_index(topic) if topic else 0
        if index in chosen:
            continue
        offset = world.pick(0, -1, -2, 10**6, 2**62)
        if topic and 0 <= index < len(topic.partitions):
            p = topic.partitions[index]
            middle = (p.start + p.end) // 2
            offset = world.pick(offset, p.start, p.start + 1, p.start - 1, middle, p.start + 3, p.end + 1, p.end if world.chance(3) else p.start)
        chosen[index] = offset
        partitions.append({"PartitionIndex": index, "Offset": offset})
    answer = yield Step("delete records", "DeleteRecords", world.version("DeleteRecords"),
                        {"Topics": [{"Name": name, "Partitions": partitions}], "TimeoutMs": world.pick(1000, 5000)})
    if topic is None or not isinstance(answer, dict):
        return
    for p in answer["Topics"][0]["Partitions"]:
        if p["ErrorCode"] == 0:
            known = topic.partitions[p["PartitionIndex"]]
            known.start = p["LowWatermark"]
            known.batches = [b for b in known.batches if b[1] >= known.start]


def delete_of_several(world):
    topics = [{"Name": t, "Partitions": [{"PartitionIndex": i, "Offset": 0} for i in range(2)]}
              for t in dict.fromkeys([world.topic().name, world.topic().name, "nobody"])]
    yield Step("delete records of several", "DeleteRecords", world.version("DeleteRecords"), {"Topics": topics, "TimeoutMs": 1000})


SCENARIOS = [(10, list_offsets), (1, every_time), (4, for_leader_epoch), (4, delete_records), (1, delete_of_several)]
