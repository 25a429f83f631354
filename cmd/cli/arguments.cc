#include "cmd/cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "cmd/cli/command_config.h"

// A value with a comma in it is one value: configurations have lists.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <cxxopts.hpp>

namespace odradek::cli {

struct Arguments::Parser {
  explicit Parser(const std::string& name) : options(name) {}
  cxxopts::Options options;
  cxxopts::ParseResult result;
};

Arguments::Arguments(const VerbHelp& help)
    : parser_(std::make_unique<Parser>("odradek " + std::string(help.verb))), help_(help) {
  parser_->options.custom_help(std::string(help.usage));
  parser_->options.positional_help("");
  parser_->options.set_width(98);
  flag("h,help", "print this");
  parser_->options.add_options("words")("words", "", cxxopts::value<std::vector<std::string>>());
  parser_->options.parse_positional("words");
}

Arguments::~Arguments() = default;

Arguments& Arguments::flag(const std::string& name, const std::string& what) {
  parser_->options.add_options()(name, what);
  return *this;
}

Arguments& Arguments::value(const std::string& name, const std::string& argument,
                            const std::string& what) {
  parser_->options.add_options()(name, what, cxxopts::value<std::string>(), argument);
  return *this;
}

Arguments& Arguments::values(const std::string& name, const std::string& argument,
                             const std::string& what) {
  parser_->options.add_options()(name, what, cxxopts::value<std::vector<std::string>>(), argument);
  return *this;
}

Arguments& Arguments::connection() {
  value("b,bootstrap-server", "HOST:PORT,...", "brokers to begin with (default: localhost:9092)");
  value("command-config", "FILE", "client properties; only PLAINTEXT is supported");
  value("timeout", "SECONDS", "how long to try (default: 30)");
  flag("json", "print JSON");
  return flag("q,quiet", "print data only: no head lines, no progress, tabs between columns");
}

Status Arguments::parse(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "--") break;
    help_wanted_ |= word == "--help" || word == "-h";
  }
  if (help_wanted_) return {};
  std::vector<const char*> pointers{"odradek"};
  for (const std::string& word : words) pointers.push_back(word.c_str());
  try {
    parser_->result = parser_->options.parse(static_cast<int>(pointers.size()), pointers.data());
    if (has("words")) words_ = parser_->result["words"].as<std::vector<std::string>>();
  } catch (const std::exception& wrong) {
    return fail(Errc::invalid,
                fmt::format("{}; 'odradek {} --help' lists the options", wrong.what(), help_.verb));
  }
  return {};
}

std::string Arguments::help() const {
  std::string text = parser_->options.help({""});
  const std::string about = fmt::format("{}\n", help_.about);
  text.insert(0, about);
  if (!help_.examples.empty()) text += fmt::format("\nExamples:\n{}", help_.examples);
  text += "\nExit code: 0 done, 1 failed, 2 wrong usage.\n";
  return text;
}

bool Arguments::has(const std::string& name) const { return parser_->result.count(name) > 0; }

std::vector<std::string> Arguments::texts(const std::string& name) const {
  std::vector<std::string> out;
  for (const auto& pair : parser_->result.arguments()) {
    if (pair.key() == name) out.push_back(pair.value());
  }
  return out;
}

std::string Arguments::text(const std::string& name) const {
  const auto all = texts(name);
  return all.empty() ? std::string() : all.back();
}

std::vector<std::string> Arguments::split(const std::string& name) const {
  std::vector<std::string> out;
  for (const std::string& text : texts(name)) {
    for (std::string& part : split_at(text, ',')) out.push_back(std::move(part));
  }
  return out;
}

Result<std::optional<int64_t>> Arguments::number(const std::string& name, int64_t low,
                                                 int64_t high) const {
  if (!has(name)) return std::optional<int64_t>();
  TRY_ASSIGN(const int64_t value, parse_number("--" + name, text(name), low, high));
  return std::optional<int64_t>(value);
}

Result<Common> Arguments::common() const {
  Common common;
  std::string bootstrap = "localhost:9092";
  if (has("command-config")) {
    TRY_ASSIGN(const CommandConfig config, read_command_config(text("command-config")));
    if (!config.bootstrap.empty()) bootstrap = config.bootstrap;
    if (!config.client_id.empty()) common.client.client_id = config.client_id;
    if (config.request_timeout) common.client.request_timeout = *config.request_timeout;
  }
  if (has("bootstrap-server")) bootstrap = text("bootstrap-server");
  auto endpoints = client::parse_bootstrap(bootstrap);
  if (!endpoints) return fail(Errc::invalid, "--bootstrap-server: " + endpoints.error().context);
  common.client.bootstrap = std::move(*endpoints);
  TRY_ASSIGN(const auto seconds, number("timeout", 1, 86'400));
  if (seconds) common.timeout = std::chrono::seconds(*seconds);
  common.client.request_timeout = std::min(common.client.request_timeout, common.timeout);
  common.json = has("json");
  common.quiet = has("quiet");
  return common;
}

std::vector<std::string> split_at(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t at = text.find(separator);
    if (at != 0) out.emplace_back(text.substr(0, at));
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  }
  return out;
}

Result<std::pair<std::string, std::string>> key_and_value(std::string_view option,
                                                          const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != 0 && equals != std::string::npos) {
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
  }
  return fail(Errc::invalid, fmt::format("{} {}: must be key=value", option, text));
}

Result<int64_t> parse_number(std::string_view option, std::string_view text, int64_t low,
                             int64_t high) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && at == end && value >= low && value <= high) return value;
  return fail(Errc::invalid,
              fmt::format("{} {}: must be a whole number from {} to {}", option, text, low, high));
}

// Letters to insert, to remove and to change (Levenshtein).
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t k = 0; k < b.size(); ++k) {
      const size_t change = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({change, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row.back();
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> choices) {
  std::string_view best;
  size_t best_distance = 1 + word.size() / 2;
  for (const std::string_view choice : choices) {
    const size_t d = choice.starts_with(word) && word.size() > 1 ? 1 : distance(word, choice);
    if (d < best_distance) {
      best_distance = d;
      best = choice;
    }
  }
  return best;
}

}  // namespace odradek::cli
