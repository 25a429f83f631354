#include "log/checkpoint_files.h"

#include "tests/test.h"

using namespace odradek;
using namespace odradek::log;

TEST_CASE("offset checkpoints are Kafka's lines") {
  const std::vector<PartitionOffset> entries{{"orders", PartitionId(0), Offset(12)},
                                             {"a-b.c_d", PartitionId(31), Offset(0)}};
  const std::string text = encode_offset_checkpoint(entries);
  EXPECT_EQ(text, "0\n2\norders 0 12\na-b.c_d 31 0\n");
  const auto back = decode_offset_checkpoint(text);
  REQUIRE(back.has_value());
  EXPECT_EQ(*back, entries);
  EXPECT(decode_offset_checkpoint("0\n0\n").has_value());
}

TEST_CASE("an offset checkpoint with a wrong count, version or line is refused") {
  EXPECT_EQ(decode_offset_checkpoint("").error().code, Errc::corrupt);
  EXPECT_EQ(decode_offset_checkpoint("1\n0\n").error().code, Errc::unsupported);
  EXPECT_EQ(decode_offset_checkpoint("0\n2\na 0 1\n").error().code, Errc::corrupt);
  EXPECT_EQ(decode_offset_checkpoint("0\n1\na 0\n").error().code, Errc::corrupt);
  EXPECT_EQ(decode_offset_checkpoint("0\n1\na -1 5\n").error().code, Errc::corrupt);
}

TEST_CASE("partition.metadata names the topic id as Kafka prints it") {
  const auto topic = Uuid::parse("sVSXqBgRQyGP5uABWKSQ3A");
  REQUIRE(topic.has_value());
  const std::string text = encode_partition_metadata(*topic);
  EXPECT_EQ(text, "version: 0\ntopic_id: sVSXqBgRQyGP5uABWKSQ3A\n");
  EXPECT_EQ(decode_partition_metadata(text), Result<TopicId>(*topic));
  EXPECT_EQ(decode_partition_metadata("version: 1\ntopic_id: x\n").error().code, Errc::unsupported);
  EXPECT_EQ(decode_partition_metadata("version: 0\n").error().code, Errc::corrupt);
  EXPECT_EQ(decode_partition_metadata("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA").error().code,
            Errc::corrupt);
}

TEST_CASE("partition directories are named and recognised as Kafka does") {
  EXPECT_EQ(partition_directory_name("my-topic", PartitionId(7)), "my-topic-7");
  const auto found = parse_partition_directory("my-topic-7");
  REQUIRE(found.has_value());
  EXPECT_EQ(found->topic, "my-topic");
  EXPECT_EQ(found->partition, PartitionId(7));
  EXPECT_FALSE(found->deleted);
  EXPECT_FALSE(parse_partition_directory("odradek.wal").has_value());
  EXPECT_FALSE(parse_partition_directory("topic-x").has_value());
  EXPECT_FALSE(parse_partition_directory("-3").has_value());
}

TEST_CASE("a directory on its way out keeps its name within 255 bytes") {
  Uuid unique;
  unique.bytes.fill(0xab);
  const std::string name = deleted_directory_name(std::string(249, 't'), PartitionId(123), unique);
  EXPECT_EQ(name.size(), 255);
  EXPECT(name.ends_with("-123.abababababababababababababababab-delete"));
  const auto found = parse_partition_directory(name);
  REQUIRE(found.has_value());
  EXPECT(found->deleted);
  EXPECT(!found->future);
  EXPECT_EQ(found->partition, PartitionId(123));
}

TEST_CASE("the folder of a copy names its partition") {
  Uuid unique;
  unique.bytes.fill(0xab);
  const std::string name = future_directory_name("my-topic", PartitionId(7), unique);
  EXPECT_EQ(name, "my-topic-7.abababababababababababababababab-future");
  const auto found = parse_partition_directory(name);
  REQUIRE(found.has_value());
  EXPECT(found->future);
  EXPECT(!found->deleted);
  EXPECT_EQ(found->topic, "my-topic");
}
