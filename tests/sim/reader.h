// Fetching as consumers do: long polls over all partitions, incremental sessions (KIP-227), names
// or topic ids. Everything that comes goes to the oracle.
#pragma once

#include <deque>
#include <memory>

#include "net/kafka/messages/fetch_request.h"
#include "net/kafka/messages/fetch_response.h"
#include "tests/sim/client.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

// A partition that is being read.
struct Position {
  TopicFacts* topic = nullptr;
  log::TopicPartition id;
  int64_t offset = 0;
  int64_t told = -1;            // the offset that the broker's session knows; -1: none
  int64_t high_watermark = -1;  // as last answered
  int64_t log_start = -1;
  bool lost = false;                                 // the offset is not there (any more)
  bool dropped = false;                              // the topic went
  std::vector<log::BatchHeader>* keep = nullptr;     // where read batches are noted; may be null
  std::vector<KeyedRecord>* keep_records = nullptr;  // and the records of a compacted topic
};

class Reader {
 public:
  Reader(Stage& stage, ConsumerOptions options);
  ~Reader();

  // Connects when needed, resets lost positions, fetches once. False when the broker was not to be
  // had.
  reactor::Task<bool> poll(Duration max_wait);
  // Adds the partitions of topics that are there, drops those of topics that went.
  void refresh();
  Position& add(TopicFacts& topic, int32_t partition);
  std::deque<Position>& positions() { return positions_; }
  reactor::Task<void> close();
  Connection* connection() { return connection_.get(); }
  reactor::Task<bool> connect();
  // ListOffsets of one partition; absent without an answer.
  reactor::Task<std::optional<int64_t>> list_offset(const Position& position, int64_t timestamp);

 private:
  void list_partitions(kafka::FetchRequest& request, std::vector<Asked>& asked);
  void take(const kafka::FetchResponse& answer, const std::vector<Asked>& asked);
  void take_partition(Position& position, const Asked& asked,
                      const kafka::FetchResponse::PartitionData& data);
  void start_session_again();
  reactor::Task<void> find_lost();
  Position* find(const kafka::FetchResponse::FetchableTopicResponse& topic, int32_t partition,
                 size_t& index);

  Stage& stage_;
  ConsumerOptions options_;
  std::unique_ptr<Connection> connection_;
  std::deque<Position> positions_;
  int32_t session_id_ = 0;
  int32_t session_epoch_ = 0;
  bool refused_ = false;
};

}  // namespace odradek::simulation
