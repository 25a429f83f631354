#include "replication/group/topic_regex.h"

#include <re2/re2.h>

#include <list>

#include "replication/group/limits.h"

namespace odradek::group {

namespace {

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytesMax);
  return options;
}

}  // namespace

std::optional<std::string> regex_fault(const std::string& regex) {
  const RE2 compiled(regex, options());
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

RegexTopics match_topics(const std::vector<std::string>& regexes, const ClusterView& view) {
  RegexTopics out;
  std::list<RE2> compiled;
  for (const auto& regex : regexes) {
    out[regex];
    compiled.emplace_back(regex, options());
    if (!compiled.back().ok()) compiled.pop_back();
  }
  view.for_each_name([&](std::string_view name) {
    const re2::StringPiece text(name.data(), name.size());
    for (const auto& regex : compiled) {
      if (RE2::FullMatch(text, regex)) out[regex.pattern()].emplace(name);
    }
  });
  return out;
}

}  // namespace odradek::group
