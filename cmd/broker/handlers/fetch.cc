// Fetch (KIP-227 incremental sessions, KIP-516 topic ids, KIP-320 epochs): resolves what the
// request and its session name, waits until min_bytes are there, something is wrong, or max_wait
// passed, then reads by reference from every shard that owns some of it.
#include "cmd/broker/handlers/handlers.h"

#include <algorithm>
#include <tuple>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/fetch_session.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/quotas/throttle.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/fetch_request.h"
#include "net/kafka/messages/fetch_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::ShardId;
using reactor::Task;

namespace {

constexpr int8_t kReadCommitted = 1;

// What one partition is asked for, on the shard that owns it.
struct Ask {
  log::TopicPartition id;
  int64_t offset = 0;
  uint32_t bytes_max = 0;
  int32_t leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
  bool committed_only = false;
  bool at_least_one = false;  // the first batch comes whole, whatever the limit (trap 26)
};

// What it answers.
struct Answer {
  KafkaError error = KafkaError::none;
  int64_t high_watermark = -1;
  int64_t last_stable = -1;
  int64_t log_start = -1;
  int32_t diverging_epoch = -1;
  int64_t diverging_end = -1;
  int32_t leader_epoch = -1;  // told when the client's epoch is fenced
  uint64_t available = 0;     // bytes that a read would find
  log::LogSlice data;

  bool immediate() const { return error != KafkaError::none || diverging_epoch >= 0; }
};

// One partition of the request, in the order of the response.
struct Part {
  SessionPartition* session = nullptr;  // null without a session
  SessionPartition wanted;
  ShardId owner;
  Ask ask;
  bool resolved = false;
  Answer answer;
};

log::Offset limit_of(const log::PartitionLog& log, const Ask& ask) {
  return ask.committed_only ? log.last_stable() : log.high_watermark();
}

// Epoch fencing and offset range (traps 28, 30, 32). Fills everything but the data; no I/O.
Answer look(BrokerShard& shard, const Ask& ask) {
  Answer answer;
  const log::PartitionLog* log = shard.logs().find(ask.id);
  if (!log) {
    answer.error = kafka_error(shard.logs().absence(ask.id));
    return answer;
  }
  answer.high_watermark = log->high_watermark().value;
  answer.last_stable = log->last_stable().value;
  answer.log_start = log->log_start().value;
  const int32_t epoch = log->leader_epoch().value;
  if (ask.leader_epoch >= 0 && ask.leader_epoch != epoch) {
    answer.error = ask.leader_epoch < epoch ? KafkaError::fenced_leader_epoch
                                            : KafkaError::unknown_leader_epoch;
    if (ask.leader_epoch < epoch) answer.leader_epoch = epoch;
    return answer;
  }
  // Before the range: whoever diverged learns where from, wherever it is.
  if (ask.last_fetched_epoch >= 0) {
    const auto end = log->end_of_epoch(log::LeaderEpoch(ask.last_fetched_epoch));
    if (end.offset.value < 0) {
      answer.error = KafkaError::offset_out_of_range;
      return answer;
    }
    if (end.epoch.value < ask.last_fetched_epoch || end.offset.value < ask.offset) {
      answer.diverging_epoch = end.epoch.value;
      answer.diverging_end = end.offset.value;
      return answer;
    }
  }
  if (ask.offset < log->log_start().value || ask.offset > log->log_end().value) {
    answer.error = KafkaError::offset_out_of_range;
    return answer;
  }
  // With a limit of 0 there still may be a first batch.
  const uint64_t enough = std::max<uint64_t>(ask.bytes_max, 1);
  answer.available = log->available_bytes(log::Offset(ask.offset), limit_of(*log, ask), enough);
  return answer;
}

Task<std::vector<Answer>> look_all(BrokerShard& shard, std::vector<Ask> asks) {
  std::vector<Answer> answers;
  answers.reserve(asks.size());
  for (const Ask& ask : asks) answers.push_back(look(shard, ask));
  co_return answers;
}

Task<Answer> read_one(BrokerShard& shard, Ask ask) {
  Answer answer = look(shard, ask);
  const bool may = ask.bytes_max > 0 || ask.at_least_one;
  if (answer.immediate() || answer.available == 0 || !may) co_return answer;
  log::PartitionLog* log = shard.logs().find(ask.id);
  log::ReadOptions options;
  options.from = log::Offset(ask.offset);
  options.bytes_max = ask.bytes_max;
  options.limit = limit_of(*log, ask);
  options.at_least_one = ask.at_least_one;
  auto slice = co_await log->read(options);
  if (slice) {
    answer.data = std::move(*slice);
  } else {
    answer.error = kafka_error(slice.error().code);
  }
  co_return answer;
}

Task<std::vector<Answer>> read_all(BrokerShard& shard, std::vector<Ask> asks) {
  std::vector<Answer> answers;
  answers.reserve(asks.size());
  for (const Ask& ask : asks) answers.push_back(co_await read_one(shard, ask));
  co_return answers;
}

class FetchCall {
 public:
  FetchCall(RequestContext& context, const kafka::FetchRequest& request,
            kafka::FetchResponse& reply, Response& response)
      : context_(context), request_(request), reply_(reply), response_(response) {}
  Task<void> run();

 private:
  KafkaError open_session();
  KafkaError resume_session();
  KafkaError start_session();
  KafkaError end_session();
  bool names_twice() const;
  void list_request();
  void list_session();
  void add_part(SessionPartition wanted, SessionPartition* session);
  KafkaError unknown_id(const Part& part) const;
  void resolve(Part& part);
  Task<void> look_everywhere();
  bool satisfied() const;
  Task<bool> wait_for_progress(MonoTime deadline);
  Task<bool> wait_everywhere(MonoTime deadline);
  Task<void> wait_on(ShardId owner, WaitKey key, MonoTime deadline, bool* go_on);
  std::vector<Awaited> awaited_on(ShardId owner) const;
  void share_out();
  Task<void> read_everywhere();
  void rename_deleted(Part& part) const;
  uint64_t found_bytes() const;
  void answer_nothing();
  void answer_all();
  void answer_changed(Part& part);
  void move_to_end(bool (*chosen)(const Part&));
  void answer(Part& part);
  std::vector<size_t> indexes_of(ShardId owner) const;

  RequestContext& context_;
  const kafka::FetchRequest& request_;
  kafka::FetchResponse& reply_;
  Response& response_;
  FetchSession* session_ = nullptr;
  int32_t session_id_ = 0;
  uint64_t bytes_given_ = 0;  // by the partitions answered so far
  bool incremental_ = false;
  std::vector<Part> parts_;
  std::vector<ShardId> owners_;
  reactor::Event progress_;
};

bool by_topic_id(const RequestContext& context) { return context.api_version >= 13; }

void FetchCall::add_part(SessionPartition wanted, SessionPartition* session) {
  Part& part = parts_.emplace_back();
  part.wanted = std::move(wanted);
  part.session = session;
}

SessionPartition to_partition(const RequestContext& context,
                              const kafka::FetchRequest::FetchTopic& topic,
                              const kafka::FetchRequest::FetchPartition& p) {
  SessionPartition wanted;
  if (by_topic_id(context)) {
    wanted.topic_id = topic.topic_id;
  } else {
    wanted.topic = topic.topic;
  }
  wanted.partition = p.partition;
  wanted.fetch_offset = p.fetch_offset;
  wanted.bytes_max = p.partition_max_bytes;
  wanted.leader_epoch = p.current_leader_epoch;
  wanted.last_fetched_epoch = p.last_fetched_epoch;
  wanted.log_start_of_follower = p.log_start_offset;
  return wanted;
}

// (0, 0): full, may create. (id, 0): closes the old one, then creates. (any, -1): without a
// session. (id, n): incremental. Trap 37.
KafkaError FetchCall::open_session() {
  if (context_.api_version < 7 || request_.session_epoch == -1) {
    if (request_.session_id != 0) context_.shard.fetch_sessions().remove(request_.session_id);
    list_request();
    return KafkaError::none;
  }
  return request_.session_epoch == 0 ? start_session() : resume_session();
}

KafkaError FetchCall::start_session() {
  auto& cache = context_.shard.fetch_sessions();
  if (request_.session_id != 0) cache.remove(request_.session_id);
  size_t count = 0;
  for (const auto& topic : request_.topics) count += topic.partitions.size();
  auto& here = reactor::this_shard();
  session_ = count == 0 || count > kFetchSessionPartitionsMax
                 ? nullptr
                 : cache.create(here.random(), by_topic_id(context_), count, here.wall_now());
  if (!session_) {
    list_request();
    return KafkaError::none;
  }
  session_id_ = session_->id;
  session_->busy = true;
  for (const auto& topic : request_.topics) {
    for (const auto& p : topic.partitions) session_->put(to_partition(context_, topic, p));
  }
  list_session();
  return KafkaError::none;
}

KafkaError FetchCall::resume_session() {
  session_ = context_.shard.fetch_sessions().find(request_.session_id);
  if (!session_ || session_->busy) {
    session_ = nullptr;
    return KafkaError::fetch_session_id_not_found;
  }
  if (session_->epoch != request_.session_epoch) {
    session_ = nullptr;
    return KafkaError::invalid_fetch_session_epoch;
  }
  if (session_->by_topic_id != by_topic_id(context_)) {
    session_ = nullptr;
    return KafkaError::fetch_session_topic_id_error;
  }
  session_->busy = true;
  session_id_ = session_->id;
  session_->epoch = FetchSessionCache::next_epoch(session_->epoch);
  session_->last_used = reactor::this_shard().wall_now();
  incremental_ = true;
  for (const auto& topic : request_.topics) {
    for (const auto& p : topic.partitions) session_->put(to_partition(context_, topic, p));
  }
  // Last: what is asked for and forgotten is forgotten.
  for (const auto& topic : request_.forgotten_topics_data) {
    for (const int32_t p : topic.partitions) {
      session_->forget(by_topic_id(context_) ? std::string_view() : topic.topic, topic.topic_id, p);
    }
  }
  if (session_->size() == 0 || session_->size() > kFetchSessionPartitionsMax) {
    return end_session();
  }
  list_session();
  return KafkaError::none;
}

// Nothing is left in it, or too much: as with Kafka, the client learns that it has no session.
KafkaError FetchCall::end_session() {
  const bool empty = session_->size() == 0;
  session_->busy = false;
  context_.shard.fetch_sessions().remove(session_id_);
  session_ = nullptr;
  session_id_ = 0;
  incremental_ = false;
  return empty ? KafkaError::none : KafkaError::fetch_session_id_not_found;
}

// Whether the request has a partition more than once.
bool FetchCall::names_twice() const {
  std::vector<std::tuple<std::string_view, log::TopicId, int32_t>> all;
  for (const auto& topic : request_.topics) {
    for (const auto& p : topic.partitions) {
      all.emplace_back(topic.topic, topic.topic_id, p.partition);
    }
  }
  std::ranges::sort(all);
  return std::ranges::adjacent_find(all) != all.end();
}

// What is named twice is answered once, as the last of them asks.
void FetchCall::list_request() {
  if (names_twice()) {
    FetchSession once;
    for (const auto& topic : request_.topics) {
      for (const auto& p : topic.partitions) once.put(to_partition(context_, topic, p));
    }
    for (const SessionPartition& p : once.partitions()) add_part(p, nullptr);
    return;
  }
  for (const auto& topic : request_.topics) {
    for (const auto& p : topic.partitions) add_part(to_partition(context_, topic, p), nullptr);
  }
}

void FetchCall::list_session() {
  for (SessionPartition& p : session_->partitions()) add_part(p, &p);
}

// An id that the session has seen: its topic went, and another may have its name by now.
KafkaError FetchCall::unknown_id(const Part& part) const {
  if (!part.session || part.session->found_as.empty()) return KafkaError::unknown_topic_id;
  return context_.shard.image().current().find_topic(part.session->found_as)
             ? KafkaError::inconsistent_topic_id
             : KafkaError::unknown_topic_or_partition;
}

// Names and ids are looked up anew by every fetch: an unknown id stays in the session (trap 33).
void FetchCall::resolve(Part& part) {
  const auto& image = context_.shard.image().current();
  const bool by_id = by_topic_id(context_);
  const metadata::Topic* topic =
      by_id ? image.find_topic(part.wanted.topic_id) : image.find_topic(part.wanted.topic);
  if (!topic) {
    part.answer.error = by_id ? unknown_id(part) : KafkaError::unknown_topic_or_partition;
    return;
  }
  // An id keeps its name: told once, not at every fetch.
  if (by_id && part.session && part.session->found_as.empty()) {
    part.session->found_as = topic->name();
  }
  if (!topic->partition(log::PartitionId(part.wanted.partition))) {
    part.answer.error = KafkaError::unknown_topic_or_partition;
    return;
  }
  part.ask.id = {topic->id(), log::PartitionId(part.wanted.partition)};
  part.ask.offset = part.wanted.fetch_offset;
  part.ask.bytes_max = static_cast<uint32_t>(std::max(part.wanted.bytes_max, 0));
  part.ask.leader_epoch = part.wanted.leader_epoch;
  part.ask.last_fetched_epoch = part.wanted.last_fetched_epoch;
  part.ask.committed_only = request_.isolation_level == kReadCommitted;
  part.owner = context_.shard.placement().owner(part.ask.id);
  part.resolved = true;
  if (std::ranges::find(owners_, part.owner) == owners_.end()) owners_.push_back(part.owner);
}

std::vector<size_t> FetchCall::indexes_of(ShardId owner) const {
  std::vector<size_t> indexes;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].resolved && parts_[i].owner == owner) indexes.push_back(i);
  }
  return indexes;
}

Task<void> FetchCall::look_everywhere() {
  for (const ShardId owner : owners_) {
    if (owner == reactor::this_shard().id()) {
      for (Part& part : parts_) {
        if (part.resolved && part.owner == owner) part.answer = look(context_.shard, part.ask);
      }
      continue;
    }
    const auto indexes = indexes_of(owner);
    std::vector<Ask> asks;
    for (const size_t i : indexes) asks.push_back(parts_[i].ask);
    Broker* broker = &context_.shard.broker();
    auto answers = co_await reactor::submit_to(owner, [broker, asks = std::move(asks)]() mutable {
      return look_all(broker->local(), std::move(asks));
    });
    for (size_t i = 0; i < indexes.size(); ++i) parts_[indexes[i]].answer = std::move(answers[i]);
  }
}

// Trap 27. Each partition counts for at most its own limit.
bool FetchCall::satisfied() const {
  const uint64_t wanted = std::min(static_cast<uint64_t>(std::max(request_.min_bytes, 0)),
                                   static_cast<uint64_t>(std::max(request_.max_bytes, 0)));
  const uint64_t enough = std::min(wanted, fetch_bytes_max(context_));
  uint64_t bytes = 0;
  for (const Part& part : parts_) {
    if (part.answer.immediate()) return true;
    bytes += part.answer.available;
  }
  return parts_.empty() || bytes >= enough;
}

std::vector<Awaited> FetchCall::awaited_on(ShardId owner) const {
  std::vector<Awaited> awaited;
  for (const size_t i : indexes_of(owner)) {
    const Answer& seen = parts_[i].answer;
    awaited.push_back(
        {parts_[i].ask.id, log::Offset(seen.high_watermark), log::Offset(seen.last_stable)});
  }
  return awaited;
}

Task<void> FetchCall::wait_on(ShardId owner, WaitKey key, MonoTime deadline, bool* go_on) {
  Broker* broker = &context_.shard.broker();
  const bool more = co_await reactor::submit_reserved(
      owner, [broker, key, deadline, awaited = awaited_on(owner)]() mutable {
        BrokerShard& there = broker->local();
        return there.fetch_waits().wait(there.logs(), key, std::move(awaited), deadline);
      });
  *go_on = *go_on && more;
  progress_.set();
}

Task<void> cancel_on(BrokerShard& shard, WaitKey key) {
  shard.fetch_waits().cancel(key);
  co_return;
}

// Waits on every shard at once; the first that moves ends the others.
Task<bool> FetchCall::wait_everywhere(MonoTime deadline) {
  const WaitKey key{reactor::this_shard().id().value, context_.shard.fetch_waits().next_number()};
  bool go_on = true;
  progress_.reset();
  reactor::Gate gate;
  for (const ShardId owner : owners_) {
    gate.spawn("fetch wait", wait_on(owner, key, deadline, &go_on));
  }
  co_await progress_.wait(deadline);
  Broker* broker = &context_.shard.broker();
  for (const ShardId owner : owners_) {
    co_await reactor::submit_reserved(owner,
                                      [broker, key] { return cancel_on(broker->local(), key); });
  }
  co_await gate.close();
  co_return go_on;
}

// False when the broker stops.
Task<bool> FetchCall::wait_for_progress(MonoTime deadline) {
  if (owners_.size() > 1) co_return co_await wait_everywhere(deadline);
  const ShardId owner = owners_.front();
  Broker* broker = &context_.shard.broker();
  co_return co_await reactor::submit_reserved(
      owner, [broker, deadline, awaited = awaited_on(owner)]() mutable {
        BrokerShard& there = broker->local();
        return there.fetch_waits().wait(there.logs(), std::move(awaited), deadline);
      });
}

// Shares what the response may hold among the partitions, in their order, whichever shards they are
// on; the first that has something gets a whole batch at least.
void FetchCall::share_out() {
  uint64_t left =
      std::min<uint64_t>({static_cast<uint64_t>(std::max(request_.max_bytes, 0)),
                          context_.shard.config().fetch_bytes_max, fetch_bytes_max(context_),
                          context_.shard.response_bytes_max()});
  bool first = true;
  for (Part& part : parts_) {
    if (!part.resolved || part.answer.immediate()) continue;
    const bool has_data = part.answer.available > 0;
    const uint64_t share = has_data ? std::min<uint64_t>(part.ask.bytes_max, left) : 0;
    part.ask.at_least_one = has_data && first;
    part.ask.bytes_max = static_cast<uint32_t>(share);
    left -= std::min({left, share, part.answer.available});
    first = first && !has_data;
  }
}

Task<void> FetchCall::read_everywhere() {
  share_out();
  for (const ShardId owner : owners_) {
    if (owner == reactor::this_shard().id()) {
      for (Part& part : parts_) {
        if (!part.resolved || part.owner != owner) continue;
        part.answer = co_await read_one(context_.shard, part.ask);
      }
      continue;
    }
    const auto indexes = indexes_of(owner);
    std::vector<Ask> asks;
    for (const size_t i : indexes) asks.push_back(parts_[i].ask);
    Broker* broker = &context_.shard.broker();
    auto answers = co_await reactor::submit_to(owner, [broker, asks = std::move(asks)]() mutable {
      return read_all(broker->local(), std::move(asks));
    });
    for (size_t i = 0; i < indexes.size(); ++i) parts_[indexes[i]].answer = std::move(answers[i]);
  }
}

// Clients up to version 5 do not know the storage error (trap 36).
KafkaError error_for(const RequestContext& context, KafkaError error) {
  const bool storage = error == KafkaError::kafka_storage_error;
  return storage && context.api_version <= 5 ? KafkaError::not_leader_or_follower : error;
}

void note_fetched(BrokerShard& shard, const log::LogSlice& data) {
  shard.requests().fetched_bytes.add(data.bytes);
  shard.requests().fetched_records.add(static_cast<uint64_t>(data.next.value - data.first.value));
}

// With an error there are no offsets, as Kafka answers: a client that takes one from there would
// take it from a partition that it must not read.
void forget_offsets(Answer& answer) {
  answer.data = {};
  answer.high_watermark = answer.last_stable = answer.log_start = -1;
}

void FetchCall::answer(Part& part) {
  const SessionPartition& wanted = part.wanted;
  const bool new_topic =
      reply_.responses.empty() ||
      (by_topic_id(context_) ? reply_.responses.back().topic_id != wanted.topic_id
                             : reply_.responses.back().topic != wanted.topic);
  if (new_topic) {
    auto& topic = reply_.responses.emplace_back();
    topic.topic = context_.keep(wanted.topic);
    topic.topic_id = wanted.topic_id;
  }
  Answer& a = part.answer;
  if (a.error != KafkaError::none) forget_offsets(a);
  auto& out = reply_.responses.back().partitions.emplace_back();
  out.partition_index = wanted.partition;
  out.error_code = code(error_for(context_, a.error));
  out.high_watermark = a.high_watermark;
  out.last_stable_offset = a.last_stable;
  out.log_start_offset = a.log_start;
  out.diverging_epoch.epoch = a.diverging_epoch;
  out.diverging_epoch.end_offset = a.diverging_end;
  if (a.leader_epoch >= 0) {
    out.current_leader.leader_id = context_.shard.config().node_id;
    out.current_leader.leader_epoch = a.leader_epoch;
  }
  // read_committed: a list, even if empty; read_uncommitted: null (trap 31). Kafka's answers for a
  // log that it did not come to have an empty one; those for one that refused, that diverged, or
  // whose first batch did not fit have null.
  const bool committed = request_.isolation_level == kReadCommitted;
  const bool room = bytes_given_ < static_cast<uint64_t>(std::max(request_.max_bytes, 0));
  const bool too_small = room && a.available > 0 && a.data.bytes == 0 && part.ask.bytes_max > 0;
  const bool refused = part.resolved && (a.immediate() || too_small);
  if (refused ? false : committed || !part.resolved) {
    out.aborted_transactions.emplace();
  } else {
    out.aborted_transactions.reset();
  }
  if (a.data.bytes > 0) note_fetched(context_.shard, a.data);
  bytes_given_ += a.data.bytes;
  Chain records;
  for (auto& piece : a.data.pieces) {
    records.append(piece.bytes());
    response_.held.push_back(std::move(piece));
  }
  out.records = std::move(records);  // never null (trap 29)
}

// What went while it was waited for is unknown now, as the next request would find it.
void FetchCall::rename_deleted(Part& part) const {
  if (!part.resolved || part.answer.error != KafkaError::not_leader_or_follower) return;
  if (context_.shard.image().current().find_topic(part.ask.id.topic)) return;
  part.answer.error =
      by_topic_id(context_) ? KafkaError::unknown_topic_id : KafkaError::unknown_topic_or_partition;
}

// An incremental answer names only what changed (trap 38).
void FetchCall::answer_changed(Part& part) {
  rename_deleted(part);
  const Answer& a = part.answer;
  SessionPartition* session = part.session;
  const bool changed = !session || a.immediate() || a.data.bytes > 0 ||
                       session->told_high_watermark != a.high_watermark ||
                       session->told_log_start != a.log_start;
  if (incremental_ && !changed) return;
  answer(part);
  if (!session) return;
  // When an error goes away its partition is told anew; where the reader diverged was told already.
  session->told_high_watermark = a.error != KafkaError::none ? -1 : a.high_watermark;
  session->told_log_start = a.log_start;
}

// Where a partition stands in the answer: what there is, then unknown ids, then what is unknown
// otherwise.
int rank(const Part& part) {
  if (part.resolved || part.answer.error == KafkaError::inconsistent_topic_id) return 0;
  return part.answer.error == KafkaError::unknown_topic_id ? 1 : 2;
}

void FetchCall::answer_all() {
  for (const int wanted : {0, 1, 2}) {
    for (Part& part : parts_) {
      if (rank(part) == wanted) answer_changed(part);
    }
  }
  if (!session_) return;
  // A new session keeps the order of its first answer; later what returned data goes to the end.
  if (incremental_) {
    move_to_end([](const Part& part) { return part.answer.data.bytes > 0; });
  } else {
    move_to_end([](const Part& part) { return rank(part) > 0; });
  }
}

uint64_t FetchCall::found_bytes() const {
  uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.answer.data.bytes;
  return bytes;
}

// Over a quota: the client is to ask again later and is told nothing, no new session either.
void FetchCall::answer_nothing() {
  if (incremental_ || !session_) return;
  context_.shard.fetch_sessions().remove(session_id_);
  session_ = nullptr;
  reply_.session_id = 0;
}

// Parts and the session's partitions stand in the same order.
void FetchCall::move_to_end(bool (*chosen)(const Part&)) {
  auto it = session_->partitions().begin();
  for (const Part& part : parts_) {
    const auto next = std::next(it);
    if (chosen(part)) session_->move_to_end(it);
    it = next;
  }
}

Task<void> FetchCall::run() {
  const KafkaError opened = open_session();
  if (opened != KafkaError::none) {
    reply_.error_code = code(opened);
    co_return;
  }
  reply_.session_id = session_id_;
  for (Part& part : parts_) resolve(part);
  const Duration wait = std::chrono::milliseconds(std::max(request_.max_wait_ms, 0));
  const MonoTime deadline = reactor::this_shard().now() + std::min(wait, kFetchWaitMax);
  for (;;) {
    co_await look_everywhere();
    const bool late = reactor::this_shard().now() >= deadline;
    if (satisfied() || late || context_.shard.stopping()) break;
    const Waiting waiting(context_);
    if (!co_await wait_for_progress(deadline)) break;
  }
  co_await read_everywhere();
  // The session may have been evicted meanwhile; busy ones are not.
  if (context_.quotas && co_await settle_fetch(context_, found_bytes())) {
    answer_nothing();
  } else {
    answer_all();
  }
  if (session_) session_->busy = false;
}

Task<void> fetch(RequestContext& context, const kafka::FetchRequest& request,
                 kafka::FetchResponse& reply, Response& response) {
  FetchCall call(context, request, reply, response);
  co_await call.run();
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_fetch(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::FetchRequest, kafka::FetchResponse, &fetch>(context, reader);
}

}  // namespace odradek::broker
