"""The reviewed file of differences between what Kafka's programs print of Kafka and of us."""

import difflib
import fnmatch
import re


class Differences:
    """Entries of the file, each for the steps of a name pattern: why, and regular expressions of Kafka's and our lines."""

    def __init__(self, path):
        self.entries = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                mark, _, rest = line.rstrip("\n").partition(" ")
                if mark == "step":
                    self.entries.append({"steps": rest, "why": "", "-": [], "+": [], "used": set()})
                elif mark in ("because", "pending", "chance"):
                    self.entries[-1]["why"] = (self.entries[-1]["why"] + " " + rest).strip()
                    self.entries[-1]["kind"] = mark
                elif mark in ("-", "+"):
                    self.entries[-1][mark].append(re.compile(rest))
                elif mark and not mark.startswith("#"):
                    raise ValueError(f"differences: what is '{line.rstrip()}'?")
        for entry in self.entries:
            if not entry["why"]:
                raise ValueError(f"differences: no reason for {entry['steps']}")

    def explain(self, step, theirs, ours):
        """(reasons of the differing lines, the lines that nothing explains)."""
        entries = [entry for entry in self.entries if fnmatch.fnmatchcase(step, entry["steps"])]
        reasons, left = [], []
        for line in difflib.ndiff(theirs, ours):
            if line[0] not in "-+":
                continue
            for entry in entries:
                hit = next((pattern for pattern in entry[line[0]] if pattern.search(line[2:])), None)
                if hit is not None:
                    entry["used"].add((line[0], hit.pattern))
                    if entry["why"] not in reasons:
                        reasons.append(entry["why"])
                    break
            else:
                left.append(line)
        return reasons, left

    def unused(self, steps):
        """(entry, whether it is pending) of what no step of those that ran showed, though it should have."""
        for entry in self.entries:
            if entry["kind"] == "chance" or not any(fnmatch.fnmatchcase(step, entry["steps"]) for step in steps):
                continue
            for mark in "-+":
                for pattern in entry[mark]:
                    if (mark, pattern.pattern) not in entry["used"]:
                        yield f"{entry['steps']}: {mark} {pattern.pattern}", entry["kind"] == "pending"
