"""The journals of a group's members as one history: who claimed what, read what, committed what."""

import pathlib


class Torn(Exception):
    """A journal says what its member cannot have written."""


class Session:
    """One assignment of one partition to one member, from `assigned` to `revoked`; `reads` is [(offset, number)]."""

    def __init__(self, partition, member, began):
        self.partition, self.member, self.began = partition, member, began
        self.reads = []
        self.rewinds_allowed = 0  # commits that were refused: what they named may be read again


class Commit:
    """One OffsetCommit as its member saw it; `offsets` is {partition: offset}, `acked` when it was acknowledged or None."""

    def __init__(self, member, asked, generation, offsets):
        self.member, self.asked, self.generation, self.offsets = member, asked, generation, offsets
        self.acked, self.refusal = None, None


class Group:
    """All journals of one group."""

    def __init__(self, name):
        self.name = name
        self.claims = []  # (generation, member, time, frozenset of partitions)
        self.sessions, self.commits, self.members = [], [], 0
        self.left = 0  # members that ended by themselves or by SIGTERM, and said so

    def read(self, paths):
        for path in sorted(paths):
            self.members += 1
            self.take(path.name, pathlib.Path(path).read_text(encoding="utf-8"))
        return self

    def take(self, member, text):
        """One journal. A SIGKILL may cut its last line."""
        open_sessions, commit = {}, None
        for line in text.split("\n")[:-1]:
            time, verb, *fields = line.split("\t")
            time = int(time)
            if verb == "assigned":
                self.claim(member, time, fields[1], fields[3])
                for partition in partitions(fields[0]):
                    open_sessions[partition] = Session(partition, member, time)
                    self.sessions.append(open_sessions[partition])
            elif verb == "owns":
                self.claim(member, time, fields[0], fields[2])
            elif verb == "revoked":
                for partition in partitions(fields[0]):
                    open_sessions.pop(partition, None)
            elif verb == "record":
                partition = int(fields[0])
                if partition not in open_sessions:
                    raise Torn(f"{member} read partition {partition} without owning it: {line}")
                open_sessions[partition].reads.append((int(fields[1]), int(fields[2])))
            elif verb == "committing":
                commit = Commit(member, time, int(fields[0]), offsets(fields[1]))
                self.commits.append(commit)
            elif verb == "committed":
                commit.acked = time
            elif verb == "refused":
                commit.refusal = fields[0] if fields else "?"
                for partition in commit.offsets.keys() & open_sessions.keys():
                    open_sessions[partition].rewinds_allowed += 1
            elif verb == "ended":
                self.left += 1

    def claim(self, member, time, generation, owned):
        self.claims.append((int(generation), member, time, frozenset(partitions(owned))))

    def generations(self):
        return len({generation for generation, *_ in self.claims})


def partitions(text):
    return [int(each) for each in text.split(",") if each]


def offsets(text):
    return {int(p): int(offset) for p, offset in (each.split(":") for each in text.split(","))}
