"""The steps of tests/compat/tools/run: reading them, filling them in, masking what they printed."""

import json
import re
import shlex

TOOLS = "org.apache.kafka.tools."
CLASSES = {
    "topics": TOOLS + "TopicCommand",
    "console-producer": TOOLS + "ConsoleProducer",
    "console-consumer": TOOLS + "consumer.ConsoleConsumer",
    "get-offsets": TOOLS + "GetOffsetShell",
    "delete-records": TOOLS + "DeleteRecordsCommand",
    "configs": "kafka.admin.ConfigCommand",
    "client-metrics": TOOLS + "ClientMetricsCommand",
    "log-dirs": TOOLS + "LogDirsCommand",
    "api-versions": TOOLS + "BrokerApiVersionsCommand",
    "cluster": TOOLS + "ClusterTool",
    "features": TOOLS + "FeatureCommand",
    "quorum": TOOLS + "MetadataQuorumCommand",
    "leader-election": TOOLS + "LeaderElectionCommand",
    "reassign": TOOLS + "reassign.ReassignPartitionsCommand",
    "replica-verification": TOOLS + "ReplicaVerificationTool",
    "producer-perf": TOOLS + "ProducerPerformance",
    "verifiable-producer": TOOLS + "VerifiableProducer",
    "consumer-groups": TOOLS + "consumer.group.ConsumerGroupCommand",
    "consumer-perf": TOOLS + "ConsumerPerformance",
    "e2e-latency": TOOLS + "EndToEndLatency",
    "acls": TOOLS + "AclCommand",
    "delegation-tokens": TOOLS + "DelegationTokenCommand",
    "transactions": TOOLS + "TransactionsCommand",
    "groups": TOOLS + "GroupsCommand",
    "client-compatibility": TOOLS + "ClientCompatibilityTest",
}
SECONDS_MAX = 30  # of a step
# What differs between any two clusters, or two runs.
MASKS = [
    (re.compile(r"(Topic ?Id: |topicId=|directoryId=|DirectoryId: ?)[A-Za-z0-9_-]{22}"), r"\1<id>"),
    (re.compile(r"\b\d{13}\b"), "<time>"),
    (re.compile(r"tries=\d+|after \d+ attempt"), "<tries>"),
    (re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,:]\d{3}"), "<time>"),
    (re.compile(r"\b\d+ ?ms\b"), "<ms>"),
    (re.compile(r"@[0-9a-f]{5,8}\b"), "@<object>"),
]


def in_order(value):
    """JSON whose lists have no order."""
    if isinstance(value, dict):
        return {name: in_order(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((in_order(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


class Step:
    """One command, and how to look at what it prints."""

    def __init__(self, name):
        self.json, self.needs = False, None
        self.unordered = name.endswith("~")
        self.name = name.rstrip("~ ")
        self.line, self.input, self.limit, self.wait, self.restart = "", [], SECONDS_MAX, 0, False
        self.file_lines, self.kept_patterns, self.masks = {}, {}, []

    @staticmethod
    def fill(text, kept):
        for name, value in kept.items():
            text = text.replace("{" + name + "}", value)
        return text

    def words(self, kept):
        return shlex.split(self.fill(self.line, kept))

    def files(self, kept):
        return {name: [self.fill(line, kept) for line in lines] for name, lines in self.file_lines.items()}

    def keep(self, printed, kept):
        for name, pattern in self.kept_patterns.items():
            found = re.search(pattern, printed)
            kept[name] = found.group(1) if found else "not-found"

    def masked(self, lines, kept, port):
        """Without what differs between two clusters of any make."""
        plain = []
        for line in lines:
            if re.match(r"\s+(at \S+\(|\.\.\. \d+ more)", line):
                continue  # where in its code a program was when it failed
            if self.json and line.startswith("{"):
                line = json.dumps(in_order(json.loads(line)), sort_keys=True)
            for mask in self.masks:
                line = re.sub(mask, "<...>", line)
            for name, value in kept.items():
                if len(value) > 8:
                    line = line.replace(value, f"<{name}>")
            line = line.replace(str(port), "<port>").replace(str(port + 1000), "<controller>").replace(str(port - 1000), "<controller>")
            for pattern, instead in MASKS:
                line = pattern.sub(instead, line)
            plain.append(line.rstrip())
        return plain

    def take(self, mark, rest):
        """One line of the file after the name."""
        if mark == "$":
            self.line = rest
        elif mark == "<":
            self.input.append(rest)
        elif mark == ">":
            name, _, line = rest.partition(" ")
            self.file_lines.setdefault(name, []).append(line)
        elif mark == "json":
            self.json = True
        elif mark == "needs":
            self.needs = int(rest)
        elif mark == "restart":
            self.restart = True
        elif mark == "wait":
            self.wait = int(rest)
        elif mark == "limit":
            self.limit = int(rest)
        elif mark == "keep":
            name, _, pattern = rest.partition(" ")
            self.kept_patterns[name] = pattern
        elif mark == "mask":
            self.masks.append(rest)
        else:
            raise ValueError(f"steps: what is '{mark} {rest}'?")


def read_steps(path, only=()):
    """All steps of the file in order, or those whose names hold one of `only`."""
    steps = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            mark, _, rest = line.rstrip("\n").partition(" ")
            if not mark or mark.startswith("#"):
                continue
            if mark == "step":
                steps.append(Step(rest))
            else:
                steps[-1].take(mark, rest)
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise ValueError(f"steps: two of one name: {sorted(name for name in set(names) if names.count(name) > 1)}")
    return [step for step in steps if not only or any(part in step.name for part in only)]
