"""The two brokers: their processes, one connection to each, and the names of values that each chose for itself."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
ANSWER_SECONDS_MAX = 30
# Both are started with these: what a broker does by itself, in its own time, is not compared.
PROPERTIES = {
    "node.id": "1", "num.partitions": "2", "default.replication.factor": "1", "auto.create.topics.enable": "true",
    "log.retention.check.interval.ms": "86400000", "group.initial.rebalance.delay.ms": "0",
    "max.incremental.fetch.session.cache.slots": "1000", "log.segment.delete.delay.ms": "1000",
    "log.cleaner.enable": "false", "offsets.topic.num.partitions": "4",
}
# And ours with what `tests/compat/kafka serve` gives to Kafka.
SERVE_PROPERTIES = {
    "process.roles": "broker,controller", "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def controller_port(port):
    """As tests/compat/kafka chooses it."""
    return port - 1000 if port > 60000 else port + 1000


class Process:
    """A broker that we started; stop() ends it and removes its data."""

    def __init__(self, kind, shards=2):
        self.directory = tempfile.mkdtemp(prefix=f"odradek-diff-{kind}-")
        self.port = free_port()
        properties = dict(PROPERTIES)
        if kind == "kafka":
            properties["log.initial.task.delay.ms"] = "86400000"
            command = [os.path.join(ROOT, "tests/compat/kafka"), "serve", self.directory, str(self.port)]
            command += [f"{k}={v}" for k, v in properties.items()]
        else:
            controller = f"127.0.0.1:{controller_port(self.port)}"
            properties |= SERVE_PROPERTIES | {
                "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://{controller}", "log.dirs": self.directory + "/data",
                "controller.quorum.bootstrap.servers": controller, "odradek.shards": str(shards)}
            binary = os.environ.get("ODRADEK_BINARY", os.path.join(ROOT, "build/release/odradek"))
            command = [binary, "serve"] + [w for k, v in properties.items() for w in ("--override", f"{k}={v}")]
        self.log = open(self.directory + "/broker.log", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def await_ready(self):
        for _ in range(600):
            if self.process.poll() is not None:
                raise SystemExit(f"a broker did not start:\n{self.said()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"a broker did not start within a minute:\n{self.said()}")

    def said(self):
        with open(self.directory + "/broker.log", errors="replace") as file:
            return file.read()[-4000:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Closed(Exception):
    """The broker ended the connection instead of an answer."""


class Side:
    """One broker as the run sees it: a connection, and what its own values are called.

    `values` has the value of a name ("topic id", "orders"), `names` the way back."""

    def __init__(self, name, host, port, directory=None):
        self.name, self.host, self.port = name, host, port
        self.directory = directory  # of the process, if it is ours to look at
        self.values, self.names = {}, {}
        self.socket = None
        if directory:
            self.bind("log directory", "own", directory + "/data")

    def bind(self, kind, name, value):
        self.values[kind, name] = value
        self.names[kind, value] = name

    def resolve(self, value):
        """A copy of a request with every Sym replaced by what this side calls it."""
        if isinstance(value, Sym):
            return self.values.get((value.kind, value.name), value.otherwise)
        if isinstance(value, dict):
            return {k: self.resolve(v) for k, v in value.items()}
        return [self.resolve(v) for v in value] if isinstance(value, list) else value

    def placeless(self, text):
        """A configuration's value without this broker's ports and directory."""
        for port, named in ((self.port, "PORT"), (controller_port(self.port), "CONTROLLER PORT")):
            text = text.replace(str(port), named)
        return re.sub(r"/\S*odradek-diff-[^/]*", "DIRECTORY", text)

    def connect(self):
        self.socket = socket.create_connection((self.host, self.port), ANSWER_SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def disconnect(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, frame):
        """`frame` with its size."""
        if self.socket is None:
            self.connect()
        try:
            self.socket.settimeout(ANSWER_SECONDS_MAX)
            self.socket.sendall(frame)
        except OSError:
            pass  # the broker has hung up: receive() finds out

    def receive(self, patience=ANSWER_SECONDS_MAX):
        try:
            self.socket.settimeout(patience)
            size = struct.unpack(">i", self.exactly(4))[0]
            return self.exactly(size)
        except OSError as error:
            self.disconnect()
            raise Closed("no answer" if isinstance(error, TimeoutError) else "closed") from error

    def exactly(self, size):
        out = bytearray()
        while len(out) < size:
            part = self.socket.recv(size - len(out))
            if not part:
                raise ConnectionError("end of stream")
            out += part
        return bytes(out)


class Sym:
    """A value in a request that each broker chose itself: a topic id, a session id."""

    def __init__(self, kind, name, otherwise):
        self.kind, self.name, self.otherwise = kind, name, otherwise

    def __repr__(self):
        return f"<{self.kind} of {self.name}>"
