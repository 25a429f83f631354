#include "net/kafka/client/fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "log/batch/batch_walker.h"
#include "reactor/shard.h"

namespace odradek::client {

using reactor::Task;

static constexpr int16_t kFetchSessionIdNotFound = 70;
static constexpr int16_t kInvalidFetchSessionEpoch = 71;

size_t Fetcher::add(std::string topic, int32_t partition, int64_t offset) {
  positions_.push_back({std::move(topic), partition, offset, true});
  return positions_.size() - 1;
}

int32_t Fetcher::leader_of(const Position& position) const {
  const Topic* topic = client_.metadata().topic(position.topic);
  const Partition* partition = topic ? topic->partition(position.partition) : nullptr;
  return partition ? partition->leader : kAnyNode;
}

std::vector<size_t> Fetcher::positions_of(int32_t node) const {
  std::vector<size_t> out;
  for (size_t i = 0; i < positions_.size(); ++i) {
    if (positions_[i].active && leader_of(positions_[i]) == node) out.push_back(i);
  }
  // One entry a topic in a request.
  std::ranges::sort(out, [this](size_t a, size_t b) {
    return std::tie(positions_[a].topic, a) < std::tie(positions_[b].topic, b);
  });
  return out;
}

void Fetcher::start() { start_workers(); }

void Fetcher::start_workers() {
  for (const Position& position : positions_) {
    if (!position.active || stopping_) continue;
    const int32_t node = leader_of(position);
    if (workers_.insert(node).second) gate_.spawn("fetch", work(node));
  }
}

Task<void> Fetcher::work(int32_t node) {
  Session session;
  Duration back_off = kBackOffFirst;
  while (!stopping_ && !error_) {
    if (buffered_bytes_ >= options_.buffer_bytes) {
      (void)co_await changed_.wait();
      continue;
    }
    std::vector<size_t> members = positions_of(node);
    if (members.empty()) break;
    bool good = false;
    if (node != kAnyNode) {
      if (members != session.members) {
        session.members = std::move(members);
        session.epoch = 0;  // a new session in place of the old one
        session.told.assign(session.members.size(), -1);
      }
      good = co_await fetch_from(node, session);
    }
    if (good) {
      back_off = kBackOffFirst;
      continue;
    }
    if (stopping_ || error_ || !co_await client_.pause(back_off, kMonoMax)) break;
    co_await find_leaders();
    start_workers();
  }
  workers_.erase(node);
  if (!error_ && !client_.stopping()) start_workers();
  changed_.notify_all();
}

Task<void> Fetcher::find_leaders() {
  std::set<std::string> names;
  for (const Position& position : positions_) {
    if (position.active) names.insert(position.topic);
  }
  (void)co_await client_.refresh(std::vector<std::string>(names.begin(), names.end()),
                                 reactor::this_shard().now() + kRefreshTimeout);
}

kafka::FetchRequest Fetcher::make_request(Session& session) {
  kafka::FetchRequest request;
  request.replica_id = -1;
  request.max_wait_ms = static_cast<int32_t>(options_.wait_max / 1ms);
  request.min_bytes = options_.bytes_min;
  request.max_bytes = options_.bytes_max;
  request.session_id = options_.sessions ? session.id : 0;
  request.session_epoch = options_.sessions ? session.epoch : -1;
  for (size_t i = 0; i < session.members.size(); ++i) {
    const Position& position = positions_[session.members[i]];
    if (options_.sessions && !session.full() && session.told[i] == position.offset) continue;
    session.told[i] = position.offset;
    if (request.topics.empty() || request.topics.back().topic != position.topic) {
      auto& topic = request.topics.emplace_back();
      topic.topic = position.topic;
      const Topic* known = client_.metadata().topic(position.topic);
      if (known) topic.topic_id = known->id;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition = position.partition;
    partition.fetch_offset = position.offset;
    partition.partition_max_bytes = options_.partition_bytes_max;
  }
  return request;
}

void Fetcher::advance_session(Session& session, const kafka::FetchResponse& answer) const {
  session.id = answer.session_id;
  if (answer.session_id == 0) {
    session.epoch = 0;  // the broker has no room for one: full requests
  } else {
    session.epoch = session.epoch == INT32_MAX ? 1 : session.epoch + 1;
  }
}

// One request. False when leaders should be looked up, after a pause.
Task<bool> Fetcher::fetch_from(int32_t node, Session& session) {
  const MonoTime deadline = client_.until_timeout() + options_.wait_max;
  auto reply = co_await client_.call_once<kafka::FetchResponse>(
      {.node = node, .purpose = Purpose::fetch}, make_request(session), deadline);
  if (!reply) {
    const Errc code = reply.error().code;
    if (code == Errc::unsupported || code == Errc::malformed) error_ = reply.error();
    changed_.notify_all();
    session = Session{};
    co_return false;
  }
  const int16_t code = reply->message.error_code;
  if (code != 0) {
    const int32_t id = code == kInvalidFetchSessionEpoch ? session.id : 0;
    session = Session{};
    session.id = id;
    if (!is_retriable(code)) error_ = broker_error(code, "fetch");
    changed_.notify_all();
    co_return code == kFetchSessionIdNotFound || code == kInvalidFetchSessionEpoch;
  }
  advance_session(session, reply->message);
  co_return take(std::move(*reply));
}

std::optional<size_t> Fetcher::find(const kafka::FetchResponse::FetchableTopicResponse& topic,
                                    int32_t partition) const {
  const Topic* known =
      topic.topic_id.is_zero() ? nullptr : client_.metadata().topic(topic.topic_id);
  const std::string_view name = known ? std::string_view(known->name) : topic.topic;
  for (size_t i = 0; i < positions_.size(); ++i) {
    if (positions_[i].partition == partition && positions_[i].topic == name) return i;
  }
  return std::nullopt;
}

Fetched Fetcher::take_partition(size_t index, const kafka::FetchResponse::PartitionData& data) {
  Position& position = positions_[index];
  Fetched out;
  out.position = index;
  out.first_offset = out.next_offset = position.offset;
  out.high_watermark = data.high_watermark;
  const std::string name = fmt::format("{}-{}", position.topic, position.partition);
  if (data.error_code != 0) {
    out.error = broker_error(data.error_code,
                             fmt::format("fetch of {} at offset {}", name, position.offset));
  } else if (data.records) {
    out.records = *data.records;
    log::BatchWalker walker(out.records, log::CrcCheck::no);
    log::WalkStep step = walker.next();
    for (; step.kind == log::WalkStep::Kind::batch; step = walker.next()) {
      out.next_offset = std::max(out.next_offset, step.header.next_offset().value);
    }
    if (step.kind == log::WalkStep::Kind::corrupt || (walker.position() == 0 && step.size_bytes)) {
      out.error =
          Error(Errc::malformed, fmt::format("fetch of {} at offset {}: no whole batch came: {}",
                                             name, position.offset, step.reason));
    }
  }
  if (out.error) position.active = false;
  position.offset = out.next_offset;
  return out;
}

// False when a partition's error asks for another leader.
bool Fetcher::take(Reply<kafka::FetchResponse> reply) {
  bool good = true;
  auto answer = std::make_unique<FetchAnswer>();
  answer->reply = std::move(reply);
  for (const auto& topic : answer->reply.message.responses) {
    for (const auto& data : topic.partitions) {
      const auto index = find(topic, data.partition_index);
      if (!index || !positions_[*index].active) continue;
      if (is_retriable(data.error_code)) {
        good = false;
        continue;
      }
      Fetched fetched = take_partition(*index, data);
      if (fetched.records.empty() && !fetched.error) continue;
      answer->partitions.push_back(std::move(fetched));
    }
  }
  if (answer->partitions.empty()) return good;
  buffered_bytes_ += answer->reply.frame.size();
  answers_.push_back(std::move(answer));
  changed_.notify_all();
  return good;
}

Task<std::unique_ptr<FetchAnswer>> Fetcher::next(MonoTime deadline) {
  while (answers_.empty() && !stopping_ && !error_) {
    if (!co_await changed_.wait(deadline)) co_return nullptr;
  }
  if (answers_.empty()) co_return nullptr;
  auto answer = std::move(answers_.front());
  answers_.pop_front();
  buffered_bytes_ -= answer->reply.frame.size();
  changed_.notify_all();
  co_return answer;
}

// A fetch that waits at the broker is cut off: its connection is for fetches alone.
Task<void> Fetcher::stop() {
  stopping_ = true;
  changed_.notify_all();
  for (const int32_t node : workers_) {
    Link* link = client_.usable_link({.node = node, .purpose = Purpose::fetch});
    if (link) link->connection->abort();
  }
  co_await gate_.close();
}

}  // namespace odradek::client
