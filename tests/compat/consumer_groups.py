#!/usr/bin/env python3
"""Apache Kafka is the oracle for the consumer protocol (KIP-848): one seeded stream of raw requests, right and wrong, of members
that say who they are themselves, goes to a real Kafka and to ours, and the answers must be the same. Topic ids become names, a
message for people becomes that there is one. A difference prints the seed, the step, the request and both answers.

  tests/compat/consumer_groups.py [--seed N] [--steps N] [--trace] [--kafka HOST:PORT] [--ours HOST:PORT]

Without an address it starts the broker itself. Only what is the same in both by design is asked: one topic a group (Kafka's order
of several follows its hash maps), one assignor a group (which of two wins a tie follows them, too), no regular expressions
(Kafka looks them up later), no interval between assignments, and nobody who is there without an instance id comes again with one
(Kafka 4.3.1 then keeps its partitions from everybody, itself included).
"""
import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "diff"))
from schema import Schemas  # noqa: E402
from sides import Side  # noqa: E402

SETTINGS = ["group.consumer.assignment.interval.ms=0", "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=3"]
# In the order in which a hash map of Java has them: Kafka hands out what is left over in that order, we in that of the names.
MEMBERS = ["m0", "m1", "m2", "m3"]
CLASSIC = ["m6", "m7"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(120):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"{command[0]} did not start")


class Broker:
    def __init__(self, schemas, name, address):
        self.schemas, self.name = schemas, name
        host, port = address.rsplit(":", 1)
        self.side, self.correlation, self.topics = Side(name, host, int(port)), 0, {}

    def ask(self, api, version, body):
        self.correlation += 1
        frame = self.schemas.request(api, version, self.correlation, "compat", body)
        self.side.send(len(frame).to_bytes(4, "big") + frame)
        return self.schemas.response(api, version, self.side.receive())[1]

    def prepare(self, topic, partitions):
        spec = {"Name": topic, "NumPartitions": partitions, "ReplicationFactor": 1, "Assignments": [], "Configs": []}
        answer = self.ask("CreateTopics", 7, {"Topics": [spec], "TimeoutMs": 10000})
        self.topics[topic] = answer["Topics"][0]["TopicId"]
        groups = [f"g{i}" for i in range(20)]  # some in each of the coordinator's partitions
        for _ in range(100):  # their topic is made, and its log read
            found = self.ask("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": groups[:1]})
            read = self.ask("DescribeGroups", 5, {"Groups": groups})
            listed = self.ask("ListGroups", 5, {})
            if not any(a["ErrorCode"] for a in (*found["Coordinators"], *read["Groups"], listed)):
                return
            time.sleep(0.2)
        raise SystemExit(f"{self.name}'s coordinators did not come")

    def configure(self, group, **settings):
        configs = [{"Name": k.replace("_", "."), "ConfigOperation": 0, "Value": v} for k, v in settings.items()]
        self.ask("IncrementalAlterConfigs", 1, {"Resources": [{"ResourceType": 32, "ResourceName": group, "Configs": configs}]})

    def named(self, value, key=""):
        """What is each broker's own is told by what it means."""
        if isinstance(value, dict):
            return {k: self.named(v, k) for k, v in value.items() if k != "ThrottleTimeMs"}
        if isinstance(value, list):
            return sorted((self.named(v) for v in value), key=repr)
        if key == "TopicId":
            return {v: k for k, v in self.topics.items()}.get(value, value)
        if key == "ErrorMessage":
            return value is not None
        return value


class Run:
    def __init__(self, brokers, seed, steps, trace):
        self.brokers, self.random, self.seed, self.steps = brokers, random.Random(seed), seed, steps
        self.state = {}  # (group, member): (epoch, partitions), as Kafka said
        self.dynamic = set()  # (group, member) that joined without an instance id and did not leave
        self.asked, self.heard, self.step, self.trace = {}, {}, 0, trace

    def ask(self, api, version, body):
        """Kafka's answer; ends the run when ours is another."""
        answers = []
        for broker in self.brokers:
            mine = self.with_ids(body, broker)
            answers.append(broker.named(broker.ask(api, version, mine)))
        self.asked[api] = self.asked.get(api, 0) + 1
        if self.trace:
            print(f"{self.step}: {api} {body}\n   {answers[0]}")
        if answers[0] != answers[1]:
            print(f"DIFFERENT seed {self.seed} step {self.step}: {api} {version} {body}")
            for broker, answer in zip(self.brokers, answers):
                print(f"  {broker.name}: {answer}")
            raise SystemExit(1)
        return answers[0]

    def with_ids(self, body, broker):
        if isinstance(body, dict):
            return {k: broker.topics[v] if k == "TopicId" else self.with_ids(v, broker) for k, v in body.items()}
        return [self.with_ids(v, broker) for v in body] if isinstance(body, list) else body

    def pick(self, *choices):
        return self.random.choice(choices)

    def play(self):
        actions = [(self.beat, 40), (self.join, 6), (self.leave, 3), (self.commit, 12), (self.fetch, 4), (self.describe, 6),
                   (self.classic, 10), (self.odd, 6), (self.wipe, 1)]
        for self.step in range(1, self.steps + 1):
            self.group = "g%d" % self.random.randrange(1 + self.step // 120)
            action = self.random.choices([a for a, _ in actions], [w for _, w in actions])[0]
            action()
        for api, count in sorted(self.asked.items()):
            print(f"  {api}: {count}")
        errors = ", ".join(f"{code}: {count}" for code, count in sorted(self.heard.items()))
        print(f"seed {self.seed}: {self.steps} steps, the same answers (errors {errors})")

    def heartbeat(self, member, epoch, owned=None, full=False, **more):
        body = {"GroupId": self.group, "MemberId": member, "MemberEpoch": epoch, **more}
        if full or epoch == 0:
            body.update({"RebalanceTimeoutMs": 60000, "SubscribedTopicNames": more.get("SubscribedTopicNames", ["t"])})
        if owned is not None:
            body["TopicPartitions"] = [{"TopicId": "t", "Partitions": sorted(owned)}] if owned else []
        answer = self.ask("ConsumerGroupHeartbeat", 1, body)
        error = answer["ErrorCode"]
        self.heard[error] = self.heard.get(error, 0) + 1
        if error == 0 and epoch == 0 and "InstanceId" not in more:
            self.dynamic.add((self.group, member))
        elif error == 0 and epoch == -1:
            self.dynamic.discard((self.group, member))
        if error == 0 and epoch >= 0:
            had = self.state.get((self.group, member), (0, set()))[1]
            if answer["Assignment"] is not None:
                had = {p for t in answer["Assignment"]["TopicPartitions"] for p in t["Partitions"]}
            self.state[self.group, member] = (answer["MemberEpoch"], had)
        elif epoch < 0 or error in (25, 110):
            self.state.pop((self.group, member), None)
        return answer

    def member(self):
        mine = [m for g, m in self.state if g == self.group]
        return self.random.choice(mine) if mine else None

    def beat(self):
        member = self.member()
        if member is None:
            return self.join()
        epoch, has = self.state[self.group, member]
        self.heartbeat(member, epoch, self.pick(has, has, has, None), full=self.pick(True, False))

    def join(self):
        member = self.random.choice(MEMBERS)
        instance = self.pick({}, {}, {"InstanceId": "i"})
        if (self.group, member) in self.dynamic:
            instance = {}
        named = "uniform" if int(self.group[1:]) % 2 == 0 else "range"
        assignor = self.pick({}, {}, {"ServerAssignor": named}, {"ServerAssignor": named})
        self.heartbeat(member, 0, set(), **instance, **assignor)

    def leave(self):
        member = self.member() or "m9"
        self.heartbeat(member, self.pick(-1, -1, -2), **self.pick({}, {}, {"InstanceId": "i"}))

    def odd(self):
        member = self.member() or "m0"
        epoch, has = self.state.get((self.group, member), (0, set()))
        self.pick(lambda: self.heartbeat(member, epoch + self.pick(-1, 1, 5), has),
                  lambda: self.heartbeat(member, max(epoch - 1, 0), set(list(has)[:1])),
                  lambda: self.heartbeat(member, epoch, has | {5}),
                  lambda: self.heartbeat("", self.pick(0, 1), set()),
                  lambda: self.heartbeat(member, -3),
                  lambda: self.heartbeat("m9", 4),
                  lambda: self.heartbeat(member, epoch, ServerAssignor="other"),
                  lambda: self.heartbeat(member, epoch, InstanceId="i"),
                  lambda: self.heartbeat(member, epoch, InstanceId=""),
                  lambda: self.heartbeat(member, 0, {1}),
                  lambda: self.heartbeat(member, epoch, SubscribedTopicRegex="("),
                  lambda: self.heartbeat(member, epoch, has, full=True, SubscribedTopicNames=self.pick(["t"], ["t"], ["nothing"])))()

    def commit(self):
        member = self.pick(self.member(), self.member(), self.member(), "m9", "") or ""
        epoch, has = self.state.get((self.group, member), (-1, set()))
        partition = self.random.choice(sorted(has)) if has and self.pick(True, True, False) else self.random.randrange(6)
        version = self.pick(8, 9, 9, 9)
        body = {"GroupId": self.group, "MemberId": member, "GenerationIdOrMemberEpoch": epoch + self.pick(0, 0, 0, -1, 1),
                "Topics": [{"Name": "t", "Partitions": [{"PartitionIndex": partition, "CommittedOffset": self.step,
                                                         "CommittedMetadata": ""}]}]}
        self.ask("OffsetCommit", version, body)

    def fetch(self):
        member = self.pick(self.member(), None, "m9")
        epoch = self.state.get((self.group, member), (-1, set()))[0]
        group = {"GroupId": self.group, "MemberId": member, "MemberEpoch": epoch + self.pick(0, 0, 1) if member else -1,
                 "Topics": [{"Name": "t", "PartitionIndexes": list(range(6))}]}
        self.ask("OffsetFetch", 9, {"Groups": [group], "RequireStable": False})

    def describe(self):
        ask = self.pick(("ConsumerGroupDescribe", self.pick(0, 1), {"GroupIds": [self.group]}),
                        ("DescribeGroups", self.pick(5, 6), {"Groups": [self.group]}),
                        ("ListGroups", 5, {"TypesFilter": self.pick([], ["consumer"], ["classic"])}))
        self.ask(*ask)

    def classic(self):
        """Members of the classic protocol that name themselves: only a consumer group takes them."""
        if not any(g == self.group and m in MEMBERS for g, m in self.state):
            return
        member = self.random.choice(CLASSIC)
        subscription = b"\0\1" + (1).to_bytes(4, "big") + b"\0\1t" + b"\xff\xff\xff\xff" + b"\0\0\0\0"
        who = {"GroupId": self.group, "MemberId": member}
        known = self.state.get((self.group + "/classic", member))
        if known is None or self.pick(True, False, False):
            answer = self.ask("JoinGroup", 5, {**who, "SessionTimeoutMs": 45000, "RebalanceTimeoutMs": 60000, "ProtocolType": "consumer",
                                               "Protocols": [{"Name": "range", "Metadata": subscription}]})
            if answer["ErrorCode"] == 0:
                self.state[self.group + "/classic", member] = (answer["GenerationId"], set())
            return
        generation = {"GenerationId": known[0] + self.pick(0, 0, 0, 1)}
        api, version, body = self.pick(("SyncGroup", 3, {**who, **generation}), ("Heartbeat", 3, {**who, **generation}),
                                       ("LeaveGroup", 3, {"GroupId": self.group, "Members": [{"MemberId": member}]}))
        self.ask(api, version, body)
        if api == "LeaveGroup":
            self.state.pop((self.group + "/classic", member), None)

    def wipe(self):
        """Everybody goes, then the group."""
        for member in CLASSIC:
            if self.state.pop((self.group + "/classic", member), None):
                self.ask("LeaveGroup", 3, {"GroupId": self.group, "Members": [{"MemberId": member}]})
        for member in [m for g, m in self.state if g == self.group]:
            self.heartbeat(member, -1)
        self.ask("DeleteGroups", 2, {"GroupsNames": [self.group]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=848)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--kafka")
    parser.add_argument("--ours")
    options = parser.parse_args()
    kafka = os.path.join(HERE, "kafka")
    jars = subprocess.run([kafka, "path"], capture_output=True, text=True, check=True).stdout.strip()
    schemas = Schemas(jars)
    work, processes, addresses = tempfile.mkdtemp(prefix="odradek-compat-"), [], []
    binary = os.environ.get("ODRADEK_BINARY", os.path.join(HERE, "../../build/release/odradek"))
    try:
        for given, make in ((options.kafka, lambda p: [kafka, "serve", work + "/kafka", str(p), *SETTINGS]),
                            (options.ours, lambda p: [binary, "serve", *(w for s in [f"listeners=PLAINTEXT://127.0.0.1:{p}",
                                                                                    f"log.dirs={work}/ours", "odradek.http.listeners=",
                                                                                    *SETTINGS] for w in ("--override", s))])):
            if not given:
                port = free_port()
                given = f"127.0.0.1:{port}"
                processes.append(start(make(port), port))
            addresses.append(given)
        brokers = [Broker(schemas, name, address) for name, address in zip(("kafka", "ours"), addresses)]
        for broker in brokers:
            broker.prepare("t", 6)
            broker.configure("g1", consumer_heartbeat_interval_ms="7000")  # every answer to its members tells it
        Run(brokers, options.seed, options.steps, options.trace).play()
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)


main()
