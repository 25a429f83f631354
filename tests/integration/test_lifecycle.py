"""Start, stop, kill, and the starts that must not happen."""

import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import broker as brokers
from broker import Broker
from cases import Case, needs_process
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from wire import Connection, batch, fetch_v4, fetched, metadata_v1, new_producer_id, produce_v3, produced


def fingerprint(directory):
    """Every path below `directory` with its size and a hash of what it holds."""
    found = {}
    for folder, folders, files in os.walk(directory):
        for name in folders:
            found[os.path.join(folder, name)] = None
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


@needs_process
class Lifecycle(Case):
    def new_broker(self, properties=None, **more):
        broker = Broker(properties, **more)
        self.addCleanup(broker.close)
        return broker

    def fill(self, broker, topic, partitions, count, begin=0):
        """Produces `count` messages numbered from `begin`, round robin; all must be acknowledged."""
        errors, producer = [], Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5})
        for n in range(begin, begin + count):
            producer.produce(topic, b"%d" % n, partition=n % partitions, on_delivery=lambda e, m: errors.append(e))
        self.assertEqual(producer.flush(60), 0)
        self.assertEqual([e for e in errors if e], [])

    def read_back(self, broker, topic, partition):
        return self.run_tool("kcat", "-b", broker.bootstrap, "-C", "-q", "-t", topic, "-p", str(partition), "-o", "beginning",
                             "-e").split()

    def holds(self, broker, topic, partitions, count):
        for p in range(partitions):
            self.assertEqual([int(v) for v in self.read_back(broker, topic, p)], list(range(p, count, partitions)), p)


class Restarts(Lifecycle):
    def test_data_survive_clean_stops_with_other_shard_counts(self):
        broker, topic, count = self.new_broker(shards=1), None, 0
        for shards in (1, 4, 2, 1):
            broker.shards_fixed = shards
            broker.start()
            topic = topic or self.create(broker.bootstrap, 6)
            self.holds(broker, topic, 6, count)
            self.fill(broker, topic, 6, 6000, begin=count)
            count += 6000
            self.assertEqual(broker.stop(), 0, broker.output())

    def test_acknowledged_data_survive_kill_9(self):
        broker = self.new_broker()
        broker.start()
        topic = self.create(broker.bootstrap, 3)
        self.fill(broker, topic, 3, 3000)
        for _ in range(3):
            broker.kill()
            broker.start()
            self.holds(broker, topic, 3, 3000)

    def test_a_topic_in_written_mode_survives_kill_9_too(self):
        broker = self.new_broker()
        broker.start()
        topic = self.create(broker.bootstrap, 2, {"odradek.durability": "written"})
        self.fill(broker, topic, 2, 2000)
        broker.kill()
        broker.start()
        self.holds(broker, topic, 2, 2000)

    def test_deleted_topics_stay_deleted(self):
        broker = self.new_broker()
        broker.start()
        topic, kept = self.create(broker.bootstrap, 2), self.create(broker.bootstrap)
        self.fill(broker, topic, 2, 100)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.delete_topics([topic], operation_timeout=10)[topic].result(20)
        broker.kill()
        broker.start()
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        topics = admin.list_topics(timeout=10).topics
        self.assertNotIn(topic, topics)
        self.assertIn(kept, topics)

    def test_an_idempotent_batch_repeated_after_a_restart_is_not_stored_twice(self):
        for way in ("stop", "kill"):
            with self.subTest(way=way):
                broker = self.new_broker()
                broker.start()
                topic, producer = self.create(broker.bootstrap), new_producer_id(broker.port)
                with Connection(broker.port) as connection:
                    request = produce_v3(topic, 0, batch([b"a", b"b"], (*producer, 0)))
                    self.assertEqual(produced(connection.ask(request), topic), [(0, 0, 0)])
                getattr(broker, way)()
                broker.start()
                with Connection(broker.port) as connection:
                    self.assertEqual(produced(connection.ask(request), topic), [(0, 0, 0)])
                    following = produce_v3(topic, 0, batch([b"c"], (*producer, 2)))
                    self.assertEqual(produced(connection.ask(following), topic), [(0, 0, 2)])


class Stops(Lifecycle):
    def test_sigterm_answers_what_was_asked_and_exits_with_0(self):
        broker = self.new_broker()
        broker.start()
        topic = self.create(broker.bootstrap)
        with Connection(broker.port) as connection:
            requests = [produce_v3(topic, 0, batch([b"x" * 1000] * 10), correlation=n) for n in range(20)]
            connection.send(b"".join(requests))
            connection.receive()
            broker.process.send_signal(signal.SIGTERM)
            acked = 1
            while connection.receive() is not None:
                acked += 1
        self.assertEqual(broker.process.wait(20), 0, broker.output())
        broker.start()
        with Connection(broker.port) as connection:
            _, high, _ = fetched(connection.ask(fetch_v4(topic, 0, 0, wait_ms=0)), topic)
        self.assertGreaterEqual(high, 10 * acked)

    def test_sigterm_does_not_wait_for_long_polls_or_idle_connections(self):
        broker = self.new_broker()
        broker.start()
        topic = self.create(broker.bootstrap)
        with Connection(broker.port) as idle, Connection(broker.port) as polling:
            idle.ask(metadata_v1())
            polling.send(fetch_v4(topic, 0, 0, wait_ms=60000))
            time.sleep(0.2)
            began = time.monotonic()
            self.assertEqual(broker.stop(), 0)
            self.assertLess(time.monotonic() - began, 10)

    def test_sigint_stops_too(self):
        broker = self.new_broker()
        broker.start()
        broker.process.send_signal(signal.SIGINT)
        self.assertEqual(broker.process.wait(20), 0)

    def test_a_second_signal_ends_it_at_once(self):
        broker = self.new_broker()
        broker.start()
        broker.process.send_signal(signal.SIGTERM)
        broker.process.send_signal(signal.SIGTERM)
        broker.process.wait(3)


class Refusals(Lifecycle):
    def refuses(self, broker, *words):
        """The start fails within seconds, with a message that has all of `words`, and not by a signal."""
        code, said = broker.start_must_fail()
        self.assertGreater(code, 0, said)
        for word in words:
            self.assertIn(word.lower(), said.lower())
        self.assertNotIn("CHECK", said)
        return said

    def test_a_taken_port_is_named_and_the_directory_is_not_touched(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            broker = self.new_broker(port=holder.getsockname()[1])
            self.refuses(broker, str(broker.port))
            self.assertEqual(os.path.exists(broker.data) and fingerprint(broker.data), False)

    def test_a_taken_http_port_that_was_asked_for_is_named(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            broker = self.new_broker({"odradek.http.listeners": f"http://127.0.0.1:{port}"})
            self.refuses(broker, "odradek.http.listeners", str(port))
            self.assertFalse(os.path.exists(broker.data))

    def test_the_default_http_port_if_taken_stops_nothing(self):
        with socket.socket() as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                holder.bind(("127.0.0.1", 9644))
                holder.listen()
            except OSError:
                pass  # then somebody else has it, which does as well
            broker = self.new_broker({"odradek.http.listeners": None})
            broker.start()
            self.assertIn("no HTTP: ", broker.output())
            self.assertIn("odradek.http.listeners", broker.output())
            self.assertEqual(broker.stop(), 0)

    def test_a_second_broker_on_the_same_directory_is_refused(self):
        first = self.new_broker()
        first.start()
        topic = self.create(first.bootstrap)
        self.fill(first, topic, 1, 100)
        time.sleep(0.5)
        before = self.files_but_wal(first)
        second = self.new_broker({"log.dirs": first.data})
        self.refuses(second, first.data)
        self.assertEqual(self.files_but_wal(first), before)
        self.fill(first, topic, 1, 100)

    @staticmethod
    def files_but_wal(broker):
        """The names of its files; those of the WAL come and go in the background."""
        return {path for path in fingerprint(broker.data) if "/odradek.wal/" not in path}

    def test_a_directory_without_write_permission_is_refused(self):
        if os.getuid() != 0:
            self.skipTest("needs root, to start the broker as nobody")
        holder = tempfile.mkdtemp(prefix="odradek-test-")
        self.addCleanup(shutil.rmtree, holder)
        os.chmod(holder, 0o755)
        os.mkdir(os.path.join(holder, "data"), 0o555)
        broker = self.new_broker(directory=holder, user=pwd.getpwnam("nobody").pw_uid)
        self.refuses(broker, broker.data)
        self.assertEqual(os.listdir(broker.data), [])

    def test_bad_properties_are_named(self):
        for key, value in (("odradek.shards", "banana"), ("odradek.shards", "0"), ("odradek.shards", "65"), ("odradek.durability", "maybe"),
                           ("odradek.memory", "-1"), ("log.retention.hours", "soon"), ("listeners", "PLAINTEXT://127.0.0.1:http"),
                           ("log.segment.bytes", "1")):
            with self.subTest(key=key, value=value):
                broker = self.new_broker({key: value})
                self.refuses(broker, key)
                self.assertFalse(os.path.exists(broker.data))

    def test_what_would_expose_data_if_ignored_stops_the_start(self):
        for key, value in (("listeners", "SASL_PLAINTEXT://127.0.0.1:{}"), ("listeners", "SSL://127.0.0.1:{}"),
                           ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
                           ("create.topic.policy.class.name", "com.example.Policy")):
            with self.subTest(key=key, value=value):
                broker = self.new_broker()
                broker.properties[key] = value.format(broker.port)
                self.refuses(broker, key if key != "listeners" else value.split(":")[0])
                self.assertFalse(os.path.exists(broker.data))

    def test_a_directory_with_kafkas_files_is_refused_untouched(self):
        broker = self.new_broker()
        os.makedirs(os.path.join(broker.data, "orders-0"))
        with open(os.path.join(broker.data, "orders-0", "00000000000000000000.log"), "wb") as file:
            file.write(batch([b"precious"]))
        before = fingerprint(broker.data)
        self.refuses(broker, broker.data)
        self.assertEqual(fingerprint(broker.data), before)

    def test_a_file_that_is_not_there_and_an_unknown_flag_are_named(self):
        for words, named in ((["serve", "/no/such.properties"], "/no/such.properties"), (["serve", "--frobnicate"], "frobnicate"),
                             (["frobnicate"], "frobnicate"), (["serve", "--override", "odradek.shards"], "odradek.shards")):
            with self.subTest(words=words):
                done = subprocess.run([brokers.binary(), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15,
                                      cwd=tempfile.gettempdir())
                self.assertGreater(done.returncode, 0)
                self.assertIn(named, done.stdout + done.stderr)


class Starts(Lifecycle):
    def test_a_properties_file_of_kafkas_own_form_starts_a_broker(self):
        broker = self.new_broker()
        path = os.path.join(broker.directory, "server.properties")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""# a combined node
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:{broker.port},CONTROLLER://:{brokers.free_port()}
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:{broker.port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
log.dirs={broker.data}
num.partitions=3
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
""")
        broker.command = lambda: [brokers.binary(), "serve", path]
        broker.start()
        topic = self.topic()
        self.run_tool("kcat", "-b", broker.bootstrap, "-P", "-t", topic, data=b"hello\n")
        listing = self.run_tool("kcat", "-b", broker.bootstrap, "-L", "-t", topic).decode()
        self.assertIn(f'topic "{topic}" with 3 partitions', listing)
        self.assertIn(f"broker 1 at localhost:{broker.port}", listing)

    def test_the_banner_says_where_and_how(self):
        broker = self.new_broker(shards=2)
        broker.start()
        for word in (str(broker.port), broker.data, "shards", "flushed"):
            self.wait_for(lambda w=word: w in broker.output(), f"'{word}' in the banner")

    def test_it_accepts_connections_in_a_fifth_of_a_second_and_is_idle_then(self):
        broker = self.new_broker(shards=1, http=True)
        starts = []
        for _ in range(3):  # the best of three: tests share their machine
            starts.append(broker.start())
            broker.stop()
        starts.append(broker.start())
        seconds = min(starts)
        time.sleep(1)
        before, began = broker.cpu_seconds(), time.monotonic()
        time.sleep(5)
        share = (broker.cpu_seconds() - before) / (time.monotonic() - began)
        print(f"start {seconds * 1000:.0f} ms, idle {100 * share:.1f} % of a core, {broker.resident_bytes() >> 20} MiB resident")
        self.assertLess(seconds, 0.2)
        self.assertLess(share, 0.02)
        self.assertLess(broker.resident_bytes(), 64 << 20)

    def test_version_prints_one_line(self):
        done = self.run_tool(brokers.binary(), "version").decode()
        self.assertRegex(done, r"^odradek \d+\.\d+")

    def test_dump_reads_the_directory_of_a_stopped_broker(self):
        broker = self.new_broker()
        broker.start()
        topic = self.create(broker.bootstrap)
        self.fill(broker, topic, 1, 100)
        self.assertEqual(broker.stop(), 0)
        said = self.run_tool(brokers.binary(), "dump", broker.data).decode(errors="replace")
        self.assertIn(topic, said)

    def test_more_shards_than_cores_is_a_warning(self):
        broker = self.new_broker(shards=8)
        broker.start()
        self.wait_for(lambda: "core" in broker.output().lower(), "a warning that names the cores")
        topic = self.create(broker.bootstrap, 16)
        self.fill(broker, topic, 16, 1600)
        self.holds(broker, topic, 16, 1600)


if __name__ == "__main__":
    unittest.main()
