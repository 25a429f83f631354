"""librdkafka through confluent-kafka, at its defaults."""

import sys
import time

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient, NewTopic

import speak


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = {"bootstrap.servers": bootstrap}
        # librdkafka wants a group's name even where partitions are assigned by hand; nothing is committed.
        self.consumer = ck.Consumer({**self.bootstrap, "group.id": "by-hand", "enable.auto.commit": False,
                                     "auto.offset.reset": "error"})

    def create(self, topic, partitions):
        admin = AdminClient(self.bootstrap)  # a name for it: without one it is gone before the answer comes
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)

    def produce(self, topic, codec):
        producer = ck.Producer({**self.bootstrap, "compression.type": codec})
        left, again = 0, []

        def on_delivery(record):
            def report(error, message):
                nonlocal left
                if error is None:
                    left -= 1
                    speak.acked(record.number, message.partition(), message.offset())
                else:
                    speak.acked(record.number, -1, -1)
                    again.append(record)
            return report

        def send(record):
            while True:
                try:
                    return producer.produce(topic, record.value, record.key, partition=record.partition, timestamp=record.timestamp,
                                            headers=record.headers, on_delivery=on_delivery(record))
                except BufferError:
                    producer.poll(0.1)

        for record in speak.records():
            left += 1
            send(record)
            producer.poll(0)
        while left:
            producer.poll(0.1)
            while again:
                send(again.pop(0))

    def offset(self, topic, partition, what):
        """After a restart the partition has another leader epoch, and librdkafka's first question still names the old one: it
        then asks for the new one, and leaves the question to be repeated to its user."""
        for _ in range(20):
            try:
                return self.offset_now(topic, partition, what)
            except ck.KafkaException as error:
                if error.args[0].code() != ck.KafkaError.FENCED_LEADER_EPOCH:
                    raise
                time.sleep(0.1)
        raise TimeoutError(f"{topic}/{partition}: its leader epoch stays fenced")

    def offset_now(self, topic, partition, what):
        if what in ("earliest", "latest"):
            low, high = self.consumer.get_watermark_offsets(ck.TopicPartition(topic, partition), timeout=30)
            return low if what == "earliest" else high
        found = self.consumer.offsets_for_times([ck.TopicPartition(topic, partition, int(what))], timeout=30)[0]
        if found.error:
            raise ck.KafkaException(found.error)
        return found.offset  # OFFSET_END is -1

    def consume(self, topic, ranges):
        self.consumer.assign([ck.TopicPartition(topic, partition, start) for partition, (start, _) in ranges.items()])
        while ranges:
            for message in self.consumer.consume(500, timeout=1):
                if message.error() is None:
                    speak.take(ranges, message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(),
                               message.headers())
                elif message.error().code() != ck.KafkaError._PARTITION_EOF:
                    raise ck.KafkaException(message.error())
        self.consumer.unassign()

    def group(self, topic, group, count):
        consumer = ck.Consumer({**self.bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        while count > 0:
            for message in consumer.consume(500, timeout=1):
                if message.error() is not None:
                    raise ck.KafkaException(message.error())
                speak.received(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers())
                count -= 1
        consumer.close()


speak.serve("confluent-kafka", f"{getattr(ck, '__version__', ck.version()[0])} (librdkafka {ck.libversion()[0]})", ["none", "gzip", "snappy", "lz4", "zstd"],
            Client(sys.argv[1]))
