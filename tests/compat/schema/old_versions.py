#!/usr/bin/env python3
"""Prints messages of the versions that Kafka 4 dropped and we serve, as kafka-python 2.0.2 encodes them:
golden bytes for tests/testdata/kafka, in the format of capture.py. Needs Debian's python3-kafka.
"""
from kafka.protocol import admin, commit
from kafka.protocol.types import Int16, Int32, String


def request(message):
    header = (Int16.encode(message.API_KEY) + Int16.encode(message.API_VERSION) + Int32.encode(7) +
              String("utf-8").encode("old-client"))
    show(message, "request", header + message.encode())


def response(message):
    show(message, "response", Int32.encode(7) + message.encode())


def show(message, direction, frame):
    print("kafka-python-2.0.2", message.API_KEY, message.API_VERSION, direction, frame.hex())


request(commit.OffsetCommitRequest_v1("group", 4, "member", [("topic", [(2, 1000, 1234567890123, "note")])]))
response(commit.OffsetCommitResponse_v1([("topic", [(2, 0), (3, 25)])]))
topics = [("made", 3, 1, [], [("retention.ms", "1000")]), ("placed", -1, -1, [(0, [1, 2])], [])]
request(admin.CreateTopicsRequest_v0(topics, 30000))
response(admin.CreateTopicsResponse_v0([("made", 0), ("placed", 36)]))
request(admin.CreateTopicsRequest_v1(topics, 30000, True))
response(admin.CreateTopicsResponse_v1([("made", 0, None), ("placed", 36, "exists")]))
request(admin.DeleteTopicsRequest_v0(["made", "placed"], 30000))
response(admin.DeleteTopicsResponse_v0([("made", 0), ("placed", 3)]))
request(admin.DescribeConfigsRequest_v0([(2, "made", ["retention.ms"]), (4, "1", None)]))
response(admin.DescribeConfigsResponse_v0(
    5, [(0, None, 2, "made", [("retention.ms", "1000", False, True, False), ("x", None, True, False, True)])]))
