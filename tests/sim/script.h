// The canonical script of the exhaustive crash run, as a client lives it: every step is asked for
// again until it is acknowledged, whatever happens to the broker meanwhile.
#pragma once

#include <map>

#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/delete_records_response.h"
#include "tests/sim/admin.h"
#include "tests/sim/client.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

class Script {
 public:
  explicit Script(Stage& stage) : stage_(stage) {}
  // Runs both parts; between them it waits until go_on is set.
  reactor::Task<int> main();
  bool first_part_done = false;
  bool go_on = false;
  bool done = false;

 private:
  reactor::Task<void> first_part();
  reactor::Task<void> second_part();
  reactor::Task<bool> connect();
  reactor::Task<void> produce(TopicFacts& topic, int32_t partition, size_t value_bytes);
  reactor::Task<void> produce_keyed(TopicFacts& topic, int count);
  reactor::Task<void> produce_batch(TopicFacts& topic, const log::TopicPartition& id,
                                    std::vector<uint8_t> batch);
  reactor::Task<bool> produce_once(TopicFacts& topic, const log::TopicPartition& id,
                                   BytesView batch);
  reactor::Task<void> delete_records(TopicFacts& topic, int32_t partition, int64_t before);
  // Until it is in the other directory.
  reactor::Task<void> move(TopicFacts& topic, int32_t partition);
  TopicFacts& add_topic(const char* name, int32_t partitions);

  Stage& stage_;
  Prng prng_{77};
  std::unique_ptr<Connection> connection_;
  int64_t producer_ = -1;
  int16_t epoch_ = -1;
  std::map<log::TopicPartition, int32_t> sequences_;
};

}  // namespace odradek::simulation
