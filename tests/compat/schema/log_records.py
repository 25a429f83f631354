#!/usr/bin/env python3
"""Prints the records of a Kafka segment: golden bytes for tests/testdata/kafka.

  log_records.py LABEL SEGMENT.log ...

One line a record: "LABEL data|control key value", each in hex, '-' for null. Uncompressed batches only,
which is what Kafka writes to its internal topics by default; duplicates are left out.
"""
import struct
import sys


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def field(data, at):
    size, at = varint(data, at)
    return ("-", at) if size < 0 else (data[at:at + size].hex() or "empty", at + size)


def records(batch):
    """(control, key, value) of a version 2 batch."""
    attributes = struct.unpack(">h", batch[21:23])[0]
    if attributes & 7:
        raise SystemExit("a compressed batch")
    at = 61
    for _ in range(struct.unpack(">i", batch[57:61])[0]):
        size, at = varint(batch, at)
        end = at + size
        at += 1
        _, at = varint(batch, at)
        _, at = varint(batch, at)
        key, at = field(batch, at)
        value, at = field(batch, at)
        yield bool(attributes & 32), key, value
        at = end


def main():
    label, paths = sys.argv[1], sys.argv[2:]
    seen = set()
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        at = 0
        while at + 61 <= len(data):
            size = 12 + struct.unpack(">i", data[at + 8:at + 12])[0]
            if size <= 12:
                break
            for control, key, value in records(data[at:at + size]):
                line = f"{label} {'control' if control else 'data'} {key} {value}"
                if line not in seen:
                    seen.add(line)
                    print(line)
            at += size


if __name__ == "__main__":
    main()
