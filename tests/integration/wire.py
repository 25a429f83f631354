"""Kafka's protocol by hand, for what no client can be made to send. Only the few requests that the tests need."""

import socket
import struct
import time

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 2, 3, 8, 18, 22


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(value):
    """Zigzag."""
    value, out = (value << 1) ^ (value >> 63), bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(text):
    """Of bytes: what is no text, too."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">h", -1) if data is None else struct.pack(">h", len(data)) + data


def frame(api, version, correlation, body=b"", client="raw"):
    """A request with header version 1."""
    inside = struct.pack(">hhi", api, version, correlation) + string(client) + body
    return struct.pack(">i", len(inside)) + inside


def record(value, number=0):
    inside = b"\0" + varint(0) + varint(number) + varint(-1) + varint(len(value)) + value + varint(0)
    return varint(len(inside)) + inside


def batch(values, producer=(-1, -1, -1), crc_flip=0, count=None, magic=2):
    """A record batch v2 of uncompressed values. `producer` is (id, epoch, first sequence)."""
    records = b"".join(record(v, n) for n, v in enumerate(values))
    last, now = len(values) - 1, int(time.time() * 1000)  # old times would expire: retention, producer state
    after = struct.pack(">hiqqqhii", 0, last, now, now, *producer, len(values) if count is None else count) + records
    head = struct.pack(">ibI", 0, magic, crc32c(after) ^ crc_flip)
    return struct.pack(">qi", 0, len(head) + len(after)) + head + after


def produce_v3(topic, partition, records, acks=-1, correlation=1):
    body = string(None) + struct.pack(">hii", acks, 10000, 1) + string(topic)
    body += struct.pack(">iii", 1, partition, len(records)) + records
    return frame(PRODUCE, 3, correlation, body)


def produce_v3_many(topic, batches, acks=-1, correlation=1):
    """`batches` is a list of (partition, records)."""
    body = string(None) + struct.pack(">hii", acks, 10000, 1) + string(topic) + struct.pack(">i", len(batches))
    body += b"".join(struct.pack(">ii", p, len(r)) + r for p, r in batches)
    return frame(PRODUCE, 3, correlation, body)


def fetch_v4(topic, partition, offset, wait_ms=500, bytes_min=1, bytes_max=1 << 20, correlation=1):
    body = struct.pack(">iiiibi", -1, wait_ms, bytes_min, bytes_max, 0, 1) + string(topic)
    return frame(FETCH, 4, correlation, body + struct.pack(">iiqi", 1, partition, offset, bytes_max))


def metadata_v1(topics=None, correlation=1):
    names = struct.pack(">i", -1) if topics is None else struct.pack(">i", len(topics)) + b"".join(map(string, topics))
    return frame(METADATA, 1, correlation, names)


def list_offsets_v1(topic, partition, timestamp, correlation=1):
    body = struct.pack(">ii", -1, 1) + string(topic) + struct.pack(">iiq", 1, partition, timestamp)
    return frame(LIST_OFFSETS, 1, correlation, body)


def offset_commit_v2(group, topic, partition, offset, correlation=1):
    """Of a group without members."""
    body = string(group) + struct.pack(">i", -1) + string("") + struct.pack(">qi", -1, 1) + string(topic)
    return frame(OFFSET_COMMIT, 2, correlation, body + struct.pack(">iiq", 1, partition, offset) + string(None))


class Connection:
    """One socket. receive() gives whole frames without their size."""

    def __init__(self, port, timeout=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self, count):
        """Exactly `count` bytes, or None where the peer closed before the first of them."""
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                assert not data, f"closed inside a frame, after {data!r}"
                return None
            data += part
        return data

    def receive(self):
        size = self.read(4)
        return None if size is None else self.read(struct.unpack(">i", size)[0])

    def ask(self, request):
        """Sends, and returns the body of the response (after the correlation id, which must match)."""
        self.send(request)
        answer = self.receive()
        assert answer is not None, "closed instead of an answer"
        assert answer[:4] == request[8:12], "another request's answer"
        return answer[4:]

    def closed(self):
        """True once the peer closes without a further byte; False if it sends one. Times out otherwise."""
        return self.read(1) is None


def new_producer_id(port):
    """A fresh (producer id, epoch); asks again while the broker says, retriably, that it is not ready yet."""
    for _ in range(100):
        with Connection(port) as connection:
            body = connection.ask(frame(INIT_PRODUCER_ID, 0, 1, struct.pack(">hi", -1, 60000)))
        _, error, producer, epoch = struct.unpack_from(">ihqh", body)
        if error == 0:
            return producer, epoch
        time.sleep(0.1)
    raise AssertionError(f"no producer id: error {error}")


def produced(body, topic):
    """[(partition, error, base offset)] of a Produce v3 response with one topic."""
    at = 4 + 2 + len(topic)
    (count,) = struct.unpack_from(">i", body, at)
    return [struct.unpack_from(">ihq", body, at + 4 + 22 * n) for n in range(count)]


def fetched(body, topic):
    """(error, high watermark, records) of a Fetch v4 response with one partition."""
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    error, high, _, aborted = struct.unpack_from(">hqqi", body, at)
    at += 22 + 16 * max(aborted, 0)
    (size,) = struct.unpack_from(">i", body, at)
    return error, high, body[at + 4 : at + 4 + max(size, 0)]
