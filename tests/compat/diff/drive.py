#!/usr/bin/python3
"""One seeded stream of requests to an Apache Kafka broker and to ours; the answers must be the same.

    tests/compat/diff/drive.py [--seed N] [--requests N] [--shards N] [--only PART[,PART]] [--labels REGEX] [--stop STEP]
    tests/compat/diff/drive.py --kafka HOST:PORT --ours HOST:PORT      brokers that are there (the same Kafka version twice
                                                                      shows what is the harness's own noise: --twice)
Starts both brokers (tests/compat/kafka has the jars), prints each difference with the step that repeats it, the
exceptions that were used (exceptions.toml), and what was covered. The last line is "N passed, N failed".
"""

import argparse
import hashlib
import os
import random
import re
import signal
import struct
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import answers  # noqa: E402
import further  # noqa: E402
import gen_cluster  # noqa: E402
import gen_config  # noqa: E402
import gen_fetch  # noqa: E402
import gen_groups  # noqa: E402
import gen_offsets  # noqa: E402
import gen_produce  # noqa: E402
import gen_quotas  # noqa: E402
import gen_topics  # noqa: E402
import gen_wire  # noqa: E402
import schema  # noqa: E402
import sides  # noqa: E402
from coverage import Coverage  # noqa: E402
from world import UNKNOWN_ID, Settle, Step, World  # noqa: E402

PARTS = {"produce": (40, gen_produce), "fetch": (30, gen_fetch), "offsets": (14, gen_offsets), "topics": (14, gen_topics),
         "config": (10, gen_config), "cluster": (8, gen_cluster), "quotas": (4, gen_quotas),
         "groups": (14, gen_groups), "wire": (8, gen_wire)}
LATE_TRIES = 200
VISIBLE_TRIES = 250
SHOWN_OF_A_KIND = 2
TOPICS_AT_FIRST = 4
SETTLE_TRIES = 3
SETTLE_LOOKS = 1000
# Kafka answers a change of configurations before its logs follow it, and shows in no answer when they do.
CONFIGS_SECONDS = 0.05
# Two batches get different times of the broker on both sides, or on neither.
STAMP_SECONDS = 0.002
DAYS_MS = 40 * 86400_000

CHANGES = {"Produce", "DeleteRecords", "CreateTopics", "CreatePartitions", "IncrementalAlterConfigs", "AlterConfigs", "DeleteTopics"}


def names_in(value):
    """The topics that a request names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Name", "Topic", "ResourceName") and isinstance(inner, str):
                yield inner
            else:
                yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


class Run:
    def __init__(self, args, schemas, kafka, ours):
        self.args, self.schemas, self.kafka, self.ours = args, schemas, kafka, ours
        self.sides = [kafka, ours]
        self.began_ms = int(time.time() * 1000) - 1000
        self.exceptions = answers.Exceptions(os.path.join(HERE, "exceptions.toml"))
        self.steps = self.bad = self.excepted = self.late = self.continued = 0
        self.stream_hash = hashlib.sha256()
        self.one_sided = set()  # topics that only one of the two has created
        self.kinds = Counter()
        self.spoiled = set()  # topics that the two may have differently
        self.correlation = 0
        ranges, newest = self.versions()
        self.world = World(args.seed, ranges)
        self.world.newest, self.world.kafka = newest, kafka
        self.coverage = Coverage(ranges)
        self.further = further.Further(kafka, self.ask, self.next_fetch,
                                       lambda *value: answers.Canon(kafka, "Fetch", self.began_ms, set()).value(*value))

    def versions(self):
        """What both serve, and the newest that either does."""
        served = []
        for side in self.sides:
            side.send(self.frame("ApiVersions", 0, {}))
            reply = self.schemas.response("ApiVersions", 0, side.receive())[1]
            served.append({self.schemas.apis[a["ApiKey"]]: (a["MinVersion"], a["MaxVersion"]) for a in reply["ApiKeys"]
                           if a["ApiKey"] in self.schemas.apis})
        kafka, ours = served
        newest = {a: max(kafka.get(a, (0, 0))[1], ours.get(a, (0, 0))[1]) for a in kafka | ours}
        both = {a: (max(kafka[a][0], ours[a][0]), min(kafka[a][1], ours[a][1])) for a in kafka if a in ours}
        if "Produce" in both:
            both["Produce"] = (3, both["Produce"][1])  # 0 to 2 are advertised for old clients' sake, and served by neither
        return both, newest

    def frame(self, api, version, body, step=None):
        self.correlation += 1
        client = step.client_id if step else "diff"
        frame = self.schemas.request(api, version, self.correlation, client, body, step.tags if step else None)
        if step and step.raw:
            return step.raw(frame)
        return struct.pack(">i", len(frame)) + frame

    # ---- one step ----

    def ask(self, side, step):
        """The decoded answer, or why there is none."""
        version = step.version if step.encode_version is None else step.encode_version
        frame = self.frame(step.api, version, side.resolve(step.body), step)
        if version != step.version:
            frame = frame[:6] + struct.pack(">h", step.version) + frame[8:]
        side.send(frame)
        if step.silent:
            side.send(self.frame("ApiVersions", 0, {}))
        try:
            data = side.receive(step.patience if side is self.kafka else sides.ANSWER_SECONDS_MAX)
            if step.silent:
                return "no answer, and goes on"
            version = step.version if step.answer_version is None else step.answer_version
            return self.schemas.response(step.api, version, data)[1]
        except sides.Closed as closed:
            return str(closed)
        except schema.Malformed as problem:
            side.disconnect()
            return f"malformed: {problem}"

    def compare(self, step, theirs, mine):
        """The unexplained differences."""
        both = {self.schemas.key(api) for api in self.world.ranges} if step.answer_version is None else set()
        canonical = [answers.Canon(side, step.api, self.began_ms, both).value("", answer, "")
                     for side, answer in ((self.kafka, theirs), (self.ours, mine))]
        found = list(answers.differences(*canonical))
        open_ones = []
        self.spoils = step.api in CHANGES and any(path.rpartition(".")[2] not in answers.TEXTS for path, _, _ in found)
        for path, kafka, ours in found:
            if path.endswith(".further") and self.further.explains(step, path, theirs, mine):
                self.continued += 1
                continue
            if not self.exceptions.find(step.api, path, step.label, kafka, ours):
                open_ones.append((path, kafka, ours))
        return open_ones, bool(found), canonical

    def take(self, step):
        self.steps += 1
        self.note(step)
        theirs = self.ask(self.kafka, step)
        mine = self.ask(self.ours, step)
        self.learn(step, theirs, mine)
        open_ones, any_found, canonical = self.compare(step, theirs, mine)
        tries = 0
        while open_ones and step.visible and tries < VISIBLE_TRIES:
            time.sleep(0.02)
            mine = self.ask(self.ours, step)
            open_ones, any_found, canonical = self.compare(step, theirs, mine)
            tries += 1
        tries = 0
        while open_ones and step.late and tries < LATE_TRIES and self.kinds[self.kind(step, open_ones)] < SHOWN_OF_A_KIND:
            time.sleep(0.05)
            theirs = self.ask(self.kafka, step)
            open_ones, any_found, canonical = self.compare(step, theirs, mine)
            tries += 1
        self.late += tries > 0 and not open_ones
        if open_ones and self.spoiled & set(names_in(step.body)):
            open_ones = []  # a topic that the two have differently since a step before, which was told
        self.excepted += any_found and not open_ones
        if self.spoils or step.spoils:
            self.spoiled |= set(names_in(step.body))
        if isinstance(theirs, dict):
            codes = list(answers.error_codes(theirs)) or [0]
        else:
            codes = [theirs.partition(":")[0]]
        self.wait_after(step)
        self.coverage.add(step, codes)
        if open_ones:
            self.report(step, open_ones, canonical)
        if not isinstance(theirs, dict) or not isinstance(mine, dict):
            if "goes on" not in str(theirs) or "goes on" not in str(mine):
                for side in self.sides:
                    side.disconnect()  # both start anew
                # A session lives on the shard of its connection with us: the next connection may be another's.
                self.world.sessions.clear()
        return theirs

    def note(self, step):
        """Adds the request to the stream's fingerprint, but for what the time of the run is in."""
        def timeless(value):
            if isinstance(value, dict):
                return {k: timeless(v) for k, v in value.items()}
            if isinstance(value, list):
                return [timeless(v) for v in value]
            if isinstance(value, int) and abs(value - self.world.base_ms) < DAYS_MS:
                return value - self.world.base_ms
            return len(value) if isinstance(value, bytes) and len(value) != 16 else value
        body = timeless(step.body)
        self.stream_hash.update(f"{step.label} {step.api} {step.version} {answers.text(body)}\n".encode(errors="replace"))
        if self.args.trace:
            print(f"{self.steps} {step.label}: {step.api} v{step.version} {answers.text(body)[:2000]}", file=self.args.trace)

    @staticmethod
    def wait_after(step):
        """What follows a change without an answer that tells of it."""
        if step.api in ("IncrementalAlterConfigs", "AlterConfigs") and isinstance(step.body, dict) and not step.body.get("ValidateOnly"):
            time.sleep(CONFIGS_SECONDS)
        elif step.api == "Produce":
            time.sleep(STAMP_SECONDS)

    def next_fetch(self, version, name, index, offset, isolation):
        """A fetch without a session of what comes next in a partition."""
        partition = {"Partition": index, "CurrentLeaderEpoch": -1, "FetchOffset": offset, "LastFetchedEpoch": -1, "LogStartOffset": -1,
                     "PartitionMaxBytes": further.LIMIT}
        topic_id = self.kafka.values.get(("topic id", name), UNKNOWN_ID)
        return Step("fetch on", "Fetch", version, {
            "ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": further.LIMIT, "IsolationLevel": isolation, "SessionId": 0,
            "SessionEpoch": -1, "Topics": [{"Topic": name, "TopicId": topic_id, "Partitions": [partition]}]})

    def learn(self, step, theirs, mine):
        """Names for what each broker chose."""
        if step.api == "CreateTopics" and isinstance(theirs, dict) and isinstance(mine, dict) and not step.body.get("validateOnly"):
            made = [{t["Name"] for t in answer["Topics"] if t["ErrorCode"] == 0} for answer in (theirs, mine)]
            self.one_sided |= made[0] ^ made[1]
        for side, answer in ((self.kafka, theirs), (self.ours, mine)):
            if not isinstance(answer, dict):
                continue
            if step.member is not None and answer.get("MemberId"):
                side.bind("member", step.member, answer["MemberId"])
            if step.api == "Fetch" and answer.get("SessionId") and step.session is not None:
                side.bind("session", step.session, answer["SessionId"])
            for topic in answer.get("Topics") or [] if step.api == "CreateTopics" else []:
                if topic.get("TopicId", bytes(16)) != bytes(16):
                    side.bind("topic id", topic["Name"], topic["TopicId"])

    @staticmethod
    def kind(step, open_ones):
        return step.api, step.label, tuple(sorted({answers.pattern(p) for p, _, _ in open_ones}))

    def report(self, step, open_ones, canonical):
        self.bad += 1
        kind = self.kind(step, open_ones)
        self.kinds[kind] += 1
        if self.kinds[kind] > SHOWN_OF_A_KIND:
            return
        print(f"DIFFERENT at step {self.steps} of seed {self.args.seed}: {step.label}: {step.api} v{step.version}")
        print(f"  request {answers.text(step.body)[:3000]}")
        for path, kafka, ours in open_ones[:8]:
            print(f"  {path}: Kafka {answers.text(kafka)[:400]}, we {answers.text(ours)[:400]}")
        if len(open_ones) > 8:
            print(f"  and {len(open_ones) - 8} more")
        for whose, answer in zip(("Kafka's answer", "our answer"), canonical):
            print(f"  {whose:14} " + re.sub(r'("bytes": "\w{8})\w+', r"\1...", answers.text(answer))[:4000], flush=True)

    # ---- settling ----

    def topics_of(self, side):
        """Name -> (id, partitions with a leader)."""
        version = 12
        side.send(self.frame("Metadata", version, {"Topics": None, "AllowAutoTopicCreation": False}))
        reply = self.schemas.response("Metadata", version, side.receive())[1]
        return {t["Name"]: (t["TopicId"], sum(p["LeaderId"] >= 0 for p in t["Partitions"])) for t in reply["Topics"]
                if t["Name"] not in answers.INTERNAL}

    def settle(self, tries=SETTLE_TRIES):
        if self.one_sided:
            names, self.one_sided = self.one_sided, set()
            self.drop(names)
        wanted = {t.name: len(t.partitions) for t in self.world.topics.values()}
        for side in self.sides:
            for _ in range(SETTLE_LOOKS):
                seen, silent = self.topics_of(side), self.silent_topics(side)
                if {name: count for name, (_, count) in seen.items()} == wanted and not silent:
                    break
                time.sleep(0.02)
            else:
                print(f"{side.name} has topics {sorted((n, c) for n, (_, c) in seen.items())}\n  instead of {sorted(wanted.items())}; "
                      f"without an open log are {sorted(silent)}")
                if tries == 0:
                    raise SystemExit(f"{side.name} does not come to rest")
                # What only one has, or does not serve, goes from both.
                self.drop({n for n in {*wanted, *seen} if wanted.get(n) != seen.get(n, (0, 0))[1]} | silent)
                return self.settle(tries - 1)
            for name, (topic_id, _) in seen.items():
                side.bind("topic id", name, topic_id)

    def silent_topics(self, side):
        """Those with a partition whose log is not open."""
        topics = [{"Name": t.name, "Partitions": [{"PartitionIndex": i, "Timestamp": -2, "CurrentLeaderEpoch": -1}
                                                  for i in range(len(t.partitions))]} for t in self.world.topics.values()]
        side.send(self.frame("ListOffsets", 5, {"ReplicaId": -1, "Topics": topics}))
        reply = self.schemas.response("ListOffsets", 5, side.receive())[1]
        return {t["Name"] for t in reply["Topics"] for p in t["Partitions"] if p["ErrorCode"] != 0}

    def drop(self, names):
        """Deletes topics on both sides: what they hold may differ from now on."""
        for side in self.sides:
            side.send(self.frame("DeleteTopics", 3, {"TopicNames": sorted(names), "TimeoutMs": 10000}))
            side.receive()
        for name in names:
            self.world.topics.pop(name, None)
        self.world.producers = {k: v for k, v in self.world.producers.items() if k[1] not in names}
        self.world.sessions.clear()

    def drop_spoiled(self):
        """After a change that the two took differently: a new start with other topics, so that one difference is one."""
        if not self.spoiled:
            return
        names, self.spoiled = self.spoiled, set()
        self.drop(names & set(self.world.topics))
        self.settle()
        while len(self.world.topics) < TOPICS_AT_FIRST:
            self.play(gen_topics.create)

    # ---- the stream ----

    def scenarios(self):
        out, weights = [], []
        for name, (weight, module) in PARTS.items():
            if self.args.only and name not in self.args.only.split(","):
                continue
            inner = [(w, s) for w, s in module.SCENARIOS if self.world.serves(getattr(module, "NEEDS", {}).get(s, "ApiVersions"))]
            total = sum(w for w, _ in inner)
            for w, scenario in inner:
                if not self.args.labels or re.search(self.args.labels, scenario.__name__):
                    out.append(scenario)
                    weights.append(weight * w / total)
        return out, weights

    def play(self, scenario):
        """Runs one to its end."""
        generator = scenario(self.world)
        answer = None
        while True:
            try:
                step = generator.send(answer)
            except StopIteration:
                return
            answer = self.settle() if isinstance(step, Settle) else self.take(step)

    def await_producer_ids(self):
        """Kafka's first answers say that it is still loading."""
        body = {"TransactionalId": None, "TransactionTimeoutMs": 1000, "ProducerId": -1, "ProducerEpoch": -1}
        for side in self.sides:
            for _ in range(600):
                side.send(self.frame("InitProducerId", 2, body))
                if self.schemas.response("InitProducerId", 2, side.receive())[1]["ErrorCode"] == 0:
                    break
                time.sleep(0.05)
            else:
                raise SystemExit(f"{side.name} gives no producer ids")

    def await_coordinators(self):
        """Both create __consumer_offsets when it is asked for the first time, and answer when it can be used."""
        group = {"GroupId": "first", "Topics": None}
        for side in self.sides:
            for _ in range(600):
                side.send(self.frame("FindCoordinator", 2, {"Key": "first", "KeyType": 0}))
                found = self.schemas.response("FindCoordinator", 2, side.receive())[1]["ErrorCode"] == 0
                side.send(self.frame("OffsetFetch", 5, group))
                loaded = self.schemas.response("OffsetFetch", 5, side.receive())[1]["ErrorCode"] == 0
                if found and loaded:
                    break
                time.sleep(0.05)
            else:
                raise SystemExit(f"{side.name} has no coordinator of groups")

    def stream(self):
        self.await_producer_ids()
        self.await_coordinators()
        for _ in range(TOPICS_AT_FIRST):
            self.play(gen_topics.create)
        choices, weights = self.scenarios()
        end = time.monotonic() + self.args.seconds
        while self.steps < self.args.requests and time.monotonic() < end:
            self.play(self.world.random.choices(choices, weights)[0])
            self.drop_spoiled()

    def summary(self, seconds):
        for line in self.coverage.report():
            print(line)
        for entry in self.exceptions.entries:
            used = f"used {entry['used']} times" if entry["used"] else "NOT USED"
            print(f"exception: {entry['api']} {entry['path']}: {used}: {entry['reason']} Until: {entry['until']}")
            if self.args.trace:
                for seen, count in entry["seen"].most_common(40):
                    print(f"    {count} x {seen}")
        for (api, label, paths), count in self.kinds.most_common():
            print(f"differences: {count} x {api}: {label}: {', '.join(paths)[:300]}")
        print(f"seed {self.args.seed}: {self.steps} requests in {seconds:.0f} s; {self.excepted} differ by reviewed exceptions only "
              f"({len(self.exceptions.entries)} listed), {self.late} where Kafka needed time, {self.continued} where its answer ended with a "
              f"segment; stream {self.stream_hash.hexdigest()[:16]}")
        print(f"{self.steps - self.bad} passed, {self.bad} failed")


def side(name, address, process):
    host, port = address.rsplit(":", 1) if address else ("127.0.0.1", process.port)
    return sides.Side(name, host, int(port), process and process.directory)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1e9, help="ends the stream, with a summary")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--only")
    parser.add_argument("--labels")
    parser.add_argument("--kafka")
    parser.add_argument("--ours")
    parser.add_argument("--trace", type=argparse.FileType("w"), help="a file for every request of the stream, without times")
    parser.add_argument("--twice", action="store_true", help="Kafka on both sides")
    return parser.parse_args()


def main():
    args = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the brokers end, too
    print(f"seed {args.seed}, {args.requests} requests", flush=True)
    jars = os.popen(os.path.join(sides.ROOT, "tests/compat/kafka") + " path").read().strip()
    started = []
    try:
        for address, kind in ((args.kafka, "kafka"), (args.ours, "kafka" if args.twice else "ours")):
            started.append(None if address else sides.Process(kind, args.shards))
        for process in filter(None, started):
            process.await_ready()
        kafka, ours = side("Kafka", args.kafka, started[0]), side("ours", args.ours, started[1])
        began = time.monotonic()
        run = Run(args, schema.Schemas(jars), kafka, ours)
        try:
            run.stream()
        finally:
            run.summary(time.monotonic() - began)
            if run.bad and started[1] and not args.twice:
                print("our broker said, at last:\n" + started[1].said()[-1500:])
        sys.exit(1 if run.bad else 0)
    finally:
        for process in filter(None, started):
            process.stop()


if __name__ == "__main__":
    main()
