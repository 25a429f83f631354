// odradek_sim: the whole broker in the simulated world. See scripts/sim.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>

#include "tests/sim/crash.h"
#include "tests/sim/pool.h"
#include "tests/sim/swarm.h"

namespace odradek::simulation {
namespace {

constexpr std::string_view kHelp =
    "odradek_sim swarm --seeds A..B [--jobs N] [--commit ID]\n"
    "odradek_sim crash [--stride N | --at STEP] [--jobs N]\n"
    "odradek_sim seed N [--trace]\n";

struct Arguments {
  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::string> words;
  uint64_t number(std::string_view name, uint64_t otherwise) const {
    const auto found = options.find(name);
    if (found == options.end()) return otherwise;
    uint64_t value = otherwise;
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    return value;
  }
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--trace") {
      out.options["trace"] = "1";
    } else if (word.starts_with("--") && i + 1 < argc) {
      out.options[word.substr(2)] = argv[++i];
    } else {
      out.words.push_back(word);
    }
  }
  return out;
}

int run_one(const Arguments& arguments) {
  if (arguments.words.size() < 2) return 2;
  const uint64_t seed = std::stoull(arguments.words[1]);
  const RunReport report = run_swarm_seed(seed, arguments.options.contains("trace"));
  print_report(report, "");
  return report.failed ? 1 : 0;
}

int run(const Arguments& arguments) {
  const std::string verb = arguments.words.empty() ? "" : arguments.words[0];
  const auto jobs = static_cast<uint32_t>(arguments.number("jobs", 2));
  if (verb == "seed" || verb == "replay") return run_one(arguments);
  if (verb == "crash") {
    const bool one = arguments.options.contains("at");
    return run_crash(arguments.number("stride", 1), one ? 1 : jobs,
                     one ? std::optional(arguments.number("at", 0)) : std::nullopt);
  }
  const auto seeds = arguments.options.find("seeds");
  if (verb == "swarm" && seeds != arguments.options.end()) {
    const std::string& text = seeds->second;
    const size_t dots = text.find("..");
    const uint64_t first = std::stoull(text);
    const uint64_t last = dots == std::string::npos ? first : std::stoull(text.substr(dots + 2));
    const auto commit = arguments.options.find("commit");
    return run_swarm(first, last, jobs, commit == arguments.options.end() ? "" : commit->second);
  }
  fmt::print(stderr, "{}", kHelp);
  return 2;
}

}  // namespace
}  // namespace odradek::simulation

int main(int argc, char** argv) {
  return odradek::simulation::run(odradek::simulation::parse(argc, argv));
}
