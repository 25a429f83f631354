#!/usr/bin/python3
"""kill -9 under the load of an idempotent producer, again and again, each time with another number of shards.

One producer writes number n of partition p as its n-th message there and never gives up, so the truth is simple:
number n has offset n. After the last cycle each partition holds 0, 1, 2 ... without a gap or a repeat, at least as
far as was acknowledged. The last line is "N passed, N failed", one count a cycle and one for the final reading.

    tests/integration/kill_run.py [--binary PATH] [--cycles 50] [--partitions 64] [--rate 10000] [--seed N]
        [--durability flushed|written] [--record FILE]
"""

import argparse
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Load(threading.Thread):
    """Produces at a steady rate until stop(); keeps what was acknowledged."""

    def __init__(self, bootstrap, topic, partitions, rate, seed):
        super().__init__(daemon=True)
        from confluent_kafka import Producer
        self.topic, self.partitions, self.rate = topic, partitions, rate
        self.random = random.Random(seed)
        self.sent = [0] * partitions
        self.acked = [0] * partitions  # all numbers below were acknowledged
        self.wrong = []
        self.stopping = threading.Event()
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 0,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "log_level": 2,
            "queue.buffering.max.messages": 200000, "error_cb": self.on_error, "compression.type": "lz4",
        })

    def on_error(self, error):
        if error.fatal():
            self.wrong.append(f"producer: fatal {error.name()}: {error.str()}")
            self.stopping.set()

    def on_delivery(self, error, message):
        number, partition = int(message.value().split(b" ", 1)[0]), message.partition()
        if error is not None:
            self.wrong.append(f"partition {partition} number {number}: {error.name()}")
        elif number != self.acked[partition]:
            self.wrong.append(f"partition {partition}: number {number} acknowledged, expected {self.acked[partition]}")
        elif message.offset() not in (number, -1, -1001, None):
            self.wrong.append(f"partition {partition}: number {number} got offset {message.offset()}")
        self.acked[partition] = number + 1

    def run(self):
        filler, began, count = os.urandom(600).hex().encode(), time.monotonic(), 0
        while not self.stopping.is_set():
            ahead = count - self.rate * (time.monotonic() - began)
            if ahead > 0 or len(self.producer) > 150000:
                self.producer.poll(0.005)
                began += 0.005 if ahead <= 0 else 0
                continue
            for _ in range(100):
                partition = self.random.randrange(self.partitions)
                value = b"%d %s" % (self.sent[partition], filler[: self.random.randrange(300)])
                self.producer.produce(self.topic, value, partition=partition, on_delivery=self.on_delivery)
                self.sent[partition] += 1
                count += 1
            self.producer.poll(0)

    def stop(self):
        self.stopping.set()
        self.join(30)
        left = self.producer.flush(60)
        if left:
            self.wrong.append(f"{left} messages were never acknowledged after the last start")


def read_all(bootstrap, topic, acked):
    """What is wrong with the topic: each partition must hold 0, 1, 2 ... at least up to `acked`. Also the total."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 2})
    following, wrong, ends = [0] * len(acked), [], []
    for partition in range(len(acked)):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 20)
        ends.append(high)
        if low != 0 or high < acked[partition]:
            wrong.append(f"partition {partition}: holds {low}..{high}, acknowledged up to {acked[partition]}")
    consumer.assign([TopicPartition(topic, p, 0) for p in range(len(acked))])
    last = time.monotonic()
    while sum(following) < sum(ends) and time.monotonic() - last < 20 and len(wrong) < 20:
        for message in consumer.consume(10000, 1.0):
            last = time.monotonic()
            if message.error():
                wrong.append(message.error().str())
                continue
            number, partition = int(message.value().split(b" ", 1)[0]), message.partition()
            if number != following[partition] or message.offset() != number:
                wrong.append(f"partition {partition} offset {message.offset()}: number {number}, expected {following[partition]}")
            following[partition] = number + 1
    consumer.close()
    if sum(following) < sum(ends) and not wrong:
        wrong.append(f"read {sum(following)} of {sum(ends)} messages, then nothing came")
    return wrong, sum(following)


def another_shard_count(broker, draw, choices):
    broker.shards_fixed = draw.choice([n for n in choices if n != broker.shards_fixed])


def cycle(broker, load, draw, seconds):
    """Load for a while, kill -9, start with another shard count. Returns what was wrong."""
    before = sum(load.acked)
    end = time.monotonic() + seconds
    while time.monotonic() < end + 10 and (time.monotonic() < end or sum(load.acked) == before) and not load.wrong:
        time.sleep(0.02)
    if sum(load.acked) == before:
        return ["nothing was acknowledged in this cycle"]
    time.sleep(draw.random() * 0.05)
    broker.kill()
    another_shard_count(broker, draw, (1, 2, 4))
    broker.start()
    return []


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--rate", type=int, default=10000, help="messages per second offered")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--durability", default="flushed")
    parser.add_argument("--seconds", type=float, default=2.0, help="longest load of a cycle")
    parser.add_argument("--record", help="append the figures, as one line of JSON, to this file")
    return parser.parse_args()


def main():
    options = arguments()
    if options.binary:
        os.environ["ODRADEK_BINARY"] = os.path.abspath(options.binary)
    import broker as brokers
    from cases import Case
    draw = random.Random(options.seed)
    print(f"kill: seed {options.seed}, {options.cycles} cycles, {options.partitions} partitions, {options.durability}", flush=True)
    properties = {"odradek.durability": options.durability, "log.segment.bytes": "8388608"}
    broker = brokers.Broker(properties, shards=draw.choice((1, 2, 4)))
    passed, wrong, began = 0, [], time.monotonic()
    try:
        broker.start()
        topic = Case().create(broker.bootstrap, options.partitions)
        load = Load(broker.bootstrap, topic, options.partitions, options.rate, options.seed)
        load.start()
        for number in range(options.cycles):
            wrong = cycle(broker, load, draw, draw.uniform(0.3, options.seconds)) or load.wrong[:20]
            print(f"cycle {number + 1}: {sum(load.acked)} acknowledged, next with {broker.shards_fixed} shards", flush=True)
            if wrong:
                break
            passed += 1
        load.stop()
        wrong = wrong or load.wrong[:20]
        found, total = read_all(broker.bootstrap, topic, load.acked)
        wrong = wrong + found
        print(f"{sum(load.acked)} acknowledged, {total} read, in {time.monotonic() - began:.0f} s")
        if total == 0:
            wrong.append("no message was written")
    finally:
        if wrong or sys.exc_info()[0]:
            print(broker.output()[-6000:])
        broker.close()
    for line in wrong:
        print(f"WRONG {line}")
    if options.record:
        with open(options.record, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(when=time.strftime("%F %T"), seed=options.seed, cycles=passed, partitions=options.partitions,
                                       durability=options.durability, acknowledged=sum(load.acked), read=total, wrong=wrong)) + "\n")
    print(f"{passed + (not wrong)} passed, {int(bool(wrong))} failed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
