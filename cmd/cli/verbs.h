// The verbs of the one binary. Each takes its arguments without program and verb, and returns the
// exit code: 0 done, 1 failed, 2 wrong usage.
#pragma once

#include <span>
#include <string>

namespace odradek::cli {

int run_serve(std::span<const std::string> arguments);
int run_topic(std::span<const std::string> arguments);
int run_produce(std::span<const std::string> arguments);
int run_consume(std::span<const std::string> arguments);
int run_group(std::span<const std::string> arguments);
int run_offsets(std::span<const std::string> arguments);
int run_config(std::span<const std::string> arguments);
int run_quota(std::span<const std::string> arguments);
int run_cluster(std::span<const std::string> arguments);
int run_api_versions(std::span<const std::string> arguments);
int run_log_dirs(std::span<const std::string> arguments);
int run_delete_records(std::span<const std::string> arguments);
int run_dump(std::span<const std::string> arguments);
int run_storage(std::span<const std::string> arguments);
int run_completion(std::span<const std::string> arguments);
int run_version(std::span<const std::string> arguments);

// Finds the verb and runs it; prints the list of verbs for `help` or none.
int run(std::span<const std::string> arguments);

}  // namespace odradek::cli
