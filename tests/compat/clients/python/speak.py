"""The client programs' side of the conversation with tests/compat/clients/run (README.md): lines of tab-separated fields."""

import sys
import traceback

NULL = "\\N"


class Record:
    """One record to send. Key, value and header values are bytes; a null value is None."""

    __slots__ = ("number", "partition", "timestamp", "key", "value", "headers")

    def __init__(self, line):
        number, partition, timestamp, key, value, *headers = line.split("\t")
        self.number, self.partition, self.timestamp = int(number), int(partition), int(timestamp)
        self.key, self.value = key.encode(), None if value == NULL else value.encode()
        self.headers = [(name, value.encode()) for name, value in (header.split("=", 1) for header in headers)]


def lines():
    """What follows a command, up to the line with a dot."""
    for line in sys.stdin:
        line = line.rstrip("\n")
        if line == ".":
            return
        yield line


def records():
    return (Record(line) for line in lines())


def acked(number, partition, offset):
    """The broker acknowledged a record; (-1, -1) tells that its client gave up and that the record is sent again."""
    sys.stdout.write(f"{number}\t{partition}\t{offset}\n")


def received(partition, offset, timestamp, key, value, headers):
    fields = [str(partition), str(offset), str(timestamp), key.decode(), NULL if value is None else value.decode()]
    fields += [f"{name}={(value or b'').decode()}" for name, value in headers or ()]
    sys.stdout.write("\t".join(fields) + "\n")


def wanted():
    """{partition: [next offset, end offset]} of a consume command, without those that want nothing."""
    ranges = {}
    for line in lines():
        partition, start, end = map(int, line.split("\t"))
        if start < end:
            ranges[partition] = [start, end]
    return ranges


def take(ranges, partition, offset, *record):
    """Passes on a record if its partition still wants it, and forgets a partition that has all."""
    want = ranges.get(partition)
    if want is None or offset >= want[1]:
        return
    received(partition, offset, *record)
    want[0] = offset + 1
    if want[0] == want[1]:
        del ranges[partition]


def serve(name, version, codecs, client):
    """Carries out commands until stdin ends. `client` has create, produce, offset, consume and group."""
    sys.stdout.reconfigure(line_buffering=True)  # the driver counts what is acknowledged
    print("hello", name, version, ",".join(codecs), sep="\t")
    try:
        for line in sys.stdin:
            verb, topic, *rest = line.rstrip("\n").split("\t")
            if verb == "create":
                client.create(topic, int(rest[0]))
            elif verb == "produce":
                client.produce(topic, rest[0])
            elif verb == "offsets":
                for asked in list(lines()):
                    partition, what = asked.split("\t")
                    offset = client.offset(topic, int(partition), what)
                    sys.stdout.write(f"{asked}\t{-1 if offset is None else offset}\n")
            elif verb == "consume":
                client.consume(topic, wanted())
            elif verb == "group":
                client.group(topic, rest[0], int(rest[1]))
            else:
                raise ValueError(f"no such command: {line}")
            print(".")
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver is to know
        traceback.print_exc()
        print("error", repr(error), sep="\t")
        sys.exit(1)
