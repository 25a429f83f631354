"""What is measured, and by which client. A work returns a Figure: one broker, one round."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import brokers

GIB = 1 << 30


@dataclass
class Work:
    """`count` messages of `size` bytes over `partitions`; `kind` is produce, requests (one record each) or consume."""

    name: str
    kind: str
    size: int
    partitions: int
    count: int
    # Ours against Kafka: at least `faster` times the throughput at `cheaper` or less of the CPU per byte or request.
    faster: float = 1.0
    cheaper: float | None = None


@dataclass
class Figure:
    seconds: float
    bytes: int
    messages: int
    cpu_seconds: float  # of the broker, until half a second after the run
    resident_bytes: int
    # Of the machine's CPUs during the run, the share that neither broker nor client used: other processes, and kernel
    # threads, which write a page cache back without its owner being charged.
    others: float = 0.0

    @property
    def mb_per_second(self):
        return self.bytes / 1e6 / self.seconds

    @property
    def messages_per_second(self):
        return self.messages / self.seconds

    @property
    def cpu_per_gib(self):
        return self.cpu_seconds * GIB / self.bytes

    @property
    def cpu_us_per_message(self):
        return self.cpu_seconds * 1e6 / self.messages


def full(scale):
    """The works of a whole comparison; `scale` multiplies the counts."""
    n = lambda count: max(1000, int(count * scale))  # noqa: E731
    works = [Work(f"produce 1 KiB, {p} partitions", "produce", 1024, p, n(1000000), 2.0, 1 / 3) for p in (1, 16, 100)]
    # Longer than what was touched before and than what the kernel keeps dirty: a page cache is written back meanwhile.
    works += [Work("produce 1 KiB, 16 partitions, sustained", "produce", 1024, 16, n(8000000), 2.0, 1 / 3)]
    works += [Work(f"produce 100 B, {p} partitions", "produce", 100, p, n(5000000), 1.0, 1 / 3) for p in (1, 16, 100)]
    works += [Work(f"one-record requests, 64 in flight, {p} partitions", "requests", 100, p, n(50000), 3.0, 1 / 4) for p in (1, 64)]
    return works + [Work("consume 1 KiB, cached", "consume", 1024, 1, n(1000000), 1.0)]


def quick():
    """A few seconds: does it run at all, and not absurdly slowly."""
    return [Work("produce 1 KiB, 16 partitions", "produce", 1024, 16, 100000),
            Work("one-record requests, 64 in flight, 1 partition", "requests", 100, 1, 10000),
            Work("consume 1 KiB, cached", "consume", 1024, 1, 100000)]


class Rdkafka:
    """rdkafka_performance: its own table says how long the messages took."""

    def __init__(self):
        fetch = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fetch")
        self.program = subprocess.run([fetch], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
        self.shared_objects = os.path.join(os.path.dirname(os.path.dirname(self.program)), "src")

    def run(self, *words):
        """The cells of the last line of the table."""
        done = subprocess.run([self.program, *map(str, words), "-u"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, env={**os.environ, "LD_LIBRARY_PATH": self.shared_objects})
        rows = [line for line in done.stdout.split("\n") if line.startswith("|") and "elapsed" not in line]
        if done.returncode != 0 or not rows:
            raise RuntimeError(f"rdkafka_performance ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return [cell.strip() for cell in rows[-1].strip("|\n ").split("|")], done.stdout

    def produce(self, bootstrap, topic, work):
        more = ["-X", "linger.ms=5"]
        if work.kind == "requests":
            more = ["-X", "linger.ms=0", "-X", "batch.num.messages=1", "-X", "max.in.flight.requests.per.connection=64"]
        where = ["-p", 0] if work.partitions == 1 else []
        cells, said = self.run("-P", "-b", bootstrap, "-t", topic, "-s", work.size, "-c", work.count, "-a", -1, *where, *more)
        if int(cells[4]) != work.count or int(cells[7]) != 0:
            raise RuntimeError(f"{cells[4]} of {work.count} delivered, {cells[7]} errors:\n{said[-2000:]}")
        return int(cells[0]) / 1000

    def consume(self, bootstrap, topic, work):
        cells, said = self.run("-C", "-b", bootstrap, "-t", topic, "-p", 0, "-o", "beginning", "-c", work.count)
        if int(cells[1]) < work.count:
            raise RuntimeError(f"{cells[1]} of {work.count} read:\n{said[-2000:]}")
        return int(cells[0]) / 1000


class Confluent:
    """The Python client that Debian has: needs no fetching, but is itself the limit of what it shows."""

    def produce(self, bootstrap, topic, work):
        from confluent_kafka import Producer
        config = {"linger.ms": 5}
        if work.kind == "requests":
            config = {"linger.ms": 0, "batch.num.messages": 1, "max.in.flight.requests.per.connection": 64}
        producer, failed, began = Producer({"bootstrap.servers": bootstrap, **config}), [], time.monotonic()
        for n in range(work.count):
            while True:
                try:
                    producer.produce(topic, b"x" * work.size, partition=n % work.partitions,
                                     on_delivery=lambda error, message: error and failed.append(error))
                    break
                except BufferError:
                    producer.poll(0.01)
            producer.poll(0)
        left = producer.flush(120)
        if left or failed:
            raise RuntimeError(f"{left} not delivered, {len(failed)} failed: {failed[:1]}")
        return time.monotonic() - began

    def consume(self, bootstrap, topic, work):
        from confluent_kafka import Consumer, TopicPartition
        consumer, found = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "enable.auto.commit": False}), 0
        consumer.assign([TopicPartition(topic, 0, 0)])
        began = time.monotonic()
        while found < work.count:
            messages = consumer.consume(10000, 5.0)
            if not messages:
                raise RuntimeError(f"{found} of {work.count} read, then nothing came")
            found += len(messages)
        seconds = time.monotonic() - began
        consumer.close()
        return seconds


def warm(gib):
    """Touches memory, so that the hypervisor has backed what the page caches and arenas are going to take."""
    chunks = [b"\1" * (64 << 20) for _ in range(int(gib * 16))]
    del chunks


class Machine:
    """CPU seconds of the whole machine, of children of this process (the client), and the time, since it was made."""

    def __init__(self):
        self.began = self.now()

    @staticmethod
    def now():
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = [int(word) for word in stat.readline().split()[1:9]]
        idle = ticks[3] + ticks[4]
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        tick = os.sysconf("SC_CLK_TCK")
        return sum(ticks) / tick, (sum(ticks) - idle) / tick, children.ru_utime + children.ru_stime

    def others(self, broker_seconds):
        total, busy, client = (now - then for now, then in zip(self.now(), self.began))
        return max(0.0, (busy - client - broker_seconds) / max(total, 1e-9))


def wait_for_quiet(seconds_max=60):
    """Waits until other processes leave nine tenths of the machine alone for a second; gives up without a word."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        machine = Machine()
        time.sleep(1)
        if machine.others(0) < 0.1:
            return


def measure(broker, client, work, round_number):
    """One Figure. The topic is new; for consume it is filled first, and read twice: the first reading is not timed."""
    topic = f"bench-{os.getpid()}-{round_number}-{abs(hash(work.name)) % 10000}"
    brokers.create_topic(broker, topic, work.partitions)
    time.sleep(1)  # Apache Kafka names leaders before each of them has its log
    if work.kind == "consume":
        client.produce(broker.bootstrap, topic, Work("", "produce", work.size, 1, work.count))
        client.consume(broker.bootstrap, topic, work)
    os.sync()  # what another broker left in the page cache is written now and not during the run
    time.sleep(0.5)
    before, machine = broker.cpu_seconds(), Machine()
    seconds = (client.consume if work.kind == "consume" else client.produce)(broker.bootstrap, topic, work)
    others = machine.others(broker.cpu_seconds() - before)
    time.sleep(0.5)
    figure = Figure(seconds, work.size * work.count, work.count, broker.cpu_seconds() - before, broker.resident_bytes(), others)
    brokers.delete_topic(broker, topic)
    return figure


def warm_up(broker, client, messages):
    """Has the broker serve some messages before anything is timed (a JVM compiles what it runs often)."""
    if messages:
        work = Work("warm up", "produce", 100, 16, messages)
        measure(broker, client, work, "warm")
        measure(broker, client, Work("warm up requests", "requests", 100, 16, messages // 50), "warm")
        measure(broker, client, Work("warm up consume", "consume", 1024, 1, messages // 10), "warm")


if __name__ == "__main__":
    sys.exit("run perf/compare/run")
