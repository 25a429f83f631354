// Reads partitions: one fetch under way per leader, ahead of the reader by a bounded number of
// bytes. With sessions (KIP-227) a request names only what changed since the last one.
//
//   Fetcher fetcher(client, {});
//   fetcher.add("topic", 0, offset);
//   fetcher.start();
//   while (auto answer = co_await fetcher.next(deadline)) ...
//   co_await fetcher.stop();
//
// Owned by one task on one core; the client outlives it. Bounds: `buffer_bytes` that nobody has
// taken yet, and one answer per leader beyond that. stop() must have run before destruction.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/kafka/client/client.h"
#include "net/kafka/messages/fetch_request.h"
#include "net/kafka/messages/fetch_response.h"
#include "reactor/base/chain.h"

namespace odradek::client {

struct FetchOptions {
  int32_t bytes_max = 16 << 20;  // of one answer
  int32_t partition_bytes_max =
      1 << 20;                // of one partition in it; a batch comes whole all the same
  int32_t bytes_min = 1;      // an answer waits for so many
  Duration wait_max = 500ms;  // but no longer
  uint64_t buffer_bytes = uint64_t{32} << 20;
  bool sessions = true;
};

// What one answer said of one partition.
struct Fetched {
  size_t position = 0;       // what add() returned
  int64_t first_offset = 0;  // as asked; batches come whole, so records before it may stand first
  int64_t next_offset = 0;   // behind the last whole batch
  int64_t high_watermark = -1;
  Chain records;               // batches, maybe a cut one at the end; views the answer
  std::optional<Error> error;  // set: the partition is not read on
};

// One answer with records or errors in it, and the bytes that they view.
struct FetchAnswer {
  Reply<kafka::FetchResponse> reply;
  std::vector<Fetched> partitions;
};

class Fetcher {
 public:
  Fetcher(Client& client, FetchOptions options) : client_(client), options_(options) {}
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Reads on from `offset`. The number names the partition in answers. REQUIRES: before start(),
  // the topic is in the client's metadata.
  size_t add(std::string topic, int32_t partition, int64_t offset);
  void start();
  // The next answer; null when `deadline` passed first or the fetcher stops.
  reactor::Task<std::unique_ptr<FetchAnswer>> next(MonoTime deadline);
  // Reads this partition no more. What was fetched of it already may still come.
  void remove(size_t position) { positions_[position].active = false; }
  const std::string& topic_of(size_t position) const { return positions_[position].topic; }
  int32_t partition_of(size_t position) const { return positions_[position].partition; }
  // An error that keeps it from reading on, after which next() returns null at once.
  const std::optional<Error>& error() const { return error_; }
  reactor::Task<void> stop();

 private:
  struct Position {
    std::string topic;
    int32_t partition = 0;
    int64_t offset = 0;
    bool active = true;
  };
  // What one leader's session knows.
  struct Session {
    int32_t id = 0;
    int32_t epoch = 0;
    std::vector<size_t> members;
    std::vector<int64_t> told;  // offsets, as `members`
    bool full() const { return epoch <= 0; }
  };
  int32_t leader_of(const Position& position) const;
  void start_workers();
  reactor::Task<void> work(int32_t node);
  reactor::Task<void> find_leaders();
  reactor::Task<bool> fetch_from(int32_t node, Session& session);
  kafka::FetchRequest make_request(Session& session);
  std::vector<size_t> positions_of(int32_t node) const;
  std::optional<size_t> find(const kafka::FetchResponse::FetchableTopicResponse& topic,
                             int32_t partition) const;
  bool take(Reply<kafka::FetchResponse> reply);
  Fetched take_partition(size_t index, const kafka::FetchResponse::PartitionData& data);
  void advance_session(Session& session, const kafka::FetchResponse& answer) const;

  Client& client_;
  const FetchOptions options_;
  std::vector<Position> positions_;
  std::set<int32_t> workers_;  // nodes; kAnyNode looks for leaders
  std::deque<std::unique_ptr<FetchAnswer>> answers_;
  uint64_t buffered_bytes_ = 0;
  std::optional<Error> error_;
  bool stopping_ = false;
  reactor::WaitList changed_;
  reactor::Gate gate_;
};

}  // namespace odradek::client
