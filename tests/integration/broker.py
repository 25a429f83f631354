"""Starts, stops, kills and restarts one broker process; or stands for a broker that somebody else runs."""

import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARDS = (int(os.environ["ODRADEK_SHARDS"]),) if "ODRADEK_SHARDS" in os.environ else (1, 2, 4)


def binary():
    return os.environ.get("ODRADEK_BINARY", os.path.join(ROOT, "build", "release", "odradek"))


def external():
    """host:port of a broker that is already there (a real Kafka, to check the tests themselves), or None."""
    return os.environ.get("ODRADEK_BOOTSTRAP")


SEED = int(os.environ.get("ODRADEK_SEED") or random.SystemRandom().randrange(1 << 31))
draw = random.Random(SEED)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def served_apis(port):
    """The keys that the broker's answer to ApiVersions names."""
    with socket.create_connection(("127.0.0.1", port), 5) as probe, probe.makefile("rb") as answer:
        probe.sendall(bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff"))
        body = answer.read(struct.unpack(">i", answer.read(4))[0])
    count = struct.unpack_from(">i", body, 6)[0]
    return {struct.unpack_from(">h", body, 10 + 6 * i)[0] for i in range(count)}


class StartFailed(Exception):
    """The process ended before it accepted a connection. `code` and `output` say how."""

    def __init__(self, code, output):
        super().__init__(f"exit code {code}:\n{output}")
        self.code, self.output = code, output


class Broker:
    """One `odradek serve` with a data directory of its own. The number of shards is drawn anew at each start.

    `properties` become --override arguments; one that is None is left out. With `http` it listens for HTTP on
    `http_port`, otherwise not at all. close() stops the process and deletes the directory.
    """

    def __init__(self, properties=None, shards=None, port=None, directory=None, user=None, http=False):
        self.properties = dict(properties or {})
        self.shards_fixed = shards
        self.port = port or free_port()
        self.http_port = free_port() if http else None
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="odradek-test-")
        self.data = os.path.join(self.directory, "data")
        self.log_path = os.path.join(self.directory, "broker.log")
        self.user = user
        self.process = None
        self.shards = None

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def command(self):
        self.shards = self.shards_fixed or draw.choice(SHARDS)
        overrides = {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": self.data,
            "odradek.shards": str(self.shards),
            "odradek.http.listeners": f"http://127.0.0.1:{self.http_port}" if self.http_port else "",
            **self.properties,
        }
        words = [binary(), "serve"]
        for key, value in overrides.items():
            if value is None:
                continue
            words += ["--override", f"{key}={value}"]
        return words

    def launch(self):
        """Starts the process without waiting for it."""
        log = open(self.log_path, "ab")
        extra = {"user": self.user} if self.user is not None else {}
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        cwd=self.directory, start_new_session=True, **extra)
        log.close()

    def start(self, seconds=30.0):
        """Starts, and returns the seconds until the first answer. Raises StartFailed.

        An accepted connection alone proves nothing: the kernel takes a killed process's rings, and the listening socket
        that they hold, apart some time after the process is gone.
        """
        began = time.monotonic()
        self.launch()
        while time.monotonic() - began < seconds:
            if self.process.poll() is not None:
                raise StartFailed(self.process.returncode, self.output())
            if self.answers():
                return time.monotonic() - began
            time.sleep(0.005)
        self.kill()
        raise StartFailed(None, f"no connection accepted in {seconds} s\n{self.output()}")

    def answers(self):
        """Whether an ApiVersions request is answered."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff"))
                return len(probe.recv(4)) == 4
        except OSError:
            return False

    def start_must_fail(self, seconds=15.0):
        """Starts, waits for the process to give up, and returns (exit code, what it printed)."""
        before = len(self.output())
        self.launch()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the broker started although it must not:\n{self.output()}") from None
        return code, self.output()[before:]

    def stop(self, seconds=30.0):
        """SIGTERM; returns the exit code. A broker that does not end in time is killed and that is an error."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end {seconds} s after SIGTERM:\n{self.output()}") from None

    def kill(self):
        """SIGKILL, at once."""
        self.process.kill()
        return self.process.wait(10)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def output(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def cpu_seconds(self):
        """User and system CPU time of the process so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self):
        """Kills what still runs and removes the directory; a sanitizer's report in the output is an error."""
        if self.alive():
            self.kill()
        said = self.output()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        found = re.search(r"(Thread|Address|Leak|Memory)Sanitizer|: runtime error: ", said)
        if found:
            raise AssertionError(f"a sanitizer reported:\n{said[found.start() : found.start() + 4000]}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(f"--- broker on port {self.port}, shards {self.shards}:\n{self.output()[-4000:]}", file=sys.stderr)
        self.close()


class External:
    """A broker at an address: what tests need of Broker when they only talk to it."""

    shards = "?"

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.port = int(bootstrap.rsplit(":", 1)[1])

    def alive(self):
        return True

    def output(self):
        return ""

    def close(self):
        pass
