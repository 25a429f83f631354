// Topics made and deleted as an admin client does, with retries that survive lost answers; and the
// check that reads everything once.
#pragma once

#include <map>
#include <string>

#include "tests/sim/stage.h"

namespace odradek::simulation {

using TopicConfigs = std::map<std::string, std::string>;

// Until it is there or the oracle saw a violation; fills the topic's id and makes it alive.
reactor::Task<void> create_topic(Stage& stage, TopicFacts& topic, TopicConfigs configs, Prng prng);
reactor::Task<void> delete_topic(Stage& stage, TopicFacts& topic, Prng prng);

struct TopicPlan {
  std::string name;
  int32_t partitions = 1;
  TopicConfigs configs;
  bool written_mode = false;
  int64_t retention_bytes = -1;
  bool compacted = false;
  Duration delete_retention{};
};
struct AdminOptions {
  uint64_t seed = 0;
  std::vector<TopicPlan> topics;  // made first
  std::vector<TopicPlan> coming;  // made and deleted while the others are used
  uint64_t changes = 0;           // of partitions, configurations and quotas, at the end
  double produce_rate = 0;        // of the first producer, a quota in bytes a second; 0: none
  double fetch_rate = 0;          // of the first consumer
  double watch_percent = 0;       // of a thread, of the watcher
  Duration pause{};               // at most, between two changes
};
reactor::Task<int> admin_main(Stage& stage, AdminOptions options);

// Reads every partition of every living topic from its start to its end and lets the oracle judge.
// Exit code 0 when it could; `contents` gets what was there.
struct VerifyOptions {
  uint64_t seed = 0;
  std::map<log::TopicPartition, Oracle::Content>* contents = nullptr;
};
reactor::Task<int> verify_main(Stage& stage, VerifyOptions options);

}  // namespace odradek::simulation
