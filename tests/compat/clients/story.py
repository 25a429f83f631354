"""What was sent, acknowledged and read back, and where they differ. Each check returns what is wrong, "" if nothing is."""

import re
import time

NULL = "\\N"


class Sent:
    """The records of one topic as lines. Record n: partition n % P, a key that repeats, a value that compresses, some null
    values, headers with a repeated and an empty value, times that go up and sometimes back."""

    def __init__(self, count, partitions, salt):
        self.partitions = partitions
        base = int(time.time() * 1000) - 3_600_000
        self.contents = [self.content(n, base, salt) for n in range(count)]
        self.lines = [f"{n}\t{n % partitions}\t{content}" for n, content in enumerate(self.contents)]

    @staticmethod
    def content(n, base, salt):
        value = NULL if n % 101 == 7 else f"värde {n} of {salt} " + "abcdefghij" * (n % 12) + str(n * n)
        return f"{base + 2 * n + n % 5 * 100}\tkey-{n % 1000}\t{value}\tn={n}\tunit=ms\tempty="


class Acks:
    """Which record is where, as the client was told; and what it did not know when the broker was killed."""

    def __init__(self):
        self.where, self.gave_up, self.known = {}, 0, None
        self.twice = 0

    def take(self, line):
        number, partition, offset = map(int, line.split("\t"))
        if offset < 0:
            self.gave_up += 1
            return
        self.twice += number in self.where
        self.where[number] = (partition, offset)

    def killed(self):
        self.known = set(self.where)

    def how(self):
        if self.known is None:
            return ""
        again = f", {self.gave_up} sent again by the program" if self.gave_up else ""
        return f", the broker killed after {len(self.known)}{again}"

    def missing(self, sent):
        lacking = len(sent.lines) - len(self.where)
        return f"{lacking} are not" if lacking else f"{self.twice} twice" if self.twice else ""

    def differs(self, sent, read):
        for number, (partition, offset) in self.where.items():
            found = read.records[partition].get(offset)
            if partition != number % sent.partitions or found != sent.contents[number]:
                return f"record {number}, acknowledged at {partition}/{offset}:\n  sent {sent.contents[number]}\n  read {found}"
        return ""

    def disorder(self, sent, read, exact):
        """An exact producer's partition holds its records once, in order. Another's may hold twice, and out of order, what
        was in flight when the broker was killed."""
        in_flight = set() if exact or self.known is None else set(range(len(sent.lines))) - self.known
        numbers = {content: number for number, content in enumerate(sent.contents)}
        for partition, records in read.records.items():
            held = [numbers.get(records[offset], -1) for offset in sorted(records)]
            if -1 in held:
                return f"partition {partition} holds what was never sent: {records[sorted(records)[held.index(-1)]]}"
            firm = [number for number in held if number not in in_flight]
            for before, after in zip(firm, firm[1:]):
                if after <= before:
                    return f"partition {partition}: record {after} after {before}"
            lacking = set(range(partition, len(sent.lines), sent.partitions)) - set(held)
            if lacking:
                return f"partition {partition} lacks {len(lacking)} records, the first {min(lacking)}"
        return ""


class Read:
    """What a consume command gave, by partition and offset."""

    def __init__(self):
        self.records, self.order = {}, {}

    def take(self, line):
        partition, offset, content = line.split("\t", 2)
        partition, offset = int(partition), int(offset)
        self.order.setdefault(partition, []).append(offset)
        self.records.setdefault(partition, {})[offset] = content

    def count(self):
        return sum(len(offsets) for offsets in self.order.values())

    def gaps(self, ranges):
        """Each offset of the ranges was given once, in order."""
        for partition, start, end in ranges:
            given = self.order.get(partition, [])
            if given != list(range(start, end)):
                odd = next((i for i, pair in enumerate(zip(given, range(start, end))) if pair[0] != pair[1]), min(len(given), end - start))
                return f"partition {partition}: {len(given)} records for {start}..{end}, wrong from the {odd}th on: {given[odd : odd + 3]}"
        return "" if any(end > start for _, start, end in ranges) else "nothing to read"

    def unlike(self, other):
        for partition, records in self.records.items():
            for offset, content in records.items():
                if other.records[partition][offset] != content:
                    return f"{partition}/{offset} is not what it was"
        return ""

    def stamps(self, partition):
        records = self.records[partition]
        return [(offset, int(records[offset].split("\t", 1)[0])) for offset in sorted(records)]

    def times(self, partition):
        """Times to ask for: before all, at and beside some, after all."""
        stamps = self.stamps(partition)
        middle = stamps[len(stamps) // 2][1]
        return [0, stamps[0][1], middle, middle + 1, stamps[len(stamps) // 3][1] - 1, max(time for _, time in stamps),
                max(time for _, time in stamps) + 1]

    def wrong_times(self, found):
        """Each question's answer is the first offset with a record at least as young. Where there is none some clients
        say the end."""
        stamps = {partition: self.stamps(partition) for partition in self.records}
        for (partition, asked), offset in found.items():
            first = next((each for each, stamp in stamps[partition] if stamp >= int(asked)), None)
            right = (first,) if first is not None else (-1, stamps[partition][-1][0] + 1)
            if offset not in right:
                return f"partition {partition}, time {asked}: {offset}, and it is {right}"
        return "" if found else "no times were asked for"


def wrong_codec(dumped, codec):
    """The batches that a dump prints are compressed as asked; a client may leave those that do not shrink as they are."""
    seen = re.findall(r"compresscodec: (\S+)", dumped)
    odd = set(seen) - {codec, "none"}
    if not seen or odd or seen.count(codec) * 2 < len(seen):
        return f"of {len(seen)} batches: {({name: seen.count(name) for name in set(seen)})}"
    return ""
