// One run of a verb against a cluster: a shard, a client, the verb's task, and the exit code.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/cli/arguments.h"
#include "net/kafka/client/client.h"
#include "reactor/task.h"

namespace odradek::cli {

// What a verb does with a connected client. An error is printed and is exit code 1 (2 for
// Errc::invalid before anything was asked is the verb's own business).
using Work = std::function<reactor::Task<Status>(client::Client& client)>;

// Connects, works, disconnects. SIGINT and SIGTERM end the program at once.
int run_with_client(std::string_view verb, const Common& common, Work work);

// "odradek VERB: text" to standard error; for usage errors and failures.
void complain(std::string_view verb, std::string_view text);
int usage_error(std::string_view verb, const Error& error);

// Parses; the exit code when there is nothing more to do (help, or a usage error).
std::optional<int> parse_or_exit(Arguments& arguments, std::string_view verb,
                                 std::span<const std::string> words);

// A word, or the flag of the same name: `topic list`, `topic --list`. Errc::invalid when there is
// none, more than one, or another word.
Result<std::string> choose_action(const Arguments& arguments,
                                  std::span<const std::string_view> actions);
// The same, of a verb whose actions take names: what stands behind the action.
struct ActionAndNames {
  std::string action;
  std::vector<std::string> names;
};
Result<ActionAndNames> choose_action_and_names(const Arguments& arguments,
                                               std::span<const std::string_view> actions);

// The time until which one step may take.
MonoTime deadline_of(const Common& common);

// To standard output, at once.
void print_out(std::string_view text);

}  // namespace odradek::cli
