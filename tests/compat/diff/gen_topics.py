"""CreateTopics, DeleteTopics, Metadata, CreatePartitions, DescribeTopicPartitions."""

from sides import Sym
from world import UNKNOWN_ID, Settle, Step, Topic

TOPICS_MAX = 12
BAD_NAMES = ["", ".", "..", "a/b", "x" * 250, "with space", "ünïcode", "a\x00b", "tab\t"]
# Values right and wrong of topic configurations.
CONFIGS = {
    "cleanup.policy": ["delete", "compact", "compact,delete", "delete,compact", "", "other", "delete,", " delete"],
    "compression.type": ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd", "other", ""],
    "compression.gzip.level": ["1", "9", "-1", "0", "10", "x"], "compression.lz4.level": ["1", "17", "0", "18", "9"],
    "compression.zstd.level": ["3", "22", "-5", "23", "-131072"], "delete.retention.ms": ["0", "1000", "-1", "x"],
    "file.delete.delay.ms": ["0", "60000", "-1"], "flush.messages": ["1", "0", "10000", "-1"], "flush.ms": ["0", "1000", "-1"],
    "follower.replication.throttled.replicas": ["", "*", "0:1", "0:1,1:1", "x", "none"],
    "leader.replication.throttled.replicas": ["", "*", "0:1", "x:y"], "index.interval.bytes": ["0", "4096", "-1"],
    "max.compaction.lag.ms": ["1", "0", "9223372036854775807"], "max.message.bytes": ["0", "1000", "1048588", "-1", "2147483648"],
    "message.timestamp.after.max.ms": ["0", "3600000", "9223372036854775807", "-1"],
    "message.timestamp.before.max.ms": ["0", "9223372036854775807", "1000", "-1"],
    "message.timestamp.type": ["CreateTime", "LogAppendTime", "createtime", "other"],
    "min.cleanable.dirty.ratio": ["0", "1", "0.5", "1.1", "-0.1", "x"], "min.compaction.lag.ms": ["0", "1000", "-1"],
    "min.insync.replicas": ["1", "2", "0"], "preallocate": ["true", "false", "TRUE", "yes"],
    "retention.bytes": ["-1", "0", "1048576", "-2", "x", "1.5"], "retention.ms": ["-1", "0", "604800000", "-2", " 5000 "],
    "segment.bytes": ["1048576", "1073741824", "1000", "14", "x", "2147483648"], "segment.index.bytes": ["1024", "10485760", "3"],
    "segment.jitter.ms": ["0", "100", "-1"], "segment.ms": ["1", "604800000", "0"],
    "unclean.leader.election.enable": ["true", "false", "maybe"], "remote.storage.enable": ["false", "true"],
    "local.retention.ms": ["-2", "-1", "1000", "-3"], "local.retention.bytes": ["-2", "0", "-3"],
    "remote.log.copy.disable": ["false", "true"], "remote.log.delete.on.disable": ["false", "true"],
    "no.such.config": ["1"], "": ["1"], "message.format.version": ["3.0"], "message.downconversion.enable": ["true", "false"],
}
RETIRED = {"message.format.version", "message.downconversion.enable"}
# Of a topic that will be used: it goes on accepting what the other generators send.
USEFUL = [{}, {}, {}, {"compression.type": "gzip"}, {"compression.type": "zstd"}, {"compression.type": "lz4"},
          {"compression.type": "snappy"}, {"compression.type": "uncompressed"}, {"message.timestamp.type": "LogAppendTime"},
          {"cleanup.policy": "compact"}, {"cleanup.policy": "compact,delete"}, {"max.message.bytes": "1000"},
          {"message.timestamp.before.max.ms": "86400000"}, {"min.insync.replicas": "1"}, {"retention.ms": "-1"},
          {"message.timestamp.after.max.ms": "9223372036854775807"}, {"min.insync.replicas": "2"}, {"segment.bytes": "1048576"}]


def retired(resources):
    """What a label says when a request has configurations of older Kafkas."""
    return ": retired" if any(c["Name"] in RETIRED for r in resources for c in r["Configs"]) else ""


def configs(world, count):
    names = world.random.sample(list(CONFIGS), count)
    return [{"Name": n, "Value": world.random.choice(CONFIGS[n] + [None] * world.chance(6))} for n in names]


def wanted(name, partitions=-1, factor=-1, assignments=(), settings=()):
    return {"Name": name, "NumPartitions": partitions, "ReplicationFactor": factor, "Configs": list(settings),
            "Assignments": [{"PartitionIndex": i, "BrokerIds": ids} for i, ids in assignments]}


def create(world):
    """A topic that the others then use."""
    if len(world.topics) >= TOPICS_MAX:
        yield from delete(world)
    useful = world.random.choice(USEFUL)
    name = world.name() + world.pick("", "", "-x", ".y", "_z")
    count = world.pick(1, 2, 3)
    settings = [{"Name": k, "Value": v} for k, v in useful.items()]
    body = {"Topics": [wanted(name, count, 1, (), settings)], "timeoutMs": 10000, "validateOnly": False}
    answer = yield Step("create a topic", "CreateTopics", world.version("CreateTopics"), body)
    learn(world, answer, body)
    yield Settle()


def learn(world, answer, body):
    if not isinstance(answer, dict) or body["validateOnly"]:
        return
    made = {t["Name"] for t in answer["Topics"] if t["ErrorCode"] == 0}
    for asked in body["Topics"]:
        if asked["Name"] in made:
            count = len(asked["Assignments"]) or (asked["NumPartitions"] if asked["NumPartitions"] > 0 else 2)
            world.topics[asked["Name"]] = Topic(asked["Name"], count, {c["Name"]: c["Value"] for c in asked["Configs"]})


def create_wrong(world):
    """Everything that may be wrong with one topic; sometimes several in one request."""
    topics = []
    for _ in range(world.pick(1, 1, 1, 2, 3)):
        kind = world.pick("name", "exists", "collision", "partitions", "factor", "assignment", "both", "config", "config", "config",
                          "right", "internal")
        name = world.name()
        if kind == "name":
            topics.append(wanted(world.pick(*BAD_NAMES), 1, 1))
        elif kind == "exists":
            topics.append(wanted(world.topic().name, 1, 1))
        elif kind == "collision":
            topics.append(wanted(world.topic().name.replace("_", ".") if world.chance(2) else
                                 world.topic().name.replace(".", "_"), 1, 1))
        elif kind == "partitions":
            topics.append(wanted(name, world.pick(0, -2, -1, 1), world.pick(1, -1)))
        elif kind == "factor":
            topics.append(wanted(name, 1, world.pick(0, 2, -2, 32767, 1)))
        elif kind == "assignment":
            topics.append(wanted(name, -1, -1, world.pick(
                [(0, [1])], [(0, [1]), (1, [1])], [(0, [2])], [(0, [1, 1])], [(1, [1])], [(0, [])], [(0, [1]), (2, [1])],
                [(0, [1, 2])], [(0, [1]), (0, [1])], [(0, [-1])], [(-1, [1])], [(1, [1]), (0, [1])])))
        elif kind == "both":
            topics.append(wanted(name, world.pick(1, -1), world.pick(1, -1), [(0, [1])]))
        elif kind == "config":
            topics.append(wanted(name, 1, 1, (), configs(world, world.pick(1, 1, 2, 4))))
        elif kind == "internal":
            topics.append(wanted(world.pick("__cluster_metadata", "__nobody"), world.pick(1, 2), 1))
        else:
            topics.append(wanted(name, world.pick(-1, 1), world.pick(-1, 1)))
    if world.chance(8):
        topics.append(topics[0])
    if world.chance(12) and topics[0]["Configs"]:
        topics[0]["Configs"].append(topics[0]["Configs"][0])
    body = {"Topics": topics, "timeoutMs": world.pick(10000, 10000, 30000), "validateOnly": world.chance(3)}
    answer = yield Step("create: edges" + retired(topics), "CreateTopics", world.version("CreateTopics"), body)
    learn(world, answer, body)
    yield Settle()
    while len(world.topics) > TOPICS_MAX + 4:
        yield from delete(world)


def delete(world):
    topic = world.topic()
    if len(world.topics) <= 3:
        return
    version = world.version("DeleteTopics")
    by_id = version >= 6 and world.chance(2)
    body = {"Topics": [{"Name": None if by_id else topic.name, "TopicId": topic.id if by_id else bytes(16)}],
            "TopicNames": [topic.name], "TimeoutMs": 10000}
    answer = yield Step("delete a topic", "DeleteTopics", version, body)
    if isinstance(answer, dict) and answer["Responses"] and answer["Responses"][0]["ErrorCode"] == 0:
        del world.topics[topic.name]
        world.gone = (world.gone + [topic.name])[-4:]
        world.producers = {k: v for k, v in world.producers.items() if k[1] != topic.name}
    yield Settle()


def delete_wrong(world):
    version = world.version("DeleteTopics")
    topic = world.topic()
    gone = world.pick(*world.gone) if world.gone else "nobody"
    topics = world.pick(
        [{"Name": "nobody", "TopicId": bytes(16)}], [{"Name": None, "TopicId": UNKNOWN_ID}], [{"Name": gone, "TopicId": bytes(16)}],
        [{"Name": None, "TopicId": Sym("topic id", gone, UNKNOWN_ID)}], [{"Name": None, "TopicId": bytes(16)}],
        [{"Name": "nobody", "TopicId": UNKNOWN_ID}], [{"Name": topic.name, "TopicId": topic.id}],
        [{"Name": "nobody", "TopicId": bytes(16)}] * 2, [{"Name": "a/b", "TopicId": bytes(16)}], [{"Name": "", "TopicId": bytes(16)}], [],
        [{"Name": None, "TopicId": UNKNOWN_ID}] * 2)
    names = world.pick(["nobody"], [gone], [""], ["a/b"], [], ["nobody", "nobody"], ["nobody", "nowhere"])
    yield Step("delete: edges", "DeleteTopics", version, {"Topics": topics, "TopicNames": names, "TimeoutMs": 10000})


# ---- questions ----

def metadata(world):
    topics = []
    for _ in range(world.pick(0, 1, 1, 2, 3)):
        name, topic_id, _ = world.some_topic()
        by_id = world.chance(3)
        topics.append({"Name": None if by_id else name, "TopicId": topic_id if by_id else world.pick(bytes(16), bytes(16), topic_id)})
    version = world.version("Metadata")
    if version < 12 and not world.chance(10):
        topics = [t | {"TopicId": bytes(16)} for t in topics]
    before = version in (10, 11) and any(t["TopicId"] != bytes(16) for t in topics)
    if version < 12:
        topics = [t | {"Name": t["Name"] if t["Name"] is not None else "nobody"} for t in topics]
    body = {"Topics": world.pick(topics, topics, topics, None) if version else topics, "AllowAutoTopicCreation": False,
            "IncludeClusterAuthorizedOperations": world.chance(3), "IncludeTopicAuthorizedOperations": world.chance(3)}
    if version < 4:  # it would create what is not there
        body["Topics"] = [{"Name": t} for t in world.random.sample(list(world.topics), min(2, len(world.topics)))]
    nothing = any(t["Name"] is None and t.get("TopicId") == bytes(16) for t in body["Topics"] or [])
    label = "metadata: ids before version 12" if before else "metadata: neither name nor id" if nothing else "metadata"
    yield Step(label, "Metadata", version, body, late=True)


def metadata_of_all(world):
    version = world.version("Metadata")
    yield Step("metadata of all", "Metadata", version, {"Topics": None if version else [], "AllowAutoTopicCreation": False}, late=True)


def auto_create(world):
    """Asking creates. Kafka answers before it has; then it is there."""
    name = world.pick(world.name(), world.name(), world.topic().name, "a/b", "..")
    yield Step("metadata creates", "Metadata", world.version("Metadata"),
               {"Topics": [{"Name": name, "TopicId": bytes(16)}], "AllowAutoTopicCreation": True})
    if name not in world.topics and name not in ("a/b", ".."):
        world.topics[name] = Topic(name, 2, {})
    yield Settle()
    while len(world.topics) > TOPICS_MAX + 4:
        yield from delete(world)


def create_partitions(world):
    name, _, topic = world.some_topic()
    count = len(topic.partitions) if topic else 1
    body = {"Topics": [{"Name": name, "Count": world.pick(count + 1, count, count - 1, 0, -1), "Assignments": world.pick(
        None, None, None, [], [{"BrokerIds": [1]}], [{"BrokerIds": [1]}, {"BrokerIds": [1]}], [{"BrokerIds": [2]}],
        [{"BrokerIds": [1, 1]}], [{"BrokerIds": []}])}], "TimeoutMs": 10000, "ValidateOnly": world.chance(3)}
    if count >= 5:
        body["ValidateOnly"] = True
    if world.chance(8):
        body["Topics"].append(body["Topics"][0])
    answer = yield Step("create partitions", "CreatePartitions", world.version("CreatePartitions"), body)
    if topic and isinstance(answer, dict) and not body["ValidateOnly"] and answer["Results"][0]["ErrorCode"] == 0:
        old = topic.partitions
        topic.partitions = old + Topic(name, body["Topics"][0]["Count"] - count, {}).partitions
    yield Settle()


def topic_partitions(world):
    names = list(dict.fromkeys(world.some_topic()[0] for _ in range(world.pick(0, 1, 2, 3))))
    cursor = world.pick(None, None, None, {"TopicName": world.topic().name, "PartitionIndex": world.pick(0, 1, 100, -1)},
                        {"TopicName": "nobody", "PartitionIndex": 0})
    yield Step("describe topic partitions" + (": no name" if "" in names else ""), "DescribeTopicPartitions", world.version("DescribeTopicPartitions"),
               {"Topics": [{"Name": n} for n in names], "ResponsePartitionLimit": world.pick(2000, 2000, 1, 2, 3, 0, -1),
                "Cursor": cursor}, late=True)


SCENARIOS = [(3, create), (4, create_wrong), (1, delete), (3, delete_wrong), (6, metadata), (2, metadata_of_all), (1, auto_create),
             (2, create_partitions), (3, topic_partitions)]
NEEDS = {create_partitions: "CreatePartitions", topic_partitions: "DescribeTopicPartitions"}
