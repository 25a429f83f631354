#include "cmd/broker/handlers/produce.h"

#include <algorithm>
#include <array>
#include <memory>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/internal_topics.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/serve_api.h"
#include "log/batch/codec.h"
#include "log/batch/fault.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::ShardId;
using reactor::Task;

namespace {

// An append to be done on the shard that owns the partition.
struct Append {
  log::TopicPartition id;
  Chain records;
  size_t index;  // of the item
};
struct Wait {
  log::TopicPartition id;
  log::Offset last;
  size_t index;
};

log::ValidationOptions validation_options(const metadata::EffectiveTopicConfig& config,
                                          WallTime now, int16_t version) {
  log::ValidationOptions options;
  const auto& rules = config.produce;
  if (rules.timestamp_kind == metadata::TimestampKind::log_append_time) {
    options.timestamp_type = log::TimestampType::log_append_time;
  }
  options.now = now;
  options.timestamp_before_max_ms = rules.timestamp_before_max_ms;
  options.timestamp_after_max_ms = rules.timestamp_after_max_ms;
  options.message_bytes_max = rules.message_bytes_max;
  options.segment_bytes = config.log.segment_bytes;
  options.compacted = rules.compacted;
  options.produce_version = version;
  if (const auto codec = log::codec_by_name(rules.compression)) {
    options.compression = log::Compression{*codec, rules.compression_level};
  }
  return options;
}

ProduceOutcome failure(KafkaError error, std::string message = {}) {
  ProduceOutcome outcome;
  outcome.error = code(error);
  outcome.message = std::move(message);
  return outcome;
}

// Whether an answer with this error has the log's start: Kafka leaves it out of some.
bool tells_log_start(int16_t error) {
  // Corrupt, unknown partition, not the leader, record and batch too large, storage error.
  constexpr auto kSilent = std::to_array<int16_t>({2, 3, 6, 10, 18, 56});
  return std::ranges::find(kSilent, error) == kSilent.end();
}

// What Kafka refuses by a look at the request, before it comes to the log.
bool refused_by_request(log::BatchFault fault) {
  using enum log::BatchFault;
  return fault == no_batch || fault == many_batches || fault == old_magic ||
         fault == unknown_magic || fault == zstd_too_early;
}

ProduceOutcome refused(const log::BatchValidator& validator) {
  ProduceOutcome outcome;
  outcome.error = log::kafka_error_code(validator.fault());
  outcome.message = validator.error_message();
  outcome.record_errors.assign(validator.record_errors().begin(), validator.record_errors().end());
  outcome.tells_log_start = !refused_by_request(validator.fault());
  return outcome;
}

// Acknowledgements that do not exist: Kafka says that after what a look at the request shows.
ProduceOutcome refused_acks(const Chain& records, int16_t version) {
  log::ValidationOptions options;
  options.produce_version = version;
  log::BatchValidator validator(records, options);
  if (validator.step() == log::BatchValidator::Progress::done &&
      refused_by_request(validator.fault())) {
    return refused(validator);
  }
  return failure(KafkaError::invalid_required_acks, "acks must be 0, 1 or -1 (all)");
}

void note_produced(BrokerShard& shard, const log::BatchHeader& header) {
  shard.requests().produced_bytes.add(static_cast<uint64_t>(header.size_bytes()));
  shard.requests().produced_records.add(static_cast<uint64_t>(header.record_count));
}

// Where the log is: a move to another directory is waited for.
Task<log::Appended> append_in_place(BrokerShard& shard, log::TopicPartition id,
                                    log::BatchValidator& validator, int64_t log_append_time_ms) {
  for (;;) {
    if (shard.logs().future_of(id)) co_await shard.logs().wait_handed_over(id);
    log::PartitionLog* partition = shard.logs().find(id);
    if (!partition) co_return log::Appended{.fault = log::AppendFault::not_leader, .message = ""};
    Chain batch(validator.header_bytes());
    for (size_t i = 0; i < validator.records().part_count(); ++i)
      batch.append(validator.records().part(i));
    log::Appended done =
        co_await partition->append(std::move(batch), validator.info(), log_append_time_ms);
    if (done.fault != log::AppendFault::not_leader || !shard.logs().future_of(id)) co_return done;
    co_await reactor::yield();
  }
}

// Validates and appends one batch on the owning shard.
Task<ProduceOutcome> append_valid(BrokerShard& shard, log::TopicPartition id, Chain records,
                                  int16_t version) {
  if (shard.logs().future_of(id)) co_await shard.logs().wait_handed_over(id);
  if (shard.logs().find(id) == nullptr) co_return failure(kafka_error(shard.logs().absence(id)));
  auto& here = reactor::this_shard();
  const WallTime now = here.wall_now();
  const auto options = validation_options(shard.topic_config(id.topic), now, version);
  log::BatchValidator validator(std::move(records), options);
  while (validator.step() == log::BatchValidator::Progress::more) co_await reactor::yield();
  if (validator.fault() != log::BatchFault::none) co_return refused(validator);
  // Transactions are not served: a batch of one would pin readers below it for ever.
  if (validator.info().header.attributes.transactional()) {
    co_return failure(KafkaError::invalid_txn_state, "transactions are not supported yet");
  }
  const bool stamped = options.timestamp_type == log::TimestampType::log_append_time;
  log::Appended done = co_await append_in_place(shard, id, validator, stamped ? now.ms : -1);
  ProduceOutcome outcome;
  outcome.error = static_cast<int16_t>(done.fault);
  outcome.message = std::move(done.message);
  if (done.fault == log::AppendFault::none) {
    outcome.base = done.base;
    outcome.last = done.last;
    outcome.log_append_time_ms = done.log_append_time_ms;
    if (!done.duplicate) note_produced(shard, validator.info().header);
    outcome.await_visible = true;
  }
  co_return outcome;
}

Task<ProduceOutcome> append_one(BrokerShard& shard, log::TopicPartition id, Chain records,
                                int16_t version) {
  ProduceOutcome outcome = co_await append_valid(shard, id, std::move(records), version);
  const log::PartitionLog* partition = shard.logs().find(id);
  const bool tells = outcome.tells_log_start && tells_log_start(outcome.error);
  if (partition && tells) outcome.log_start = partition->log_start();
  co_return outcome;
}

Task<std::vector<ProduceOutcome>> append_all(BrokerShard& shard, std::vector<Append> appends,
                                             int16_t version) {
  std::vector<ProduceOutcome> outcomes;
  outcomes.reserve(appends.size());
  for (Append& a : appends) {
    outcomes.push_back(co_await append_one(shard, a.id, std::move(a.records), version));
  }
  co_return outcomes;
}

// Whether each became visible in time, as an error code.
Task<std::vector<KafkaError>> await_all(BrokerShard& shard, std::vector<Wait> waits,
                                        MonoTime deadline) {
  std::vector<KafkaError> errors;
  errors.reserve(waits.size());
  for (const Wait& w : waits) {
    if (shard.logs().future_of(w.id)) co_await shard.logs().wait_handed_over(w.id);
    log::PartitionLog* partition = shard.logs().find(w.id);
    if (!partition) {
      errors.push_back(KafkaError::not_leader_or_follower);
      continue;
    }
    const Status visible = co_await partition->wait_visible(w.last, deadline);
    errors.push_back(visible ? KafkaError::none : kafka_error(visible.error().code));
  }
  co_return errors;
}

}  // namespace

ProduceCall::ProduceCall(RequestFrame frame, RequestContext context)
    : frame_(std::move(frame)), context_(std::move(context)) {}

Task<Status> ProduceCall::stage(size_t body_at) {
  const Chain body = frame_.bytes().slice(body_at, frame_.bytes().size() - body_at);
  wire::Reader reader(body, scratch_);
  CO_TRY(kafka::decode(reader, context_.api_version, request_));
  resolve();
  if (owners_.size() == 1) {
    co_await append_on(owners_.front());
  } else {
    reactor::Gate shards;
    for (const ShardId owner : owners_) shards.spawn("produce append", append_on(owner));
    co_await shards.close();
  }
  co_return Status{};
}

void ProduceCall::let_go_of_frame() {
  if (frame_.bytes().size() <= kSmallFrameBytes) return;
  context_.client_id = scratch_.store(context_.client_id);
  request_.transactional_id.reset();
  for (auto& topic : request_.topic_data) {
    topic.name = scratch_.store(topic.name);
    for (auto& partition : topic.partition_data) partition.records.reset();
  }
  for (Item& item : items_) item.records = Chain();
  frame_ = RequestFrame();
}

void ProduceCall::resolve() {
  for (const auto& topic : request_.topic_data) resolve_topic(topic);
}

void ProduceCall::resolve_topic(const kafka::ProduceRequest::TopicProduceData& topic) {
  const auto& image = context_.shard.image().current();
  const bool by_id = context_.api_version >= 13;
  const metadata::Topic* found =
      by_id ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
  for (const auto& partition : topic.partition_data) {
    Item& item = items_.emplace_back();
    const auto refuse = [&item](KafkaError error, std::string why) {
      item.outcome = failure(error, std::move(why));
    };
    if (!found) {
      refuse(by_id ? KafkaError::unknown_topic_id : KafkaError::unknown_topic_or_partition, "");
    } else if (!found->partition(log::PartitionId(partition.index))) {
      refuse(KafkaError::unknown_topic_or_partition, "");
    } else if (is_internal_topic(found->name()) && context_.client_id != kAdminClientId) {
      refuse(KafkaError::invalid_topic, "the topic is internal to the broker");
    } else if (!context_.authorize(Operation::write, Resource::topic, found->name())) {
      refuse(KafkaError::unknown_topic_or_partition, "");
    } else if (request_.acks < -1 || request_.acks > 1) {
      item.outcome = refused_acks(partition.records.value_or(Chain()), context_.api_version);
    } else {
      item.id = {found->id(), log::PartitionId(partition.index)};
      item.owner = context_.shard.placement().owner(item.id);
      item.records = partition.records.value_or(Chain());
      if (std::ranges::find(owners_, item.owner) == owners_.end()) owners_.push_back(item.owner);
    }
  }
}

Task<void> ProduceCall::append_on(ShardId owner) {
  if (owner == reactor::this_shard().id()) {
    for (Item& item : items_) {
      if (item.outcome.error != 0 || item.owner != owner) continue;
      item.outcome =
          co_await append_one(context_.shard, item.id, item.records, context_.api_version);
    }
    co_return;
  }
  std::vector<Append> appends;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].outcome.error == 0 && items_[i].owner == owner) {
      appends.push_back({items_[i].id, items_[i].records, i});
    }
  }
  std::vector<size_t> indexes;
  for (const Append& a : appends) indexes.push_back(a.index);
  // One message a shard, whatever number of partitions. The frame stays here until the answer.
  Broker* broker = &context_.shard.broker();
  const int16_t version = context_.api_version;
  auto outcomes =
      co_await reactor::submit_to(owner, [broker, version, appends = std::move(appends)]() mutable {
        return append_all(broker->local(), std::move(appends), version);
      });
  for (size_t i = 0; i < indexes.size(); ++i) items_[indexes[i]].outcome = std::move(outcomes[i]);
}

Task<void> ProduceCall::await_on(ShardId owner, MonoTime deadline) {
  std::vector<Wait> waits;
  std::vector<size_t> indexes;
  for (size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (!item.outcome.await_visible || item.owner != owner) continue;
    waits.push_back({item.id, item.outcome.last, i});
    indexes.push_back(i);
  }
  if (waits.empty()) co_return;
  Broker* broker = &context_.shard.broker();
  const auto errors =
      co_await reactor::submit_to(owner, [broker, deadline, waits = std::move(waits)]() mutable {
        return await_all(broker->local(), std::move(waits), deadline);
      });
  for (size_t i = 0; i < indexes.size(); ++i) {
    if (errors[i] == KafkaError::none) continue;
    ProduceOutcome& outcome = items_[indexes[i]].outcome;
    outcome = failure(errors[i], errors[i] == KafkaError::kafka_storage_error
                                     ? "the batch did not reach stable storage"
                                     : "");
  }
}

bool ProduceCall::failed() const {
  return std::ranges::any_of(items_, [](const Item& item) { return item.outcome.error != 0; });
}

Task<Response> ProduceCall::finish() {
  // With one replica Kafka waits for nothing and never times out; a flush takes its moment.
  const Duration timeout = std::chrono::milliseconds(request_.timeout_ms);
  const MonoTime deadline = reactor::this_shard().now() + std::max(timeout, kProduceWaitMin);
  // Every acknowledgement waits for what the durability mode promises, acks=1 like acks=all: there
  // is one replica, and no page cache to fall back on.
  if (owners_.size() == 1) {
    co_await await_on(owners_.front(), deadline);
  } else {
    reactor::Gate shards;
    for (const ShardId owner : owners_) shards.spawn("produce wait", await_on(owner, deadline));
    co_await shards.close();
  }
  Response response;
  response.out = encode_response(context_, context_.api_version, make_response());
  co_return response;
}

kafka::ProduceResponse ProduceCall::make_response() {
  kafka::ProduceResponse reply;
  size_t index = 0;
  for (const auto& topic : request_.topic_data) {
    if (topic.partition_data.empty()) continue;
    auto& out = reply.responses.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partition_data) {
      const ProduceOutcome& outcome = items_[index++].outcome;
      auto& p = out.partition_responses.emplace_back();
      p.index = partition.index;
      p.error_code = outcome.error;
      p.base_offset = outcome.base.value;
      p.log_append_time_ms = outcome.log_append_time_ms;
      p.log_start_offset = outcome.log_start.value;
      if (!outcome.message.empty()) p.error_message = outcome.message;
      for (const auto& record : outcome.record_errors) {
        auto& e = p.record_errors.emplace_back();
        e.batch_index = record.batch_index;
        e.batch_index_error_message = record.message;
      }
    }
  }
  reply.throttle_time_ms = context_.throttle_ms;
  return reply;
}

}  // namespace odradek::broker
