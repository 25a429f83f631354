"""Kafka's fetch answers end where a segment of its log does; ours go on with the next. Whether that is all: the answer is fine
if Kafka has a segment that begins where ours goes on, if ours kept the request's limits, and if Kafka, asked for what comes
next, gives the same batches."""

import os
import re

import answers
import batches

PLACE = re.compile(r"Responses\[(\d+)\]\.Partitions\[(\d+)\]\.Records\.further")
LIMIT = 50 << 20
# What a step asks for at most if its session, and not the step, says it.
PARTITION_LIMIT = 1 << 20


def batch_bytes(records):
    """How many bytes the whole batches take."""
    end = at = 0
    while at + batches.HEADER <= len(records):
        at += 12 + int.from_bytes(records[at + 8:at + 12], "big")
        end = at if at <= len(records) else end
    return end


class Further:
    """`ask(side, step)` puts a step to a side; `make(version, topic, index, offset, isolation)` makes the fetch of what comes next."""

    def __init__(self, kafka, ask, make, canon):
        self.kafka, self.ask, self.make, self.canon = kafka, ask, make, canon

    def begins_a_segment(self, name, index, offset):
        """In Kafka's own files; true without them."""
        directory = self.kafka.directory
        return directory is None or os.path.exists(f"{directory}/data/{name}-{index}/{offset:020d}.log")

    @staticmethod
    def within_limits(body, topic_key, topic, index, ours):
        limit = PARTITION_LIMIT
        for t in body["Topics"]:
            if t[topic_key] is topic or getattr(t[topic_key], "name", t[topic_key]) == topic:
                limit = next((p["PartitionMaxBytes"] for p in t["Partitions"] if p["Partition"] == index), limit)
        return batch_bytes(ours) <= min(limit, body["MaxBytes"])

    def explains(self, step, path, theirs, mine):
        """Whether what ours has more at `path` is what Kafka's next segments have."""
        place = PLACE.fullmatch(path)
        if not place or step.api != "Fetch":
            return False
        at = int(place[1]), int(place[2])
        topic, other = (answer["Responses"][at[0]] for answer in (theirs, mine))
        theirs, ours = (t["Partitions"][at[1]] for t in (topic, other))
        name = topic.get("Topic") or self.kafka.names.get(("topic id", topic.get("TopicId")), "")
        have, wanted = (self.canon("Records", p["Records"], "Records") for p in (theirs, ours))
        key = "Topic" if step.version < 13 else "TopicId"
        if not self.within_limits(step.body, key, name, theirs["PartitionIndex"], ours["Records"]):
            return False
        while len(have) < len(wanted):
            offset = wanted[len(have)]["base"]
            if not self.begins_a_segment(name, theirs["PartitionIndex"], offset):
                return False
            answer = self.ask(self.kafka, self.make(step.version, name, theirs["PartitionIndex"], offset, step.body["IsolationLevel"]))
            partition = answer["Responses"][0]["Partitions"][0]
            more = self.canon("Records", partition["Records"], "Records")
            if partition["ErrorCode"] != 0 or not more:
                return False
            have += more
        return not list(answers.differences(have[:len(wanted)], wanted))
