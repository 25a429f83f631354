"""Bytes that no client sends: what a broker refuses, what it answers, and in which order."""

import os
import struct
import time
import unittest

from cases import BrokerCase
from wire import (API_VERSIONS, METADATA, Connection, batch, fetch_v4, fetched, frame, list_offsets_v1,
                  metadata_v1, new_producer_id, produce_v3, produce_v3_many, produced)

CORRUPT_MESSAGE, UNKNOWN_TOPIC, INVALID_REQUIRED_ACKS, UNSUPPORTED_VERSION, OUT_OF_ORDER = 2, 3, 21, 35, 45


class Wire(BrokerCase):
    def connect(self, timeout=15):
        connection = Connection(self.broker.port, timeout)
        self.addCleanup(connection.socket.close)
        return connection

    def serves(self):
        self.assertTrue(self.connect().ask(metadata_v1()))

    def closes_on(self, data):
        connection = self.connect()
        connection.send(data)
        self.assertTrue(connection.closed(), f"answered {data[:20]!r}")
        self.serves()


class Refused(Wire):
    def test_a_negative_size_closes_the_connection(self):
        self.closes_on(struct.pack(">i", -1) + b"x" * 100)

    def test_a_size_over_the_limit_closes_the_connection(self):
        self.closes_on(struct.pack(">i", 0x7FFFFFFF))
        self.closes_on(struct.pack(">i", 104857601))

    def test_a_frame_too_short_for_a_header_closes_the_connection(self):
        self.closes_on(struct.pack(">i", 4) + b"\0\0\0\0")

    def test_random_bytes_close_the_connection(self):
        self.closes_on(struct.pack(">i", 64) + b"\x7f" * 64)

    def test_a_tls_hello_closes_the_connection(self):
        self.closes_on(bytes.fromhex("1603010200010001fc0303") + b"\x11" * 506)

    def test_an_http_request_closes_the_connection(self):
        self.closes_on(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_an_unknown_api_closes_the_connection(self):
        self.closes_on(frame(999, 0, 1))

    def test_an_unknown_version_closes_the_connection(self):
        self.closes_on(frame(METADATA, 99, 1))
        self.closes_on(frame(METADATA, -1, 1))

    def test_a_body_cut_short_closes_the_connection(self):
        whole = produce_v3("x", 0, batch([b"v"]))
        for size in (20, 30, len(whole) - 5):
            with self.subTest(size=size):
                self.closes_on(struct.pack(">i", size - 4) + whole[4:size])

    def test_an_array_longer_than_its_frame_closes_the_connection(self):
        self.closes_on(frame(METADATA, 1, 1, struct.pack(">i", 0x7FFFFFFF)))

    def test_a_peer_that_leaves_in_the_middle_of_a_frame_hurts_nobody(self):
        for size in (1, 4, 10, 40):
            self.connect().send(produce_v3("x", 0, batch([b"v" * 1000]))[:size])
        self.serves()

    def test_many_idle_connections_leave_room_for_one_that_works(self):
        connections = [self.connect() for _ in range(300)]
        self.serves()
        self.assertTrue(connections[0].ask(metadata_v1()))


class Answered(Wire):
    def test_a_future_api_versions_gets_a_version_0_answer_with_the_range(self):
        body = self.connect().ask(frame(API_VERSIONS, 99, 7, b"\0\1\1\0"))
        error, count = struct.unpack_from(">hi", body)
        self.assertEqual((error, len(body)), (UNSUPPORTED_VERSION, 6 + 6 * count))
        ranges = {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", body[6:])}
        self.assertEqual(ranges[API_VERSIONS][0], 0)
        self.assertGreaterEqual(ranges[API_VERSIONS][1], 3)

    def test_api_versions_0_lists_what_clients_look_for(self):
        body = self.connect().ask(frame(API_VERSIONS, 0, 1))
        error, count = struct.unpack_from(">hi", body)
        ranges = {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", body[6 : 6 + 6 * count])}
        self.assertEqual(error, 0)
        for key, low, high in ((0, 0, 9), (1, 4, 12), (2, 1, 6), (3, 0, 9), (18, 0, 3), (19, 2, 5), (20, 1, 4), (22, 0, 2)):
            self.assertLessEqual(ranges[key][0], low, key)
            self.assertGreaterEqual(ranges[key][1], high, key)

    def test_pipelined_requests_are_answered_in_order(self):
        topic, connection = self.make_topic(), self.connect()
        requests = []
        for n in range(0, 400, 4):
            requests += [produce_v3(topic, 0, batch([b"%d" % n]), correlation=n), frame(API_VERSIONS, 0, n + 1),
                         fetch_v4(topic, 0, 0, wait_ms=0, correlation=n + 2), list_offsets_v1(topic, 0, -1, correlation=n + 3)]
        connection.send(b"".join(requests))
        answers = [connection.receive() for _ in requests]
        self.assertEqual([struct.unpack_from(">i", a)[0] for a in answers], list(range(400)))
        offsets = [produced(a[4:], topic)[0][2] for a in answers[::4]]
        self.assertEqual(offsets, list(range(100)))
        ends = [struct.unpack_from(">q", a[4:], 4 + 2 + len(topic) + 4 + 4 + 2 + 8)[0] for a in answers[3::4]]
        self.assertEqual(ends, list(range(1, 101)), "a request sees the produce before it on its connection")

    def test_a_request_in_single_bytes_is_answered(self):
        topic, connection = self.make_topic(), self.connect()
        request = produce_v3(topic, 0, batch([b"v"]))
        for byte in request:
            connection.send(bytes([byte]))
        self.assertEqual(produced(connection.receive()[4:], topic), [(0, 0, 0)])

    def test_after_a_half_close_what_was_asked_is_answered(self):
        connection = self.connect()
        connection.send(metadata_v1(correlation=5))
        connection.socket.shutdown(1)
        answer = connection.receive()
        self.assertEqual(struct.unpack_from(">i", answer)[0], 5)
        self.assertTrue(connection.closed())

    def test_a_fetch_waits_for_data_and_wakes_with_it(self):
        topic, reader, writer = self.make_topic(), self.connect(), self.connect()
        reader.send(fetch_v4(topic, 0, 0, wait_ms=8000))
        time.sleep(0.3)
        began = time.monotonic()
        writer.ask(produce_v3(topic, 0, batch([b"v"])))
        error, high, records = fetched(reader.receive()[4:], topic)
        self.assertLess(time.monotonic() - began, 1.0)
        self.assertEqual((error, high, len(records)), (0, 1, len(batch([b"v"]))))

    def test_a_fetch_without_data_ends_at_its_time(self):
        topic, reader = self.make_topic(), self.connect()
        began = time.monotonic()
        error, high, records = fetched(reader.ask(fetch_v4(topic, 0, 0, wait_ms=700)), topic)
        self.assertEqual((error, high, records), (0, 0, b""))
        self.assertTrue(0.6 <= time.monotonic() - began <= 2.0, time.monotonic() - began)

    def test_a_fetch_waits_until_its_least_bytes_are_there(self):
        topic, reader, writer = self.make_topic(), self.connect(), self.connect()
        began = time.monotonic()
        reader.send(fetch_v4(topic, 0, 0, wait_ms=1000, bytes_min=100000))
        writer.ask(produce_v3(topic, 0, batch([b"v"])))
        error, high, records = fetched(reader.receive()[4:], topic)
        self.assertGreaterEqual(time.monotonic() - began, 0.9)
        self.assertEqual((error, high, len(records)), (0, 1, len(batch([b"v"]))))


class Produced(Wire):
    def test_acks_0_has_no_answer_and_is_stored_in_order(self):
        topic, connection = self.make_topic(), self.connect()
        connection.send(b"".join(produce_v3(topic, 0, batch([b"%d" % n]), acks=0, correlation=n) for n in range(50)))
        body = connection.ask(produce_v3(topic, 0, batch([b"last"]), acks=1, correlation=99))
        self.assertEqual(produced(body, topic), [(0, 0, 50)])

    def test_other_acks_are_refused(self):
        topic = self.make_topic()
        for acks in (2, -2, 100):
            error = produced(self.connect().ask(produce_v3(topic, 0, batch([b"v"]), acks=acks)), topic)[0][1]
            self.assertEqual(error, INVALID_REQUIRED_ACKS)

    def test_a_bad_checksum_is_refused_and_the_connection_lives(self):
        topic, connection = self.make_topic(), self.connect()
        self.assertEqual(produced(connection.ask(produce_v3(topic, 0, batch([b"v"], crc_flip=1))), topic)[0][1], CORRUPT_MESSAGE)
        self.assertEqual(produced(connection.ask(produce_v3(topic, 0, batch([b"v"]))), topic), [(0, 0, 0)])

    def test_a_wrong_record_count_is_refused(self):
        topic = self.make_topic()
        for count in (0, 2, 1 << 30):
            error = produced(self.connect().ask(produce_v3(topic, 0, batch([b"v"], count=count))), topic)[0][1]
            self.assertNotEqual(error, 0, count)
        self.assertEqual(produced(self.connect().ask(produce_v3(topic, 0, batch([b"v"]))), topic), [(0, 0, 0)])

    def test_an_unknown_partition_is_refused_and_its_neighbour_is_not(self):
        topic = self.make_topic(2)
        body = self.connect().ask(produce_v3_many(topic, [(0, batch([b"v"])), (7, batch([b"v"])), (1, batch([b"v"]))]))
        self.assertEqual(sorted((p, e) for p, e, _ in produced(body, topic)), [(0, 0), (1, 0), (7, UNKNOWN_TOPIC)])

    def test_a_repeated_batch_is_acknowledged_with_its_first_offset(self):
        topic, connection, producer = self.make_topic(), self.connect(), new_producer_id(self.broker.port)
        requests = [produce_v3(topic, 0, batch([b"a", b"b"], (*producer, 2 * n))) for n in range(3)]
        offsets = [produced(connection.ask(r), topic)[0][1:] for r in requests + requests]
        self.assertEqual(offsets, [(0, 0), (0, 2), (0, 4)] * 2)

    def test_a_gap_in_the_sequence_is_refused(self):
        topic, connection, producer = self.make_topic(), self.connect(), new_producer_id(self.broker.port)
        connection.ask(produce_v3(topic, 0, batch([b"a"], (*producer, 0))))
        error = produced(connection.ask(produce_v3(topic, 0, batch([b"c"], (*producer, 2)))), topic)[0][1]
        self.assertEqual(error, OUT_OF_ORDER)

    def test_one_request_writes_to_many_partitions(self):
        topic = self.make_topic(16)
        batches = [(p, batch([os.urandom(100) for _ in range(p + 1)])) for p in range(16)]
        first = produced(self.connect().ask(produce_v3_many(topic, batches)), topic)
        self.assertEqual(sorted(first), [(p, 0, 0) for p in range(16)])
        again = produced(self.connect().ask(produce_v3_many(topic, batches)), topic)
        self.assertEqual(sorted(again), [(p, 0, p + 1) for p in range(16)])


if __name__ == "__main__":
    unittest.main()
