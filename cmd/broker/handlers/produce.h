// Produce (KIP-98, KIP-482, KIP-951, KIP-516 topic ids): in two phases, so that the next request of
// the connection is read while this one becomes durable, and still no batch overtakes another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmd/broker/frame.h"
#include "cmd/broker/request.h"
#include "log/batch/batch_validator.h"
#include "net/kafka/messages/produce_request.h"
#include "net/kafka/messages/produce_response.h"
#include "net/wire/reader.h"
#include "reactor/mailbox.h"
#include "reactor/task.h"

namespace odradek::broker {

// What became of one partition's batch.
struct ProduceOutcome {
  int16_t error = 0;
  std::string message;
  std::vector<log::RecordError> record_errors;
  log::Offset base{-1};
  log::Offset last{-1};
  int64_t log_append_time_ms = -1;
  log::Offset log_start{-1};
  bool tells_log_start = true;
  bool await_visible = false;
};

class ProduceCall {
 public:
  ProduceCall(RequestFrame frame, RequestContext context);

  // Decodes the request from byte `body_at` of the frame, validates and appends its batches in
  // order. An error: the bytes are no produce request.
  reactor::Task<Status> stage(size_t body_at);
  // Gives a large frame back, after stage(): the next one is then received into memory that is
  // still in this core's cache. What the answer needs of it is kept.
  void let_go_of_frame();
  // Waits for durability and makes the response. REQUIRES: stage() succeeded, !silent().
  reactor::Task<Response> finish();
  // Of the quotas that it meets; its sender is charged between stage() and finish().
  RequestContext& context() { return context_; }
  // acks=0: no response at all.
  bool silent() const { return request_.acks == 0; }
  bool failed() const;

 private:
  // One partition of the request, in its order.
  struct Item {
    log::TopicPartition id;
    reactor::ShardId owner;
    Chain records;
    ProduceOutcome outcome;
  };
  void resolve();
  void resolve_topic(const kafka::ProduceRequest::TopicProduceData& topic);
  reactor::Task<void> append_on(reactor::ShardId owner);
  reactor::Task<void> await_on(reactor::ShardId owner, MonoTime deadline);
  kafka::ProduceResponse make_response();

  RequestFrame frame_;
  RequestContext context_;
  wire::Scratch scratch_;
  kafka::ProduceRequest request_;
  std::vector<Item> items_;
  std::vector<reactor::ShardId> owners_;  // distinct, in order of first use
};

}  // namespace odradek::broker
