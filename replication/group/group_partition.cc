#include "replication/group/group_partition.h"

#include <algorithm>

#include "log/batch/batch_builder.h"
#include "log/batch/batch_validator.h"
#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "reactor/logger.h"
#include "reactor/shard.h"
#include "replication/group/limits.h"
#include "replication/group/record_codec.h"

namespace odradek::group {

using reactor::Task;

namespace {

bool may_park(const Request& request) {
  return std::holds_alternative<JoinGroup>(request) || std::holds_alternative<SyncGroup>(request);
}

// What clients are told when a record did not reach the log: look for the coordinator again, or,
// while the disk is full, come again.
KafkaCode code_of(log::AppendFault fault) {
  switch (fault) {
    case log::AppendFault::none: return KafkaCode::none;
    case log::AppendFault::storage_error: return KafkaCode::coordinator_not_available;
    case log::AppendFault::not_leader: return KafkaCode::not_coordinator;
    default: return KafkaCode::unknown_server_error;
  }
}

}  // namespace

GroupPartition::Alarm::Alarm(GroupPartition& owner)
    : Timer([](Timer& timer) {
        GroupPartition& p = static_cast<Alarm&>(timer).partition;
        p.take(p.coordinator_.timers_due(now()));
      }),
      partition(owner) {}

GroupPartition::GroupPartition(log::LogManager& logs, log::TopicPartition id, std::string name,
                               const Config& config, const ClusterView& view, TopicGone gone)
    : logs_(logs),
      id_(id),
      name_(std::move(name)),
      gone_(std::move(gone)),
      coordinator_(config, view),
      alarm_(*this) {}

GroupPartition::~GroupPartition() { CHECK(waiting_.empty() && !alarm_.armed(), waiting_.size()); }

Now GroupPartition::now() {
  auto& shard = reactor::this_shard();
  return {shard.now(), shard.wall_now()};
}

void GroupPartition::start() { gate_.spawn("group load", load(), reactor::TaskClass::background); }

KafkaCode GroupPartition::refusal_code(const Request& request) const {
  switch (state_) {
    case State::active: return KafkaCode::none;
    case State::draining: return may_park(request) ? KafkaCode::not_coordinator : KafkaCode::none;
    case State::loading:
      return std::holds_alternative<Heartbeat>(request) ? KafkaCode::none
                                                        : KafkaCode::coordinator_load_in_progress;
    case State::damaged: return KafkaCode::coordinator_not_available;
    case State::stopped: break;
  }
  return KafkaCode::not_coordinator;
}

Task<Answer> GroupPartition::call(Request request) {
  const KafkaCode refused = refusal_code(request);
  if (refused != KafkaCode::none) co_return refusal(request, refused);
  if (state_ == State::loading) co_return HeartbeatAnswer{};
  Waiting waiting;
  waiting.answer = refusal(request, KafkaCode::coordinator_not_available);
  waiting.parks = may_park(request);
  const uint64_t number = ++requests_;
  waiting_.emplace(number, &waiting);
  take(coordinator_.request(RequestId(number), std::move(request), now()));
  const MonoTime deadline = waiting.parks ? kMonoMax : reactor::this_shard().now() + kCommitWaitMax;
  co_await waiting.done.wait(deadline);
  waiting_.erase(number);
  co_return std::move(waiting.answer);
}

void GroupPartition::take(Effects effects) {
  for (auto& reply : effects.replies) {
    const auto found = waiting_.find(reply.request.value);
    if (found == waiting_.end()) continue;  // gave up
    found->second->answer = std::move(reply.answer);
    found->second->done.set();
  }
  if (effects.ticket != Ticket(0)) {
    queue_.push_back({effects.ticket, std::move(effects.records)});
    if (!std::exchange(writing_, true)) gate_.spawn("group writer", write());
  }
  follow_timer();
}

// An end that moved away costs nothing: the alarm finds out when it fires.
void GroupPartition::follow_timer() {
  const MonoTime next = coordinator_.next_timer();
  auto& timers = reactor::this_shard().timers();
  if (state_ == State::stopped || next == kMonoMax) return;
  if (alarm_.armed() && alarm_.when() <= next) return;
  timers.cancel(alarm_);
  timers.arm(alarm_, next);
}

void GroupPartition::topics_deleted(const std::vector<std::string>& topics) {
  if (state_ != State::active && state_ != State::draining) return;
  // One of this name may be there again, with commits of its own.
  const auto gone = [&](std::string_view topic, const Uuid& id) {
    return std::ranges::find(topics, topic) != topics.end() && (id.is_zero() || gone_(topic, id));
  };
  take(coordinator_.topics_deleted(gone, now()));
}

void GroupPartition::begin_expiry() {
  if (state_ != State::active || std::exchange(expiring_, true)) return;
  gate_.spawn("offset expiry", expire(), reactor::TaskClass::background);
}

// What is gone for the first time may be a topic that another shard heard of before this one, and
// that is committed to already.
Task<void> GroupPartition::expire() {
  std::set<std::pair<std::string, Uuid>> gone_now;
  const Coordinator::Gone gone = [&](std::string_view topic, const Uuid& id) {
    if (!gone_(topic, id)) return false;
    const auto [at, added] = gone_now.emplace(topic, id);
    return gone_before_.contains(*at);
  };
  std::optional<std::string> from = "";
  while (from && state_ == State::active) {
    take(coordinator_.expire(from, kExpireGroupsAtOnce, gone, now()));
    co_await reactor::yield();
  }
  gone_before_ = std::move(gone_now);
  expiring_ = false;
}

void GroupPartition::release(bool parked_only) {
  for (auto& [number, waiting] : waiting_) {
    if (parked_only && !waiting->parks) continue;
    refuse(waiting->answer, KafkaCode::not_coordinator);
    waiting->done.set();
  }
}

void GroupPartition::end_parked() {
  draining_ = true;
  if (state_ == State::active) state_ = State::draining;
  release(true);
}

Task<void> GroupPartition::stop() {
  state_ = State::stopped;
  reactor::this_shard().timers().cancel(alarm_);
  co_await gate_.close();
  release(false);
  while (!waiting_.empty()) co_await reactor::yield();
}

// ---- the log ----

Status GroupPartition::replay(const log::LogSlice& slice) {
  Chain bytes;
  for (const auto& piece : slice.pieces) bytes.append(piece.bytes());
  log::BatchWalker walker(bytes, log::CrcCheck::no);
  for (log::WalkStep step = walker.next(); step.kind == log::WalkStep::Kind::batch;
       step = walker.next()) {
    if (step.header.attributes.control()) continue;
    // Whether it counts is up to a marker behind it, which nobody here follows.
    if (step.header.attributes.transactional()) {
      return fail(Errc::unsupported, "offsets of a transaction, in the batch at offset " +
                                         std::to_string(step.header.base_offset.value));
    }
    log::RecordReader reader(step.bytes, kLoadBatchBytesMax);
    for (;;) {
      TRY_ASSIGN(const auto record, reader.next());
      if (!record) break;
      if (!record->key) continue;
      TRY_ASSIGN(auto logged, decode_record(*record->key, record->value));
      if (logged) coordinator_.replay(std::move(*logged));
    }
  }
  return {};
}

Task<Status> GroupPartition::read_log() {
  log::Offset from{-1};
  while (state_ == State::loading) {
    co_await logs_.wait_handed_over(id_);
    log::PartitionLog* log = logs_.find(id_);
    if (!log) co_return fail(Errc::closed, "the log is closed");
    from = std::max(from, log->log_start());
    if (from >= log->high_watermark()) co_return Status{};
    const auto slice = co_await log->read({from, kLoadBytesAtOnce, log->high_watermark(), true});
    if (!slice) {
      // The log's start moved while it was read.
      if (slice.error().code == Errc::out_of_range) continue;
      // It moved to another directory.
      if (slice.error().code == Errc::closed && logs_.find(id_) != log) continue;
      co_return fail(slice.error());
    }
    if (slice->bytes == 0) co_return Status{};
    CO_TRY(replay(*slice));
    from = slice->next;
    co_await reactor::yield();
  }
  co_return fail(Errc::canceled, "stopping");
}

Task<void> GroupPartition::load() {
  const Status read = co_await read_log();
  if (state_ != State::loading) co_return;
  if (read) co_return loaded();
  state_ = State::damaged;
  reactor::log_error("{}: its groups cannot be served: {}", name_, read.error().to_string());
}

void GroupPartition::loaded() {
  state_ = draining_ ? State::draining : State::active;
  take(coordinator_.loaded(now()));
  take(coordinator_.topics_deleted(gone_, now()));
}

// What waits, as one batch: an append of the coordinator is never divided.
GroupPartition::Batch GroupPartition::next_batch() {
  Batch batch{queue_.front().ticket, {}, {}};
  log::BatchBuilder builder(log::BatchOptions{});
  while (!queue_.empty() && (builder.empty() || builder.bytes_uncompressed() < kBatchBytesMax)) {
    for (const auto& logged : queue_.front().records) {
      const EncodedRecord encoded = encode_record(logged);
      log::Record record;
      record.timestamp = reactor::this_shard().wall_now().ms;
      record.key = BytesView(encoded.key);
      if (encoded.value) record.value = BytesView(*encoded.value);
      builder.append(record);
    }
    batch.last = queue_.front().ticket;
    queue_.pop_front();
  }
  auto bytes = builder.finish();
  CHECK(bytes.has_value());  // fails in codecs only
  batch.bytes = std::move(*bytes);
  return batch;
}

Task<void> GroupPartition::write() {
  while (!queue_.empty()) {
    Batch batch = next_batch();
    const KafkaCode error = co_await append(std::move(batch.bytes));
    if (error == KafkaCode::none) {
      take(coordinator_.committed(batch.last, now()));
    } else {
      queue_.clear();
      take(coordinator_.failed(batch.first, error, now()));
    }
  }
  writing_ = false;
}

// none once it is durable.
Task<KafkaCode> GroupPartition::append(std::vector<uint8_t> bytes) {
  log::ValidationOptions options;
  options.now = reactor::this_shard().wall_now();
  options.internal = true;
  options.compacted = true;
  options.message_bytes_max = UINT32_MAX;
  const Chain input{BytesView(bytes)};
  log::BatchValidator validator(input, options);
  if (validator.run() != log::BatchFault::none) {
    reactor::log_error("{}: {}", name_, validator.error_message());
    co_return KafkaCode::unknown_server_error;
  }
  co_await logs_.wait_handed_over(id_);
  log::PartitionLog* log = logs_.find(id_);
  if (!log) co_return KafkaCode::not_coordinator;
  const log::Appended done = co_await log->append(input, validator.info(), -1);
  if (done.fault != log::AppendFault::none) {
    reactor::log_warning("{}: not written: {}", name_, done.message);
    co_return code_of(done.fault);
  }
  co_await logs_.wait_handed_over(id_);
  log = logs_.find(id_);
  if (!log) co_return KafkaCode::not_coordinator;
  const Status durable = co_await log->wait_visible(done.last, kMonoMax);
  co_return durable ? KafkaCode::none : KafkaCode::not_coordinator;
}

}  // namespace odradek::group
