"""Frames that are not what they should be: cut, too long, of another version, with unknown tags, nulls and wild counts."""

import struct

import gen_produce
from world import UNKNOWN_ID, Step


def base(world):
    """(api, body) of a request that changes nothing."""
    topic = world.topic()
    one = {"PartitionIndex": 0, "CurrentLeaderEpoch": -1, "Timestamp": -1}
    choices = {
        "ListOffsets": {"ReplicaId": -1, "Topics": [{"Name": topic.name, "Partitions": [one]}]},
        "Metadata": {"Topics": [{"Name": topic.name}], "AllowAutoTopicCreation": False},
        "OffsetForLeaderEpoch": {"ReplicaId": -1, "Topics": [{"Topic": topic.name, "Partitions": [
            {"Partition": 0, "CurrentLeaderEpoch": -1, "LeaderEpoch": 0}]}]},
        "DescribeConfigs": {"Resources": [{"ResourceType": 2, "ResourceName": topic.name, "ConfigurationKeys": ["retention.ms"]}]},
        "Fetch": {"ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1000, "SessionEpoch": -1, "Topics": [
            {"Topic": topic.name, "TopicId": topic.id, "Partitions": [{"Partition": 0, "CurrentLeaderEpoch": -1, "PartitionMaxBytes": 100}]}]},
        "DeleteRecords": {"Topics": [{"Name": "nobody", "Partitions": [{"PartitionIndex": 0, "Offset": 0}]}], "TimeoutMs": 100},
        "CreateTopics": {"Topics": [{"Name": "never", "NumPartitions": 1, "ReplicationFactor": 1}], "timeoutMs": 5000, "validateOnly": True},
        "DeleteTopics": {"Topics": [{"Name": None, "TopicId": UNKNOWN_ID}], "TopicNames": ["nobody"], "TimeoutMs": 5000},
        "IncrementalAlterConfigs": {"Resources": [{"ResourceType": 2, "ResourceName": topic.name, "Configs": [
            {"Name": "retention.ms", "ConfigOperation": 0, "Value": "1000"}]}], "ValidateOnly": True},
        "ApiVersions": {"ClientSoftwareName": "diff", "ClientSoftwareVersion": "1"},
        "DescribeCluster": {"EndpointType": 1}, "InitProducerId": {"TransactionalId": None, "ProducerId": -1, "ProducerEpoch": -1},
        "Produce": gen_produce.body([(topic.name, topic.id, 99, world.batch(0).bytes())], acks=1),
    }
    api = world.random.choice([a for a in choices if world.serves(a)])
    return api, choices[api]


def framed(frame):
    return struct.pack(">i", len(frame)) + frame


def step(world, label, raw=None, change=None, **options):
    api, body = base(world)
    if change:
        change(body)
    return Step(f"wire: {label}", api, world.version(api), body, raw=raw, late=api != "Produce", **options)


def cut(world):
    at = world.random.random()
    yield step(world, "cut", raw=lambda frame: framed(frame[:4 + int(at * (len(frame) - 4))]))


def longer(world):
    more = bytes(world.pick(1, 4, 100))
    yield step(world, "bytes after it", raw=lambda frame: framed(frame + more))


def noise(world):
    """The header, and then anything."""
    junk = world.pick(b"", b"\x7f\xff\xff\xff", b"\xff" * 4, b"\x80\x00\x00\x00", b"\xff\xff\xff\xff\x0f" * 3, b"\x00" * 40, b"\xff" * 40)
    yield step(world, "noise for a body", raw=lambda frame: framed(frame[:14] + junk))


def unknown_tags(world):
    tags = {world.pick(7, 100, 10000): world.pick(b"", b"x", bytes(300))}
    yield step(world, "unknown tags", change=lambda body: body.update({"_tags": tags}))


def header_tags(world):
    yield step(world, "unknown tags in the header", tags={world.pick(0, 9, 500): world.pick(b"", b"abc")})


def client_id(world):
    yield step(world, "client id", client_id=world.pick(None, "", "ü", b"\xff\xfe", "x" * 1000, "a\x00b"))


def nulls(world):
    """Null where it is not allowed, and where it is."""
    def change(body):
        names = [k for k, v in body.items() if isinstance(v, (list, str)) or v is None]
        if names:
            body[world.random.choice(names)] = None
    yield step(world, "null", change=change)


def empties(world):
    def change(body):
        names = [k for k, v in body.items() if isinstance(v, (list, str)) or v is None]
        if names:
            name = world.random.choice(names)
            body[name] = "" if isinstance(body[name], str) else []
    yield step(world, "empty", change=change)


def inner_nulls(world):
    def change(body):
        for value in body.values():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                names = [k for k, v in value[0].items() if isinstance(v, (list, str))]
                if names:
                    value[0][world.random.choice(names)] = None
                    return
    yield step(world, "null inside", change=change)


def other_version(world):
    api, body = base(world)
    low, high = world.ranges[api]
    newest = world.newest.get(api, high)
    wanted = world.pick(newest + 1, newest + 10, 32767, -1)
    if api == "ApiVersions":
        return
    made = Step("wire: a version that is not served", api, high, body,
                raw=lambda frame: framed(frame[:2] + struct.pack(">h", wanted) + frame[4:]))
    yield made


def other_api(world):
    key = world.pick(4, 5, 6, 7, 95, 999, -1, 32767, 52, 53, 54)
    yield Step("wire: an api that is not served", "Metadata", world.version("Metadata"), {"Topics": []},
               raw=lambda frame: framed(struct.pack(">h", key) + frame[2:]))


def size(world):
    wrong = world.pick(0, -1, -2**31, 2**31 - 1, 104857601)
    yield Step("wire: a wrong size", "Metadata", world.version("Metadata"), {"Topics": []},
               raw=lambda frame: struct.pack(">i", wrong) + frame)


def tiny(world):
    keep = world.random.randint(1, 13)
    yield Step("wire: less than a header", "Metadata", world.version("Metadata"), {"Topics": []}, raw=lambda frame: framed(frame[:keep]))


SCENARIOS = [(5, cut), (2, longer), (2, noise), (2, unknown_tags), (1, header_tags), (1, client_id), (2, nulls), (2, empties), (2, inner_nulls),
             (1, other_version), (1, other_api), (1, size), (1, tiny)]
