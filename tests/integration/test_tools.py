"""The verbs of the one binary that talk to a cluster, each as a person runs it."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest

import broker as brokers
import wire
from cases import BrokerCase, Case, needs_process
from confluent_kafka import Consumer, TopicPartition

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def run(*words, data=b"", seconds=60):
    """The finished process of `odradek WORDS`."""
    return subprocess.run([brokers.binary(), *words], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=seconds)


class Tools(BrokerCase):
    def tool(self, *words, data=b"", code=0):
        """What it prints; the test fails unless it ends with `code`."""
        done = run(*words, "--bootstrap-server", self.bootstrap, data=data)
        said = f"odradek {' '.join(words)}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
        self.assertEqual(done.returncode, code, said)
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    def table(self, *words):
        return json.loads(self.tool(*words, "--json"))

    def fresh(self, partitions=1, *more):
        topic = self.topic()
        self.tool("topic", "create", "--topic", topic, "--partitions", str(partitions), *more)
        if brokers.external():
            time.sleep(0.5)  # Apache Kafka names leaders before each of them has its log
        return topic

    def served(self, api):
        return any(row["api"] == api for row in self.table("api-versions"))

    def test_a_topic_is_created_listed_described_altered_and_deleted(self):
        topic = self.fresh(3, "--config", "retention.ms=1000000")
        self.assertIn(topic, self.tool("topic", "--list", "--quiet").split("\n"))
        [about] = self.table("topic", "describe", "--topic", topic)
        self.assertEqual([p["partition"] for p in about["partitions"]], [0, 1, 2])
        self.assertEqual(about["configs"], {"retention.ms": "1000000"})
        self.assertEqual(about["replication_factor"], 1)
        self.tool("topic", "--alter", "--topic", topic, "--config", "max.message.bytes=100000",
                  "--delete-config", "retention.ms")
        self.wait_for(lambda: self.table("topic", "describe", "--topic", topic)[0]["configs"] ==
                      {"max.message.bytes": "100000"}, "the altered configuration")
        text = self.tool("topic", "describe", "--topic", topic)
        self.assertIn("partitions 3  replication factor 1  configs max.message.bytes=100000", text)
        self.tool("topic", "delete", "--topic", topic)
        self.wait_for(lambda: topic not in self.tool("topic", "list", "-q").split("\n"), "the topic to go")

    def test_what_cannot_be_done_to_a_topic_says_what_and_why(self):
        topic = self.fresh()
        said = self.tool("topic", "create", "--topic", topic, code=1)
        self.assertIn(f"create topic {topic}: TOPIC_ALREADY_EXISTS", said)
        self.tool("topic", "create", "--topic", topic, "--if-not-exists")
        missing = self.topic()
        self.assertIn(f"no topic matches '{missing}'", self.tool("topic", "delete", "--topic", missing, code=1))
        self.tool("topic", "delete", "--topic", missing, "--if-exists")
        self.assertIn("INVALID_CONFIG", self.tool("topic", "create", "--topic", missing, "--config", "no.such=1", code=1))
        self.assertIn(missing, self.tool("consume", "--topic", missing, "-e", code=1))

    def test_partitions_are_added(self):
        if not self.served("CreatePartitions"):
            self.skipTest("CreatePartitions is not served")
        topic = self.fresh(1)
        self.tool("topic", "alter", "--topic", topic, "--partitions", "4")
        self.wait_for(lambda: len(self.table("offsets", "--topic", topic)) == 4, "four partitions")

    def test_lines_come_back_in_every_codec(self):
        data = b"".join(b"line %d %s\n" % (n, b"x" * (n % 97)) for n in range(20000))
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = self.fresh()
                self.tool("produce", "--topic", topic, "-z", codec, data=data)
                back = self.tool("consume", "--topic", topic, "--from-beginning", "--until-end")
                self.assertTrue(back.encode() == data, "the lines differ")

    def test_files_partitions_keys_and_headers_are_kept(self):
        topic = self.fresh(3)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"k1:v1\nk2:v:2\n:\n")
            file.flush()
            report = json.loads(self.tool("produce", "-t", topic, "-p", "2", "-K", ":", "-H", "a=1", "-H", "b=",
                                          "--timestamp", "1700000000000", "--json", "--file", file.name))
        self.assertEqual(report["partitions"], [{"partition": 2, "records": 3, "first_offset": 0, "last_offset": 2}])
        back = self.tool("consume", "-t", topic, "--from-beginning", "-e", "-F", "%t %p %o %T %k=%s %h\\n")
        self.assertEqual(back, "".join(f"{topic} 2 {n} 1700000000000 {record} a=1,b=\n"
                                       for n, record in enumerate(("k1=v1", "k2=v:2", "="))))
        lines = self.tool("consume", "-t", topic, "--partition", "0-2", "--from-beginning", "-e", "--json")
        first = json.loads(lines.split("\n")[0])
        self.assertEqual((first["key"], first["value"], first["headers"][0]), ("k1", "v1", {"key": "a", "value": "1"}))

    def test_a_file_as_a_whole_is_one_record(self):
        topic = self.fresh()
        self.tool("produce", "-t", topic, "--whole", "--null-marker", "x", data=b"two\nlines\n\xff")
        [record] = self.tool("consume", "-t", topic, "--from-beginning", "-e", "--json").splitlines()
        self.assertEqual(json.loads(record)["value_base64"], "dHdvCmxpbmVzCv8=")

    def test_keys_go_where_Kafkas_clients_put_them(self):
        topic = self.fresh(8)
        keys = [f"key-{n}" for n in range(50)]
        self.tool("produce", "-t", topic, "-K", ":", data="".join(f"{k}:ours\n" for k in keys).encode())
        self.run_tool("kcat", "-b", self.bootstrap, "-P", "-t", topic, "-K:", "-X", "partitioner=murmur2_random",
                      data="".join(f"{k}:theirs\n" for k in keys).encode())
        seen = {}
        for line in self.tool("consume", "-t", topic, "--from-beginning", "-e", "-F", "%k %p\\n").split("\n"):
            if line:
                key, partition = line.split()
                seen.setdefault(key, set()).add(partition)
        self.assertEqual({key: 1 for key in keys}, {key: len(where) for key, where in seen.items()})

    def test_reading_starts_and_stops_where_it_should(self):
        topic = self.fresh(2)
        for partition in "01":
            self.tool("produce", "-t", topic, "-p", partition, data=b"".join(b"%d\n" % n for n in range(100)))
        late = str(int(time.time() * 1000) + 10)
        time.sleep(0.05)
        self.tool("produce", "-t", topic, "-p", "1", data=b"late\n")

        def read(*words):
            return self.tool("consume", "-t", topic, "-q", *words).split()

        self.assertEqual(read("-p", "0", "-o", "97", "-e"), ["97", "98", "99"])
        self.assertEqual(read("-p", "0", "-o", "-2", "-e"), ["98", "99"])
        self.assertEqual(read("-p", "0", "-o", "earliest", "-c", "2"), ["0", "1"])
        self.assertEqual(read("--from-time", late, "-e"), ["late"])
        self.assertEqual(read("-o", "latest", "-e"), [])
        self.assertEqual(read("-o", "latest", "--timeout-ms", "300"), [])
        self.assertEqual(len(read("--from-beginning", "-e")), 201)
        self.assertIn("OFFSET_OUT_OF_RANGE", self.tool("consume", "-t", topic, "-p", "0", "-o", "1000", code=1))
        self.assertIn("partitions 0 to 1, not 7", self.tool("consume", "-t", topic, "-p", "7", code=1))

    def test_offsets_are_listed_at_every_special_time(self):
        topic = self.fresh(2)
        for stamp in (1000, 3000, 2000):
            self.tool("produce", "-t", topic, "-p", "0", "--timestamp", str(stamp), data=b"x\n")

        def at(when):
            return self.tool("offsets", "--topic", topic, "--partitions", "0", "--time", when, "-q").strip()

        self.assertEqual(at("latest"), f"{topic}:0:3")
        self.assertEqual(at("-2"), f"{topic}:0:0")
        self.assertEqual(at("max-timestamp"), f"{topic}:0:1")
        self.assertEqual(at("1001"), f"{topic}:0:1")
        self.assertEqual(at("earliest-local"), f"{topic}:0:0")
        self.assertEqual(at("5000"), f"{topic}:0:")
        rows = self.table("offsets", "--topic-partitions", f"{topic}:1")
        self.assertEqual([(row["partition"], row["offset"]) for row in rows], [(1, 0)])

    def test_configurations_are_described_and_altered(self):
        topic = self.fresh()
        self.assertEqual(self.table("config", "describe", "--topic", topic), [])
        self.tool("config", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config",
                  "segment.bytes=2000000,retention.bytes=5000000")
        self.wait_for(lambda: len(self.table("config", "describe", "--topic", topic)) == 2, "both configurations")
        rows = self.table("config", "describe", "--topic", topic)
        self.assertEqual({row["name"]: row["value"] for row in rows},
                         {"segment.bytes": "2000000", "retention.bytes": "5000000"})
        self.assertEqual({row["source"] for row in rows}, {"DYNAMIC_TOPIC_CONFIG"})
        everything = self.table("config", "describe", "--topic", topic, "--all")
        self.assertIn("cleanup.policy", {row["name"] for row in everything})
        self.tool("config", "alter", "--topic", topic, "--delete-config", "segment.bytes,retention.bytes")
        self.wait_for(lambda: not self.table("config", "describe", "--topic", topic), "no configuration")

    def test_groups_loggers_and_client_metrics_have_configurations(self):
        name = self.topic()

        def value(*words):
            return {row["name"]: (row["value"], row["source"]) for row in self.table("config", "describe", *words)}
        self.tool("config", "alter", "--group", name, "--add-config", "consumer.session.timeout.ms=50000")
        self.wait_for(lambda: value("--entity-type", "groups", "--entity-name", name) ==
                      {"consumer.session.timeout.ms": ("50000", "DYNAMIC_GROUP_CONFIG")}, "the group's configuration")
        self.tool("config", "alter", "--client-metrics", name, "--add-config", "metrics=[a,b],interval.ms=1000")
        self.wait_for(lambda: value("--client-metrics", name) ==
                      {"metrics": ("a,b", "DYNAMIC_CLIENT_METRICS_CONFIG"),
                       "interval.ms": ("1000", "DYNAMIC_CLIENT_METRICS_CONFIG")}, "the subscription")
        self.assertIn("client metrics", self.tool("config", "alter", "--client-metrics", name, "--add-config", "interval.ms=1", code=1))
        self.assertIn("root", value("--broker-logger", "1"))
        self.tool("config", "alter", "--group", name, "--delete-config", "consumer.session.timeout.ms")
        self.tool("config", "alter", "--client-metrics", name, "--delete-config", "metrics,interval.ms")

    def test_quotas_are_set_described_and_removed(self):
        self.tool("quota", "alter", "--client", "fast", "--add-config", "producer_byte_rate=1000000")
        self.tool("quota", "alter", "--user-defaults", "--client", "fast", "--add-config", "request_percentage=12.5")
        rows = self.table("quota", "describe", "--client", "fast")
        self.assertEqual([(row["user"], row["client_id"], row["quota"], row["value"]) for row in rows],
                         [(None, "fast", "producer_byte_rate", 1000000), ("<default>", "fast", "request_percentage", 12.5)])
        rows = self.table("quota", "describe", "--client", "fast", "--strict")
        self.assertEqual([row["user"] for row in rows], [None])
        self.assertIn("not a valid IP", self.tool("quota", "alter", "--ip", "256.0.0.1", "--add-config",
                                                  "connection_creation_rate=1", code=1))
        self.tool("quota", "alter", "--client", "fast", "--delete-config", "producer_byte_rate")
        self.tool("quota", "alter", "--user-defaults", "--client", "fast", "--delete-config", "request_percentage")
        self.assertEqual(self.table("quota", "describe"), [])

    def test_a_group_is_described_reset_and_deleted(self):
        topic, group = self.fresh(2), "group-" + self.topic()
        for partition, count in ((0, 10), (1, 4)):
            self.tool("produce", "--topic", topic, "-p", str(partition), data=b"x\n" * count)
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "client.id": "reader",
                             "enable.auto.commit": False})
        consumer.subscribe([topic])
        self.wait_for(lambda: consumer.poll(0.2) or len(consumer.assignment()) == 2, "an assignment", 30)
        consumer.commit(offsets=[TopicPartition(topic, 0, 7)], asynchronous=False)
        [listed] = [g for g in self.table("group", "list", "--state", "stable") if g["group"] == group]
        self.assertEqual((listed["type"], listed["protocol"], listed["coordinator"]), ("classic", "consumer", 1))
        [about] = self.table("group", "describe", group)
        self.assertEqual((about["state"], about["lag"]), ("Stable", 3))
        [member] = about["members"]
        self.assertEqual((member["client_id"], member["partitions"]), ("reader", {topic: [0, 1]}))
        rows = [(o["partition"], o["committed"], o["log_end"], o["lag"], o["client_id"]) for o in about["offsets"]]
        self.assertEqual(rows, [(0, 7, 10, 3, "reader"), (1, None, 4, None, "reader")])
        reset = ("group", "reset", group, "--topic", topic)
        self.assertIn("is active (Stable, 1 members)", self.tool(*reset, "--to-earliest", "--execute", code=1))
        self.assertIn("NON_EMPTY_GROUP", self.tool("group", "delete", group, code=1))
        self.assertIn("GROUP_SUBSCRIBED_TO_TOPIC",
                      self.tool("group", "delete-offsets", group, "--topic", topic, code=1))
        consumer.close()
        self.wait_for(lambda: self.table("group", "describe", group)[0]["state"] == "Empty", "the member to go")

        def moves(*words):
            return [(o["partition"], o["before"], o["after"]) for o in self.table(*words)["offsets"]]
        self.assertEqual(moves(*reset, "--to-earliest"), [(0, 7, 0), (1, None, 0)])
        self.assertEqual(self.table("group", "describe", group)[0]["lag"], 3, "a dry run changes nothing")
        self.assertIn("could be shifted", self.tool(*reset, "--shift-by", "-2", "--execute", code=1))
        self.assertEqual(moves("group", "reset", group, "--topic", topic + ":0", "--shift-by", "-2", "--execute"),
                         [(0, 7, 5)])
        self.assertEqual(moves(*reset, "--to-offset", "6", "--execute"), [(0, 5, 6), (1, None, 4)])
        self.assertEqual(moves("group", "reset", group, "--all-topics", "--by-duration", "PT1H", "--execute"),
                         [(0, 6, 0), (1, 4, 0)])
        self.assertEqual(moves(*reset, "--to-datetime", "2100-01-01T00:00:00+01:00"), [(0, 0, 10), (1, 0, 4)])
        self.assertEqual(self.table("group", "describe", group)[0]["lag"], 14)
        self.tool("group", "delete-offsets", group, "--topic", topic + ":1")
        self.assertEqual(self.tool("group", "describe", group, "--quiet"), f"{group}\t{topic}\t0\t0\t10\t10\t-\t-\t-\n")
        self.assertEqual(self.tool("group", "delete", group), f"Deleted group {group}.\n")
        self.assertIn(f"there is no group '{group}'", self.tool("group", "describe", group, code=1))
        self.assertNotIn(group, self.tool("group", "list", "--quiet").split("\n"))

    @needs_process
    def test_a_group_whose_name_is_no_text_is_shown_in_json(self):
        topic, text = self.fresh(), "group-" + self.topic()
        self.tool("produce", "--topic", topic, data=b"x\n")
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": text})  # makes the topic of offsets
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
        consumer.close()
        group = text.encode() + b"\xe9"
        with wire.Connection(self.broker.port) as connection:
            answer = connection.ask(wire.offset_commit_v2(group, topic, 0, 1))
        self.assertTrue(answer.endswith(b"\0\0"), answer)
        shown = text + "\ufffd"
        [about] = [group for group in self.table("group", "describe", "--all-groups") if group["group"] == shown]
        self.assertEqual([offset["committed"] for offset in about["offsets"]], [1])
        done = run("group", "reset", group, "--topic", topic, "--to-earliest", "--json", "--bootstrap-server", self.bootstrap)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout)["offsets"][0]["group"], shown)

    def test_records_are_deleted_before_an_offset(self):
        topic = self.fresh(2)
        self.tool("produce", "-t", topic, "-p", "0", data=b"1\n2\n3\n")
        self.tool("produce", "-t", topic, "-p", "1", data=b"1\n2\n3\n")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 2}]}, file)
            file.flush()
            rows = self.table("delete-records", "--offset-json-file", file.name)
        self.assertEqual([(row["partition"], row["first_offset"]) for row in rows], [(0, 2)])
        self.tool("delete-records", "--topic", topic, "--partition", "1", "--offset", "-1")
        rows = self.table("offsets", "--topic", topic, "--time", "earliest")
        self.assertEqual([row["offset"] for row in rows], [2, 3])
        self.assertIn("OFFSET_OUT_OF_RANGE", self.tool("delete-records", "--topic", topic, "--offset", "99", code=1))

    def test_the_cluster_tells_of_itself(self):
        self.assertRegex(self.tool("cluster", "id", "-q"), r"^[A-Za-z0-9_-]{22}\n$")
        [row] = self.table("cluster", "brokers")
        self.assertEqual(f"{row['host']}:{row['port']}", self.bootstrap)
        self.assertIsInstance(self.table("cluster", "features")["features"], list)
        apis = {row["api"]: row for row in self.table("api-versions")}
        self.assertGreaterEqual(apis["Fetch"]["used"], 17)
        self.assertLessEqual(apis["Produce"]["from"], 3)

    def test_the_quorum_and_the_log_directories_are_described(self):
        topic = self.fresh(2)
        if self.served("DescribeLogDirs"):
            both = self.table("log-dirs", "--topic-list", topic)
            self.assertEqual({row["topic"] for row in both["partitions"]}, {topic})
            self.assertTrue(both["directories"])
        if self.served("DescribeQuorum"):
            self.assertEqual(self.table("cluster", "quorum")["replicas"][0]["role"], "leader")
        if not self.served("DescribeLogDirs") or not self.served("DescribeQuorum"):
            self.skipTest("DescribeLogDirs or DescribeQuorum is not served")


class Usage(Case):
    def check(self, code, part, *words):
        done = run(*words)
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, code, said)
        self.assertIn(part, said)

    @needs_process
    def test_wrong_usage_is_exit_code_2_and_says_what_would_be_right(self):
        self.check(2, "did you mean 'topic'?", "topics")
        self.check(2, "one of list, describe, create, alter, delete", "topic")
        self.check(2, "did you mean create?", "topic", "creat")
        self.check(2, "--topic is missing", "produce")
        self.check(2, "'odradek consume --help'", "consume", "--nonsense")
        self.check(2, "only PLAINTEXT is supported", "cluster", "id", "-b", "SSL://localhost:9092")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("security.protocol=SASL_SSL\n")
            file.flush()
            self.check(2, "SASL and TLS are not", "topic", "list", "--command-config", file.name)

    @needs_process
    def test_every_verb_has_help_with_examples(self):
        verbs = [line.split()[1] for line in run("help").stdout.decode().split("\n") if line.startswith("  odradek ")]
        self.assertGreaterEqual(len(verbs), 14)
        for verb in verbs:
            if verb == "version":
                continue
            self.check(0, "Examples:", verb, "--help")
            self.check(0, "Examples:", "help", verb)

    @needs_process
    def test_without_a_broker_the_error_names_the_address_in_time(self):
        port = brokers.free_port()
        began = time.monotonic()
        self.check(1, f"127.0.0.1:{port}", "topic", "list", "-b", f"127.0.0.1:{port}", "--timeout", "1")
        self.assertLess(time.monotonic() - began, 5)

    def completed(self, shell, script):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        path = f"{os.path.dirname(brokers.binary())}:{os.environ['PATH']}"
        return sorted(self.run_tool("env", f"PATH={path}", shell, *script).decode().split())

    COMPLETIONS = (("odradek con", "config consume"), ("odradek topic --part", "--partitions"), ("odradek topic cr", "create"),
                   ("odradek group del", "delete delete-offsets"), ("odradek group reset x --shift", "--shift-by"))

    @needs_process
    def test_bash_completes_verbs_and_options(self):
        for words, wanted in self.COMPLETIONS:
            said = self.completed("bash", ("-c", f"source <(odradek completion bash); COMP_WORDS=({words}); "
                                                 'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _odradek; echo "${COMPREPLY[@]}"'))
            self.assertEqual(said, wanted.split(), words)

    @needs_process
    def test_zsh_completes_the_same(self):
        for words, wanted in self.COMPLETIONS:
            said = self.completed("zsh", ("-f", "-c", f"source <(odradek completion zsh); setopt ksharrays; COMP_WORDS=({words}); "
                                                      'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _odradek; echo "${COMPREPLY[@]}"'))
            typed = words.split()[-1]  # zsh leaves out what does not begin with it by itself
            self.assertEqual([word for word in said if word.startswith(typed)], wanted.split(), words)

    @needs_process
    def test_fish_completes_the_same(self):
        for words, wanted in self.COMPLETIONS:
            said = self.completed("fish", ("--no-config", "-c", "odradek completion fish | source; "
                                           f"complete --do-complete '{words}' | string replace --regex '\\t.*' ''; true"))
            self.assertEqual(said, wanted.split(), words)

    def named(self, *names):
        """A folder with an `odradek` that completes as ours and whose cluster has topics and groups of these names."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "names"), "wb") as file:
            file.write(b"".join(name + b"\n" for name in names))
        program = os.path.join(folder.name, "odradek")
        with open(program, "w") as file:
            file.write(f'#!/bin/sh\n[ "$2" = list ] && exec cat {folder.name}/names\nexec {brokers.binary()} "$@"\n')
        os.chmod(program, 0o755)
        return folder.name

    def offered(self, folder, shell, words, script):
        """What `shell` offers behind `words`, in the folder."""
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "WORDS": words, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([shell, *script], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(sorted(os.listdir(folder)), ["names", "odradek"], f"a name was executed behind {words}")
        return [line for line in done.stdout.split(b"\0") if line]

    HOSTILE = (b"$(touch${IFS}made)", b"`touch made`", b"'; touch made; '", b"\"$(touch made)\"", b"*(e:touch made:)",
               b"x;touch made", b"x\x01$(touch made)", b"x\xff`touch made`", b"two words", b"it's", b"~root", b"$HOME", b"plain")
    PLACES = ("odradek group describe", "odradek consume --group", "odradek consume --topic", "odradek group reset x --topic")
    # What is offered is evaluated as a command line would be, and must be the name again.
    IN_BASH = ("source <(odradek completion bash); eval \"COMP_WORDS=($WORDS)\"; COMP_WORDS+=(\"$TYPED\"); "
               "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _odradek; "
               'for word in "${COMPREPLY[@]}"; do eval "printf \'%s\\\\0\' $word"; done')

    def in_bash(self, folder, words, typed=""):
        return self.offered(folder, "bash", words, ("--norc", "-c", f"TYPED={shlex.quote(typed)}; {self.IN_BASH}"))

    @needs_process
    def test_bash_quotes_what_the_cluster_calls_its_topics_and_groups_and_never_runs_it(self):
        folder = self.named(*self.HOSTILE, b"--execute")
        for words in self.PLACES:
            self.assertEqual(self.in_bash(folder, words), list(self.HOSTILE), words)
        for typed, wanted in (("x\\;", [b"x;touch made"]), ("x;", [b"x;touch made"]), ("two\\ ", [b"two words"]), ("pl", [b"plain"]),
                              ('"pl', [b"plain"]), ('"', [b"plain"]), ("'x", []), ("no", [])):
            self.assertEqual(self.in_bash(folder, "odradek group describe", typed), wanted, typed)

    @needs_process
    def test_zsh_quotes_it_likewise(self):
        folder = self.named(*self.HOSTILE, b"--execute")
        for words in self.PLACES:  # as bashcompinit calls it
            said = self.offered(folder, "zsh", words, (
                "-f", "-c", "source <(odradek completion zsh); words=(${=WORDS} ''); CURRENT=${#words}; "
                "complete_words() { local -a COMP_WORDS=(\"${words[@]}\"); local COMP_CWORD=$((CURRENT - 1)); "
                "for word in ${(f)\"$(compgen -o default -F _odradek -- '')\"}; do eval \"printf '%s\\\\0' $word\"; done; }; complete_words"))
            self.assertEqual(said, list(self.HOSTILE), words)

    @needs_process
    def test_fish_offers_it_as_text(self):
        folder = self.named(*self.HOSTILE, b"--execute")
        for words in self.PLACES:
            said = self.offered(folder, "fish", words, (
                "--no-config", "-c", "odradek completion fish | source; complete --do-complete \"$WORDS \" | string join0"))
            files = (b"names", b"odradek")  # fish adds them
            self.assertEqual(sorted(name for name in said if name not in files), sorted(self.HOSTILE), words)


if __name__ == "__main__":
    unittest.main()
