"""A member of a group that writes a journal (README.md): kafka-python, with its own protocol code.

Version 3 keeps its position in a partition that it had before, also where it missed the generations in which others had it, and
would then commit below what they committed: so the member itself asks, after each assignment, where to begin.
"""

import kafka
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition

from journal import Journal


class Member(ConsumerRebalanceListener):
    def __init__(self):
        self.journal = Journal()
        self.fresh = set()  # partitions assigned whose beginning is not yet looked up
        self.consumer = KafkaConsumer(bootstrap_servers=self.journal.bootstrap, group_id=self.journal.group, auto_offset_reset="earliest",
                                      enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=1500,
                                      max_poll_interval_ms=15000, max_poll_records=200)

    def generation(self):
        return self.consumer._coordinator._generation  # noqa: SLF001 - nothing public tells it

    def on_partitions_assigned(self, assigned):
        added, generation = {p.partition for p in assigned}, self.generation()
        owned = {p.partition for p in self.consumer.assignment()} | added
        self.fresh = added
        self.journal.assigned(added, generation.generation_id, generation.member_id, owned)

    def on_partitions_revoked(self, revoked):
        self.journal.revoked({p.partition for p in revoked})

    def send(self, offsets):
        self.consumer.commit({TopicPartition(self.journal.topic, p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()},
                             timeout_ms=10000)

    def seek(self):
        """Goes to what is committed. What cannot be asked now is asked again after the next poll."""
        try:
            for partition in sorted(self.fresh):
                where = TopicPartition(self.journal.topic, partition)
                self.consumer.seek(where, self.consumer.committed(where, timeout_ms=5000) or 0)
                self.fresh.discard(partition)
        except kafka.errors.KafkaError:
            pass

    def run(self):
        self.consumer.subscribe([self.journal.topic], listener=self)
        while not self.journal.stopping:
            found = self.consumer.poll(timeout_ms=300)
            if self.fresh:
                self.seek()
                continue
            self.journal.records([(r.partition, r.offset, r.value) for records in found.values() for r in records])
            self.journal.commit(self.generation().generation_id, self.send, kafka.errors.KafkaError)
        self.consumer.close()
        self.journal.write("ended")


Member().run()
