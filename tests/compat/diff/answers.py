"""Two answers made comparable, and how they differ.

What each broker chooses for itself gets a name (ids) or is reduced to what must be equal (times of now, texts, addresses).
Everything else is compared value by value; exceptions.toml has the differences that were reviewed.
"""

import json
import re
import time
import tomllib
from collections import Counter

import batches

NOW_FIELDS = {"LogAppendTimeMs", "Timestamp", "LastTimestamp"}
TEXTS = {"ErrorMessage", "BatchIndexErrorMessage", "TopicConfigErrorMessage", "Documentation"}
# Properties that only one of the brokers has, and what names the place of a broker in a value.
LOGGER_SOURCE = 6
OWN_PROPERTIES = {"cluster.id", "log.initial.task.delay.ms"}
INTERNAL = {"__consumer_offsets", "__transaction_state", "__share_group_state"}
# Lists whose order says nothing: Kafka fills them from hash maps. By what each is sorted.
UNORDERED = {
    "Metadata": {"Topics": ("Name", "TopicId"), "Topics.Partitions": ("PartitionIndex",)},
    "CreateTopics": {"Topics.Configs": ("Name",), "Topics": ("Name",)},
    "DeleteTopics": {"Responses": ("Name", "TopicId")},
    "DescribeConfigs": {"Results.Configs": ("Name",), "Results": ("ResourceType", "ResourceName")},
    "AlterConfigs": {"Responses": ("ResourceType", "ResourceName")},
    "IncrementalAlterConfigs": {"Responses": ("ResourceType", "ResourceName")},
    "Produce": {"Responses": ("Name", "TopicId"), "Responses.PartitionResponses": ("Index",)},
    "ListOffsets": {"Topics": ("Name",), "Topics.Partitions": ("PartitionIndex",)},
    "OffsetForLeaderEpoch": {"Topics": ("Topic",), "Topics.Partitions": ("Partition",)},
    "DeleteRecords": {"Topics": ("Name",), "Topics.Partitions": ("PartitionIndex",)},
    "CreatePartitions": {"Results": ("Name",)},
    "AlterReplicaLogDirs": {"Results": ("TopicName",), "Results.Partitions": ("PartitionIndex",)},
    "ApiVersions": {"ApiKeys": ("ApiKey",), "SupportedFeatures": ("Name",), "FinalizedFeatures": ("Name",)},
    "DescribeLogDirs": {"Results": ("LogDir",), "Results.Topics": ("Name",), "Results.Topics.Partitions": ("PartitionIndex",)},
    "DescribeProducers": {"Topics": ("Name",), "Topics.Partitions": ("PartitionIndex",),
                          "Topics.Partitions.ActiveProducers": ("ProducerId",)},
    "ListConfigResources": {"ConfigResources": ("ResourceType", "ResourceName")},
    "DescribeClientQuotas": {"Entries": ("Entity",), "Entries.Values": ("Key",)},
    "AlterClientQuotas": {"Entries": ("Entity",)},
    "OffsetCommit": {"Topics": ("Name", "TopicId"), "Topics.Partitions": ("PartitionIndex",)},
    "OffsetFetch": {"Topics": ("Name", "TopicId"), "Topics.Partitions": ("PartitionIndex",), "Groups": ("GroupId",),
                    "Groups.Topics": ("Name", "TopicId"), "Groups.Topics.Partitions": ("PartitionIndex",)},
    "OffsetDelete": {"Topics": ("Name",), "Topics.Partitions": ("PartitionIndex",)},
    "DeleteGroups": {"Results": ("GroupId",)},
    "ListGroups": {"Groups": ("GroupId",)},
    "DescribeGroups": {"Groups": ("GroupId",)},
    "ConsumerGroupDescribe": {"Groups": ("GroupId",)},
    "ElectLeaders": {"ReplicaElectionResults": ("Topic",), "ReplicaElectionResults.PartitionResult": ("PartitionId",)},
}


class Keyed(dict):
    """A list without an order: its items by what names them."""


class Canon:
    """Makes one side's answer canonical. `both` has the keys of the APIs that both brokers serve."""

    def __init__(self, side, api, began_ms, both):
        self.side, self.api, self.began_ms, self.both = side, api, began_ms, both
        self.unordered = UNORDERED.get(api, {})

    def now(self, value):
        within = isinstance(value, int) and self.began_ms <= value <= time.time() * 1000 + 2000
        return "now" if within else value

    def value(self, name, value, path):
        if isinstance(value, dict):
            return {k: self.value(k, v, f"{path}.{k}" if path else k) for k, v in value.items()}
        if isinstance(value, list):
            items = [self.value(name, v, path) for v in value if not self.left_out(path, v)]
            order = self.unordered.get(path)
            return self.keyed(items, order) if order else items
        if name == "Records" and value is not None:
            return [self.batch(b) for b in batches.read_batches(value)]
        return self.scalar(name, value, path)

    def left_out(self, path, item):
        """What one broker has by its nature: an API that only Kafka serves (README.md lists what we do), our own properties,
        and topics that a broker makes for itself, in its own time."""
        if self.api == "ApiVersions" and path == "ApiKeys":
            return len(self.both) > 0 and item["ApiKey"] not in self.both
        if path.endswith("Configs") and isinstance(item, dict):
            name = str(item.get("Name"))
            other_logger = item.get("ConfigSource") == LOGGER_SOURCE and name != "root"
            return other_logger or name.startswith("odradek.") or name in OWN_PROPERTIES
        named = item.get("Name") or item.get("Topic") if isinstance(item, dict) and path.endswith("Topics") else None
        return named in INTERNAL

    @staticmethod
    def keyed(items, order):
        out = Keyed()
        for item in items:
            key = base = ",".join(str(item[k]) for k in order if k in item)
            again = 1
            while key in out:
                again += 1
                key = f"{base} #{again}"
            out[key] = item
        return out

    def scalar(self, name, value, path):
        if isinstance(value, bytes):
            if name == "ReplicaDirectoryId" and value != bytes(16):
                return "a directory"
            return self.topic_id(value) if len(value) == 16 else value.hex()
        if name in TEXTS:
            return None if value is None else "some text"
        if name in NOW_FIELDS:
            return self.now(value)
        if name in ("MemberId", "Leader") and value:
            named = self.side.names.get(("member", value))
            return f"member {named}" if named else value
        if name == "SessionId" and value:
            return f"session {self.side.names.get(('session', value), 'new')}"
        if name == "FinalizedFeaturesEpoch":
            return "an offset of the metadata log" if value >= 0 else value
        if name == "ProducerId" and self.api == "InitProducerId" and value >= 0:
            return "a producer id"
        if name in ("Port", "ClusterId", "LogDir", "TotalBytes", "UsableBytes", "PartitionSize"):
            return "its own"
        if self.api == "DescribeConfigs" and name == "Value" and value is not None:
            return self.side.placeless(value)
        if self.api == "DescribeQuorum" and name in ("LogEndOffset", "HighWatermark"):
            return "an offset of the metadata log" if value >= 0 else value
        if name in ("LastFetchTimestamp", "LastCaughtUpTimestamp"):
            return "a time of the quorum" if value >= 0 else value
        return value

    def topic_id(self, value):
        name = self.side.names.get(("topic id", value))
        return f"id of {name}" if name else value.hex()

    def batch(self, batch):
        batch["max_time"] = self.now(batch["max_time"])
        codec = batch["attributes"] & 7
        if codec in (1, 2, 3, 4):  # a topic may have the broker compress: then the bytes are each broker's own
            batch["bytes"] = batches.decompress(codec, bytes.fromhex(batch["bytes"])).hex()
        return batch


def differences(kafka, ours, path=""):
    """Yields (path with indexes, Kafka's, ours)."""
    if isinstance(kafka, Keyed) and isinstance(ours, Keyed):
        for key in dict.fromkeys([*kafka, *ours]):
            yield from differences(kafka.get(key, "<nothing>"), ours.get(key, "<nothing>"), f"{path}[{key}]")
    elif isinstance(kafka, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*kafka, *ours]):
            where = f"{path}.{key}" if path else key
            yield from differences(kafka.get(key, "<nothing>"), ours.get(key, "<nothing>"), where)
    elif isinstance(kafka, list) and isinstance(ours, list):
        if len(kafka) != len(ours):
            # Batches behind all of Kafka's are another thing than batches that we do not give.
            further = path.endswith(".Records") and 0 < len(kafka) < len(ours)
            yield f"{path}.{'further' if further else 'length'}", len(kafka), len(ours)
        for i, (a, b) in enumerate(zip(kafka, ours)):
            yield from differences(a, b, f"{path}[{i}]")
    elif kafka != ours or type(kafka) is not type(ours):
        yield path, kafka, ours


def pattern(path):
    return re.sub(r"\[[^\]]*\]", "", path)


class Exceptions:
    """The reviewed list. An entry matches by api, path and what is given of: at (the path with its indexes and keys), label,
    kafka, ours (all regular expressions that match the whole of it)."""

    KEYS = {"api", "path", "at", "label", "kafka", "ours", "reason", "until"}

    def __init__(self, path):
        with open(path, "rb") as file:
            self.entries = tomllib.load(file).get("exception", [])
        for entry in self.entries:
            wrong = set(entry) - self.KEYS | {"api", "path", "reason", "until"} - set(entry)
            if wrong:
                raise SystemExit(f"{path}: {sorted(wrong)} in {entry}")
            entry["used"], entry["seen"] = 0, Counter()
        self.names = ("api", "path", "at", "label", "kafka", "ours")

    def find(self, api, path, label, kafka, ours):
        values = (api, pattern(path), path, label, text(kafka), text(ours))
        for entry in self.entries:
            if all(name not in entry or re.fullmatch(entry[name], value, re.S) for name, value in zip(self.names, values)):
                entry["used"] += 1
                entry["seen"][f"{label}: {path if 'Configs[' in path else pattern(path)}: {text(kafka)[:60]} / {text(ours)[:60]}"] += 1
                return entry
        return None


def text(value):
    """JSON of anything in a request or an answer."""
    return json.dumps(value, default=lambda v: v.hex() if isinstance(v, (bytes, bytearray)) else repr(v))


def error_codes(value):
    """Every error code in an answer."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "ErrorCode":
                yield inner
            else:
                yield from error_codes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from error_codes(inner)
