// Writes records: one open batch per partition, requests of several batches per leader, several
// requests under way. With idempotence (the default) a batch that is sent again is stored once and
// the order within a partition holds.
//
//   Producer producer(client, {}, on_delivery);
//   CO_TRY(co_await producer.start(deadline));
//   const size_t lane = producer.lane("topic", 0);
//   while (!producer.try_send(lane, record)) CO_TRY(co_await producer.wait_for_room());
//   CO_TRY(co_await producer.flush(deadline));
//   co_await producer.stop();
//
// Owned by one task on one core; the client outlives it. Bounds: `buffer_bytes` of records that are
// not acknowledged, and what their requests copy. stop() must have run before destruction.
//
// A batch:   open --full, linger, flush--> queued --> in flight --> delivered or failed
//                                            ^-- retriable error --'
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/batch/batch_builder.h"
#include "log/batch/record.h"
#include "net/kafka/client/client.h"
#include "net/kafka/messages/produce_request.h"
#include "net/kafka/messages/produce_response.h"

namespace odradek::client {

struct ProducerOptions {
  int16_t acks = -1;  // 0: nobody answers, what is lost is lost; 1; -1: all in-sync replicas
  log::Compression compression;
  bool idempotent = true;           // only with acks -1
  uint32_t batch_bytes = 262144;    // before compression; a larger record is a batch of its own
  Duration linger = 5ms;            // how long an open batch waits for more
  uint32_t requests_in_flight = 5;  // per leader
  uint64_t buffer_bytes = uint64_t{32} << 20;
  Duration delivery_timeout = 2min;  // from a batch's first record to giving it up
};

// The fate of one batch.
struct Delivery {
  std::string_view topic;
  int32_t partition = 0;
  int64_t base_offset = -1;  // -1: unknown (acks=0, or it had been stored before)
  uint32_t records = 0;
  uint64_t bytes = 0;            // of the batch as sent
  Duration waited{};             // since its first record was given to the producer
  const Error* error = nullptr;  // null: acknowledged
};

class Producer {
 public:
  using OnDelivery = std::function<void(const Delivery&)>;
  // `on_delivery` is called on the producer's core, once a batch, in the order of each partition.
  Producer(Client& client, ProducerOptions options, OnDelivery on_delivery);
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Asks for a producer id when idempotent, and starts sending.
  reactor::Task<Status> start(MonoTime deadline);
  // The number by which try_send() knows a partition. REQUIRES: the topic is in the client's
  // metadata.
  size_t lane(std::string_view topic, int32_t partition);
  // Copies the record to the lane's open batch. False when the buffer is full or the producer has
  // failed: wait_for_room() tells which.
  bool try_send(size_t lane, const log::Record& record);
  // Waits until the buffer has room. The error that ended the producer, if one did.
  reactor::Task<Status> wait_for_room();
  // Sends all open batches and waits for every answer. Errc::timed_out after `deadline`; otherwise
  // the first error of any batch since the last flush().
  reactor::Task<Status> flush(MonoTime deadline);
  // Gives up what is not acknowledged.
  reactor::Task<void> stop();

  uint64_t buffered_bytes() const { return buffered_bytes_; }

 private:
  struct Batch {
    std::vector<uint8_t> bytes;
    uint64_t number = 0;
    uint32_t records = 0;
    uint64_t buffered = 0;  // what it takes of buffer_bytes
    MonoTime began{};
    bool in_flight = false;
    bool sent_first = false;  // it was the oldest of its lane when it was sent
  };
  struct Lane {
    std::string topic;
    int32_t partition = 0;
    std::optional<log::BatchBuilder> open;
    MonoTime opened{};
    uint64_t open_bytes = 0;
    std::deque<Batch> batches;  // oldest first
    int32_t next_sequence = 0;
    bool queued = false;  // stands in ready_ or retries_
    size_t in_flight = 0;
  };
  struct Sent {
    std::vector<std::pair<size_t, uint64_t>> batches;  // lane, number
  };
  void seal(size_t index);
  void seal_due(MonoTime now);
  void queue(size_t index);
  static Batch* next_batch(Lane& lane);
  int32_t leader_of(const Lane& lane) const;
  reactor::Task<void> send_loop();
  bool send_ready();
  bool send_to(int32_t node, const std::vector<size_t>& lanes);
  kafka::ProduceRequest make_request(const std::vector<size_t>& lanes, Sent& sent);
  reactor::Task<void> await_answer(int32_t node, Connection& connection, Ticket ticket,
                                   int16_t version, Sent sent);
  reactor::Task<void> make_link(int32_t node);
  reactor::Task<void> find_leaders();
  void take_answer(const kafka::ProduceResponse& answer, const Sent& sent);
  void take_code(size_t lane, uint64_t number, int16_t code, int64_t offset,
                 std::optional<std::string_view> message);
  void retry_later(size_t lane);
  void finish(size_t lane, uint64_t number, int64_t offset, const Error* error);
  void fail_all(const Error& error);
  MonoTime next_event() const;
  void move_retries(MonoTime now);

  // Fixed at construction.
  Client& client_;
  const ProducerOptions options_;
  const OnDelivery on_delivery_;

  std::deque<Lane> lanes_;
  std::map<std::pair<std::string, int32_t>, size_t, std::less<>> lane_numbers_;
  std::deque<std::pair<MonoTime, size_t>> lingering_;  // lanes with an open batch, oldest first
  std::deque<size_t> ready_;                           // lanes with something to send
  std::deque<std::pair<MonoTime, size_t>> retries_;    // lanes that wait after an error
  std::map<int32_t, uint32_t> requests_;               // in flight, by leader
  std::set<int32_t> connecting_;
  bool finding_leaders_ = false;
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  uint64_t numbers_ = 0;
  uint64_t buffered_bytes_ = 0;
  uint64_t unfinished_ = 0;  // batches, open ones too
  bool flushing_ = false;
  bool stopping_ = false;
  std::optional<Error> first_error_;  // since the last flush
  std::optional<Error> fatal_;
  reactor::WaitList work_;
  reactor::WaitList changed_;
  reactor::Gate gate_;
};

}  // namespace odradek::client
