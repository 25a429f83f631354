// What `odradek group` makes of its arguments, and where a reset takes offsets.
#include "cmd/cli/group.h"
#include "cmd/cli/times.h"
#include "tests/test.h"

namespace odradek::cli {
namespace {

constexpr VerbHelp kHelp = {"group", "", "", ""};
using Kind = ResetGoal::Kind;

Result<GroupRequest> group(std::vector<std::string> words) {
  Arguments arguments(kHelp);
  declare_group(arguments);
  TRY(arguments.parse(words));
  return make_group_request(arguments);
}

// A partition that holds 10 to 99.
ResetFacts facts(std::optional<int64_t> committed = std::nullopt,
                 std::optional<int64_t> at_time = std::nullopt) {
  return {.earliest = 10, .latest = 100, .committed = committed, .at_time = at_time};
}

TEST_CASE("a reset goes to the ends of the partition") {
  EXPECT(plan_reset({Kind::earliest}, facts(50)) == 10);
  EXPECT(plan_reset({Kind::latest}, facts(50)) == 100);
}

TEST_CASE("a reset to an offset stays inside of what the partition holds") {
  EXPECT(plan_reset({Kind::offset, 42}, facts()) == 42);
  EXPECT(plan_reset({Kind::offset, 100}, facts()) == 100);
  EXPECT(plan_reset({Kind::offset, 101}, facts()) == 100);
  EXPECT(plan_reset({Kind::offset, 0}, facts()) == 10);
}

TEST_CASE("a shift counts from what was committed and stays inside, too") {
  EXPECT(plan_reset({Kind::shift, 5}, facts(50)) == 55);
  EXPECT(plan_reset({Kind::shift, -5}, facts(50)) == 45);
  EXPECT(plan_reset({Kind::shift, -50}, facts(50)) == 10);
  EXPECT(plan_reset({Kind::shift, 51}, facts(50)) == 100);
  EXPECT(plan_reset({Kind::shift, INT64_MAX}, facts(50)) == 100);
  EXPECT(plan_reset({Kind::shift, INT64_MIN}, facts(50)) == 10);
  const auto nowhere = plan_reset({Kind::shift, 5}, facts());
  REQUIRE_FALSE(nowhere.has_value());
  EXPECT(nowhere.error().code == Errc::invalid);
}

TEST_CASE("a time after the last record is the end") {
  EXPECT(plan_reset({Kind::time, 0, "x"}, facts(50, 77)) == 77);
  EXPECT(plan_reset({Kind::age, 1000}, facts(50, 77)) == 77);
  EXPECT(plan_reset({Kind::age, 1000}, facts(50)) == 100);
}

TEST_CASE("a reset to the current offset brings what is gone to what is there") {
  EXPECT(plan_reset({Kind::current}, facts(50)) == 50);
  EXPECT(plan_reset({Kind::current}, facts(3)) == 10);
  EXPECT(plan_reset({Kind::current}, facts(300)) == 100);
  EXPECT(plan_reset({Kind::current}, facts()) == 100);
}

TEST_CASE("an empty partition has one place to go to") {
  const ResetFacts empty{.earliest = 7, .latest = 7, .committed = 3, .at_time = std::nullopt};
  for (const Kind kind : {Kind::earliest, Kind::latest, Kind::offset, Kind::shift, Kind::time,
                          Kind::age, Kind::current}) {
    EXPECT(plan_reset({kind, 2}, empty) == 7);
  }
}

TEST_CASE("an age is counted back from now, a date is what it is") {
  EXPECT(time_of({Kind::age, 1000}, 5000) == 4000);
  EXPECT(time_of({Kind::age, 9000}, 5000) == 0);
  EXPECT(time_of({Kind::time, 0, "1970-01-01T00:00:02"}, 5000) == 2000);
  EXPECT(time_of({Kind::time, 0, "-2s"}, 5000) == 3000);
}

TEST_CASE("group takes its own words and the flags of Kafka's tool") {
  const auto words = group({"reset", "app", "--topic", "t:0,2-3", "--shift-by", "-5"});
  REQUIRE(words.has_value());
  EXPECT(words->groups == std::vector<std::string>{"app"});
  EXPECT(words->topics == std::vector<TopicPick>{{"t", {0, 2, 3}}});
  EXPECT(words->goal == ResetGoal{Kind::shift, -5});
  EXPECT_FALSE(words->execute);
  const auto flags = group({"--reset-offsets", "--group", "app", "--all-topics", "--to-datetime",
                            "2026-01-31T12:00:00.000", "--execute"});
  REQUIRE(flags.has_value());
  EXPECT_EQ(flags->action, "reset");
  EXPECT(flags->goal->kind == Kind::time);
  EXPECT(flags->execute);
  EXPECT(group({"--describe", "--all-groups"})->all_groups);
  EXPECT(group({"describe", "b", "a", "b"})->groups == std::vector<std::string>{"a", "b"});
  EXPECT(group({"list", "--state", "stable,EMPTY", "--type", "consumer"})->states ==
         std::vector<std::string>{"Stable", "Empty"});
  EXPECT(group({"reset", "app", "--topic", "t", "--by-duration", "P1DT2H"})->goal ==
         ResetGoal{Kind::age, 93'600'000});
  EXPECT(group({"delete-offsets", "app", "--topic", "a", "--topic", "b:1"})->topics.size() == 2);
}

TEST_CASE("group refuses what makes no sense before it asks anybody") {
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"show"},
      {"list", "app"},
      {"list", "--state", "Happy"},
      {"list", "--type", "modern"},
      {"list", "--execute"},
      {"describe"},
      {"describe", "app", "--all-groups"},
      {"describe", "app", "--topic", "t"},
      {"reset", "--topic", "t", "--to-earliest"},
      {"reset", "app", "--to-earliest"},
      {"reset", "app", "--topic", "t"},
      {"reset", "app", "--topic", "t", "--all-topics", "--to-earliest"},
      {"reset", "app", "--topic", "t", "--to-earliest", "--to-latest"},
      {"reset", "app", "--topic", "t", "--to-offset", "-1"},
      {"reset", "app", "--topic", "t", "--shift-by", "some"},
      {"reset", "app", "--topic", "t", "--to-datetime", "then"},
      {"reset", "app", "--topic", "t", "--by-duration", "P"},
      {"reset", "app", "--topic", "t:", "--to-earliest"},
      {"reset", "app", "--topic", ":1", "--to-earliest"},
      {"reset", "app", "--topic", "t:x", "--to-earliest"},
      {"reset", "app", "--topic", "t", "--to-earliest", "--dry-run", "--execute"},
      {"reset", "--all-groups", "--topic", "t", "--to-earliest"},
      {"delete"},
      {"delete", "app", "--topic", "t"},
      {"delete", "app", "--members"},
      {"delete-offsets", "app"},
      {"delete-offsets", "app", "--topic", "t", "--state", "Empty"}};
  for (const auto& words : wrong) {
    const auto request = group(words);
    REQUIRE_FALSE(request.has_value());
    EXPECT(request.error().code == Errc::invalid);
  }
}

TEST_CASE("a length of time is short or ISO 8601") {
  EXPECT(parse_duration("--d", "90s") == 90'000);
  EXPECT(parse_duration("--d", "7d") == 604'800'000);
  EXPECT(parse_duration("--d", "P7D") == 604'800'000);
  EXPECT(parse_duration("--d", "PT5M") == 300'000);
  EXPECT(parse_duration("--d", "PT1.25S") == 1250);
  EXPECT(parse_duration("--d", "P1DT2H3M4S") == 93'784'000);
  for (const std::string_view text : {"", "7", "P", "PT", "P1", "P1H", "PT1D", "1h2", "-1h", "P1DT",
                                      "PT.5S", "PT1.S", "PT1.5M"}) {
    EXPECT_FALSE(parse_duration("--d", text).has_value());
  }
  std::string ages = "P";  // each fits, all of them do not
  for (int i = 0; i < 107; ++i) ages += "1000000000D";
  EXPECT_FALSE(parse_duration("--d", ages).has_value());
}

TEST_CASE("a date may say how far its clock is from UTC") {
  const auto utc = parse_time("--t", "2026-01-31T12:00:00Z", 0);
  REQUIRE(utc.has_value());
  EXPECT(parse_time("--t", "2026-01-31T14:00:00+02:00", 0) == *utc);
  EXPECT(parse_time("--t", "2026-01-31T06:30:00.000-0530", 0) == *utc);
  EXPECT_FALSE(parse_time("--t", "2026-01-31T12:00:00+", 0).has_value());
  EXPECT_FALSE(parse_time("--t", "2026-01-31T12:00:00+2", 0).has_value());
  EXPECT_FALSE(parse_time("--t", "2026-01-31T12:00:00 UTC", 0).has_value());
}

}  // namespace
}  // namespace odradek::cli
