"""What admin clients ask of one node: partitions, configurations, log directories, cluster metadata."""

import struct
import time
import unittest

from cases import BrokerCase
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType, KafkaAdminClient
from kafka.admin import NewPartitions as PythonPartitions
from wire import Connection, batch, frame, new_producer_id, produce_v3, produced, string

MESSAGE_TOO_LARGE, UNKNOWN_TOPIC, SECURITY_DISABLED, ELECTION_NOT_NEEDED = 10, 3, 54, 84
(DESCRIBE_ACLS, ALTER_CONFIGS, DESCRIBE_LOG_DIRS, CREATE_PARTITIONS, ELECT_LEADERS, INCREMENTAL_ALTER_CONFIGS) = (29, 33, 35, 37, 43, 44)


class Admin(BrokerCase):
    def setUp(self):
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})

    def ask(self, api, version, body):
        with Connection(self.broker.port) as connection:
            return connection.ask(frame(api, version, 1, body))

    def set_for_all_brokers(self, name, value):
        """IncrementalAlterConfigs version 0 of the cluster's default; None deletes. Returns the error code."""
        config = string(name) + struct.pack(">b", 1 if value is None else 0) + string(value)
        body = self.ask(INCREMENTAL_ALTER_CONFIGS, 0, struct.pack(">ib", 1, 4) + string("") + struct.pack(">i", 1) + config + b"\0")
        return struct.unpack_from(">h", body, 8)[0]

    def value_of(self, kind, name, key):
        resource = ConfigResource(kind, name)
        return self.admin.describe_configs([resource])[resource].result(20)[key].value

    def partitions_of(self, topic):
        return len(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)


class Partitions(Admin):
    def test_confluents_admin_adds_partitions_that_can_be_written_to(self):
        topic = self.make_topic(2)
        self.admin.create_partitions([NewPartitions(topic, 5)])[topic].result(20)
        self.wait_for(lambda: self.led(self.admin, topic) == 5, "leaders of the new partitions")
        self.assertEqual(self.partitions_of(topic), 5)
        time.sleep(0.5)  # Apache Kafka names leaders before each of them has its log
        delivered = []
        producer = Producer({"bootstrap.servers": self.bootstrap, "log_level": 2})
        for partition in range(5):
            producer.produce(topic, b"v", partition=partition, callback=lambda e, m: delivered.append((e, m.partition())))
        producer.flush(20)
        self.assertEqual(sorted(p for e, p in delivered if e is None), [0, 1, 2, 3, 4])

    def test_a_smaller_count_is_refused(self):
        topic = self.make_topic(3)
        with self.assertRaises(KafkaException) as refused:
            self.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(20)
        self.assertEqual(refused.exception.args[0].name(), "INVALID_PARTITIONS")

    def test_kafka_python_adds_partitions(self):
        topic = self.make_topic(1)
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        client.create_partitions({topic: PythonPartitions(3)})
        client.close()
        self.wait_for(lambda: self.partitions_of(topic) == 3, "three partitions")


class Configs(Admin):
    def test_alter_configs_replaces_what_was_set(self):
        topic = self.make_topic(retention_ms=5000, segment_bytes=2000000)
        resource = ConfigResource("topic", topic, set_config={"retention.ms": "7000"})
        self.admin.alter_configs([resource])[resource].result(20)
        self.wait_for(lambda: self.value_of("topic", topic, "retention.ms") == "7000", "the new retention")
        self.assertEqual(self.value_of("topic", topic, "segment.bytes"), "1073741824")

    def test_kafka_python_describes_and_alters(self):
        topic = self.make_topic()
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        client.alter_configs([PythonResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": "4000"})])
        client.close()
        self.wait_for(lambda: self.value_of("topic", topic, "max.message.bytes") == "4000", "the new maximum")

    def test_a_default_that_is_set_for_all_brokers_is_obeyed_and_told(self):
        topic, connection = self.make_topic(), Connection(self.broker.port)
        large = produce_v3(topic, 0, batch([b"v" * 5000]))
        try:
            self.assertEqual(self.set_for_all_brokers("message.max.bytes", "1000"), 0)
            self.wait_for(lambda: produced(connection.ask(large), topic)[0][1] == MESSAGE_TOO_LARGE, "the maximum in force")
            self.assertEqual(self.value_of("topic", topic, "max.message.bytes"), "1000")
            self.assertEqual(self.value_of("broker", "1", "message.max.bytes"), "1000")
        finally:
            self.assertEqual(self.set_for_all_brokers("message.max.bytes", None), 0)
        self.wait_for(lambda: produced(connection.ask(large), topic)[0][1] == 0, "the default again")

    def test_what_cannot_change_while_the_broker_runs_is_refused(self):
        self.assertEqual(self.set_for_all_brokers("auto.create.topics.enable", "false"), 42)
        self.assertEqual(self.set_for_all_brokers("message.max.bytes", "many"), 42)

    def test_a_brokers_configurations_are_described(self):
        described = self.admin.describe_configs([ConfigResource("broker", "1")])
        configs = list(described.values())[0].result(20)
        self.assertGreater(len(configs), 300)
        self.assertEqual(configs["num.partitions"].value, "1")
        self.assertTrue(configs["num.partitions"].is_read_only)
        self.assertFalse(configs["message.max.bytes"].is_read_only)
        self.assertIsNone(configs["ssl.keystore.password"].value)


class OneNode(Admin):
    def test_log_dirs_tell_every_partitions_bytes(self):
        topic, connection = self.make_topic(2), Connection(self.broker.port)
        records = batch([b"v" * 1000])
        self.assertEqual(produced(connection.ask(produce_v3(topic, 1, records)), topic), [(1, 0, 0)])
        wanted = struct.pack(">i", 1) + string(topic) + struct.pack(">iii", 2, 0, 1)
        sizes = {}
        body = self.ask(DESCRIBE_LOG_DIRS, 1, wanted)
        at, (directories,) = 8, struct.unpack_from(">i", body, 4)
        for _ in range(directories):
            error, length = struct.unpack_from(">hh", body, at)
            self.assertEqual(error, 0)
            at += 4 + length
            (topics,) = struct.unpack_from(">i", body, at)
            at += 4
            for _ in range(topics):
                (length,) = struct.unpack_from(">h", body, at)
                at += 2 + length
                (partitions,) = struct.unpack_from(">i", body, at)
                at += 4
                for _ in range(partitions):
                    partition, size, lag, future = struct.unpack_from(">iqqb", body, at)
                    sizes[partition] = (size, lag, future)
                    at += 21
        self.assertEqual(at, len(body))
        self.assertEqual(sizes, {0: (0, 0, 0), 1: (len(records), 0, 0)})

    def test_no_election_is_needed(self):
        topic = self.make_topic(1)
        body = self.ask(ELECT_LEADERS, 0, struct.pack(">i", 1) + string(topic) + struct.pack(">iii", 1, 0, 1000))
        at = 8 + 2 + len(topic) + 4
        self.assertEqual(struct.unpack_from(">ih", body, at), (0, ELECTION_NOT_NEEDED))

    def test_without_an_authorizer_acls_are_disabled(self):
        anything = struct.pack(">b", 2) + string(None) + struct.pack(">b", 3) + string(None) + string(None) + struct.pack(">bb", 1, 1)
        body = self.ask(DESCRIBE_ACLS, 1, anything)
        self.assertEqual(struct.unpack_from(">h", body, 4)[0], SECURITY_DISABLED)

    def test_kafka_python_takes_the_broker_for_a_recent_one(self):
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        version = client.config["api_version"]
        client.close()
        self.assertGreaterEqual(version, (2, 5))

    def test_producers_of_a_partition_are_described(self):
        topic, connection, producer = self.make_topic(), Connection(self.broker.port), new_producer_id(self.broker.port)
        self.assertEqual(produced(connection.ask(produce_v3(topic, 0, batch([b"a", b"b"], (*producer, 0)))), topic), [(0, 0, 0)])
        name = topic.encode()
        # Version 0 is flexible: compact lengths, and a byte of tags after the header and each structure.
        request = b"\0" + b"\x02" + bytes([len(name) + 1]) + name + b"\x02" + struct.pack(">i", 0) + b"\0" + b"\0"
        body = self.ask(61, 0, request)
        at = 1 + 4 + 1 + 1 + len(name) + 1
        partition, error, message, count = struct.unpack_from(">ihBB", body, at)
        self.assertEqual((partition, error, message, count), (0, 0, 0, 2))
        self.assertEqual(struct.unpack_from(">qii", body, at + 8), (producer[0], producer[1], 1))


if __name__ == "__main__":
    unittest.main()
