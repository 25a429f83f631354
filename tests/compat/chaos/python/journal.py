"""What the Python members have in common: the journal (README.md), and SIGTERM as a wish to leave."""

import os
import signal
import sys
import time


class Journal:
    """Appends lines to the member's own file, each write at once: what was written survives a SIGKILL.

    `pending` is what is read and not yet committed, {partition: next offset}.
    """

    def __init__(self):
        self.bootstrap, self.topic, self.group, path, self.protocol = sys.argv[1:6]
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.stopping, self.pending, self.claimed = False, {}, None
        signal.signal(signal.SIGTERM, self.stop)
        self.write("began")

    def stop(self, *_):
        self.stopping = True

    @staticmethod
    def line(*fields):
        return "\t".join(map(str, (int(time.time() * 1000), *fields))) + "\n"

    def write(self, *fields):
        os.write(self.file, self.line(*fields).encode())

    @staticmethod
    def numbers(partitions):
        return ",".join(map(str, sorted(partitions)))

    def assigned(self, added, generation, member, owned):
        self.claimed = (generation, owned)
        self.write("assigned", self.numbers(added), generation, member, self.numbers(owned))

    def owns(self, generation, member, owned):
        """To be told again and again: a new generation may come without any partition coming or going."""
        if (generation, owned) != self.claimed:
            self.claimed = (generation, set(owned))
            self.write("owns", generation, member, self.numbers(owned))

    def revoked(self, partitions):
        for partition in partitions:
            self.pending.pop(partition, None)
        self.write("revoked", self.numbers(partitions))

    def records(self, found):
        """`found` is [(partition, offset, value)]."""
        if not found:
            return
        text = "".join(self.line("record", p, offset, value.split(b" ", 1)[0].decode()) for p, offset, value in found)
        os.write(self.file, text.encode())
        for partition, offset, _ in found:
            self.pending[partition] = offset + 1

    def commit(self, generation, send, failures):
        """Commits what is pending by `send({partition: offset})`; it stays pending if that raises one of `failures`."""
        if not self.pending:
            return
        offsets = dict(sorted(self.pending.items()))
        self.write("committing", generation, ",".join(f"{p}:{offset}" for p, offset in offsets.items()))
        try:
            send(offsets)
        except failures as error:
            self.write("refused", " ".join(repr(error).split()))
        else:
            self.write("committed")
            self.pending.clear()
