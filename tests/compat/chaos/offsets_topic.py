"""Reads __consumer_offsets: what was committed, in the order in which the broker took it."""

import struct
import time

from confluent_kafka import Consumer, TopicPartition

SILENCE_SECONDS = 20


def text_at(data, at):
    size = struct.unpack_from(">h", data, at)[0]
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size


def commit_of(key, value):
    """(group, topic, partition, offset) of an offset commit that is not a tombstone, None for any other record."""
    if value is None or struct.unpack_from(">h", key)[0] > 1:
        return None
    group, at = text_at(key, 2)
    topic, at = text_at(key, at)
    return group, topic, struct.unpack_from(">i", key, at)[0], struct.unpack_from(">q", value, 2)[0]


def committed_orders(bootstrap, topic):
    """{group: {partition: [offset, ...]}} of one topic."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 2})
    name, ends = "__consumer_offsets", {}
    for partition in reader.list_topics(name, 20).topics[name].partitions:
        low, high = reader.get_watermark_offsets(TopicPartition(name, partition), 20)
        if high > low:
            ends[partition] = high
    reader.assign([TopicPartition(name, partition, 0) for partition in ends])
    orders, last = {}, time.monotonic()
    while ends:
        messages = reader.consume(5000, 1.0)
        if messages:
            last = time.monotonic()
        elif time.monotonic() - last > SILENCE_SECONDS:
            raise TimeoutError(f"{name}: nothing more came, and {ends} were not reached")
        for message in messages:
            if message.error():
                raise OSError(message.error().str())
            if message.offset() + 1 >= ends.get(message.partition(), 0):
                ends.pop(message.partition(), None)
            found = commit_of(message.key(), message.value())
            if found and found[1] == topic:
                orders.setdefault(found[0], {}).setdefault(found[2], []).append(found[3])
    reader.close()
    return orders
