#include "replication/group/record_codec.h"

#include <string>

#include "tests/test.h"

namespace odradek::group {
namespace {

std::string hex(BytesView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const uint8_t b : bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::optional<BytesView> view(const std::optional<std::vector<uint8_t>>& bytes) {
  if (!bytes) return std::nullopt;
  return BytesView(*bytes);
}

OffsetRecord an_offset() {
  CommittedOffset value{77, 3, "note", 1'700'000'000'000, -1, {}};
  value.topic_id.bytes[15] = 9;
  return {"g", "topic", 5, value};
}
GroupRecord a_group() {
  LoggedGroup value{"consumer", 4, "range", "m1", 1'700'000'000'001, {}};
  value.members.push_back({"m1", "i1", "client", "/127.0.0.1", 60'000, 10'000, {1, 2}, {3}});
  value.members.push_back({"m2", std::nullopt, "client", "/::1", 60'000, 10'000, {}, {}});
  return {"g", value};
}

TEST_CASE("offsets are written in version 4, and in version 1 when they expire by themselves") {
  OffsetRecord record = an_offset();
  const EncodedRecord bytes = encode_record(record);
  EXPECT_EQ(hex(bytes.key),
            "0001"
            "000167"
            "0005746f706963"
            "00000005");
  EXPECT_EQ(hex(*bytes.value),
            "0004"
            "000000000000004d"
            "00000003"
            "056e6f7465"
            "0000018bcfe56800"
            "01"
            "00"
            "10"
            "00000000000000000000000000000009");
  record.value->expire_ms = 1'700'000'000'000;
  EXPECT_EQ(hex(*encode_record(record).value),
            "0001"
            "000000000000004d"
            "00046e6f7465"
            "0000018bcfe56800"
            "0000018bcfe56800");
}

TEST_CASE("groups are written in version 3, tombstones as keys alone") {
  const EncodedRecord bytes =
      encode_record(GroupRecord{"g", LoggedGroup{"consumer", 1, {}, {}, 5, {}}});
  EXPECT_EQ(hex(bytes.key),
            "0002"
            "000167");
  EXPECT_EQ(hex(*bytes.value),
            "0003"
            "0008636f6e73756d6572"
            "00000001"
            "ffff"
            "ffff"
            "0000000000000005"
            "00000000");
  EXPECT_FALSE(encode_record(GroupRecord{"g", std::nullopt}).value.has_value());
  EXPECT_FALSE(encode_record(OffsetRecord{"g", "t", 0, std::nullopt}).value.has_value());
}

TEST_CASE("what is written is read back") {
  const EncodedRecord offset = encode_record(an_offset());
  const auto read = decode_record(offset.key, view(offset.value));
  REQUIRE(read.has_value());
  const auto& o = std::get<OffsetRecord>(**read);
  EXPECT_EQ(o.topic, "topic");
  EXPECT_EQ(o.partition, 5);
  EXPECT(*o.value == *an_offset().value);
  const EncodedRecord group = encode_record(a_group());
  const auto again = decode_record(group.key, view(group.value));
  REQUIRE(again.has_value());
  const EncodedRecord twice = encode_record(**again);
  EXPECT_EQ(hex(*twice.value), hex(*group.value));
}

std::vector<LoggedRecord> consumer_records() {
  Uuid topic;
  topic.bytes[15] = 7;
  Subscription said;
  said.instance_id = "i";
  said.client_id = "client";
  said.client_host = "/127.0.0.1";
  said.topics = {"a", "b"};
  said.regex = "c.*";
  said.rebalance_timeout_ms = 300'000;
  said.assignor = "range";
  Subscription classic = said;
  classic.classic = ClassicSide{45'000, {{"range", {1, 2, 3}}}};
  const CurrentAssignment now{
      4, 3, MemberState::unrevoked, {{topic, {{0, 3}, {2, 4}}}}, {{topic, {{1, 2}}}}};
  return {SubscriptionRecord{"g", "m", said},
          SubscriptionRecord{"g", "m", classic},
          EpochRecord{"g", GroupEpoch{5, -77}},
          TargetEpochRecord{"g", TargetEpoch{5, 1'700'000'000'000}},
          TargetRecord{"g", "m", Partitions{{topic, {0, 2}}}},
          CurrentRecord{"g", "m", now},
          RegexRecord{"g", "c.*", ResolvedRegex{{"c1", "c2"}, 9, 1'700'000'000'000}}};
}

TEST_CASE("records of consumer groups have Kafka's bytes") {
  const auto records = consumer_records();
  const auto subscription = encode_record(records[0]);
  EXPECT_EQ(hex(subscription.key),
            "0005000167"
            "00016d");
  EXPECT_EQ(hex(*subscription.value),
            "0000"
            "0269"
            "00"
            "07636c69656e74"
            "0b2f3132372e302e302e31"
            "03"
            "0261"
            "0262"
            "04632e2a"
            "000493e0"
            "0672616e6765"
            "01"
            "0001"
            "00");
  const auto epoch = encode_record(records[2]);
  EXPECT_EQ(hex(epoch.key), "0003000167");
  EXPECT_EQ(hex(*epoch.value),
            "0000"
            "00000005"
            "01"
            "00"
            "08"
            "ffffffffffffffb3");
  const auto current = encode_record(records[5]);
  EXPECT_EQ(hex(current.key),
            "0008000167"
            "00016d");
  EXPECT_EQ(hex(*current.value),
            "0000"
            "00000004"
            "00000003"
            "01"
            "02"
            "00000000000000000000000000000007"
            "03"
            "00000000"
            "00000002"
            "01"
            "00"
            "09"
            "03"
            "00000003"
            "00000004"
            "02"
            "00000000000000000000000000000007"
            "02"
            "00000001"
            "01"
            "00"
            "05"
            "02"
            "00000002"
            "00");
}

TEST_CASE("records of consumer groups are read back, and their tombstones are keys alone") {
  for (const LoggedRecord& record : consumer_records()) {
    const EncodedRecord bytes = encode_record(record);
    const auto read = decode_record(bytes.key, view(bytes.value));
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    const EncodedRecord again = encode_record(**read);
    EXPECT_EQ(hex(again.key), hex(bytes.key));
    EXPECT_EQ(hex(*again.value), hex(*bytes.value));
    const auto removed = decode_record(bytes.key, std::nullopt);
    REQUIRE(removed.has_value());
    EXPECT_FALSE(encode_record(**removed).value.has_value());
    for (size_t cut = 0; cut < bytes.value->size(); ++cut) {
      EXPECT_FALSE(decode_record(bytes.key, BytesView(*bytes.value).first(cut)).has_value());
    }
  }
}

TEST_CASE("kinds of other protocols are passed over, and damage is named at every byte") {
  const std::vector<uint8_t> of_share_group{0, 11, 0, 1, 'g'};
  const auto skipped = decode_record(of_share_group, std::nullopt);
  REQUIRE(skipped.has_value());
  EXPECT_FALSE(skipped->has_value());
  for (const LoggedRecord& record : {LoggedRecord(an_offset()), LoggedRecord(a_group())}) {
    const EncodedRecord bytes = encode_record(record);
    for (size_t cut = 0; cut < bytes.value->size(); ++cut) {
      const auto read = decode_record(bytes.key, BytesView(*bytes.value).first(cut));
      REQUIRE_FALSE(read.has_value());
      EXPECT(read.error().code == Errc::corrupt);
    }
    for (size_t cut = 0; cut < bytes.key.size(); ++cut) {
      EXPECT_FALSE(decode_record(BytesView(bytes.key).first(cut), std::nullopt).has_value());
    }
  }
}

}  // namespace
}  // namespace odradek::group
