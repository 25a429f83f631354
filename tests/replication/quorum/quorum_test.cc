// Transcripts: inputs as lines, effects indented below them. With ODRADEK_REWRITE=1 the files are
// written anew, to be reviewed as a diff.
#include "replication/quorum/quorum.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "tests/test.h"

namespace odradek::quorum {
namespace {

int64_t number(const std::string& text) { return std::stoll(text.substr(text.find('=') + 1)); }

std::unique_ptr<Quorum> make(std::istringstream& words) {
  std::string epoch;
  std::string end;
  std::string last;
  words >> epoch >> end >> last;
  HardState state;
  state.epoch = log::LeaderEpoch(static_cast<int32_t>(number(epoch)));
  const Voter self{NodeId(1), {}};
  return std::make_unique<Quorum>(
      Config{self, {self}}, state,
      LogEnd{log::Offset(number(end)), log::LeaderEpoch(static_cast<int32_t>(number(last)))});
}

Input parse(const std::string& verb, std::istringstream& words) {
  int64_t n = 0;
  words >> n;
  if (verb == "start") return Start{};
  if (verb == "state_saved") return StateSaved{log::LeaderEpoch(static_cast<int32_t>(n))};
  if (verb == "appended") return Appended{log::Offset(n)};
  if (verb == "durable") return Durable{log::Offset(n)};
  if (verb == "failed") return Failed{};
  REQUIRE_EQ(verb, "stopping");
  return Stopping{};
}

std::string play(const std::string& transcript) {
  std::istringstream lines(transcript);
  std::string out;
  std::unique_ptr<Quorum> quorum;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ")) continue;
    out += line + "\n";
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "new") {
      quorum = make(words);
      continue;
    }
    for (const Effect& effect : quorum->step(parse(verb, words)))
      out += "  " + to_string(effect) + "\n";
  }
  return out;
}

TEST_CASE("a quorum of one behaves as its transcript says") {
  const std::string path = std::string(ODRADEK_TESTDATA) + "/quorum/one_voter.txt";
  std::ifstream file(path);
  const std::string transcript{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(transcript.empty());
  const std::string played = play(transcript);
  if (std::getenv("ODRADEK_REWRITE") != nullptr) std::ofstream(path) << played;
  EXPECT_EQ(played, transcript);
}

}  // namespace
}  // namespace odradek::quorum
