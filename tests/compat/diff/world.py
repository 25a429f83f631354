"""What the generator knows of the two brokers, which it keeps in the same state: topics, ends, producers, sessions."""

import random
import time

import batches
from sides import ANSWER_SECONDS_MAX, Sym

BASE_BACK_MS = 3600_000
UNKNOWN_ID = bytes(range(1, 17))


class Step:
    """One request. `body` may hold Syms. `raw` makes a frame of its own of the right one. `late`: a question, which may be put
    to Kafka again if its answer is an old one (Kafka's caches follow its metadata log)."""

    def __init__(self, label, api, version, body, *, late=False, raw=None, silent=False, client_id="diff", tags=None):
        self.label, self.api, self.version, self.body = label, api, version, body
        self.late, self.raw, self.silent, self.client_id, self.tags = late, raw, silent, client_id, tags
        # What was not waited for becomes visible when it is durable: ours is asked again.
        self.visible = False
        # The two may have taken it differently although they answered alike.
        self.spoils = False
        self.patience = ANSWER_SECONDS_MAX  # with Kafka
        self.member = None  # the number of the member that the answer names
        self.session = None  # the number of the session that the answer opens
        # Encoded and read as other versions than the header says.
        self.encode_version = self.answer_version = None


class Settle:
    """Waits until both brokers show the topics that the world has, and no others; learns the topics' ids."""


class Partition:
    def __init__(self):
        self.start, self.end = 0, 0
        self.batches = []  # (base, last, greatest time) of what was accepted
        self.times = []


class Topic:
    def __init__(self, name, count, configs):
        self.name, self.configs = name, dict(configs)
        self.partitions = [Partition() for _ in range(count)]

    @property
    def id(self):
        return Sym("topic id", self.name, UNKNOWN_ID)

    @property
    def recompressed(self):
        """Whether the broker compresses itself: sizes are then each broker's own, and no limit cuts both alike."""
        return self.configs.get("compression.type", "producer") != "producer"


class Session:
    def __init__(self, number, version):
        self.number, self.epoch, self.version = number, 1, version
        self.topics = set()

    @property
    def id(self):
        return Sym("session", self.number, 77)

    @property
    def by_id(self):
        return self.version >= 13


class World:
    def __init__(self, seed, ranges):
        self.random = random.Random(seed)
        self.ranges = ranges  # api -> (low, high) that both brokers serve
        self.topics, self.gone = {}, []
        self.sessions, self.session_count = [], 0
        self.member_count = 0
        self.producers = {}  # (producer id, topic, partition) -> [epoch, next sequence, last batches]
        self.number = 0
        self.kafka = None  # the Side, set by the run
        # Records lie an hour back: what a broker stamps itself is told apart from what the client gave.
        self.base_ms = int(time.time() * 1000) - BASE_BACK_MS

    def name_of(self, topic_id):
        """The name of the topic that Kafka gave this id."""
        return self.kafka.names.get(("topic id", bytes(topic_id)), "")

    def version(self, api):
        low, high = self.ranges[api]
        return self.random.choice([self.random.randint(low, high), high]) if high > low else low

    def serves(self, api):
        return api in self.ranges

    def name(self):
        self.number += 1
        return f"t{self.number}"

    def topic(self):
        return self.random.choice(list(self.topics.values()))

    def chance(self, of):
        return self.random.randrange(of) == 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def partition_index(self, topic):
        """Mostly one that is there."""
        if self.chance(25):
            return self.pick(-1, len(topic.partitions), 2**31 - 1)
        return self.random.randrange(len(topic.partitions))

    def some_topic(self):
        """(name, id, topic or None): mostly one that is there, else unknown, deleted or misnamed."""
        if self.topics and not self.chance(12):
            topic = self.topic()
            return topic.name, topic.id, topic
        if self.gone and self.chance(2):
            name = self.random.choice(self.gone)
            return name, Sym("topic id", name, UNKNOWN_ID), None
        name = self.pick("nobody", "", "a/b", "..", "x" * 250, "ünknown", "__nobody")
        return name, self.pick(UNKNOWN_ID, bytes(16)), None

    def epoch(self):
        return self.pick(-1, -1, -1, -1, 0, 0, 1, 5, -2, 2**31 - 1)

    # ---- records ----

    def records(self, count=None):
        """(times, encoded records)"""
        rng = self.random
        count = count or self.pick(1, 1, 2, 3, 10)
        base = self.base_ms + rng.randrange(0, 60_000)
        times, out = [], []
        for i in range(count):
            times.append(base + (rng.randrange(-500, 5000) if i else 0))
            key = self.pick(None, b"", b"k%d" % rng.randrange(5))
            value = self.pick(None, b"", bytes([97 + i % 26]) * rng.randrange(1, 300))
            headers = [(b"h", self.pick(None, b"", b"v"))] * self.pick(0, 0, 0, 1, 3)
            out.append(batches.record(i, times[-1] - base, key, value, headers))
        return times, out

    def batch(self, codec=None):
        times, records = self.records()
        return batches.Batch(times, records, self.pick(0, 0, 1, 2, 3, 4) if codec is None else codec)

    def accepted(self, topic, index, base, batch):
        """A batch was appended at `base`."""
        partition = topic.partitions[index]
        partition.batches.append((base, base + batch.last_delta, batch.max_time))
        partition.end = base + batch.last_delta + 1
