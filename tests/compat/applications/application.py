"""What both applications need: the broker they run on, their JVMs, and claims that count."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))

import broker as brokers  # noqa: E402 - the folder of the integration tests has to be on the path first
from confluent_kafka import Consumer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, ConfigResource  # noqa: E402


class KafkaBroker(brokers.Broker):
    """Apache Kafka in the broker's place (--broker kafka): what an application does on it is right."""

    def command(self):
        self.shards = "?"
        return [str(HERE.parent / "kafka"), "serve", self.data, str(self.port)]


class Jvm:
    """One program of Kafka's; its output goes to a file, which its later processes append to."""

    def __init__(self, classpath, name, words, work):
        log4j = f"-Dlog4j2.configurationFile={HERE.parent / 'log4j2.properties'}"
        self.words = ["java", "-Xmx384m", "-XX:TieredStopAtLevel=1", log4j, "-cp", classpath, *words]
        self.name, self.log_path, self.process = name, work / f"{name}.log", None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, seconds=60):
        """SIGTERM; whether it ended by that, and not in time by SIGKILL."""
        self.process.terminate()
        try:
            return self.process.wait(seconds) in (0, 143)
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


class Trial:
    """An application on a broker of its own: `with Trial(...) as trial`, claims, then finish()."""

    def __init__(self, kafka):
        self.passed = self.failed = 0
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="odradek-applications-"))
        self.broker = (KafkaBroker if kafka else brokers.Broker)({})
        self.jvms, self.classpath, self.began = [], None, time.monotonic()

    def __enter__(self):
        self.broker.start(60)
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None or self.failed:
            for jvm in self.jvms:
                print(f"--- {jvm.name}:\n{jvm.said()[-4000:]}")
            print(f"--- the broker:\n{self.broker.output()[-3000:]}", flush=True)
        for jvm in self.jvms:
            jvm.kill()
        self.broker.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def jvm(self, name, *words):
        self.jvms.append(Jvm(self.classpath, name, words, self.work))
        return self.jvms[-1]

    def properties(self, name, **values):
        path = self.work / name
        path.write_text("".join(f"{key.replace('__', '.')}={value}\n" for key, value in values.items()))
        return str(path)

    def restart_broker(self):
        self.broker.kill()
        self.broker.start(60)

    def claim(self, what, wrong=""):
        """`wrong` tells what is not as it must be; empty where all is well."""
        self.passed, self.failed = self.passed + (not wrong), self.failed + bool(wrong)
        after = f" ({time.monotonic() - self.began:.0f} s)"
        print(f"FAIL {what}: {wrong}" if wrong else f"ok   {what}{after}", flush=True)

    def wait(self, what, condition, seconds=240):
        """One claim: `condition`, which may fail with OSError meanwhile, holds in time. It returns what is wrong, "" if nothing is."""
        end, wrong = time.monotonic() + seconds, "nothing was asked"
        while wrong and time.monotonic() < end:
            try:
                wrong = condition()
            except OSError as error:
                wrong = repr(error)
            if wrong:
                time.sleep(0.5)
        self.claim(what, wrong and f"after {seconds} s: {wrong}")
        return not wrong

    def policy(self, topic):
        """cleanup.policy of a topic."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 2})
        return admin.describe_configs([resource])[resource].result(20)["cleanup.policy"].value

    def topics(self):
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 2})
        return {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=20).topics.items()}

    def read(self, topic):
        """[(key, value)] of all that a topic holds, partition after partition."""
        reader = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 2})
        found = []
        for partition in range(self.topics()[topic]):
            low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), 20)
            reader.assign([TopicPartition(topic, partition, low)])
            last, end = low, time.monotonic() + 30
            while last < high:
                if time.monotonic() > end:
                    raise TimeoutError(f"{topic}/{partition}: read to {last} of {high}")
                for message in reader.consume(1000, 1.0):
                    if message.error():
                        raise OSError(message.error().str())
                    found.append((message.key(), message.value()))
                    last = message.offset() + 1
                # Compaction may have taken the last records away.
                last = max([last] + [p.offset for p in reader.position([TopicPartition(topic, partition)])])
        reader.close()
        return found

    def stop_broker(self):
        if isinstance(self.broker, KafkaBroker):
            return
        code = self.broker.stop()
        self.claim("SIGTERM stops the broker with exit code 0", code and f"it is {code}")


def classpath():
    """The class path of Kafka's applications, or None with the SKIP printed."""
    found = subprocess.run([HERE / "fetch"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if found.startswith("SKIP"):
        print(found)
        return None
    return found


def main(story):
    """Runs story(trial) on the broker that the arguments name; the process's exit code."""
    unknown = [word for word in sys.argv[1:] if word not in ("--broker", "kafka", "odradek")]
    if unknown:
        print(f"no such option: {unknown[0]}", file=sys.stderr)
        return 2
    found = classpath()
    if found is None:
        return 0
    with Trial("kafka" in sys.argv[1:]) as trial:
        trial.classpath = found
        story(trial)
    print(f"{trial.passed} passed, {trial.failed} failed")
    return 1 if trial.failed or not trial.passed else 0
