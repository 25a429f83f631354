"""Produce: right batches of every codec, and every way to be wrong that a client or a bug can think of."""

import batches
from world import BASE_BACK_MS, Step


def entry(topic, index, records):
    """One partition of a request."""
    return topic.name, topic.id, index, records


def body(entries, acks=-1, timeout=5000, transactional_id=None):
    topics = []
    for name, topic_id, index, records in entries:
        if not topics or topics[-1]["Name"] != name:
            topics.append({"Name": name, "TopicId": topic_id, "PartitionData": []})
        topics[-1]["PartitionData"].append({"Index": index, "Records": records})
    return {"TransactionalId": transactional_id, "Acks": acks, "TimeoutMs": timeout, "TopicData": topics}


def learn(world, answer, sent):
    """`sent`: [(topic, index, batch)] in the order of the answer; what was accepted moves the ends."""
    if not isinstance(answer, dict):
        return
    by_index = {(t.name, i): (t, b) for t, i, b in sent}
    for response in answer["Responses"]:
        name = response["Name"] if "Name" in response else world.name_of(response["TopicId"])
        for p in response["PartitionResponses"]:
            if p["ErrorCode"] == 0 and (name, p["Index"]) in by_index and p["BaseOffset"] >= 0:
                topic, batch = by_index[name, p["Index"]]
                world.accepted(topic, p["Index"], p["BaseOffset"], batch)


def produce(world, label, topic, index, batch, spoils=False, **options):
    step = Step(label, "Produce", world.version("Produce"), body([entry(topic, index, batch.bytes())], **options))
    step.spoils = spoils
    answer = yield step
    learn(world, answer, [(topic, index, batch)])
    return answer


def right(world):
    topic = world.topic()
    index = world.random.randrange(len(topic.partitions))
    batch = world.batch()
    yield from produce(world, f"produce {batches.CODECS[batch.attributes & 7]}", topic, index, batch,
                       acks=world.pick(1, -1), timeout=world.pick(0, 1, 5000, -1))


def several(world):
    """Several partitions of several topics in a request, some unknown."""
    sent, entries = [], []
    for _ in range(world.random.randint(2, 5)):
        name, topic_id, topic = world.some_topic()
        if topic is None and any(s is None for s, _, _ in sent):
            continue  # one that is unknown: several would have the same id
        batch = world.batch(0)
        index = world.partition_index(topic) if topic else 0
        if any(e[0] == name and e[2] == index for e in entries):
            continue
        entries.append((name, topic_id, index, batch.bytes()))
        sent.append((topic, index, batch))
    entries.sort(key=lambda e: e[0])
    sent = sorted((s for s in sent if s[0]), key=lambda s: s[0].name)
    answer = yield Step("produce to several", "Produce", world.version("Produce"), body(entries))
    learn(world, answer, sent)
    for topic in dict.fromkeys(s[0] for s in sent):
        yield from ends(world, topic)


def unknown(world):
    name, topic_id, topic = world.some_topic()
    index = world.partition_index(topic) if topic else world.pick(0, -1, 5)
    batch = world.batch()
    answer = yield Step("produce to what may not be there", "Produce", world.version("Produce"),
                        body([(name, topic_id, index, batch.bytes())], acks=world.pick(1, -1, -1, 2, -2, 32767)))
    if topic:
        learn(world, answer, [(topic, index, batch)])


def silent(world):
    """acks=0: no answer; the end tells, or the connection is closed."""
    name, topic_id, topic = world.some_topic()
    index = world.partition_index(topic) if topic else 0
    batch = world.batch()
    if world.chance(4):
        batch.crc_error = 1
    yield Step("produce with acks=0", "Produce", world.version("Produce"),
               body([(name, topic_id, index, batch.bytes())], acks=0), silent=True)
    if topic:
        yield from ends(world, topic, True)


def ends(world, topic, visible=False):
    """Asks for the ends of all partitions, and believes them."""
    partitions = [{"PartitionIndex": i, "Timestamp": -1, "CurrentLeaderEpoch": -1} for i in range(len(topic.partitions))]
    step = Step("ends", "ListOffsets", world.version("ListOffsets"),
                {"ReplicaId": -1, "Topics": [{"Name": topic.name, "Partitions": partitions}]})
    step.visible = visible
    answer = yield step
    if not isinstance(answer, dict):
        return
    for p in answer["Topics"][0]["Partitions"]:
        if p["ErrorCode"] == 0:
            topic.partitions[p["PartitionIndex"]].end = p["Offset"]


# ---- wrong batches: each changes a right one and says how ----

def rebuild(batch, world, **changes):
    for name, value in changes.items():
        setattr(batch, name, value)
    return batch


def with_records(world, make, count=3, codec=None):
    """A batch of records that `make(i)` gives."""
    times = [world.base_ms + i for i in range(count)]
    return batches.Batch(times, [make(i) for i in range(count)], world.pick(0, 0, 1, 2, 3, 4) if codec is None else codec)


def bad_payload(world):
    batch = world.batch(world.random.randint(1, 4))
    at = world.random.randrange(len(batch.payload))
    batch.payload = batch.payload[:at]
    return batch


def random_payload(world):
    batch = world.batch(world.random.randint(0, 4))
    batch.payload = bytes(world.random.randrange(256) for _ in range(world.random.randrange(80)))
    return batch


def trailing_in_payload(world):
    times, records = world.records()
    batch = batches.Batch(times, records + [b"\x00trailing"], world.pick(0, 1, 2, 3, 4))
    batch.count, batch.last_delta = len(times), len(times) - 1
    return batch


def deltas(*values):
    def make(world):
        return with_records(world, lambda i: batches.record(values[i], i, b"k", b"v"), len(values))
    return make


def bad_record(body_bytes):
    return lambda world: with_records(world, lambda i: batches.varint(len(body_bytes)) + body_bytes, 1)


def times_from_start(delta_ms):
    """From when the run began, which no run is long enough to tell from now."""
    def make(world):
        return batches.Batch([world.base_ms + BASE_BACK_MS + delta_ms], [batches.record(0, 0, b"k", b"v")], world.pick(0, 4))
    return make


def wrong_max_time(world):
    batch = world.batch()
    batch.max_time = world.pick(-1, 0, batch.max_time + 1, batch.max_time - 1, 2**62)
    return batch


def field(name, *values):
    def make(world):
        batch = world.batch(world.pick(0, 0, 1, 4))
        value = world.pick(*values)
        setattr(batch, name, value(batch) if callable(value) else value)
        return batch
    return make


def attribute(bits):
    def make(world):
        batch = world.batch(0)
        batch.attributes |= bits
        return batch
    return make


def of_producer(producer_id, epoch, sequence):
    def make(world):
        batch = world.batch(0)
        batch.producer_id, batch.producer_epoch, batch.sequence = producer_id, epoch, sequence
        return batch
    return make


def control_record(world):
    batch = with_records(world, lambda i: batches.record(0, 0, b"\x00\x00\x00\x00", b"\x00\x00\x00\x00\x00\x00"), 1, 0)
    batch.attributes |= 32
    return batch


def huge(world):
    value = bytes(world.pick(1_048_000, 1_048_588, 1_100_000))
    return batches.Batch([world.base_ms], [batches.record(0, 0, b"k", value)], world.pick(0, 0, 4))


# Kafka's answer to null records never comes; ours does.
NEVER_ANSWERED_SECONDS = 1.5
# Within segment.ms, so that Kafka does not roll: its reads end with a segment.
OLD_MS = 86400_000
WRONG = {
    "wrong crc": field("crc_error", 1, 0xFFFFFFFF), "magic": field("magic", 0, 1, 3, -1, 127),
    "count too high": field("count", lambda b: b.count + 1, 1000, 2**31 - 1),
    "count too low": field("count", lambda b: b.count - 1, 0, -1, -5),
    "last delta": field("last_delta", lambda b: b.last_delta + 1, lambda b: b.last_delta - 1, -1, 2**31 - 1),
    "unknown codec": attribute(5), "codec 7": attribute(7), "control bit": attribute(32), "a control record": control_record,
    "append time bit": attribute(8), "delete horizon bit": attribute(64), "reserved bits": attribute(0x1F80),
    "base offset": field("base_offset", 5, -1, 2**62), "leader epoch": field("leader_epoch", 0, 9, -2),
    "length too long": field("length_error", 1, 100, 2**30), "length too short": field("length_error", -1, -30, -2000),
    "payload cut": bad_payload, "payload noise": random_payload, "payload with more": trailing_in_payload,
    "deltas with a gap": deltas(0, 2, 3), "deltas that go back": deltas(0, 2, 1), "deltas that repeat": deltas(0, 0, 1),
    "deltas from one": deltas(1, 2, 3), "negative deltas": deltas(-1, 0, 1),
    "a record too short": bad_record(b"\x00\x00"), "a record of no bytes": bad_record(b""),
    "a record with bytes left": bad_record(b"\x00\x00\x00\x01\x01\x00zzz"), "a negative key size": bad_record(b"\x00\x00\x00\x03\x01\x00"),
    "a null header key": bad_record(b"\x00\x00\x00\x01\x01\x02\x01\x01"), "negative headers": bad_record(b"\x00\x00\x00\x01\x01\x01"),
    "record attributes": bad_record(b"\x7f\x00\x00\x01\x01\x00"),
    "an old time": lambda w: batches.Batch([w.base_ms - OLD_MS], [batches.record(0, 0, b"k", b"v")], w.pick(0, 1)),
    "an ancient time": lambda w: batches.Batch([w.pick(0, w.base_ms - 30 * OLD_MS)], [batches.record(0, 0, b"k", b"v")], 0),
    "no time": lambda w: batches.Batch([-1], [batches.record(0, 0, b"k", b"v")], w.pick(0, 1)),
    "a time below -1": lambda w: batches.Batch([-2], [batches.record(0, 0, b"k", b"v")], w.pick(0, 1)),
    "30 minutes ahead": times_from_start(1800_000), "two hours ahead": times_from_start(7200_000),
    "wrong max time": wrong_max_time,
    "producer id without epoch": of_producer(90001, -1, 0), "producer id without sequence": of_producer(90001, 0, -1),
    "epoch without producer id": of_producer(-1, 0, 0), "producer id -2": of_producer(-2, 0, 0),
    "negative epoch": of_producer(90001, -2, 0), "a first sequence that is not 0": of_producer(90002, 0, 7),
    "too large": huge, "nothing wrong": lambda w: w.batch(),
}


def wrong(world):
    topic = world.topic()
    index = world.random.randrange(len(topic.partitions))
    label = world.pick(*WRONG)
    batch = WRONG[label](world)
    yield from produce(world, f"produce: {label}", topic, index, batch, acks=world.pick(1, -1, -1),
                       spoils="deltas" in label or "ancient" in label or "below" in label)
    if "deltas" not in label and "below" not in label:
        yield from ends(world, topic)


def wrong_bytes(world):
    """Records that are not one batch."""
    topic = world.topic()
    index = world.random.randrange(len(topic.partitions))
    one = world.batch(0).bytes()
    label, records = world.pick(
        ("two batches", one + world.batch(0).bytes()), ("no records", b""), ("null records", None), ("half a header", one[:30]),
        ("half a batch", one[:len(one) - 5]), ("a batch and zeros", one + bytes(20)), ("a batch and half", one + one[:70]),
        ("noise", bytes(world.random.randrange(256) for _ in range(100))), ("zeros", bytes(100)),
        ("message set v0", batches.old_message(0, b"k", b"v", 0)),
        ("message set v1", batches.old_message(1, b"k", b"v", world.base_ms)),
        ("batch of no records", batches.Batch([], [], 0).bytes()), ("16 bytes", one[:16]), ("17 bytes", one[:17]))
    step = Step(f"produce: {label}", "Produce", world.version("Produce"), body([entry(topic, index, records)], acks=world.pick(1, -1)))
    if records is None:
        step.patience = NEVER_ANSWERED_SECONDS
    yield step
    yield from ends(world, topic)


# ---- idempotent producers ----

def idempotent(world):
    """A producer's next batch, or a duplicate, a gap, an old or a new epoch."""
    rng = world.random
    topic = world.topic()
    index = rng.randrange(len(topic.partitions))
    producer = 80000 + rng.randrange(6)
    known = world.producers.setdefault((producer, topic.name, index), {"epoch": 1, "next": 0, "sent": []})
    batch = world.batch(world.pick(0, 0, 4))
    batch.producer_id, batch.producer_epoch, batch.sequence = producer, known["epoch"], known["next"]
    label = world.pick("next", "next", "next", "next", "duplicate", "old duplicate", "gap", "back", "old epoch", "new epoch",
                       "new epoch, wrong sequence", "half a duplicate", "wrapped")
    if label == "duplicate" and known["sent"]:
        batch = known["sent"][-1]
    elif label == "old duplicate" and known["sent"]:
        batch = rng.choice(known["sent"])
    elif label == "half a duplicate" and known["sent"]:
        last = known["sent"][-1]
        batch.producer_epoch, batch.sequence = last.producer_epoch, last.sequence
    elif label == "gap":
        batch.sequence += world.pick(1, 100)
    elif label == "back":
        batch.sequence = max(0, batch.sequence - world.pick(1, 3))
    elif label == "old epoch":
        batch.producer_epoch -= 1
    elif label.startswith("new epoch"):
        batch.producer_epoch, batch.sequence = known["epoch"] + 1, 0 if label == "new epoch" else 3
    elif label == "wrapped":
        batch.sequence = 2**31 - 1 - world.pick(0, 1, 5)
    answer = yield from produce(world, f"idempotent: {label}", topic, index, batch)
    code = answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"] if isinstance(answer, dict) else -1
    if code == 0 and batch not in known["sent"]:
        known["epoch"] = batch.producer_epoch
        known["next"] = (batch.sequence + batch.last_delta + 1) % 2**31
        known["sent"] = (known["sent"] + [batch])[-8:]


def pieces(world):
    """Several batches of one producer in one request, to several partitions."""
    topic = world.topic()
    sent = []
    for index in range(len(topic.partitions)):
        known = world.producers.setdefault((81000, topic.name, index), {"epoch": 0, "next": 0, "sent": []})
        batch = world.batch(0)
        batch.producer_id, batch.producer_epoch, batch.sequence = 81000, 0, known["next"]
        known["next"] += batch.count
        sent.append((topic, index, batch))
    answer = yield Step("idempotent to all partitions", "Produce", world.version("Produce"),
                        body([entry(t, i, b.bytes()) for t, i, b in sent]))
    learn(world, answer, sent)


def nothing(world):
    yield Step("produce of nothing", "Produce", world.version("Produce"),
               world.pick(body([]), {"Acks": -1, "TimeoutMs": 100, "TopicData": None},
                          {"Acks": 1, "TimeoutMs": 100, "TopicData": [{"Name": world.topic().name, "TopicId": world.topic().id,
                                                                       "PartitionData": []}]}))


SCENARIOS = [(12, right), (4, several), (2, unknown), (2, silent), (10, wrong), (4, wrong_bytes), (10, idempotent), (2, pieces),
             (1, nothing)]
