"""Fetch: offsets around every edge, limits, epochs, ids and names, and sessions with all their mistakes."""

from world import UNKNOWN_ID, Session, Step


def offset(world, topic, index):
    if topic is None or not 0 <= index < len(topic.partitions):
        return world.pick(0, 0, 5)
    p = topic.partitions[index]
    inside = world.random.choice(p.batches)[world.pick(0, 0, 1)] if p.batches else p.start
    return world.pick(p.start, p.start, inside, inside, inside, inside + 1, p.end, p.end, p.end + 1, p.start - 1, -1, 2**62)


def partition(world, topic, index):
    limit = 1 << 20 if topic and topic.recompressed else world.pick(1 << 20, 1 << 20, 1 << 20, 1000, 200, 1, 0)
    return {"Partition": index, "CurrentLeaderEpoch": world.epoch(), "FetchOffset": offset(world, topic, index),
            "LastFetchedEpoch": world.pick(-1, -1, -1, -1, -1, -1, -1, 0, 1, -2), "LogStartOffset": world.pick(-1, -1, -1, 0, 5),
            "PartitionMaxBytes": limit}


def topics(world, count):
    """A request's topics: each partition once."""
    out, seen = [], set()
    for _ in range(count):
        name, topic_id, topic = world.some_topic()
        if name in seen:
            continue
        seen.add(name)
        if topic_id == bytes(16):
            topic_id = UNKNOWN_ID
        indexes = []
        for _ in range(world.random.randint(1, 3)):
            index = world.partition_index(topic) if topic else world.pick(0, 1)
            if index not in indexes:
                indexes.append(index)
        out.append({"Topic": name, "TopicId": topic_id, "Partitions": [partition(world, topic, i) for i in indexes]})
    return out


def body(world, wanted, session=0, epoch=-1, forgotten=()):
    # A session remembers topics that are not named here.
    cut = epoch == -1 and not any(t["Topic"] in world.topics and world.topics[t["Topic"]].recompressed for t in wanted)
    limit = world.pick(50 << 20, 2000, 500, 1, 0) if cut else 50 << 20
    return {"ReplicaId": -1, "MaxWaitMs": world.pick(0, 0, 1, 10, -1), "MinBytes": world.pick(0, 1, 1, 1, 1 << 20, -1),
            "MaxBytes": limit, "IsolationLevel": world.pick(0, 0, 1),
            "SessionId": session, "SessionEpoch": epoch, "Topics": wanted, "ForgottenTopicsData": list(forgotten),
            "RackId": world.pick("", "", "rack")}


def plain(world):
    """Without a session."""
    request = body(world, topics(world, world.pick(1, 1, 1, 2, 4)))
    several = sum(len(t["Partitions"]) for t in request["Topics"]) > 1 and request["MaxBytes"] in (500, 2000)
    yield Step("fetch: a small answer from several" if several else "fetch", "Fetch", world.version("Fetch"), request)


def whole(world):
    """All of a partition, so that what was stored is compared."""
    topic = world.topic()
    wanted = [{"Topic": topic.name, "TopicId": topic.id, "Partitions": [
        {"Partition": i, "CurrentLeaderEpoch": -1, "FetchOffset": p.start, "LastFetchedEpoch": -1, "LogStartOffset": -1,
         "PartitionMaxBytes": 32 << 20} for i, p in enumerate(topic.partitions)]}]
    yield Step("fetch all", "Fetch", world.version("Fetch"),
               body(world, wanted) | {"MaxBytes": 50 << 20, "MinBytes": 0, "MaxWaitMs": 0})


def twice(world):
    """The same partition twice."""
    topic = world.topic()
    p = [partition(world, topic, 0), partition(world, topic, 0)]
    yield Step("fetch of the same twice", "Fetch", world.version("Fetch"),
               body(world, [{"Topic": topic.name, "TopicId": topic.id, "Partitions": p}]))


def no_such_isolation(world):
    wanted = topics(world, 1)
    yield Step("fetch with another isolation", "Fetch", world.version("Fetch"),
               body(world, wanted) | {"IsolationLevel": world.pick(2, -1, 127)})


def negative_limit(world):
    wanted = topics(world, 1)
    for t in wanted:
        for p in t["Partitions"]:
            p["PartitionMaxBytes"] = world.pick(-1, -100)
    yield Step("fetch with a negative limit", "Fetch", world.version("Fetch"), body(world, wanted) | {"MaxBytes": world.pick(-1, 1000)})


def zero_id(world):
    wanted = [{"Topic": "", "TopicId": bytes(16), "Partitions": [partition(world, None, 0)]}]
    yield Step("fetch of id zero", "Fetch", world.version("Fetch"), body(world, wanted))


def of_replica(world):
    replica = world.pick(-2, 7, 1, -3)
    yield Step("fetch of a replica", "Fetch", world.version("Fetch"),
               body(world, topics(world, 1)) | {"ReplicaId": replica, "ReplicaState": {"ReplicaId": replica, "ReplicaEpoch": world.pick(-1, 0, 9)}})


# ---- sessions ----

def session_version(world):
    low, high = world.ranges["Fetch"]
    return world.random.randint(max(7, low), high)


def open_session(world, replaced=None):
    version = session_version(world)
    wanted = topics(world, world.pick(1, 2, 3))
    request = body(world, wanted, replaced.id if replaced else 0, 0)
    world.session_count += 1
    number = world.session_count
    step = Step("fetch: a new session", "Fetch", version, request)
    step.session = number
    answer = yield step
    if replaced:
        world.sessions.remove(replaced)
    if isinstance(answer, dict) and answer["ErrorCode"] == 0 and answer["SessionId"]:
        world.sessions.append(Session(number, version))


def session(world):
    """One turn of a session, or opens one."""
    if len(world.sessions) < 3 or (len(world.sessions) < 12 and world.chance(8)):
        yield from open_session(world)
        return
    chosen = world.random.choice(world.sessions)
    low, high = world.ranges["Fetch"]
    same = [v for v in range(max(7, low), high + 1) if (v >= 13) == chosen.by_id]
    # Kafka's session remembers LastFetchedEpoch, finds that the log diverges, and has no place to say so below version 12,
    # where it is not ignorable: the whole answer is UNSUPPORTED_VERSION. Clients keep their version.
    version = max(world.random.choice(same), 12 if chosen.version >= 12 else 7)
    chosen.version = max(chosen.version, version)
    wanted = topics(world, world.pick(0, 0, 0, 1, 2))
    forgotten = []
    if world.chance(4):
        for t in topics(world, world.pick(1, 1, 2)):
            forgotten.append({"Topic": t["Topic"], "TopicId": t["TopicId"], "Partitions": [p["Partition"] for p in t["Partitions"]]})
    answer = yield Step("fetch: the next of a session", "Fetch", version, body(world, wanted, chosen.id, chosen.epoch, forgotten))
    ok = isinstance(answer, dict) and answer["ErrorCode"] == 0
    if ok and answer["SessionId"]:
        chosen.epoch = 1 if chosen.epoch == 2**31 - 1 else chosen.epoch + 1
    elif not ok or not answer["SessionId"]:
        world.sessions.remove(chosen)


def session_mistake(world):
    if not world.sessions:
        yield from open_session(world)
        return
    chosen = world.random.choice(world.sessions)
    kind = world.pick("epoch", "epoch", "unknown", "switch", "close", "replace", "negative")
    version = chosen.version
    if kind == "replace":
        yield from open_session(world, chosen)
        return
    if kind == "switch":
        low, high = world.ranges["Fetch"]
        other = [v for v in range(max(7, low), high + 1) if (v >= 13) != chosen.by_id]
        version = world.random.choice(other) if other else version
    session_id = world.pick(12345, 1, 77777) if kind == "unknown" else chosen.id
    epoch = {"epoch": chosen.epoch + world.pick(1, -1, 5), "unknown": world.pick(1, 2, 7), "switch": chosen.epoch,
             "close": -1, "negative": world.pick(-2, -100)}[kind]
    if kind == "epoch" and epoch == 0:
        epoch = chosen.epoch + 1
    answer = yield Step(f"fetch: session mistake: {kind}", "Fetch", version, body(world, topics(world, world.pick(0, 1)), session_id, epoch))
    if kind in ("close",):
        world.sessions.remove(chosen)
    elif kind == "switch" and isinstance(answer, dict) and answer["ErrorCode"] == 0:
        world.sessions.remove(chosen)


def unknown_topic_in_session(world):
    low, high = world.ranges["Fetch"]
    version = world.random.randint(13, high)
    wanted = [{"Topic": "", "TopicId": UNKNOWN_ID, "Partitions": [partition(world, None, 0)]}]
    step = Step("fetch: a session on an unknown id", "Fetch", version, body(world, wanted, 0, 0))
    world.session_count += 1
    step.session = world.session_count
    answer = yield step
    if isinstance(answer, dict) and answer["ErrorCode"] == 0 and answer["SessionId"]:
        world.sessions.append(Session(step.session, version))


SCENARIOS = [(14, plain), (5, whole), (1, twice), (0.3, zero_id), (0.3, negative_limit), (1, no_such_isolation), (1, of_replica), (14, session), (4, session_mistake),
             (1, unknown_topic_in_session)]
