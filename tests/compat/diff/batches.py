"""Record batches, right and wrong: builds them byte by byte, and reads back what a broker returned."""

import gzip
import struct

import lz4.frame
import snappy
import zstandard

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
HEADER = 61  # bytes before the records
TABLE = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = _crc >> 1 ^ (0x82F63B78 if _crc & 1 else 0)
    TABLE.append(_crc)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def varint(value):
    out = bytearray()
    value = (value << 1 ^ value >> 63) & 0xFFFFFFFFFFFFFFFF
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value >> 1 ^ -(value & 1), at


def optional(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(offset_delta, time_delta, key, value, headers=(), attributes=0):
    body = struct.pack(">b", attributes) + varint(time_delta) + varint(offset_delta) + optional(key) + optional(value)
    body += varint(len(headers)) + b"".join(optional(k) + optional(v) for k, v in headers)
    return varint(len(body)) + body


def snappy_xerial(data):
    """The framing of Java's snappy: a magic header, then blocks with their sizes."""
    out = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    for at in range(0, len(data), 1024):
        block = snappy.compress(data[at:at + 1024])
        out += struct.pack(">i", len(block)) + block
    return out


def compress(codec, data, raw_snappy=False):
    if codec == 1:
        return gzip.compress(data, 6, mtime=0)
    if codec == 2:
        return snappy.compress(data) if raw_snappy else snappy_xerial(data)
    if codec == 3:
        return lz4.frame.compress(data, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=False)
    if codec == 4:
        return zstandard.ZstdCompressor().compress(data)
    return data


def unsnappy(data):
    if not data.startswith(b"\x82SNAPPY\x00"):
        return snappy.decompress(data)
    out, at = b"", 16
    while at < len(data):
        size = struct.unpack(">i", data[at:at + 4])[0]
        out += snappy.decompress(data[at + 4:at + 4 + size])
        at += 4 + size
    return out


def decompress(codec, data):
    if codec == 1:
        return gzip.decompress(data)
    if codec == 2:
        return unsnappy(data)
    if codec == 3:
        return lz4.frame.decompress(data)
    if codec == 4:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


class Batch:
    """A batch of version 2; every header field can be set to something wrong before bytes()."""

    def __init__(self, times, records, codec=0):
        """`records` are encoded; `times` are theirs."""
        self.base_offset, self.leader_epoch, self.magic = 0, -1, 2
        self.attributes = codec
        self.last_delta = len(records) - 1
        self.base_time, self.max_time = (times[0], max(times)) if times else (-1, -1)
        self.producer_id, self.producer_epoch, self.sequence = -1, -1, -1
        self.count = len(records)
        self.payload = compress(codec & 7, b"".join(records))
        self.length_error = self.crc_error = 0

    def bytes(self):
        tail = struct.pack(">hiqqqhii", self.attributes, self.last_delta, self.base_time, self.max_time, self.producer_id,
                           self.producer_epoch, self.sequence, self.count) + self.payload
        head = struct.pack(">ibI", self.leader_epoch, self.magic, crc32c(tail) ^ self.crc_error)
        return struct.pack(">qi", self.base_offset, len(head) + len(tail) + self.length_error) + head + tail


def old_message(magic, key, value, time, offset=0):
    """A message set of one message, in the format before batches (magic 0 and 1)."""
    import zlib
    body = struct.pack(">bb", magic, 0) + (struct.pack(">q", time) if magic else b"")
    for part in (key, value):
        body += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
    message = struct.pack(">I", zlib.crc32(body)) + body
    return struct.pack(">qi", offset, len(message)) + message


def read_records(payload, count):
    """[(attributes, time delta, offset delta, key, value, headers)]"""
    out, at = [], 0
    for _ in range(count):
        size, at = read_varint(payload, at)
        end = at + size
        attributes = payload[at]
        time_delta, at = read_varint(payload, at + 1)
        offset_delta, at = read_varint(payload, at)
        parts = []
        for _ in range(2):
            size, at = read_varint(payload, at)
            parts.append(None if size < 0 else payload[at:at + size].hex())
            at += max(size, 0)
        out.append([attributes, time_delta, offset_delta, *parts, payload[at:end].hex()])
        at = end
    return out


def read_batches(data):
    """Each whole batch as a dict; what follows the last whole one is not looked at: a broker may cut there."""
    out, at = [], 0
    names = ["attributes", "last_delta", "base_time", "max_time", "producer_id", "producer_epoch", "sequence", "count"]
    while at + HEADER <= len(data):
        base, length, leader_epoch, magic, crc = struct.unpack(">qiibI", data[at:at + 21])
        if at + 12 + length > len(data):
            break
        tail = data[at + 21:at + 12 + length]
        batch = {"base": base, "leader_epoch": leader_epoch, "magic": magic}
        batch |= dict(zip(names, struct.unpack(">hiqqqhii", tail[:40])))
        batch["crc_is_right"] = crc == crc32c(tail)
        batch["bytes"] = tail[40:].hex()
        out.append(batch)
        at += 12 + length
    return out
