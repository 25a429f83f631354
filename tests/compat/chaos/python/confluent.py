"""A member of a group that writes a journal (README.md): librdkafka, of either group protocol."""

import struct

import confluent_kafka as ck

from journal import Journal


class Member:
    def __init__(self):
        self.journal = Journal()
        self.owned = set()
        self.classic = self.journal.protocol == "classic"
        settings = {"bootstrap.servers": self.journal.bootstrap, "group.id": self.journal.group, "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, "max.poll.interval.ms": 15000, "group.protocol": self.journal.protocol, "log_level": 3}
        if self.classic:
            settings |= {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1500}
        self.consumer = ck.Consumer(settings)

    def generation(self):
        """librdkafka's group metadata as it is written for transactions: a mark of 7 bytes, then the generation."""
        metadata = self.consumer.consumer_group_metadata()
        assert metadata[:7] == b"CGMDv2:", metadata
        return struct.unpack_from("<i", metadata, 7)[0]

    def on_assign(self, _, partitions):
        added = {p.partition for p in partitions}
        self.owned = added if self.classic else self.owned | added
        self.journal.assigned(added, self.generation(), self.consumer.memberid(), set(self.owned))

    def on_revoke(self, _, partitions):
        gone = {p.partition for p in partitions}
        self.owned -= gone
        self.journal.revoked(gone)

    def send(self, offsets):
        wanted = [ck.TopicPartition(self.journal.topic, p, offset) for p, offset in offsets.items()]
        for done in self.consumer.commit(offsets=wanted, asynchronous=False):
            if done.error is not None:
                raise ck.KafkaException(done.error)

    def run(self):
        self.consumer.subscribe([self.journal.topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        while not self.journal.stopping:
            messages = self.consumer.consume(200, timeout=0.3)
            if self.owned:
                self.journal.owns(self.generation(), self.consumer.memberid(), self.owned)
            self.journal.records([(m.partition(), m.offset(), m.value()) for m in messages if m.error() is None and m.partition() in self.owned])
            self.journal.commit(self.generation(), self.send, ck.KafkaException)
        self.consumer.close()
        self.journal.write("ended")


Member().run()
