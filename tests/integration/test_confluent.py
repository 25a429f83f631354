"""confluent-kafka (librdkafka): keys, headers, timestamps, times, idempotence, topics."""

import subprocess
import time
import unittest

import broker as brokers
from cases import BrokerCase
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


class Confluent(BrokerCase):
    def producer(self, **config):
        return Producer({"bootstrap.servers": self.bootstrap, **{k.replace("_", "."): v for k, v in config.items()}})

    def consumer(self, **config):
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "nobody", "enable.auto.commit": False,
                             **{k.replace("_", "."): v for k, v in config.items()}})
        self.addCleanup(consumer.close)
        return consumer

    def produce(self, topic, messages, **config):
        """Produces dicts of produce() arguments; returns the acknowledged messages in order of acknowledgement."""
        acked, producer = [], self.producer(**config)

        def done(error, message):
            self.assertIsNone(error)
            acked.append(message)

        for message in messages:
            producer.produce(topic, on_delivery=done, **message)
        self.assertEqual(producer.flush(30), 0)
        return acked

    def consume(self, topic, count, partition=0, offset=OFFSET_BEGINNING, **config):
        consumer = self.consumer(**config)
        consumer.assign([TopicPartition(topic, partition, offset)])
        found, end = [], time.monotonic() + 30
        while len(found) < count and time.monotonic() < end:
            for message in consumer.consume(count - len(found), 1.0):
                self.assertIsNone(message.error())
                found.append(message)
        self.assertEqual(len(found), count)
        return found

    def test_keys_values_headers_and_timestamps_come_back(self):
        topic = self.make_topic()
        headers = [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None)]
        self.produce(topic, [dict(key=b"k", value=b"v", headers=headers, timestamp=1700000000123, partition=0),
                             dict(key=None, value=b"", partition=0), dict(key=b"", value=None, partition=0)])
        one, two, three = self.consume(topic, 3)
        self.assertEqual((one.key(), one.value(), one.headers(), one.timestamp()), (b"k", b"v", headers, (1, 1700000000123)))
        self.assertEqual((two.key(), two.value(), three.key(), three.value()), (None, b"", b"", None))
        self.assertEqual([m.offset() for m in (one, two, three)], [0, 1, 2])

    def test_log_append_time_is_the_brokers(self):
        topic = self.make_topic(message_timestamp_type="LogAppendTime")
        before = time.time() * 1000
        self.produce(topic, [dict(value=b"v", partition=0, timestamp=1000)])
        kind, when = self.consume(topic, 1)[0].timestamp()
        self.assertEqual(kind, 2)
        self.assertTrue(before - 1000 <= when <= time.time() * 1000 + 1000, when)

    def test_each_acks_setting_delivers(self):
        topic = self.make_topic()
        for sent, acks in enumerate(("0", "1", "all")):
            self.produce(topic, [dict(value=acks.encode(), partition=0)] * 100, acks=acks)
            # Without acks, sent is not arrived: the next producer has another connection.
            values = [m.value() for m in self.consume(topic, 100 * (sent + 1))]
        self.assertEqual(values, [b"0"] * 100 + [b"1"] * 100 + [b"all"] * 100)

    def test_a_client_over_its_quota_is_told_and_held_back(self):
        topic, told = self.make_topic(), []
        whose = ("--client", "throttled", "--bootstrap-server", self.bootstrap)
        alter = (brokers.binary(), "quota", "alter", *whose)
        subprocess.run([*alter, "--add-config", "producer_byte_rate=50000,consumer_byte_rate=50000"], check=True, timeout=60)
        try:
            producer = Producer({"bootstrap.servers": self.bootstrap, "client.id": "throttled", "batch.size": 16384,
                                 "throttle_cb": lambda event: told.append(event.throttle_time)})
            for _ in range(600):
                producer.produce(topic, b"x" * 1000, partition=0)
            self.assertEqual(producer.flush(60), 0)
            # 600 kB at once, where 500 kB are in order: a fifth too much of 10 s.
            self.assertTrue(told and 1.5 < max(told) < 4, told)
            began = time.monotonic()
            self.consume(topic, 600, client_id="throttled")
            self.assertTrue(1 < time.monotonic() - began < 30)
        finally:
            subprocess.run([*alter, "--delete-config", "producer_byte_rate,consumer_byte_rate"], check=True, timeout=60)

    def test_an_idempotent_producer_keeps_order_in_each_partition(self):
        topic = self.make_topic(8)
        self.produce(topic, [dict(value=b"%d" % n, partition=n % 8) for n in range(20000)], enable_idempotence=True)
        for partition in range(8):
            values = [int(m.value()) for m in self.consume(topic, 2500, partition)]
            self.assertEqual(values, list(range(partition, 20000, 8)))

    def test_offsets_for_times_finds_the_first_message_not_older(self):
        topic = self.make_topic()
        self.produce(topic, [dict(value=b"v", timestamp=1000000 + 10 * n, partition=0) for n in range(1000)])
        consumer = self.consumer()
        for asked, offset in ((1, 0), (1000000, 0), (1000001, 1), (1005000, 500), (1009990, 999), (2000000, -1)):
            found = consumer.offsets_for_times([TopicPartition(topic, 0, asked)], 10)[0]
            self.assertIsNone(found.error)
            self.assertEqual(found.offset, offset, asked)
        self.assertEqual(consumer.get_watermark_offsets(TopicPartition(topic, 0), 10), (0, 1000))

    def test_a_reader_in_the_middle_of_a_batch_starts_at_its_offset(self):
        topic = self.make_topic()
        self.produce(topic, [dict(value=b"%d" % n, partition=0) for n in range(1000)], linger_ms=50, compression_type="zstd")
        self.assertEqual([m.value() for m in self.consume(topic, 3, offset=577)], [b"577", b"578", b"579"])

    def test_a_message_larger_than_the_fetch_size_is_delivered(self):
        topic = self.make_topic()
        self.produce(topic, [dict(value=b"x" * 500000, partition=0)] * 3)
        found = self.consume(topic, 3, fetch_message_max_bytes=1000, fetch_max_bytes=1000000)
        self.assertEqual([len(m.value()) for m in found], [500000] * 3)

    def test_a_message_over_the_topics_limit_is_refused(self):
        topic, errors = self.make_topic(max_message_bytes=10000), []
        producer = self.producer()
        producer.produce(topic, b"x" * 20000, on_delivery=lambda error, message: errors.append(error))
        producer.flush(20)
        self.assertEqual([e and e.name() for e in errors], ["MSG_SIZE_TOO_LARGE"])

    def test_a_reader_at_the_end_gets_what_comes_next_soon(self):
        topic = self.make_topic()
        consumer = self.consumer(fetch_wait_max_ms=5000)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        consumer.poll(1.5)
        began = time.monotonic()
        self.produce(topic, [dict(value=b"v", partition=0)])
        message = consumer.poll(10)
        self.assertIsNotNone(message)
        self.assertLess(time.monotonic() - began, 2.0)

    def test_topics_are_created_listed_and_deleted(self):
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topic = self.make_topic(5)
        self.assertEqual(len(admin.list_topics(topic, timeout=10).topics[topic].partitions), 5)
        self.assertIn(topic, admin.list_topics(timeout=10).topics)
        admin.delete_topics([topic], operation_timeout=10)[topic].result(20)
        self.wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, "the deletion")

    def test_a_deleted_and_recreated_topic_is_empty(self):
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topic = self.make_topic(2)
        self.produce(topic, [dict(value=b"old", partition=0)] * 10)
        admin.delete_topics([topic], operation_timeout=10)[topic].result(20)
        self.wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, "the deletion")
        self.create(self.bootstrap, 2, topic=topic)
        self.produce(topic, [dict(value=b"new", partition=0)])
        self.assertEqual([(m.offset(), m.value()) for m in self.consume(topic, 1)], [(0, b"new")])

    def test_bad_topics_are_refused_by_name(self):
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topic = self.make_topic()
        for new, error in ((NewTopic(topic, 1, 1), "TOPIC_ALREADY_EXISTS"), (NewTopic("a/b", 1, 1), "TOPIC_EXCEPTION"),
                           (NewTopic(self.topic(), 1, 3), "INVALID_REPLICATION_FACTOR"),
                           (NewTopic(self.topic(), 1, 1, config={"no.such.key": "1"}), "INVALID_CONFIG")):
            with self.subTest(error=error), self.assertRaises(KafkaException) as caught:
                admin.create_topics([new], operation_timeout=10)[new.topic].result(20)
            self.assertEqual(caught.exception.args[0].name(), error)
        with self.assertRaises(KafkaException) as caught:
            admin.delete_topics(["never-was"], operation_timeout=10)["never-was"].result(20)
        self.assertEqual(caught.exception.args[0].name(), "UNKNOWN_TOPIC_OR_PART")


if __name__ == "__main__":
    unittest.main()
