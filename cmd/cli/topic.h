// What `odradek topic` was asked for, and the parts that do it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/cli/arguments.h"
#include "cmd/cli/configs.h"
#include "net/kafka/client/client.h"

namespace odradek::cli {

struct TopicRequest {
  Common common;
  std::string action;   // list, describe, create, alter, delete
  std::string pattern;  // a name, names with commas, or a regular expression; empty: all
  std::optional<int32_t> partitions;
  std::optional<int16_t> replication_factor;
  std::vector<std::vector<int32_t>> assignment;  // replicas, by partition
  std::vector<ConfigChange> configs;
  bool if_exists = false;
  bool if_not_exists = false;
  bool exclude_internal = false;
  bool under_replicated = false;
  bool unavailable = false;
  bool with_overrides = false;
};

// From the arguments after the verb. Errc::invalid.
Result<TopicRequest> make_topic_request(const Arguments& arguments);
// "1:2,2:3" -> {{1, 2}, {2, 3}}: Kafka's --replica-assignment.
Result<std::vector<std::vector<int32_t>>> parse_assignment(std::string_view text);
// Whether `name` is one of `pattern`'s names or matches it as a whole. Only a pattern with
// characters that no topic name has is a regular expression, so that a.b does not match axb.
Result<bool> matches(const std::string& pattern, const std::string& name);
// True when a pattern can only be names.
bool is_names(std::string_view pattern);

// The topics that the pattern names, after asking the cluster; Errc::not_found when there are none
// and a pattern was given.
reactor::Task<Result<std::vector<std::string>>> find_topics(client::Client& client,
                                                            std::string pattern,
                                                            bool exclude_internal,
                                                            MonoTime deadline);

// topic_show.cc
reactor::Task<Status> list_topics(client::Client& client, const TopicRequest& request);
reactor::Task<Status> describe_topics(client::Client& client, const TopicRequest& request);
// topic_change.cc
reactor::Task<Status> create_topic(client::Client& client, const TopicRequest& request);
reactor::Task<Status> alter_topics(client::Client& client, const TopicRequest& request);
reactor::Task<Status> delete_topics(client::Client& client, const TopicRequest& request);

}  // namespace odradek::cli
