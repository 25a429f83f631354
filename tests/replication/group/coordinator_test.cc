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

}  // namespace
}  // namespace odradek::group
