#!/usr/bin/python3
"""Captures what Apache Kafka does with record batches, for tests/log/batch/golden_test.cc.

    capture.py HOST:PORT        against a running Apache Kafka (4.x) of one node; rewrites two files here:

clients.txt     batches of librdkafka and of Kafka's Java producer as the broker stored them
validation.txt  batches made here, good and bad, with the broker's verdict and what it stored

Needs python3-confluent-kafka, -lz4, -snappy, -zstandard; for Java, KAFKA_LIB with Kafka's jars.
"""
import gzip, os, socket, struct, subprocess, sys, time

import confluent_kafka
import lz4.frame, snappy, zstandard
from confluent_kafka.admin import AdminClient, NewTopic

HOST, PORT = sys.argv[1].split(":")
HERE = os.path.dirname(os.path.abspath(__file__))
RUN = str(int(time.time()))

# --- CRC-32C and varints, on their own so that the tests compare two implementations.
TABLE = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = TABLE[(crc ^ b) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def uvarint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def varint(v):
    return uvarint((v << 1) ^ (v >> 63) if v >= 0 else ((-v) << 1) - 1)


def field(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(delta, value=b"v", key=b"k", ts=0, headers=(), attributes=0, body_extra=b"", length=None,
           header_count=None):
    body = bytes([attributes]) + varint(ts) + varint(delta) + field(key) + field(value)
    body += varint(len(headers) if header_count is None else header_count)
    for k, v in headers:
        body += field(k) + field(v)
    body += body_extra
    return varint(len(body) if length is None else length) + body


COMPRESS = {
    0: lambda d: d,
    1: lambda d: gzip.compress(d, mtime=0),
    2: lambda d: b"\x82SNAPPY\0\0\0\0\1\0\0\0\1" + struct.pack(">i", len(snappy.compress(d))) + snappy.compress(d),
    3: lambda d: lz4.frame.compress(d, block_linked=False),
    4: lambda d: zstandard.ZstdCompressor().compress(d),
}


def batch(records, codec=0, attributes=None, base=0, epoch=-1, magic=2, last=None, count=None, base_ts=None,
          max_ts=None, pid=-1, pepoch=-1, seq=-1, payload=None, crc=None, length=None):
    data = b"".join(records)
    data = COMPRESS[codec](data) if payload is None else payload
    base_ts = NOW if base_ts is None else base_ts
    tail = struct.pack(">hiqqqhii", codec if attributes is None else attributes,
                       len(records) - 1 if last is None else last, base_ts,
                       base_ts if max_ts is None else max_ts, pid, pepoch, seq,
                       len(records) if count is None else count) + data
    crc = crc32c(tail) if crc is None else crc
    body = struct.pack(">ibI", epoch, magic, crc) + tail
    return struct.pack(">qi", base, len(body) if length is None else length) + body


# --- a client of three requests
def string(s):
    return struct.pack(">h", -1) if s is None else struct.pack(">h", len(s)) + s.encode()


class Broker:
    def __init__(self):
        self.s = socket.create_connection((HOST, int(PORT)))

    def call(self, api, version, body):
        head = struct.pack(">hhi", api, version, 1) + string("capture")
        self.s.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        n = struct.unpack(">i", self.read(4))[0]
        return self.read(n)[4:]

    def read(self, n):
        out = b""
        while len(out) < n:
            part = self.s.recv(n - len(out))
            if not part:
                raise EOFError
            out += part
        return out

    def produce(self, topic, records, version=8):
        body = string(None) + struct.pack(">hi", -1, 10000) + struct.pack(">i", 1) + string(topic)
        body += struct.pack(">iii", 1, 0, len(records)) + records
        r = self.call(0, version, body)
        at = 4 + 2 + len(topic) + 4 + 4
        error, base, append = struct.unpack_from(">hqq", r, at)
        errors, message = [], None
        if version >= 8:
            at += 18 + 8
            n = struct.unpack_from(">i", r, at)[0]
            at += 4
            for _ in range(max(n, 0)):
                index, size = struct.unpack_from(">ih", r, at)
                at += 6 + max(size, 0)
                errors.append(index)
            size = struct.unpack_from(">h", r, at)[0]
            message = r[at + 2:at + 2 + size].decode() if size > 0 else None
        return error, base, append, errors, message

    def fetch(self, topic, offset):
        body = struct.pack(">iiiib", -1, 500, 1, 1 << 24, 0) + struct.pack(">i", 1) + string(topic)
        body += struct.pack(">iiqi", 1, 0, offset, 1 << 24)
        r = self.call(1, 4, body)
        at = 4 + 4 + 2 + len(topic) + 4
        error, = struct.unpack_from(">h", r, at + 4)
        assert error == 0, error
        at += 4 + 2 + 8 + 8
        aborted = struct.unpack_from(">i", r, at)[0]
        at += 4 + 16 * max(aborted, 0)
        size = struct.unpack_from(">i", r, at)[0]
        return r[at + 4:at + 4 + size]


def batches_of(data):
    while len(data) >= 61:
        size = 12 + struct.unpack_from(">i", data, 8)[0]
        if size > len(data):
            return
        yield data[:size]
        data = data[size:]


ADMIN = AdminClient({"bootstrap.servers": f"{HOST}:{PORT}"})


def topic(name, **config):
    name = f"{name}-{RUN}"
    new = NewTopic(name, 1, 1, config={k.replace("_", "."): str(v) for k, v in config.items()})
    ADMIN.create_topics([new])[name].result()
    return name


# --- clients.txt
def librdkafka(broker, out):
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        name = topic(f"rdkafka-{codec}")
        p = confluent_kafka.Producer({"bootstrap.servers": f"{HOST}:{PORT}", "compression.type": codec,
                                      "enable.idempotence": codec == "zstd", "linger.ms": 300})
        for i in range(6):
            p.produce(name, value=(f"value-{i}-" * 8).encode() if i != 4 else None,
                      key=f"key-{i}".encode() if i % 2 else None, timestamp=1700000000000 + 10 * i,
                      headers=[("h", b"x"), ("null", None)] if i == 2 else None)
        p.flush()
        for b in batches_of(broker.fetch(name, 0)):
            out.write(f"librdkafka-{codec} {b.hex()}\n")


JAVA = r'''
import java.util.*;
import org.apache.kafka.clients.producer.*;
public class CaptureProducer {
  public static void main(String[] a) throws Exception {
    Properties p = new Properties();
    p.put("bootstrap.servers", a[0]); p.put("compression.type", a[2]); p.put("linger.ms", "300");
    p.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    p.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    try (var producer = new KafkaProducer<String, String>(p)) {
      for (int i = 0; i < 6; i++) {
        var r = new ProducerRecord<String, String>(a[1], 0, 1700000000000L + 10 * i,
            i % 2 == 1 ? "key-" + i : null, i != 4 ? ("value-" + i + "-").repeat(8) : null);
        if (i == 2) { r.headers().add("h", "x".getBytes()); r.headers().add("null", null); }
        producer.send(r);
      }
    }
  }
}
'''


def java(broker, out):
    source = "/tmp/CaptureProducer.java"
    with open(source, "w") as f:
        f.write(JAVA)
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        name = topic(f"java-{codec}")
        subprocess.run(["java", "-cp", os.environ["KAFKA_LIB"] + "/*", source, f"{HOST}:{PORT}", name, codec],
                       check=True, stderr=subprocess.DEVNULL)
        for b in batches_of(broker.fetch(name, 0)):
            out.write(f"java-{codec} {b.hex()}\n")


# --- validation.txt
NOW = int(time.time() * 1000)
DAY = 86400000



def cases():
    """(name, topic config, produce version, bytes)"""
    r3 = [record(i, ts=i) for i in range(3)]
    plain, compact = {}, {"cleanup_policy": "compact"}
    append = {"message_timestamp_type": "LogAppendTime"}
    good = batch(r3, max_ts=NOW + 2)
    yield "good", plain, 8, good
    yield "wrong-max-timestamp", plain, 8, batch(r3, max_ts=NOW + 99)
    yield "no-timestamps", plain, 8, batch([record(0), record(1)], base_ts=-1, max_ts=-1)
    yield "empty-field", plain, 8, b""
    yield "short-11", plain, 8, good[:11]
    yield "short-16", plain, 8, good[:16]
    yield "short-60", plain, 8, good[:60]
    yield "short-last", plain, 8, good[:-1]
    yield "trailing-few", plain, 8, good + b"\1" * 11
    yield "trailing-half-batch", plain, 8, good + good[:-1]
    yield "trailing-garbage", plain, 8, good + b"\xff" * 30
    yield "trailing-zeros", plain, 8, good + b"\0" * 30
    yield "two-batches", plain, 8, good + good
    yield "length-negative", plain, 8, batch(r3, length=-5)
    yield "length-13", plain, 8, batch(r3, length=13)
    yield "length-14", plain, 8, batch(r3, length=14)
    yield "length-40", plain, 8, batch(r3, length=40)
    yield "length-48", plain, 8, batch(r3, length=48)[:60]
    for magic in (0, 1, 3, -1, 127):
        yield f"magic-{magic}", plain, 8, batch(r3, magic=magic)
    yield "bad-crc", plain, 8, batch(r3, crc=1)
    yield "base-offset-5", plain, 8, batch(r3, base=5)
    yield "base-offset-5-bad-crc", plain, 8, batch(r3, base=5, crc=1)
    yield "leader-epoch-9", plain, 8, batch(r3, epoch=9, max_ts=NOW + 2)
    yield "codec-5", plain, 8, batch(r3, attributes=5)
    yield "codec-7", plain, 8, batch(r3, attributes=7)
    yield "count-0", plain, 8, batch([], count=0, last=0)
    yield "count-0-last-minus-1", plain, 8, batch([], count=0, last=-1)
    yield "count-minus-1", plain, 8, batch(r3, count=-1)
    yield "count-2-of-3", plain, 8, batch(r3, count=2)
    yield "count-2-last-1-of-3", plain, 8, batch(r3, count=2, last=1)
    yield "count-4-last-3-of-3", plain, 8, batch(r3, count=4, last=3)
    yield "last-minus-2", plain, 8, batch(r3, last=-2)
    yield "control", plain, 8, batch(r3, attributes=0x20)
    yield "control-transactional", plain, 8, batch(r3, attributes=0x30, pid=1, pepoch=0, seq=0)
    yield "pid-no-sequence", plain, 8, batch(r3, pid=4, pepoch=0, seq=-1)
    yield "sequence-no-pid", plain, 8, batch(r3, seq=7, max_ts=NOW + 2)
    yield "idempotent", plain, 8, batch(r3, pid=4000, pepoch=0, seq=0, max_ts=NOW + 2)
    yield "delete-horizon-bit", plain, 8, batch(r3, attributes=0x40, max_ts=NOW + 2)
    yield "unused-bits", plain, 8, batch(r3, attributes=0x7f80, max_ts=NOW + 2)
    yield "unused-bits-wrong-max", plain, 8, batch(r3, attributes=0x7fc0, max_ts=NOW + 5)
    # structure of records
    yield "record-attributes", plain, 8, batch([record(0, attributes=0x7f)])
    yield "record-too-long", plain, 8, batch([record(0, length=40)])
    yield "record-too-short", plain, 8, batch([record(0, length=5)])
    yield "record-negative-length", plain, 8, batch([record(0, length=-1)])
    yield "record-zero-length", plain, 8, batch([record(0, length=0)])
    yield "record-extra-byte", plain, 8, batch([record(0, body_extra=b"\0")])
    yield "record-key-minus-7", plain, 8, batch([varint(6) + b"\0" + varint(0) + varint(0) + varint(-7) + varint(0) + varint(0)])
    yield "record-value-minus-7", plain, 8, batch([varint(6) + b"\0" + varint(0) + varint(0) + varint(0) + varint(-7) + varint(0)])
    yield "record-value-beyond", plain, 8, batch([varint(6) + b"\0" + varint(0) + varint(0) + varint(0) + varint(50) + varint(0)])
    yield "record-long-varints", plain, 8, batch([varint(11) + b"\0" + b"\x80\x00" + b"\x80\x80\x80\x80\x00" + varint(0) + varint(0) + varint(0)])
    yield "record-six-byte-varint", plain, 8, batch([varint(12) + b"\0" + b"\x80\x00" + b"\x80\x80\x80\x80\x80\x00" + varint(0) + varint(0) + varint(0)])
    yield "header-count-negative", plain, 8, batch([record(0, header_count=-1)])
    yield "header-count-large", plain, 8, batch([record(0, header_count=1000)])
    yield "header-null-key", plain, 8, batch([record(0, headers=[(None, b"v")])])
    yield "header-null-value", plain, 8, batch([record(0, headers=[(b"k", None), (b"", b"")])])
    yield "bytes-after-records", plain, 8, batch([record(0)], payload=record(0) + b"\0\0")
    # offsets
    yield "deltas-gap", plain, 8, batch([record(0), record(2), record(4)])
    yield "deltas-from-1", plain, 8, batch([record(1), record(2), record(3)])
    yield "deltas-same", plain, 8, batch([record(0), record(0), record(0)])
    yield "deltas-negative", plain, 8, batch([record(-1), record(0), record(1)])
    # timestamps
    yield "too-new", plain, 8, batch([record(0), record(1, ts=3 * 3600000), record(2)])
    yield "near-future", plain, 8, batch([record(0), record(1, ts=1800000)], max_ts=NOW + 1800000)
    yield "very-old", plain, 8, batch([record(0)], base_ts=0, max_ts=0)
    before = {"message_timestamp_before_max_ms": DAY}
    yield "too-old", before, 8, batch([record(0), record(1, ts=-2 * DAY), record(2, ts=-3 * DAY)])
    yield "too-old-none-exempt", before, 8, batch([record(0)], base_ts=-1, max_ts=-1)
    yield "negative-timestamp", plain, 8, batch([record(0)], base_ts=-2, max_ts=-2)
    yield "overflowing-delta", plain, 8, batch([record(0), record(1, ts=(1 << 63) - 1)])
    yield "claims-append-time", plain, 8, batch(r3, attributes=8)
    yield "claims-append-time-old-max", plain, 8, batch(r3, attributes=8, max_ts=NOW + 4 * 3600000)
    yield "claims-append-time-no-max", plain, 8, batch(r3, attributes=8, max_ts=-1)
    yield "append-topic", append, 8, batch(r3)
    yield "append-topic-far-future", append, 8, batch([record(0, ts=10 * DAY)])
    yield "append-topic-claims-append", append, 8, batch(r3, attributes=8)
    # compacted topics
    yield "null-key-plain", plain, 8, batch([record(0, key=None)])
    yield "null-key-compacted", compact, 8, batch([record(0), record(1, key=None), record(2, key=None)])
    yield "empty-key-compacted", compact, 8, batch([record(0, key=b"")])
    yield "null-key-and-too-new", compact, 8, batch([record(0, key=None), record(1, ts=3 * 3600000)])
    yield "null-key-and-too-new-one", compact, 8, batch([record(0, key=None, ts=3 * 3600000)])
    yield "null-key-then-bad-structure", compact, 8, batch([record(0, key=None), record(1, length=90)])
    # sizes
    yield "at-max", {"max_message_bytes": len(good)}, 8, good
    yield "over-max", {"max_message_bytes": len(good) - 1}, 8, good
    yield "over-max-bad-crc", {"max_message_bytes": len(good) - 1}, 8, batch(r3, crc=1)
    yield "over-max-base-offset", {"max_message_bytes": len(good) - 1}, 8, batch(r3, base=3)
    # codecs
    yield "zstd-v6", plain, 6, batch(r3, codec=4, max_ts=NOW + 2)
    yield "zstd-v7", plain, 7, batch(r3, codec=4, max_ts=NOW + 2)
    for codec, name in ((1, "gzip"), (2, "snappy"), (3, "lz4"), (4, "zstd")):
        z = COMPRESS[codec](b"".join(r3))
        yield f"{name}-good", plain, 8, batch(r3, codec=codec, max_ts=NOW + 2)
        yield f"{name}-wrong-max", plain, 8, batch(r3, codec=codec, max_ts=NOW)
        yield f"{name}-append", append, 8, batch(r3, codec=codec)
        yield f"{name}-deltas-gap", plain, 8, batch([record(0), record(2), record(5)], codec=codec)
        yield f"{name}-null-key", compact, 8, batch([record(0, key=None)], codec=codec)
        yield f"{name}-too-new", plain, 8, batch([record(0, ts=3 * 3600000)], codec=codec)
        yield f"{name}-cut", plain, 8, batch(r3, codec=codec, payload=z[:-3])
        yield f"{name}-half", plain, 8, batch(r3, codec=codec, payload=z[:len(z) // 2])
        yield f"{name}-garbage", plain, 8, batch(r3, codec=codec, payload=b"\x99" * 40)
        yield f"{name}-empty", plain, 8, batch(r3, codec=codec, payload=b"")
        yield f"{name}-trailing", plain, 8, batch(r3, codec=codec, payload=z + b"\x77" * 9)
        yield f"{name}-twice", plain, 8, batch(r3, codec=codec, count=3, payload=COMPRESS[codec](r3[0]) + COMPRESS[codec](r3[1] + r3[2]))
        yield f"{name}-count-2", plain, 8, batch(r3, codec=codec, count=2, last=1)
        yield f"{name}-count-4", plain, 8, batch(r3, codec=codec, count=4, last=3)
        yield f"{name}-record-extra-byte", plain, 8, batch([record(0, body_extra=b"\0")], codec=codec)
        yield f"{name}-record-too-short", plain, 8, batch([record(0, length=5)], codec=codec)
        yield f"{name}-header-null-key", plain, 8, batch([record(0, headers=[(None, b"v")])], codec=codec)
        yield f"{name}-to-none", {"compression_type": "uncompressed"}, 8, batch(r3, codec=codec)
        yield f"{name}-same", {"compression_type": name}, 8, batch(r3, codec=codec)
        yield f"none-to-{name}", {"compression_type": name}, 8, batch(r3)
        yield f"none-to-{name}-append", {"compression_type": name, **append}, 8, batch(r3)
    yield "snappy-raw", plain, 8, batch(r3, codec=2, payload=snappy.compress(b"".join(r3)))
    yield "gzip-to-none-append", {"compression_type": "uncompressed", **append}, 8, batch(r3, codec=1)


def validation(broker, out):
    topics = {}
    for name, config, version, data in cases():
        key = tuple(sorted(config.items()))
        if key not in topics:
            topics[key] = topic(f"validation-{len(topics)}", **config)
            time.sleep(0.3)
        text = ",".join(f"{k.replace('_', '.')}={v}" for k, v in key) or "-"
        before = int(time.time() * 1000)
        try:
            error, base, append, errors, message = broker.produce(topics[key], data, version)
        except EOFError:
            broker.__init__()
            error, base, append, errors, message = "closed", -1, -1, [], None
        stored = "-"
        if error == 0:
            stored = next(batches_of(broker.fetch(topics[key], base)))
            assert struct.unpack_from(">q", stored)[0] == base, name
            stored = (b"\0" * 8 + stored[8:]).hex()
        now = append if append >= 0 else before
        indices = ",".join(map(str, errors)) or "-"
        out.write(f"{name} {text} {version} {now} {data.hex() or '-'} {error} {indices} {stored}\n")
        print(name, error, errors, message)


if __name__ == "__main__":
    broker = Broker()
    with open(os.path.join(HERE, "validation.txt"), "w") as f:
        f.write("# name, topic configuration, produce version, now, request bytes, error, refused records, "
                "stored batch (base offset zeroed)\n")
        validation(broker, f)
    with open(os.path.join(HERE, "clients.txt"), "w") as f:
        f.write("# client and codec, batch as stored by Apache Kafka\n")
        librdkafka(broker, f)
        if "KAFKA_LIB" in os.environ:
            java(broker, f)
