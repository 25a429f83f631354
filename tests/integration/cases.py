"""The base of the test classes: a broker for the whole class, fresh topic names, claims as test names."""

import itertools
import os
import subprocess
import time
import unittest

import broker as brokers
from confluent_kafka.admin import AdminClient, NewTopic

names = itertools.count()


def needs_process(test):
    """Marks a test that starts or stops processes itself: it has no meaning against an external broker."""
    return unittest.skipIf(brokers.external(), "needs its own broker process")(test)


class Case(unittest.TestCase):
    """A test that starts its own brokers."""

    def topic(self):
        """A name that no other test uses."""
        return f"t{os.getpid()}-{next(names)}-{int(time.time() * 1000) % 100000}"

    def run_tool(self, *words, data=None, seconds=60):
        """Runs a program to its end; fails the test, with what it printed, unless it exits with 0."""
        done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
        self.assertEqual(done.returncode, 0, f"{' '.join(words)}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def create(self, bootstrap, partitions=1, config=None, topic=None):
        """Creates a topic and returns its name once its partitions have leaders."""
        topic = topic or self.topic()
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
        future = admin.create_topics([NewTopic(topic, partitions, 1, config=config or {})], operation_timeout=10)[topic]
        future.result(20)
        self.wait_for(lambda: self.led(admin, topic) == partitions, f"leaders of {topic}")
        if brokers.external():
            time.sleep(0.5)  # Apache Kafka names leaders before each of them has its log
        return topic

    @staticmethod
    def led(admin, topic):
        partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions.values()
        return sum(p.leader >= 0 for p in partitions)

    def wait_for(self, condition, what, seconds=10):
        """Polls until `condition` holds."""
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s for {what}")
            time.sleep(0.05)


class BrokerCase(Case):
    """A test against one broker that the whole class shares."""

    properties = {}

    @classmethod
    def setUpClass(cls):
        if brokers.external():
            cls.broker = brokers.External(brokers.external())
            return
        cls.broker = brokers.Broker(cls.properties)
        try:
            cls.broker.start()
        except BaseException:
            cls.broker.close()
            raise

    @classmethod
    def tearDownClass(cls):
        if brokers.external():
            return
        try:
            if not cls.broker.alive():
                raise AssertionError(f"the broker died during these tests:\n{cls.broker.output()[-4000:]}")
            code = cls.broker.stop()
            if code != 0:
                raise AssertionError(f"exit code {code} after SIGTERM:\n{cls.broker.output()[-4000:]}")
        finally:
            cls.broker.close()

    @property
    def bootstrap(self):
        return self.broker.bootstrap

    def make_topic(self, partitions=1, **config):
        return self.create(self.bootstrap, partitions, {k.replace("_", "."): str(v) for k, v in config.items()})
