"""kcat: files there and back."""

import os
import tempfile
import unittest

from cases import BrokerCase

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LINES = int(os.environ.get("ODRADEK_KCAT_LINES", "100000"))


def text(lines):
    """Numbered lines of uneven length: order, loss and doubling all show."""
    return b"".join(b"line %d %s\n" % (n, b"abcdefghijklmnopqrstuvwxyz"[: n % 27] * (n % 5)) for n in range(lines))


class Kcat(BrokerCase):
    def round_trip(self, codec, data, *more):
        topic = self.make_topic()
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.run_tool("kcat", "-b", self.bootstrap, "-P", "-t", topic, "-p", "0", "-z", codec, *more, "-l", file.name)
        got = self.run_tool("kcat", "-b", self.bootstrap, "-C", "-q", "-t", topic, "-p", "0", "-o", "beginning", "-e")
        self.assertEqual(len(got), len(data))
        self.assertTrue(got == data, "the bytes differ")

    def test_a_big_file_comes_back_byte_for_byte_with_each_codec(self):
        data = text(LINES)
        for codec in CODECS:
            with self.subTest(codec=codec):
                self.round_trip(codec, data)

    def test_a_file_comes_back_with_an_idempotent_producer(self):
        self.round_trip("lz4", text(20000), "-X", "enable.idempotence=true")

    def test_a_topic_is_created_by_the_first_message(self):
        topic = self.topic()
        self.run_tool("kcat", "-b", self.bootstrap, "-P", "-t", topic, data=b"hello\n")
        got = self.run_tool("kcat", "-b", self.bootstrap, "-C", "-q", "-t", topic, "-o", "beginning", "-e")
        self.assertEqual(got, b"hello\n")

    def test_the_list_names_the_broker_and_the_topic(self):
        topic = self.make_topic(3)
        got = self.run_tool("kcat", "-b", self.bootstrap, "-L", "-t", topic).decode()
        self.assertIn("1 brokers", got)
        self.assertIn(f'topic "{topic}" with 3 partitions', got)

    def test_keys_headers_and_partitions_are_kept(self):
        topic = self.make_topic(2)
        self.run_tool("kcat", "-b", self.bootstrap, "-P", "-t", topic, "-p", "1", "-K:", "-H", "a=b", data=b"k:v\n:\n")
        got = self.run_tool("kcat", "-b", self.bootstrap, "-C", "-q", "-t", topic, "-p", "1", "-o", "beginning", "-e",
                            "-f", "%p %o %k=%s %h;")
        self.assertEqual(got, b"1 0 k=v a=b;1 1 = a=b;")

    def test_offsets_count_from_the_end_too(self):
        topic = self.make_topic()
        self.run_tool("kcat", "-b", self.bootstrap, "-P", "-t", topic, "-p", "0", data=text(100))
        got = self.run_tool("kcat", "-b", self.bootstrap, "-C", "-q", "-t", topic, "-p", "0", "-o", "-2", "-e", "-f", "%o\n")
        self.assertEqual(got, b"98\n99\n")
        got = self.run_tool("kcat", "-b", self.bootstrap, "-Q", "-t", f"{topic}:0:-1")
        self.assertIn(b"offset 100", got)


if __name__ == "__main__":
    unittest.main()
