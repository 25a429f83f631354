"""Disks that are full, and disks that fail: real file systems on loop devices, which need root."""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile

from broker import Broker
from cases import Case, needs_process
from wire import Connection, batch, fetch_v4, fetched, produce_v3, produced

KAFKA_STORAGE_ERROR = 56
EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32); 2: without flushing the file system's journal


@needs_process
class Disk(Case):
    def file_system(self, mib):
        """The mount point of a new ext4 of this size."""
        if os.geteuid() != 0:
            self.skipTest("a loop device needs root")
        folder = tempfile.mkdtemp(prefix="odradek-disk-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        image, point = os.path.join(folder, "image"), os.path.join(folder, "mount")
        os.mkdir(point)
        with open(image, "wb") as file:
            file.truncate(mib << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], capture_output=True)
        if made.returncode != 0:
            self.skipTest(f"no mkfs.ext4: {made.stderr[-200:]}")
        self.mount(image, point)
        self.addCleanup(subprocess.run, ["umount", "--lazy", point], capture_output=True)
        return image, point

    def mount(self, image, point):
        mounted = subprocess.run(["mount", "-o", "loop", image, point], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(f"no loop device can be mounted here: {mounted.stderr[-200:]}")

    def new_broker(self, properties):
        broker = Broker({"odradek.memory": "128m", "auto.create.topics.enable": "false", **properties}, shards=2)
        self.addCleanup(broker.close)
        broker.start()
        return broker

    def produce(self, broker, topic, partition, value):
        """(error, base offset)"""
        with Connection(broker.port) as connection:
            answer = connection.ask(produce_v3(topic, partition, batch([value])))
        return produced(answer, topic)[0][1:]

    def high_watermark(self, broker, topic, partition):
        """And that the first record can be read."""
        with Connection(broker.port) as connection:
            error, high, records = fetched(connection.ask(fetch_v4(topic, partition, 0)), topic)
        self.assertEqual(error, 0)
        self.assertTrue(records or high == 0)
        return high

    def fill(self, broker, topic, value):
        """Produces until it is refused; returns how many were acknowledged."""
        for count in range(100000):
            error, base = self.produce(broker, topic, 0, value)
            if error != 0:
                self.assertEqual(error, KAFKA_STORAGE_ERROR)
                return count
            self.assertEqual(base, count)
        self.fail("the disk never got full")

    def test_a_full_disk_refuses_produce_serves_reads_and_resumes_by_itself(self):
        _, point = self.file_system(160)
        broker = self.new_broker({"log.dirs": os.path.join(point, "data"), "log.segment.delete.delay.ms": "100"})
        topic, other = self.create(broker.bootstrap), self.create(broker.bootstrap)
        self.assertEqual(self.produce(broker, other, 0, b"small"), (0, 0))
        count = self.fill(broker, topic, b"x" * 500000)
        self.assertGreater(count, 10)
        # Now to the last byte, by somebody else.
        with open(os.path.join(point, "filler"), "wb") as filler:
            try:
                while True:
                    filler.write(b"y" * (1 << 20))
                    filler.flush()
            except OSError:
                pass
        self.assertEqual(self.produce(broker, topic, 0, b"x" * 500000)[0], KAFKA_STORAGE_ERROR)
        self.assertEqual(self.high_watermark(broker, topic, 0), count)
        self.assertEqual(self.high_watermark(broker, other, 0), 1)
        self.assertTrue(broker.alive())
        os.remove(os.path.join(point, "filler"))
        # Still less than the reserve is free: room comes by deleting a topic.
        self.assertEqual(self.produce(broker, topic, 0, b"x" * 500000)[0], KAFKA_STORAGE_ERROR)
        third = self.delete_and_make(broker, topic)
        self.wait_for(lambda: self.produce(broker, third, 0, b"x" * 500000)[0] == 0, "room after a deletion", 30)
        self.assertEqual(self.produce(broker, other, 0, b"small"), (0, 1))
        self.assertEqual(broker.stop(), 0)

    def delete_and_make(self, broker, topic):
        from confluent_kafka.admin import AdminClient
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2})
        admin.delete_topics([topic], operation_timeout=10)[topic].result(20)
        return self.create(broker.bootstrap)

    def test_a_full_disk_survives_a_kill_and_a_start(self):
        _, point = self.file_system(160)
        broker = self.new_broker({"log.dirs": os.path.join(point, "data")})
        topic = self.create(broker.bootstrap)
        count = self.fill(broker, topic, b"x" * 500000)
        broker.kill()
        broker.start()
        self.assertEqual(self.high_watermark(broker, topic, 0), count)
        self.assertEqual(self.produce(broker, topic, 0, b"x" * 500000)[0], KAFKA_STORAGE_ERROR)
        self.assertEqual(broker.stop(), 0)

    def directory_of(self, directories, topic, partition):
        """The index of the log directory that holds the partition."""
        name = f"{topic}-{partition}"
        (found,) = [i for i, d in enumerate(directories) if os.path.isdir(os.path.join(d, name))]
        return found

    def test_a_disk_that_fails_fences_its_partitions_and_no_others(self):
        image, point = self.file_system(256)
        home = tempfile.mkdtemp(prefix="odradek-disk-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        directories = [os.path.join(home, "data"), os.path.join(point, "data")]
        broker = self.new_broker({"log.dirs": ",".join(directories)})
        topic = self.create(broker.bootstrap, partitions=6)
        acked = {p: 0 for p in range(6)}
        for n in range(60):
            self.assertEqual(self.produce(broker, topic, n % 6, b"%d" % n), (0, acked[n % 6]))
            acked[n % 6] += 1
        failing = {p for p in acked if self.directory_of(directories, topic, p) == 1}
        self.assertEqual(len(failing), 3)
        self.shut_down(point)
        for partition in sorted(acked) * 2:
            error, base = self.produce(broker, topic, partition, b"after")
            if partition in failing:
                self.assertEqual(error, KAFKA_STORAGE_ERROR, f"partition {partition}")
            else:
                self.assertEqual((error, base), (0, acked[partition]), f"partition {partition}")
                acked[partition] += 1
        for partition in set(acked) - failing:
            self.assertEqual(self.high_watermark(broker, topic, partition), acked[partition])
        self.wait_for(lambda: "fenced after" in broker.output(), "the log to say so")
        new = self.create(broker.bootstrap, partitions=2)  # where the disk works
        self.assertEqual([self.produce(broker, new, p, b"new")[0] for p in (0, 1)], [0, 0])
        self.assertNotEqual(broker.stop(), 0)
        # As after a repair: what was acknowledged is there.
        subprocess.run(["umount", point], check=True)
        self.mount(image, point)
        broker.start()
        for partition, count in acked.items():
            self.assertGreaterEqual(self.high_watermark(broker, topic, partition), count)
        self.assertEqual(self.produce(broker, topic, min(failing), b"again")[0], 0)
        self.assertEqual(broker.stop(), 0)

    def shut_down(self, point):
        """The file system answers EIO to everything from now on."""
        folder = os.open(point, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", 2))
        except OSError as error:
            self.skipTest(f"ext4 cannot be shut down here: {error}")
        finally:
            os.close(folder)

    def test_a_damaged_directory_is_offline_and_the_others_serve(self):
        home = tempfile.mkdtemp(prefix="odradek-disk-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        directories = [os.path.join(home, "one"), os.path.join(home, "two")]
        broker = self.new_broker({"log.dirs": ",".join(directories)})
        topic = self.create(broker.bootstrap, partitions=4)
        for partition in range(4):
            self.assertEqual(self.produce(broker, topic, partition, b"first"), (0, 0))
        offline = {p for p in range(4) if self.directory_of(directories, topic, p) == 1}
        self.assertEqual(len(offline), 2)
        self.assertEqual(broker.stop(), 0)
        manifest = os.path.join(directories[1], "odradek.manifest")
        with open(manifest, "r+b") as file:
            whole = file.read()
            file.seek(60)
            file.write(bytes([whole[60] ^ 1]))
        broker.start()
        for partition in range(4):
            expected = (KAFKA_STORAGE_ERROR, -1) if partition in offline else (0, 1)
            self.assertEqual(self.produce(broker, topic, partition, b"second"), expected)
        self.assertEqual(broker.stop(), 0)
        with open(manifest, "wb") as file:
            file.write(whole)
        broker.start()
        for partition in range(4):
            self.assertEqual(self.high_watermark(broker, topic, partition), 1 if partition in offline else 2)
        self.assertEqual(broker.stop(), 0)
