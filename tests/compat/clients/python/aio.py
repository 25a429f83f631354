"""aiokafka (its own protocol code, asyncio) at its defaults."""

import asyncio
import itertools
import sys

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import speak


class Client:
    """Runs one event loop for each command; the consumer lives through all of them."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.loop = asyncio.new_event_loop()
        self.consumer = None

    def create(self, topic, partitions):
        self.loop.run_until_complete(self.create_topic(topic, partitions))

    def produce(self, topic, codec):
        self.loop.run_until_complete(self.send_all(topic, codec))

    def offset(self, topic, partition, what):
        return self.loop.run_until_complete(self.find(TopicPartition(topic, partition), what))

    def consume(self, topic, ranges):
        self.loop.run_until_complete(self.read(topic, ranges))

    def group(self, topic, group, count):
        self.loop.run_until_complete(self.read_in_group(topic, group, count))

    async def create_topic(self, topic, partitions):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
        await admin.close()

    async def send_all(self, topic, codec):
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec)
        await producer.start()
        source = speak.records()
        while batch := list(itertools.islice(source, 500)):
            while batch:
                futures = [await producer.send(topic, r.value, r.key, r.partition, r.timestamp, r.headers) for r in batch]
                again = []
                for record, sent in zip(batch, await asyncio.gather(*futures, return_exceptions=True)):
                    if isinstance(sent, aiokafka.errors.KafkaError):
                        speak.acked(record.number, -1, -1)
                        again.append(record)
                    else:
                        speak.acked(record.number, sent.partition, sent.offset)
                batch = again
            sys.stdout.flush()
        await producer.stop()

    async def reader(self):
        if self.consumer is None:
            self.consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="none")
            await self.consumer.start()
        return self.consumer

    async def find(self, where, what):
        consumer = await self.reader()
        if what == "earliest":
            return (await consumer.beginning_offsets([where]))[where]
        if what == "latest":
            return (await consumer.end_offsets([where]))[where]
        found = (await consumer.offsets_for_times({where: int(what)}))[where]
        return None if found is None else found.offset

    async def read(self, topic, ranges):
        """Gives the partitions back at the end: a consumer that has some waits half a second in each fetch, and what it is
        asked meanwhile waits behind that."""
        consumer = await self.reader()
        consumer.assign([TopicPartition(topic, partition) for partition in ranges])
        for partition, (start, _) in ranges.items():
            consumer.seek(TopicPartition(topic, partition), start)
        while ranges:
            for found in (await consumer.getmany(timeout_ms=1000)).values():
                for record in found:
                    speak.take(ranges, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
        consumer.unsubscribe()

    async def read_in_group(self, topic, group, count):
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.bootstrap, group_id=group, auto_offset_reset="earliest")
        await consumer.start()
        while count > 0:
            for found in (await consumer.getmany(timeout_ms=1000, max_records=100)).values():
                for record in found:
                    speak.received(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                    count -= 1
        await consumer.stop()


speak.serve("aiokafka", aiokafka.__version__, ["none", "gzip", "snappy", "lz4", "zstd"], Client(sys.argv[1]))
