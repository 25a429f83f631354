#include "net/kafka/client/producer.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/init_producer_id_response.h"
#include "reactor/shard.h"

namespace odradek::client {

using reactor::Task;

namespace {

constexpr int16_t kNetwork = 13;  // no answer: retriable, and the leader may be another one now
constexpr int16_t kOutOfOrderSequence = 45;
constexpr int16_t kDuplicateSequence = 46;
constexpr Duration kRetryPause = 100ms;
constexpr Duration kAnswerGrace = 5s;  // beyond what the broker itself waits

ProducerOptions checked(ProducerOptions options) {
  options.idempotent = options.idempotent && options.acks == -1;
  return options;
}

uint64_t bytes_of(const log::Record& record) {
  uint64_t bytes = 24;
  if (record.key) bytes += record.key->size();
  if (record.value) bytes += record.value->size();
  for (const auto& header : record.headers) {
    bytes += 10 + header.key.size() + (header.value ? header.value->size() : 0);
  }
  return bytes;
}

}  // namespace

Producer::Producer(Client& client, ProducerOptions options, OnDelivery on_delivery)
    : client_(client), options_(checked(options)), on_delivery_(std::move(on_delivery)) {}

Task<Status> Producer::start(MonoTime deadline) {
  if (options_.idempotent) {
    kafka::InitProducerIdRequest request;
    request.transactional_id = std::nullopt;
    request.transaction_timeout_ms = 60'000;
    CO_TRY_ASSIGN(const auto reply,
                  co_await client_.call_until<kafka::InitProducerIdResponse>(
                      {}, request, deadline, [](const auto& answer) { return answer.error_code; }));
    if (reply.message.error_code != 0) {
      co_return fail(broker_error(reply.message.error_code, "a producer id"));
    }
    producer_id_ = reply.message.producer_id;
    producer_epoch_ = reply.message.producer_epoch;
  }
  gate_.spawn("producer", send_loop());
  co_return Status{};
}

size_t Producer::lane(std::string_view topic, int32_t partition) {
  const auto [at, fresh] =
      lane_numbers_.try_emplace({std::string(topic), partition}, lanes_.size());
  if (fresh) {
    Lane& lane = lanes_.emplace_back();
    lane.topic = topic;
    lane.partition = partition;
  }
  return at->second;
}

// --- open batches ---------------------------------------------------------------------------

bool Producer::try_send(size_t index, const log::Record& record) {
  if (fatal_ || stopping_ || buffered_bytes_ >= options_.buffer_bytes) return false;
  Lane& lane = lanes_[index];
  const uint64_t bytes = bytes_of(record);
  if (lane.open && lane.open->bytes_uncompressed() + bytes > options_.batch_bytes) seal(index);
  if (!lane.open) {
    log::BatchOptions options;
    options.compression = options_.compression;
    if (options_.idempotent) {
      options.producer_id = log::ProducerId(producer_id_);
      options.producer_epoch = log::ProducerEpoch(producer_epoch_);
      options.base_sequence = lane.next_sequence;
    }
    lane.open.emplace(options);
    lane.opened = reactor::this_shard().now();
    lane.open_bytes = 0;
    lingering_.emplace_back(lane.opened, index);
    ++unfinished_;
    work_.notify_all();
  }
  lane.open->append(record);
  lane.open_bytes += bytes;
  buffered_bytes_ += bytes;
  if (lane.open->bytes_uncompressed() >= options_.batch_bytes) seal(index);
  return true;
}

void Producer::seal(size_t index) {
  Lane& lane = lanes_[index];
  if (!lane.open) return;
  Batch& batch = lane.batches.emplace_back();
  batch.number = ++numbers_;
  batch.records = static_cast<uint32_t>(lane.open->record_count());
  batch.buffered = lane.open_bytes;
  batch.began = lane.opened;
  auto bytes = lane.open->finish();
  lane.open.reset();
  if (options_.idempotent) {
    lane.next_sequence =
        log::sequence_after(lane.next_sequence, static_cast<int32_t>(batch.records));
  }
  if (!bytes) {
    fail_all(bytes.error());
    return;
  }
  batch.bytes = std::move(*bytes);
  queue(index);
}

void Producer::seal_due(MonoTime now) {
  while (!lingering_.empty()) {
    const auto [opened, index] = lingering_.front();
    const Lane& lane = lanes_[index];
    const bool open = lane.open && lane.opened == opened;
    if (open && !flushing_ && opened + options_.linger > now) break;
    lingering_.pop_front();
    if (open) seal(index);
  }
}

void Producer::queue(size_t index) {
  Lane& lane = lanes_[index];
  if (lane.queued || !next_batch(lane)) return;
  lane.queued = true;
  ready_.push_back(index);
  work_.notify_all();
}

// The oldest batch that is not under way; null when there is none or enough are.
Producer::Batch* Producer::next_batch(Lane& lane) {
  if (lane.in_flight >= kBatchesInFlightPerPartition) return nullptr;
  const auto at = std::ranges::find(lane.batches, false, &Batch::in_flight);
  return at == lane.batches.end() ? nullptr : &*at;
}

Task<Status> Producer::wait_for_room() {
  while (!fatal_ && !stopping_ && buffered_bytes_ >= options_.buffer_bytes) {
    for (const auto& [opened, index] : lingering_) seal(index);
    lingering_.clear();
    (void)co_await changed_.wait();
  }
  if (fatal_) co_return fail(*fatal_);
  if (stopping_) co_return fail(Errc::canceled, "the producer stops");
  co_return Status{};
}

Task<Status> Producer::flush(MonoTime deadline) {
  flushing_ = true;
  work_.notify_all();
  bool in_time = true;
  while (unfinished_ > 0 && in_time && !stopping_) in_time = co_await changed_.wait(deadline);
  flushing_ = false;
  const std::optional<Error> error = std::exchange(first_error_, std::nullopt);
  if (error) co_return fail(*error);
  if (!in_time) co_return fail(Errc::timed_out, "not everything was acknowledged in time");
  co_return Status{};
}

Task<void> Producer::stop() {
  stopping_ = true;
  work_.notify_all();
  changed_.notify_all();
  for (const auto& [node, requests] : requests_) {
    Link* link = client_.usable_link({.node = node, .purpose = Purpose::produce});
    if (link && requests > 0) link->connection->abort();
  }
  co_await gate_.close();
}

// --- sending --------------------------------------------------------------------------------

int32_t Producer::leader_of(const Lane& lane) const {
  const Topic* topic = client_.metadata().topic(lane.topic);
  const Partition* partition = topic ? topic->partition(lane.partition) : nullptr;
  return partition ? partition->leader : kAnyNode;
}

MonoTime Producer::next_event() const {
  MonoTime next = kMonoMax;
  if (!lingering_.empty()) next = lingering_.front().first + options_.linger;
  if (!retries_.empty()) next = std::min(next, retries_.front().first);
  // What cannot be sent now is looked at again, so that it is given up in time.
  if (!ready_.empty()) next = std::min(next, reactor::this_shard().now() + kBackOffMax);
  return next;
}

void Producer::move_retries(MonoTime now) {
  while (!retries_.empty() && retries_.front().first <= now) {
    ready_.push_back(retries_.front().second);
    retries_.pop_front();
  }
}

Task<void> Producer::send_loop() {
  while (!stopping_) {
    const MonoTime now = reactor::this_shard().now();
    seal_due(now);
    move_retries(now);
    if (send_ready()) {
      co_await reactor::yield();
    } else {
      (void)co_await work_.wait(next_event());
    }
  }
}

// Sends what can be sent. True when something was.
bool Producer::send_ready() {
  std::map<int32_t, std::vector<size_t>> by_leader;
  for (const size_t index : std::exchange(ready_, {})) {
    lanes_[index].queued = false;
    by_leader[leader_of(lanes_[index])].push_back(index);
  }
  bool sent = false;
  for (const auto& [node, lanes] : by_leader) {
    if (node == kAnyNode) {
      if (!std::exchange(finding_leaders_, true)) gate_.spawn("find leaders", find_leaders());
    } else if (requests_[node] < options_.requests_in_flight) {
      sent |= send_to(node, lanes);
    }
    const MonoTime now = reactor::this_shard().now();
    for (const size_t index : lanes) {
      Lane& lane = lanes_[index];
      if (!lane.batches.empty() && !lane.batches.front().in_flight &&
          lane.batches.front().began + options_.delivery_timeout < now) {
        const Error late(Errc::timed_out,
                         fmt::format("{}-{}: not delivered within {} s", lane.topic, lane.partition,
                                     options_.delivery_timeout / 1s));
        finish(index, lane.batches.front().number, -1, &late);
        if (options_.idempotent) fail_all(late);
      }
      queue(index);
    }
  }
  return sent;
}

kafka::ProduceRequest Producer::make_request(const std::vector<size_t>& lanes, Sent& sent) {
  kafka::ProduceRequest request;
  request.acks = options_.acks;
  request.timeout_ms = static_cast<int32_t>(client_.options().request_timeout / 1ms);
  size_t bytes = 0;
  std::map<std::string_view, std::vector<size_t>> by_topic;
  for (const size_t index : lanes) by_topic[lanes_[index].topic].push_back(index);
  for (const auto& [name, members] : by_topic) {
    auto& topic = request.topic_data.emplace_back();
    topic.name = name;
    if (const Topic* known = client_.metadata().topic(name)) topic.topic_id = known->id;
    for (const size_t index : members) {
      Lane& lane = lanes_[index];
      Batch* batch = next_batch(lane);
      if (!batch || (bytes > 0 && bytes + batch->bytes.size() > kProduceRequestBytes)) continue;
      bytes += batch->bytes.size();
      batch->sent_first = batch == &lane.batches.front();
      batch->in_flight = true;
      ++lane.in_flight;
      sent.batches.emplace_back(index, batch->number);
      auto& partition = topic.partition_data.emplace_back();
      partition.index = lane.partition;
      partition.records = Chain(BytesView(batch->bytes));
    }
    if (topic.partition_data.empty()) request.topic_data.pop_back();
  }
  return request;
}

// One request with the next batch of each lane. False when there is no connection yet.
bool Producer::send_to(int32_t node, const std::vector<size_t>& lanes) {
  Link* link = client_.usable_link({.node = node, .purpose = Purpose::produce});
  if (!link) {
    if (connecting_.insert(node).second) gate_.spawn("producer connect", make_link(node));
    return false;
  }
  const auto version = Client::choose_version(*link, kafka::ProduceRequest::api_key);
  if (!version) {
    fail_all(version.error());
    return false;
  }
  Sent sent;
  const kafka::ProduceRequest request = make_request(lanes, sent);
  if (sent.batches.empty()) return false;
  Connection& connection = *link->connection;
  Ticket ticket = options_.acks == 0 ? connection.post_unanswered(*version, request)
                                     : connection.post(*version, request);
  ++requests_[node];
  gate_.spawn("producer answer",
              await_answer(node, connection, std::move(ticket), *version, std::move(sent)));
  return true;
}

// `connection` lives as long as the ticket.
Task<void> Producer::await_answer(int32_t node, Connection& connection, Ticket ticket,
                                  int16_t version, Sent sent) {
  const MonoTime deadline = client_.until_timeout() + kAnswerGrace;
  if (options_.acks == 0) {
    const Status status = co_await connection.wait_sent(std::move(ticket), deadline);
    for (const auto& [lane, number] : sent.batches) {
      finish(lane, number, -1, status ? nullptr : &status.error());
    }
  } else {
    const auto reply =
        co_await connection.answer<kafka::ProduceResponse>(std::move(ticket), version, deadline);
    if (reply) {
      take_answer(reply->message, sent);
    } else if (reply.error().code == Errc::malformed) {
      fail_all(reply.error());
    } else {
      for (const auto& [lane, number] : sent.batches) take_code(lane, number, kNetwork, -1, {});
    }
  }
  --requests_[node];
  work_.notify_all();
}

Task<void> Producer::make_link(int32_t node) {
  const auto link = co_await client_.connect({.node = node, .purpose = Purpose::produce},
                                             client_.until_timeout());
  if (!link && !stopping_) co_await find_leaders();
  connecting_.erase(node);
  work_.notify_all();
}

Task<void> Producer::find_leaders() {
  finding_leaders_ = true;
  Duration back_off = kBackOffFirst;
  (void)co_await client_.pause(back_off, kMonoMax);
  std::set<std::string> names;
  for (const Lane& lane : lanes_) {
    if (!lane.batches.empty()) names.insert(lane.topic);
  }
  if (!stopping_) {
    (void)co_await client_.refresh(std::vector<std::string>(names.begin(), names.end()),
                                   reactor::this_shard().now() + kRefreshTimeout);
  }
  finding_leaders_ = false;
  work_.notify_all();
}

// --- answers --------------------------------------------------------------------------------

void Producer::take_answer(const kafka::ProduceResponse& answer, const Sent& sent) {
  // In whatever order the broker lists them: by topic and partition.
  std::map<std::pair<std::string_view, int32_t>,
           const kafka::ProduceResponse::PartitionProduceResponse*>
      by_partition;
  for (const auto& topic : answer.responses) {
    const Topic* known =
        topic.topic_id.is_zero() ? nullptr : client_.metadata().topic(topic.topic_id);
    const std::string_view name = known ? std::string_view(known->name) : topic.name;
    for (const auto& partition : topic.partition_responses) {
      by_partition[{name, partition.index}] = &partition;
    }
  }
  for (const auto& [index, number] : sent.batches) {
    const Lane& lane = lanes_[index];
    const auto at = by_partition.find({lane.topic, lane.partition});
    if (at == by_partition.end()) {
      // A topic that came anew under the same name meanwhile: its id is another one now.
      take_code(index, number, kNetwork, -1, {});
      continue;
    }
    take_code(index, number, at->second->error_code, at->second->base_offset,
              at->second->error_message);
  }
}

void Producer::take_code(size_t index, uint64_t number, int16_t code, int64_t offset,
                         std::optional<std::string_view> message) {
  Lane& lane = lanes_[index];
  const auto batch = std::ranges::find(lane.batches, number, &Batch::number);
  if (batch == lane.batches.end()) return;  // given up meanwhile
  if (code == 0 || (code == kDuplicateSequence && options_.idempotent)) {
    finish(index, number, code == 0 ? offset : -1, nullptr);
    return;
  }
  // What was sent behind a batch that failed comes too early, and goes again after it.
  const bool too_early = code == kOutOfOrderSequence && options_.idempotent && !batch->sent_first;
  if (too_early || is_retriable(code)) {
    batch->in_flight = false;
    --lane.in_flight;
    if (is_stale_metadata(code) && !std::exchange(finding_leaders_, true)) {
      gate_.spawn("find leaders", find_leaders());
    }
    retry_later(index);
    return;
  }
  const Error error =
      broker_error(code, fmt::format("produce to {}-{}", lane.topic, lane.partition), message);
  finish(index, number, -1, &error);
  // The broker misses the sequence numbers of what it refused: nothing after it would be taken.
  if (options_.idempotent) fail_all(error);
}

void Producer::retry_later(size_t index) {
  if (std::exchange(lanes_[index].queued, true)) return;
  retries_.emplace_back(reactor::this_shard().now() + kRetryPause, index);
  work_.notify_all();
}

void Producer::finish(size_t index, uint64_t number, int64_t offset, const Error* error) {
  Lane& lane = lanes_[index];
  const auto batch = std::ranges::find(lane.batches, number, &Batch::number);
  if (batch == lane.batches.end()) return;
  Delivery delivery;
  delivery.topic = lane.topic;
  delivery.partition = lane.partition;
  delivery.base_offset = offset;
  delivery.records = batch->records;
  delivery.bytes = batch->bytes.size();
  delivery.waited = reactor::this_shard().now() - batch->began;
  delivery.error = error;
  if (batch->in_flight) --lane.in_flight;
  buffered_bytes_ -= batch->buffered;
  --unfinished_;
  lane.batches.erase(batch);
  if (error && !first_error_) first_error_ = *error;
  if (on_delivery_) on_delivery_(delivery);
  queue(index);
  changed_.notify_all();
}

void Producer::fail_all(const Error& error) {
  if (fatal_) return;
  fatal_ = error;
  for (size_t index = 0; index < lanes_.size(); ++index) {
    Lane& lane = lanes_[index];
    if (lane.open) {
      Batch& batch = lane.batches.emplace_back();
      batch.number = ++numbers_;
      batch.records = static_cast<uint32_t>(lane.open->record_count());
      batch.buffered = lane.open_bytes;
      batch.began = lane.opened;
      lane.open.reset();
    }
    while (!lane.batches.empty()) finish(index, lane.batches.front().number, -1, &*fatal_);
  }
  changed_.notify_all();
}

}  // namespace odradek::client
