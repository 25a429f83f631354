"""What the broker shows over HTTP: under load, to bad clients, while it stops."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading

from broker import Broker
from cases import Case, needs_process
from confluent_kafka import Consumer, Producer, TopicPartition

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


def samples(page):
    """{(name, labels): value} of a page of metrics; fails on a line that is none."""
    found = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        if not match:
            raise AssertionError(f"not a sample: {line!r}")
        found[match[1], match[2] or ""] = float(match[3])
    return found


@needs_process
class Http(Case):
    def start(self, properties=None, **more):
        broker = Broker(properties, http=True, **more)
        self.addCleanup(broker.close)
        broker.start()
        return broker

    def get(self, broker, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", broker.http_port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def page(self, broker, path="/metrics"):
        status, body = self.get(broker, path)
        self.assertEqual(status, 200, body)
        return body

    def load(self, broker, topic, count, errors):
        producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 2})
        for n in range(count):
            producer.produce(topic, b"x" * 100, partition=n % 4, on_delivery=lambda e, m: errors.append(e))
            producer.poll(0)
        errors.append(producer.flush(60) or None)

    def test_a_scrape_under_load_only_counts_up_and_ends_at_what_was_sent(self):
        broker = self.start()
        topic = self.create(broker.bootstrap, 4)
        errors, count = [], 50_000
        loader = threading.Thread(target=self.load, args=(broker, topic, count, errors))
        loader.start()
        pages = [samples(self.page(broker))]
        while loader.is_alive():
            pages.append(samples(self.page(broker)))
            loader.join(0.1)
        self.assertEqual([e for e in errors if e], [])
        text = self.page(broker)
        pages.append(samples(text))
        for before, after in zip(pages, pages[1:]):
            for (name, labels), value in before.items():
                if name.endswith(("_total", "_count", "_bucket", "_sum")):
                    self.assertGreaterEqual(after[name, labels], value, (name, labels))
        last = pages[-1]
        self.assertEqual(last["odradek_produced_records_total", ""], count)
        self.assertEqual(last["odradek_request_duration_seconds_count", 'api="Produce"'],
                         last["odradek_requests_total", 'api="Produce"'])
        directory = f'directory="{broker.data}"'
        self.assertEqual(last["odradek_log_offsets", directory], count)
        self.assertGreater(last["odradek_wal_flush_duration_seconds_count", directory], 0)
        self.assertGreater(last["process_resident_memory_bytes", ""], 1 << 20)
        self.assertEqual(last["odradek_log_lines_dropped_total", 'shard="0"'], 0)
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_what_was_consumed_is_counted(self):
        broker = self.start()
        topic, errors = self.create(broker.bootstrap, 4), []
        self.load(broker, topic, 1000, errors)
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "none", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
        got = 0
        while got < 1000:
            got += len(consumer.consume(1000 - got, 5))
        consumer.close()
        last = samples(self.page(broker))
        self.assertGreaterEqual(last["odradek_fetched_records_total", ""], 1000)
        self.assertGreater(last["odradek_fetched_bytes_total", ""], 100 * 1000)

    def test_the_json_view_is_json_and_says_what_is_there(self):
        broker = self.start()
        topic = self.create(broker.bootstrap, 3, {"retention.ms": "12345"})
        self.run_tool("kcat", "-b", broker.bootstrap, "-P", "-t", topic, "-p", "1", data=b"a\nb\n")
        view = {path: json.loads(self.page(broker, "/api/v1/" + path))
                for path in ("cluster", "brokers", "topics", f"topics/{topic}", "log-dirs", "connections", "memory", "requests", "config")}
        self.assertEqual(view["brokers"]["brokers"][0]["endpoints"][0]["port"], broker.port)
        self.assertEqual([t["name"] for t in view["topics"]["topics"]], [topic])
        detail = view[f"topics/{topic}"]
        self.assertEqual([p["log"]["high_watermark"] for p in detail["partitions"]], [0, 2, 0])
        self.assertEqual(detail["configs"]["retention.ms"], {"value": "12345", "source": "topic"})
        self.assertEqual(view["log-dirs"]["log_directories"][0]["path"], broker.data)
        self.assertEqual(view["config"]["properties"]["log.dirs"], broker.data)
        self.assertEqual(json.loads(self.page(broker, "/health/ready")), {"status": "ready"})

    def test_bad_requests_get_a_status_and_a_json_error(self):
        broker = self.start()
        for status, path, method in ((404, "/nothing", "GET"), (404, "/api/v1/topics/nowhere", "GET"), (405, "/metrics", "POST"),
                                     (405, "/metrics", "DELETE"), (400, "/api/v1/topics?limit=x", "GET")):
            got, body = self.get(broker, path, method)
            self.assertEqual((got, json.loads(body)["error"]["status"]), (status, status), path)
        for status, raw in ((400, b"hello\r\n\r\n"), (400, b"\x16\x03\x01\x00\xa5\r\n"), (431, b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000),
                            (413, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")):
            with socket.create_connection(("127.0.0.1", broker.http_port), 10) as peer:
                peer.sendall(raw)
                answer = b""
                while part := peer.recv(65536):
                    answer += part
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), answer[:200])
            self.assertEqual(json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["status"], status)
        self.page(broker)

    def test_a_hundred_watchers_at_once_leave_the_broker_well(self):
        broker = self.start()
        peers = [socket.create_connection(("127.0.0.1", broker.http_port), 10) for _ in range(100)]
        answers = []
        for peer in peers:
            peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
        for peer in peers:
            answers.append(peer.recv(15))
            peer.close()
        self.assertEqual(set(answers), {b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Se"})
        self.wait_for(lambda: self.get(broker, "/health/live")[0] == 200, "room for another")

    def test_open_connections_do_not_hold_up_a_stop(self):
        broker = self.start()
        with socket.create_connection(("127.0.0.1", broker.http_port), 10) as idle:
            idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(idle.recv(15), b"HTTP/1.1 200 OK")
            self.assertEqual(broker.stop(5), 0)
