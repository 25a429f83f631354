"""kafka-python 2.0.2: an old client with its own protocol code and its own way to find the broker's version."""

import unittest

from cases import BrokerCase
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic


class KafkaPython(BrokerCase):
    def fill(self, topic, count, **config):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, **config)
        futures = [producer.send(topic, b"%d" % n, key=b"k%d" % n, partition=0, timestamp_ms=5000 + n) for n in range(count)]
        producer.flush(30)
        self.assertEqual([f.get(10).offset for f in futures], list(range(count)))
        producer.close()

    def consumer(self):
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, consumer_timeout_ms=10000)
        self.addCleanup(consumer.close)
        return consumer

    def test_what_it_produces_it_consumes(self):
        for codec in (None, "gzip", "snappy", "lz4", "zstd"):
            with self.subTest(codec=codec):
                try:
                    KafkaProducer(bootstrap_servers=self.bootstrap, compression_type=codec).close()
                except AssertionError:
                    print(f"SKIP kafka-python with {codec}: Debian has no library of it for Python")
                    continue
                topic = self.make_topic()
                self.fill(topic, 2000, compression_type=codec, linger_ms=5)
                consumer, partition = self.consumer(), TopicPartition(topic, 0)
                consumer.assign([partition])
                consumer.seek_to_beginning(partition)
                found = [next(consumer) for _ in range(2000)]
                self.assertEqual([(m.offset, m.key, m.value, m.timestamp) for m in found],
                                 [(n, b"k%d" % n, b"%d" % n, 5000 + n) for n in range(2000)])

    def test_seek_and_position_agree(self):
        topic, partition = self.make_topic(), None
        self.fill(topic, 100)
        consumer, partition = self.consumer(), TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 42)
        self.assertEqual(next(consumer).offset, 42)
        consumer.seek_to_end(partition)
        self.assertEqual(consumer.position(partition), 100)

    def test_offsets_by_time_and_at_both_ends(self):
        topic = self.make_topic()
        self.fill(topic, 100)
        consumer, partition = self.consumer(), TopicPartition(topic, 0)
        self.assertEqual(consumer.beginning_offsets([partition]), {partition: 0})
        self.assertEqual(consumer.end_offsets([partition]), {partition: 100})
        found = consumer.offsets_for_times({partition: 5050})[partition]
        self.assertEqual((found.offset, found.timestamp), (50, 5050))
        self.assertIsNone(consumer.offsets_for_times({partition: 10**12})[partition])

    def test_its_admin_client_creates_and_deletes(self):
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        self.addCleanup(admin.close)
        topic = self.topic()
        admin.create_topics([NewTopic(topic, 2, 1)])
        self.wait_for(lambda: topic in admin.list_topics(), "the topic")
        self.assertEqual(len(admin.describe_topics([topic])[0]["partitions"]), 2)
        admin.delete_topics([topic])
        self.wait_for(lambda: topic not in admin.list_topics(), "its deletion")


if __name__ == "__main__":
    unittest.main()
