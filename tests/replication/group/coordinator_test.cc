// The coordinator by its transcripts: tests/testdata/group. With ODRADEK_REWRITE=1 the files are
// written anew, to be reviewed as a diff.
#include "replication/group/coordinator.h"

#include "tests/replication/group/transcript.h"

namespace odradek::group {
namespace {

void expect_as_written(const std::string& name) {
  const std::string path = std::string(ODRADEK_TESTDATA) + "/group/" + name + ".txt";
  std::ifstream file(path);
  const std::string transcript{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(transcript.empty());
  const std::string played = Transcript().play(transcript);
  if (std::getenv("ODRADEK_REWRITE") != nullptr) std::ofstream(path) << played;
  EXPECT_EQ(played, transcript);
}

TEST_CASE("members join, get their assignments, fail and leave as the transcript says") {
  expect_as_written("rebalance");
}
TEST_CASE("a join is refused for Kafka's reasons and with its codes") { expect_as_written("join"); }
TEST_CASE("a static member keeps its place and fences who had its id before") {
  expect_as_written("static");
}
TEST_CASE("an answer waits for its record, and a failed append takes everything back") {
  expect_as_written("commit_rule");
}
TEST_CASE("offsets are committed, fetched, expired and removed as Kafka does it") {
  expect_as_written("offsets");
}
TEST_CASE("a restart finds groups and offsets as they were acknowledged") {
  expect_as_written("restart");
}
TEST_CASE("consumers join, move towards their targets, are fenced and leave") {
  expect_as_written("consumer");
}
TEST_CASE("a partition moves only when its owner gave it up, or was too slow to") {
  expect_as_written("consumer_moves");
}
TEST_CASE("a static consumer that leaves for a while finds its partitions again") {
  expect_as_written("consumer_static");
}
TEST_CASE("new topics, more partitions and regular expressions reach a consumer group") {
  expect_as_written("consumer_topics");
}
TEST_CASE("members of a consumer group commit with their epochs and nobody else does") {
  expect_as_written("consumer_offsets");
}
TEST_CASE("a restart and a failed append find consumer groups as they were acknowledged") {
  expect_as_written("consumer_restart");
}
TEST_CASE("a classic group becomes a consumer group and back with its members in it") {
  expect_as_written("migration");
}
TEST_CASE("a classic leader's nonsense does not outlive the migration: one owner a partition") {
  expect_as_written("migration_faults");
}
TEST_CASE("the migration policy decides whether classic members may join a consumer group") {
  expect_as_written("migration_policy");
}
TEST_CASE("a group that becomes classic with a stale target rebalances at once") {
  expect_as_written("migration_stale");
}

TEST_CASE("of a member that a logged group names twice the last one counts") {
  LoggedGroup logged;
  logged.protocol_type = "consumer";
  logged.generation = 3;
  logged.protocol = "range";
  logged.leader = "a";
  for (const char* id : {"a", "b", "a"}) {
    auto& member = logged.members.emplace_back();
    member.id = id;
    member.client_id = "c" + std::to_string(logged.members.size());
    member.instance_id = "i" + std::to_string(logged.members.size());
    member.session_timeout_ms = 10'000;
  }
  const TestCluster cluster;
  Coordinator coordinator({}, cluster);
  coordinator.replay(LoggedRecord(GroupRecord{"g", logged}));
  coordinator.loaded({});
  const ClassicGroup* group = coordinator.find("g");
  REQUIRE(group != nullptr);
  REQUIRE_EQ(group->members().size(), 2u);
  EXPECT_EQ(group->members().at("a").client_id, "c3");
  EXPECT(group->is_leader("a"));
  EXPECT(group->static_member("i1") == nullptr);
}

}  // namespace
}  // namespace odradek::group
