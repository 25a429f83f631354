// The options of one verb: declared once, parsed by cxxopts, and printed as help. Errors tell which
// option and what it wants.
//
//   Arguments arguments(kHelp);
//   arguments.connection().value("topic", "NAME", "the topic").flag("list", "all topics");
//   TRY(arguments.parse(words));
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/kafka/client/client.h"
#include "reactor/base/result.h"

namespace odradek::cli {

// What `odradek VERB --help` prints around the options.
struct VerbHelp {
  std::string_view verb;
  std::string_view usage;  // behind the verb: "list|create|... [options]"
  std::string_view about;
  std::string_view examples;  // a line each
};

// What all verbs share that talk to a cluster.
struct Common {
  client::ClientOptions client;
  Duration timeout = 30s;  // of the whole, or of one step of long work
  bool json = false;
  bool quiet = false;
};

class Arguments {
 public:
  explicit Arguments(const VerbHelp& help);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // An option without, with one, with any number of values. `name` may begin with a letter and a
  // comma for the short form: "q,quiet".
  Arguments& flag(const std::string& name, const std::string& what);
  Arguments& value(const std::string& name, const std::string& argument, const std::string& what);
  Arguments& values(const std::string& name, const std::string& argument, const std::string& what);
  // --bootstrap-server, --command-config, --timeout, --json, --quiet.
  Arguments& connection();

  // Errc::invalid for what cannot be understood. With --help among the words nothing else counts.
  Status parse(std::span<const std::string> words);
  bool help_wanted() const { return help_wanted_; }
  std::string help() const;

  // REQUIRES for all below: parse() went well; `name` was declared.
  bool has(const std::string& name) const;
  // Empty without the option.
  std::string text(const std::string& name) const;
  // The values of every time it stands there, not split.
  std::vector<std::string> texts(const std::string& name) const;
  // The values split at commas.
  std::vector<std::string> split(const std::string& name) const;
  Result<std::optional<int64_t>> number(const std::string& name, int64_t low, int64_t high) const;
  // Words that are no options.
  const std::vector<std::string>& words() const { return words_; }
  Result<Common> common() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  VerbHelp help_;
  bool help_wanted_ = false;
  std::vector<std::string> words_;
};

// "a,b,,c" -> a b c.
std::vector<std::string> split_at(std::string_view text, char separator);
// "key=value"; Errc::invalid names `option` when there is no '='.
Result<std::pair<std::string, std::string>> key_and_value(std::string_view option,
                                                          const std::string& text);
// A whole number in [low, high]; Errc::invalid names `option`.
Result<int64_t> parse_number(std::string_view option, std::string_view text, int64_t low,
                             int64_t high);
// One of `choices` that is nearest to `word` and near enough to be meant; empty if none.
std::string_view nearest(std::string_view word, std::span<const std::string_view> choices);

}  // namespace odradek::cli
