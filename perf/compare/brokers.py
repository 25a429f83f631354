"""The brokers that are compared: ours as a process, Apache Kafka as another, each with what it used so far."""

import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
import broker as processes  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402


class Ours(processes.Broker):
    """`odradek serve`, at its default number of shards unless `shards` says otherwise."""

    def __init__(self, directory, durability="flushed", shards=None):
        super().__init__({"odradek.durability": durability}, shards=shards, directory=directory)

    def command(self):
        words = super().command()
        if not self.shards_fixed:  # the harness of the tests draws a number; here the broker chooses
            at = words.index(f"odradek.shards={self.shards}")
            del words[at - 1 : at + 1]
        return words


class Kafka(processes.Broker):
    """Apache Kafka 4.3.1 at its defaults, which never fsync, or with the given properties."""

    def __init__(self, directory, properties=None):
        super().__init__({"log.segment.delete.delay.ms": "1000", **(properties or {})}, directory=directory)

    def command(self):
        self.shards = "-"
        words = [os.path.join(ROOT, "tests", "compat", "kafka"), "serve", self.data, str(self.port)]
        return words + [f"{key}={value}" for key, value in self.properties.items()]


KINDS = {
    "ours": ("ours, flushed", Ours),
    "written": ("ours, written", lambda d: Ours(d, "written")),
    "kafka": ("Kafka 4.3.1, never synced", Kafka),
    "kafka-flush": ("Kafka 4.3.1, flush.messages=1", lambda d: Kafka(d, {"log.flush.interval.messages": "1"})),
}


def start(kind, where):
    """A running broker of `kind` with its data below `where`. The caller closes it."""
    broker = KINDS[kind][1](tempfile.mkdtemp(prefix=kind + "-", dir=where))
    broker.own_directory = True
    try:
        broker.start(60)
    except BaseException:
        broker.close()
        raise
    return broker


def create_topic(broker, topic, partitions):
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2})
    admin.create_topics([NewTopic(topic, partitions, 1)], operation_timeout=20)[topic].result(30)


def delete_topic(broker, topic):
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2})
    admin.delete_topics([topic], operation_timeout=20)[topic].result(30)
