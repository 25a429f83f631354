#include "cmd/cli/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "reactor/runtime.h"
#include "reactor/shard.h"

namespace odradek::cli {

using reactor::Task;

void complain(std::string_view verb, std::string_view text) {
  (void)std::fflush(stdout);
  fmt::print(stderr, "odradek {}: {}\n", verb, text);
}

int usage_error(std::string_view verb, const Error& error) {
  complain(verb, error.context);
  return 2;
}

std::optional<int> parse_or_exit(Arguments& arguments, std::string_view verb,
                                 std::span<const std::string> words) {
  const Status parsed = arguments.parse(words);
  if (!parsed) return usage_error(verb, parsed.error());
  if (!arguments.help_wanted()) return std::nullopt;
  fmt::print("{}", arguments.help());
  return 0;
}

Result<ActionAndNames> choose_action_and_names(const Arguments& arguments,
                                               std::span<const std::string_view> actions) {
  std::vector<std::string> chosen;
  std::vector<std::string> names = arguments.words();
  for (const std::string_view action : actions) {
    if (arguments.has(std::string(action))) chosen.emplace_back(action);
  }
  if (chosen.empty() && !names.empty()) {
    chosen.push_back(std::move(names.front()));
    names.erase(names.begin());
  }
  const std::string list = fmt::format("{}", fmt::join(actions, ", "));
  if (chosen.empty()) return fail(Errc::invalid, "say what to do: one of " + list);
  if (chosen.size() > 1) return fail(Errc::invalid, "only one at a time of " + list);
  if (std::ranges::find(actions, chosen[0]) == actions.end()) {
    const std::string_view near = nearest(chosen[0], actions);
    return fail(Errc::invalid,
                fmt::format("'{}' is none of {}{}", chosen[0], list,
                            near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  return ActionAndNames{std::move(chosen[0]), std::move(names)};
}

Result<std::string> choose_action(const Arguments& arguments,
                                  std::span<const std::string_view> actions) {
  TRY_ASSIGN(auto chosen, choose_action_and_names(arguments, actions));
  if (!chosen.names.empty()) {
    return fail(Errc::invalid, fmt::format("'{0}': options have names: --topic {0} and the like",
                                           chosen.names.back()));
  }
  return std::move(chosen.action);
}

MonoTime deadline_of(const Common& common) { return reactor::this_shard().now() + common.timeout; }

void print_out(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  (void)std::fflush(stdout);
}

namespace {

constexpr Duration kFindTime = 5s;  // a person waits no longer to hear that nobody is there

Task<Status> connect_and_work(client::Client& client, const Common& common, const Work& work) {
  const MonoTime deadline = std::min(deadline_of(common), reactor::this_shard().now() + kFindTime);
  const Status started = co_await client.start(deadline);
  if (!started) {
    co_return fail(started.error().code,
                   "cannot reach the cluster: " + started.error().context +
                       ". Is the broker running, and is --bootstrap-server right?");
  }
  co_return co_await work(client);
}

Task<int> client_main(std::string_view verb, const Common& common, const Work& work) {
  (void)std::signal(SIGPIPE, SIG_DFL);  // a reader that goes away ends the program
  reactor::exit_on_next_signal();
  client::Client client(common.client);
  const Status done = co_await connect_and_work(client, common, work);
  co_await client.stop();
  if (done) co_return 0;
  complain(verb, done.error().context);
  co_return 1;
}

}  // namespace

int run_with_client(std::string_view verb, const Common& common, Work work) {
  // A verb complains by itself; how long a turn of the loop took is nothing to its user.
  const auto code =
      reactor::run_shards({.log_lines = false}, [&] { return client_main(verb, common, work); });
  if (code) return *code;
  complain(verb, code.error().to_string());
  return 1;
}

}  // namespace odradek::cli
