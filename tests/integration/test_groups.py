"""Consumer groups (classic protocol) with clients of three kinds: assignments, rebalances, offsets that survive."""

import re
import subprocess
import threading
import time
import unittest

import broker as brokers
from cases import BrokerCase, Case, needs_process
from confluent_kafka import Consumer, Producer, TopicPartition

PARTITIONS = 12


def fill(bootstrap, topic, count, partitions=PARTITIONS):
    producer = Producer({"bootstrap.servers": bootstrap})
    for n in range(count):
        producer.produce(topic, b"%d" % n, partition=n % partitions)
    assert producer.flush(30) == 0


class Member(threading.Thread):
    """A consumer of a group that polls until it is told to stop; `owned` is what it has been assigned."""

    def __init__(self, bootstrap, group, topic, **config):
        super().__init__(daemon=True)
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                                  "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "log_level": 2,
                                  "enable.auto.commit": False, **{k.replace("_", "."): v for k, v in config.items()}})
        self.cooperative = "cooperative" in config.get("partition_assignment_strategy", "")
        self.owned, self.seen, self.assignments = set(), [], 0
        self.stopping = threading.Event()
        self.consumer.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.revoked)
        self.start()

    def assigned(self, consumer, partitions):
        self.assignments += 1
        self.owned |= {p.partition for p in partitions}
        if self.cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)

    def revoked(self, consumer, partitions):
        self.owned -= {p.partition for p in partitions}
        if self.cooperative:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()

    def run(self):
        while not self.stopping.is_set():
            message = self.consumer.poll(0.05)
            if message is not None and not message.error():
                self.seen.append((message.partition(), message.offset()))
                self.consumer.commit(message, asynchronous=True)
        self.consumer.close()

    def stop(self):
        self.stopping.set()
        self.join(20)


def shared(members):
    """Whether the members own all partitions, each once."""
    owned = [p for m in members for p in m.owned]
    return sorted(owned) == list(range(PARTITIONS)) and all(m.owned for m in members)


class Groups(BrokerCase):
    properties = {"group.initial.rebalance.delay.ms": "500"}

    def test_kcat_in_a_group_reads_everything_and_then_goes_on_where_it_was(self):
        topic, group = self.make_topic(3), self.topic()
        fill(self.bootstrap, topic, 300, 3)
        words = ("kcat", "-b", self.bootstrap, "-q", "-X", "auto.offset.reset=earliest", "-e", "-G", group, topic)
        got = self.run_tool(*words)
        self.assertEqual(sorted(map(int, got.split())), list(range(300)))
        fill(self.bootstrap, topic, 30, 3)
        got = self.run_tool(*words)
        self.assertEqual(sorted(map(int, got.split())), list(range(30)))

    def three_members(self, strategy):
        topic, group = self.make_topic(PARTITIONS), self.topic()
        join = lambda: Member(self.bootstrap, group, topic, partition_assignment_strategy=strategy)
        members = [join(), join()]
        self.addCleanup(lambda: [m.stop() for m in members])
        third = subprocess.Popen(["kcat", "-b", self.bootstrap, "-q", "-X", f"partition.assignment.strategy={strategy}",
                                  "-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500", "-G", group, topic],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(third.kill)
        self.wait_for(lambda: [len(m.owned) for m in members] == [4, 4], "three members to share the partitions", 40)
        third.kill()
        third.wait(10)
        self.wait_for(lambda: shared(members), "two members after one was killed", 40)
        fill(self.bootstrap, topic, 1200)
        members[0].stop()
        self.wait_for(lambda: shared(members[1:]), "the last member after one left", 40)
        members.append(join())
        self.wait_for(lambda: shared(members[1:]), "a new member", 40)
        read = lambda: {s for m in members for s in m.seen}
        self.wait_for(lambda: len(read()) == 1200, "every message to be read by somebody", 40)

    def test_three_members_share_twelve_partitions_through_leaving_failing_and_joining(self):
        self.three_members("range,roundrobin")

    def test_the_same_with_cooperative_rebalancing(self):
        self.three_members("cooperative-sticky")

    def test_a_static_member_that_restarts_makes_no_rebalance(self):
        topic, group = self.make_topic(PARTITIONS), self.topic()
        members = [Member(self.bootstrap, group, topic, group_instance_id=f"i{n}", session_timeout_ms=30000) for n in range(2)]
        self.addCleanup(lambda: [m.stop() for m in members])
        self.wait_for(lambda: shared(members), "two static members", 40)
        before, had = members[0].assignments, set(members[1].owned)
        members[1].stop()  # a static member does not leave
        members[1] = Member(self.bootstrap, group, topic, group_instance_id="i1", session_timeout_ms=30000)
        self.wait_for(lambda: members[1].owned == had, "the same partitions again", 40)
        time.sleep(1.5)
        self.assertEqual(members[0].assignments, before)

    def test_kafka_python_members_share_and_commit(self):
        from kafka import KafkaConsumer, TopicPartition as Place
        topic, group = self.make_topic(4), self.topic()
        fill(self.bootstrap, topic, 400, 4)
        found, stop = [], threading.Event()

        def member():  # a poll waits for the whole group, so each has a thread of its own
            consumer = KafkaConsumer(topic, bootstrap_servers=self.bootstrap, group_id=group, auto_offset_reset="earliest",
                                     session_timeout_ms=10000, heartbeat_interval_ms=300, enable_auto_commit=False)
            while not stop.is_set():
                for batch in consumer.poll(200, 50).values():
                    found.extend(int(m.value) for m in batch)
                    consumer.commit()
            consumer.close()

        members = [threading.Thread(target=member, daemon=True) for _ in range(2)]
        for m in members:
            m.start()
        self.wait_for(lambda: len(set(found)) == 400, "every message", 60)
        stop.set()
        for m in members:
            m.join(20)
        reader = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group)
        self.assertEqual([reader.committed(Place(topic, p)) for p in range(4)], [100] * 4)
        reader.close()

    def test_offsets_of_a_consumer_without_a_group_are_kept(self):
        topic, group = self.make_topic(2), self.topic()
        fill(self.bootstrap, topic, 10, 2)
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition(topic, 0, 3), TopicPartition(topic, 1, 4)], asynchronous=False)
        found = consumer.committed([TopicPartition(topic, p) for p in range(2)], 10)
        self.assertEqual([p.offset for p in found], [3, 4])
        consumer.close()


class GroupsAcrossCrashes(Case):
    @needs_process
    def test_committed_offsets_never_go_back_over_kills_and_other_shard_counts(self):
        broker = brokers.Broker({"group.initial.rebalance.delay.ms": "100"})
        self.addCleanup(broker.close)
        broker.start()
        topic, group = self.create(broker.bootstrap, 4), self.topic()
        fill(broker.bootstrap, topic, 4000, 4)
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group, "enable.auto.commit": False,
                             "socket.timeout.ms": 5000, "log_level": 2})
        self.addCleanup(consumer.close)
        highest = 0
        for shards in (2, 4, 1, 2):
            for _ in range(50):
                consumer.commit(offsets=[TopicPartition(topic, p, highest + 1) for p in range(4)], asynchronous=False)
                highest += 1
            broker.kill()
            broker.shards_fixed = shards
            broker.start()
            found = consumer.committed([TopicPartition(topic, p) for p in range(4)], 30)
            self.assertEqual([p.offset for p in found], [highest] * 4)

    @needs_process
    def test_a_member_goes_on_after_the_broker_was_killed(self):
        broker = brokers.Broker({"group.initial.rebalance.delay.ms": "100"})
        self.addCleanup(broker.close)
        broker.start()
        topic, group = self.create(broker.bootstrap, PARTITIONS), self.topic()
        fill(broker.bootstrap, topic, 1200)
        members = [Member(broker.bootstrap, group, topic) for _ in range(2)]
        self.addCleanup(lambda: [m.stop() for m in members])
        self.wait_for(lambda: shared(members), "two members", 40)
        broker.kill()
        broker.start()
        fill(broker.bootstrap, topic, 1200)
        read = lambda: {s for m in members for s in m.seen}
        self.wait_for(lambda: len(read()) == 2400, "every message", 60)
        self.assertTrue(shared(members))
        text = self.run_tool("kcat", "-b", broker.bootstrap, "-L").decode()
        self.assertTrue(re.search(r'topic "__consumer_offsets" with 50 partitions', text), text[:500])


if __name__ == "__main__":
    unittest.main()
