"""kafka-python (its own protocol code) at its defaults."""

import sys

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

import speak


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.reader = None

    @property
    def consumer(self):
        if self.reader is None:
            self.reader = KafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="none")
        return self.reader

    def create(self, topic, partitions):
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
        admin.close()

    def produce(self, topic, codec):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec)
        waiting = []

        def collect(everything):
            """Reports what is decided, in order; what the client gave up on is sent again."""
            nonlocal waiting
            pending = []
            for record, future in waiting:
                if not everything and not future.is_done:
                    pending.append((record, future))
                    continue
                try:
                    sent = future.get(180)
                    speak.acked(record.number, sent.partition, sent.offset)
                except kafka.errors.KafkaError:
                    speak.acked(record.number, -1, -1)
                    pending.append((record, send(record)))
            waiting = pending

        def send(record):
            return producer.send(topic, record.value, record.key, record.headers, record.partition, record.timestamp)

        for record in speak.records():
            waiting.append((record, send(record)))
            if record.number % 500 == 0:
                collect(everything=False)
        producer.flush()
        while waiting:
            collect(everything=True)
        producer.close()

    def offset(self, topic, partition, what):
        where = TopicPartition(topic, partition)
        if what == "earliest":
            return self.consumer.beginning_offsets([where])[where]
        if what == "latest":
            return self.consumer.end_offsets([where])[where]
        found = self.consumer.offsets_for_times({where: int(what)})[where]
        return None if found is None else found.offset

    def consume(self, topic, ranges):
        self.consumer.assign([TopicPartition(topic, partition) for partition in ranges])
        for partition, (start, _) in ranges.items():
            self.consumer.seek(TopicPartition(topic, partition), start)
        while ranges:
            for found in self.consumer.poll(timeout_ms=1000).values():
                for record in found:
                    speak.take(ranges, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)

    def group(self, topic, group, count):
        consumer = KafkaConsumer(topic, bootstrap_servers=self.bootstrap, group_id=group, auto_offset_reset="earliest")
        while count > 0:
            for found in consumer.poll(timeout_ms=1000).values():
                for record in found:
                    speak.received(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                    count -= 1
        consumer.close()


# Version 2.0.2 sends zstd too, but its decoder (python3-zstandard) wants the size in each frame, which other clients leave out.
speak.serve("kafka-python", kafka.__version__, ["none", "gzip", "snappy", "lz4", "zstd"], Client(sys.argv[1]))
