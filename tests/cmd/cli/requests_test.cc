// What the verbs make of their arguments.
#include "cmd/cli/consume.h"
#include "cmd/cli/delete_records.h"
#include "cmd/cli/offsets.h"
#include "cmd/cli/produce.h"
#include "cmd/cli/quota.h"
#include "cmd/cli/topic.h"
#include "net/kafka/client/list_offsets.h"
#include "tests/test.h"

namespace odradek::cli {
namespace {

constexpr VerbHelp kHelp = {"test", "", "", ""};

Result<ProduceRequest> produce(std::vector<std::string> words) {
  Arguments arguments(kHelp);
  declare_produce(arguments);
  TRY(arguments.parse(words));
  return make_produce_request(arguments);
}

Result<ConsumeRequest> consume(std::vector<std::string> words) {
  Arguments arguments(kHelp);
  declare_consume(arguments);
  TRY(arguments.parse(words));
  return make_consume_request(arguments);
}

TEST_CASE("produce at its defaults is idempotent, waits for all, and reads standard input") {
  const auto request = produce({"--topic", "t"});
  REQUIRE(request.has_value());
  EXPECT_EQ(request->producer.acks, -1);
  EXPECT(request->producer.idempotent);
  EXPECT(request->files == std::vector<std::string>{"-"});
  EXPECT_FALSE(request->format.has_key);
}

TEST_CASE("produce takes its own flags and Kafka's properties") {
  const auto request =
      produce({"-t", "t", "-p", "3", "-z", "zstd", "--acks", "1", "-H", "a=b=c", "--property",
               "parse.key=true", "--reader-property", "key.separator=\\t:", "f1", "f2"});
  REQUIRE(request.has_value());
  EXPECT(request->partition == 3);
  EXPECT(request->producer.compression.codec == log::Codec::zstd);
  EXPECT_EQ(request->producer.acks, 1);
  EXPECT(request->format.has_key);
  EXPECT_EQ(request->format.key_separator, "\t:");
  REQUIRE_EQ(request->headers.size(), 1);
  EXPECT_EQ(request->headers[0].second, "b=c");
  EXPECT(request->files == std::vector<std::string>{"f1", "f2"});
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"-t", "t", "--acks", "2"},
                                                    {"-t", "t", "-z", "rar"},
                                                    {"-t", "t", "-p", "-1"},
                                                    {"-t", "t", "-H", "a"},
                                                    {"-t", "t", "--property", "parse.keys=true"},
                                                    {"-t", "t", "-K", ""},
                                                    {"-t", "t", "-K", ":", "--key", "k"}};
  for (const auto& words : wrong) EXPECT_FALSE(produce(words).has_value());
}

TEST_CASE("consume starts in one place only") {
  EXPECT(consume({"-t", "t"})->start.kind == StartAt::Kind::latest);
  EXPECT(consume({"-t", "t", "--from-beginning"})->start.kind == StartAt::Kind::earliest);
  const auto before_end = consume({"-t", "t", "-o", "-5"});
  REQUIRE(before_end.has_value());
  EXPECT(before_end->start.kind == StartAt::Kind::before_end);
  EXPECT_EQ(before_end->start.value, 5);
  EXPECT(consume({"-t", "t", "-o", "12"})->start.value == 12);
  EXPECT(consume({"-t", "t", "--from-time", "-1h"})->start.kind == StartAt::Kind::time);
  EXPECT(consume({"-t", "t", "-p", "0,2-4"})->partitions == std::vector<int32_t>{0, 2, 3, 4});
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"-t", "t", "--from-beginning", "-o", "1"},
                                                    {"-t", "t", "-o", "here"},
                                                    {"-t", "t", "-o", "-9223372036854775808"},
                                                    {"-t", "t", "--from-time", "then"},
                                                    {"-t", "t", "-p", "4-2"},
                                                    {"-t", "t", "-p", "x"},
                                                    {"-t", "t", "-F", "%z"},
                                                    {"t"}};
  for (const auto& words : wrong) EXPECT_FALSE(consume(words).has_value());
}

TEST_CASE("a pattern with only letters of topic names is names, anything else an expression") {
  EXPECT(matches("a.b", "a.b") == true);
  EXPECT(matches("a.b", "axb") == false);
  EXPECT(matches("a,b", "b") == true);
  EXPECT(matches("a.*", "abc") == true);
  EXPECT(matches("a.*", "xabc") == false);
  EXPECT(matches("a|b", "b") == true);
  EXPECT_FALSE(matches("a(", "a").has_value());
}

TEST_CASE("a replica assignment names as many replicas for each partition") {
  EXPECT(parse_assignment("1:2,2:3") == std::vector<std::vector<int32_t>>{{1, 2}, {2, 3}});
  EXPECT(parse_assignment("") == std::vector<std::vector<int32_t>>{});
  EXPECT_FALSE(parse_assignment("1:2,3").has_value());
  EXPECT_FALSE(parse_assignment("1:x").has_value());
}

TEST_CASE("configurations are set or deleted, once each") {
  const auto changes = parse_changes({"a=1=2", "b="}, {"c"});
  REQUIRE(changes.has_value());
  EXPECT_EQ((*changes)[0].value.value_or(""), "1=2");
  EXPECT(((*changes)[1].value == std::string()));
  EXPECT_FALSE((*changes)[2].value.has_value());
  EXPECT_FALSE(parse_changes({"a"}, {}).has_value());
  EXPECT_FALSE(parse_changes({"a=1"}, {"a"}).has_value());
}

TEST_CASE("offsets knows every special time by name and by number") {
  EXPECT(parse_offset_time("latest", 0) == client::kLatest);
  EXPECT(parse_offset_time("-2", 0) == client::kEarliest);
  EXPECT(parse_offset_time("max-timestamp", 0) == client::kMaxTimestamp);
  EXPECT(parse_offset_time("-4", 0) == client::kEarliestLocal);
  EXPECT(parse_offset_time("latest-tiered", 0) == client::kLatestTiered);
  EXPECT(parse_offset_time("-6", 0) == client::kEarliestPendingUpload);
  EXPECT(parse_offset_time("123", 0) == 123);
  EXPECT(parse_offset_time("-1s", 5'000) == 4'000);
  EXPECT_FALSE(parse_offset_time("-7", 0).has_value());
}

TEST_CASE("topic partitions have Kafka's ranges, whose end is not part of them") {
  const auto list = parse_topic_partitions("a:0-3,b:5,c,d:2-,e:-4");
  REQUIRE(list.has_value());
  REQUIRE_EQ(list->size(), 5);
  EXPECT_EQ((*list)[0].last, 2);
  EXPECT_EQ((*list)[1].first, 5);
  EXPECT_EQ((*list)[1].last, 5);
  EXPECT_EQ((*list)[2].topic, "c");
  EXPECT_EQ((*list)[3].first, 2);
  EXPECT_EQ((*list)[4].last, 3);
  EXPECT_FALSE(parse_topic_partitions("a:x").has_value());
  EXPECT_FALSE(parse_topic_partitions("").has_value());
}

Result<QuotaRequest> quota(std::vector<std::string> words) {
  Arguments arguments(kHelp);
  declare_quota(arguments);
  TRY(arguments.parse(words));
  return make_quota_request(arguments);
}

TEST_CASE("quota says whose and what, in Kafka's flags") {
  const auto alter = quota({"alter", "--user", "ann", "--client-defaults", "--add-config",
                            "producer_byte_rate=1e6,request_percentage=0.5", "--delete-config",
                            "consumer_byte_rate"});
  REQUIRE(alter.has_value());
  EXPECT(alter->parts == std::vector<QuotaPart>{{"user", "ann"}, {"client-id", std::nullopt}});
  EXPECT(alter->settings == std::vector<QuotaSetting>{{"producer_byte_rate", 1e6},
                                                      {"request_percentage", 0.5},
                                                      {"consumer_byte_rate", std::nullopt}});
  EXPECT(quota({"describe"})->parts.empty());
  EXPECT(quota({"--describe", "--ip", "1.2.3.4", "--strict"})->strict);
  const std::vector<std::vector<std::string>> wrong{
      {"alter", "--add-config", "producer_byte_rate=1"},
      {"alter", "--user", "a"},
      {"alter", "--user", "a", "--user-defaults", "--add-config", "producer_byte_rate=1"},
      {"alter", "--user", "a", "--add-config", "producer_byte_rate=fast"},
      {"alter", "--user", "a", "--add-config", "producer_byte_rates=1"},
      {"alter", "--user", "a", "--add-config", "producer_byte_rate=1", "--delete-config",
       "producer_byte_rate"},
      {"describe", "--user", "a", "--add-config", "producer_byte_rate=1"},
      {"describe", "--strict"},
      {"describe", "--validate-only"}};
  for (const auto& words : wrong) EXPECT_FALSE(quota(words).has_value());
  const auto near = quota({"alter", "--user", "a", "--add-config", "producer_byte_rates=1"});
  EXPECT(near.error().context.find("did you mean producer_byte_rate?") != std::string::npos);
}

TEST_CASE("the file of delete-records is Kafka's, and what is wrong with it is said") {
  const auto list =
      parse_delete_file(R"({"version":1,"partitions":[{"topic":"t","partition":1,"offset":5},)"
                        R"({"topic":"u","partition":0,"offset":-1}]})");
  REQUIRE(list.has_value());
  EXPECT(*list == std::vector<DeleteBefore>{{"t", 1, 5}, {"u", 0, -1}});
  for (const char* wrong : {"", "[]", "{}", R"({"version":2,"partitions":[]})",
                            R"({"partitions":[]})", R"({"partitions":[{"topic":"t"}]})",
                            R"({"partitions":[{"topic":1,"partition":0,"offset":0}]})",
                            R"({"partitions":[{"topic":"t","partition":0,"offset":0},)"
                            R"({"topic":"t","partition":0,"offset":1}]})"}) {
    CAPTURE(wrong);
    EXPECT_FALSE(parse_delete_file(wrong).has_value());
  }
}

TEST_CASE("numbers of the file of delete-records that do not fit are refused, not cut") {
  const auto parse = [](const std::string& partition, const std::string& offset) {
    return parse_delete_file(R"({"partitions":[{"topic":"a","partition":0,"offset":0},)"
                             R"({"topic":"t","partition":)" +
                             partition + R"(,"offset":)" + offset + "}]}");
  };
  const auto most = parse("2147483647", "9223372036854775807");
  REQUIRE(most.has_value());
  EXPECT(most->back() == DeleteBefore{"t", INT32_MAX, INT64_MAX});
  for (const char* wrong : {"-1", "2147483648", "4294967296", "4294967297", "9223372036854775808",
                            "18446744073709551615", "18446744073709551616", "0.5", "0.0", "1e3",
                            "true", "null", "\"0\""}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(parse(wrong, "5").has_value());
    EXPECT_EQ(parse(wrong, "5").error().context.find("entry 2 of \"partitions\""), 0);
    EXPECT(parse(wrong, "5")
               .error()
               .context.ends_with("\"partition\" must be a whole number from 0 to 2147483647"));
  }
  for (const char* wrong :
       {"-2", "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "-9223372036854775809", "0.5", "1e3", "null", "\"-1\""}) {
    CAPTURE(wrong);
    REQUIRE_FALSE(parse("0", wrong).has_value());
    EXPECT(
        parse("0", wrong)
            .error()
            .context.ends_with("\"offset\" must be a whole number from -1 to 9223372036854775807"));
  }
}

}  // namespace
}  // namespace odradek::cli
