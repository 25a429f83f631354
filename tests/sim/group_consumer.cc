#include "tests/sim/group_consumer.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "net/kafka/messages/consumer_group_heartbeat_request.h"
#include "net/kafka/messages/consumer_group_heartbeat_response.h"
#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"
#include "net/kafka/messages/offset_fetch_request.h"
#include "net/kafka/messages/offset_fetch_response.h"
#include "tests/sim/client.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr int16_t kUnknownMember = 25;
constexpr int16_t kFencedInstance = 82;
constexpr int16_t kFencedEpoch = 110;
constexpr int16_t kUnreleased = 111;
// Nobody is put out for giving up slowly: the oracle could not tell when.
constexpr int32_t kRebalanceMs = 600'000;

MonoTime now() { return reactor::this_shard().now(); }

class GroupConsumer {
 public:
  GroupConsumer(Stage& stage, MemberOptions options)
      : stage_(stage), options_(std::move(options)), prng_(options_.seed) {}
  Task<void> run();

 private:
  template <class Message, class Request>
  Task<std::optional<Reply<Message>>> ask(int16_t version, Request request) {
    auto reply = co_await connection_->call<Message>(version, std::move(request), now() + 5s);
    if (reply) co_return std::move(*reply);
    if (reply.error().code == Errc::malformed) {
      stage_.oracle.fail("protocol", std::string(Message::message_name) + ": malformed");
    }
    co_return std::nullopt;
  }
  Task<bool> connect();
  Task<void> disconnect();
  Task<bool> beat(int32_t epoch);
  Task<void> take(const kafka::ConsumerGroupHeartbeatResponse::Assignment& assignment,
                  int32_t had_epoch);
  Task<bool> fetch(const std::set<int32_t>& partitions);
  Task<void> commit_one();
  Task<void> commit(int32_t epoch, int32_t partition, int64_t offset);
  Task<void> misbehave();
  Task<void> nap(uint64_t ms_max) {
    co_await reactor::sleep_for(std::chrono::milliseconds(prng_.between(1, ms_max)));
  }
  void give_up() {
    id_.clear();
    epoch_ = 0;
    positions_.clear();
    lost_.reset();
  }
  std::set<int32_t> owned() const {
    std::set<int32_t> out;
    for (const auto& [partition, position] : positions_) out.insert(partition);
    return out;
  }
  bool finished() const {
    return (stage_.producing_done && worked_at_end_) || stage_.oracle.violation();
  }
  const TopicFacts& topic() const { return stage_.topics.front(); }

  Stage& stage_;
  MemberOptions options_;
  Prng prng_;
  std::unique_ptr<Connection> connection_;
  std::string id_;
  int32_t epoch_ = 0;
  uint64_t lives_ = 0;
  std::map<int32_t, int64_t> positions_;  // of owned partitions
  struct Lost {
    int32_t epoch = 0;
    int32_t partition = 0;
    int64_t offset = 0;
  };
  std::optional<Lost> lost_;  // a partition it had to give up, and when it had it
  bool worked_at_end_ = false;
};

Task<bool> GroupConsumer::connect() {
  if (connection_ && connection_->usable()) co_return true;
  co_await disconnect();
  auto fresh = std::make_unique<Connection>(options_.name);
  if (!co_await fresh->open(stage_.broker, now() + 5s)) {
    co_await fresh->close();
    co_return false;
  }
  connection_ = std::move(fresh);
  kafka::FindCoordinatorRequest find;
  find.coordinator_keys = {kConsumersGroup};
  const auto found = co_await ask<kafka::FindCoordinatorResponse>(4, std::move(find));
  co_return found && found->message.coordinators.at(0).error_code == 0;
}

Task<void> GroupConsumer::disconnect() {
  if (connection_) co_await connection_->close();
  connection_.reset();
}

// Says everything each time, as a client does that may have lost an answer.
Task<bool> GroupConsumer::beat(int32_t epoch) {
  if (id_.empty()) id_ = fmt::format("{}-{}", options_.name, ++lives_);
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = kConsumersGroup;
  request.member_id = id_;
  request.member_epoch = epoch;
  if (options_.is_static) request.instance_id = options_.name;
  request.rebalance_timeout_ms = kRebalanceMs;
  const std::string name = topic().name;
  request.subscribed_topic_names.emplace().push_back(name);
  const auto has = epoch > 0 ? owned() : std::set<int32_t>{};
  auto& list = request.topic_partitions.emplace();
  if (!has.empty()) list.push_back({topic().id, {has.begin(), has.end()}});
  stage_.consumers.says(id_, has);
  const MonoTime sent = now();
  const auto reply = co_await ask<kafka::ConsumerGroupHeartbeatResponse>(1, std::move(request));
  if (epoch < 0) co_return reply.has_value();
  if (!reply) {
    co_await disconnect();
    co_return false;
  }
  // What is so old may be over.
  if (now() - sent >= kConsumerSession) {
    give_up();
    co_return false;
  }
  const auto& answer = reply->message;
  const int16_t error = answer.error_code;
  if (error == kFencedEpoch || error == kUnknownMember || error == kFencedInstance) give_up();
  if (error != 0) co_return false;
  const int32_t had_epoch = std::exchange(epoch_, answer.member_epoch);
  stage_.consumers.heard(id_, sent);
  if (answer.assignment) co_await take(*answer.assignment, had_epoch);
  co_return !id_.empty();
}

Task<void> GroupConsumer::take(const kafka::ConsumerGroupHeartbeatResponse::Assignment& assignment,
                               int32_t had_epoch) {
  std::set<int32_t> shall;
  for (const auto& t : assignment.topic_partitions) {
    shall.insert(t.partitions.begin(), t.partitions.end());
  }
  for (auto at = positions_.begin(); at != positions_.end();) {
    if (shall.contains(at->first)) {
      ++at;
    } else {
      lost_ = Lost{had_epoch, at->first, at->second};
      at = positions_.erase(at);
    }
  }
  std::set<int32_t> fresh;
  for (const int32_t p : shall) {
    stage_.consumers.told(id_, p, now());
    if (!positions_.contains(p)) fresh.insert(p);
  }
  stage_.say([&] {
    return fmt::format("{}: {} epoch {} has {} partitions", options_.name, id_, epoch_,
                       shall.size());
  });
  if (!fresh.empty() && !co_await fetch(fresh)) give_up();
}

Task<bool> GroupConsumer::fetch(const std::set<int32_t>& partitions) {
  kafka::OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = kConsumersGroup;
  group.member_id = id_;
  group.member_epoch = epoch_;
  auto& wanted = group.topics->emplace_back();
  const std::string name = topic().name;
  wanted.name = name;
  wanted.partition_indexes.assign(partitions.begin(), partitions.end());
  request.require_stable = true;
  const auto asked = stage_.consumers.ask();
  const auto reply = co_await ask<kafka::OffsetFetchResponse>(9, std::move(request));
  if (!reply || reply->message.groups.at(0).error_code != 0) co_return false;
  for (const auto& t : reply->message.groups[0].topics) {
    for (const auto& p : t.partitions) {
      stage_.consumers.fetched(asked, p.partition_index, p.committed_offset);
      positions_[p.partition_index] = std::max<int64_t>(p.committed_offset, 0);
    }
  }
  co_return true;
}

// Without an answer nobody knows what became of it, and the member gives its identity up.
Task<void> GroupConsumer::commit(int32_t epoch, int32_t partition, int64_t offset) {
  kafka::OffsetCommitRequest request;
  request.group_id = kConsumersGroup;
  request.generation_id_or_member_epoch = epoch;
  request.member_id = id_;
  auto& t = request.topics.emplace_back();
  const std::string name = topic().name;
  t.name = name;
  auto& p = t.partitions.emplace_back();
  p.partition_index = partition;
  p.committed_offset = offset;
  const auto asked = stage_.consumers.ask();
  const std::string me = id_;
  const auto reply = co_await ask<kafka::OffsetCommitResponse>(9, std::move(request));
  if (!reply) {
    co_await disconnect();
    co_return give_up();
  }
  if (reply->message.topics.at(0).partitions.at(0).error_code != 0) {
    co_return stage_.consumers.refused();
  }
  stage_.consumers.committed(asked, me, partition, offset);
  const auto at = positions_.find(partition);
  if (at != positions_.end()) at->second = std::max(at->second, offset);
  if (stage_.producing_done) worked_at_end_ = true;
}

Task<void> GroupConsumer::commit_one() {
  if (positions_.empty() || !connection_) co_return;
  auto at = positions_.begin();
  std::advance(at, static_cast<int64_t>(prng_.below(positions_.size())));
  co_await commit(epoch_, at->first, at->second + static_cast<int64_t>(prng_.between(1, 10)));
}

// Nothing of this while the world is healed and everybody is to finish.
Task<void> GroupConsumer::misbehave() {
  if (stage_.producing_done || id_.empty()) co_return;
  switch (prng_.below(30)) {
    case 0:  // a crash: gone without a word
      co_await disconnect();
      give_up();
      co_await nap(2'000);
      break;
    case 1:  // a pause, perhaps beyond the session; then as if nothing had been
      co_await nap(3'000);
      co_await commit_one();
      break;
    case 2:  // a late commit of what it no longer has; with its present epoch it would be taken
      if (lost_ && lost_->epoch < epoch_ && !positions_.contains(lost_->partition)) {
        const Lost late = *std::exchange(lost_, std::nullopt);
        co_await commit(late.epoch, late.partition, late.offset);
      }
      break;
    case 3:
      co_await beat(options_.is_static && prng_.chance(1, 2) ? -2 : -1);
      give_up();
      break;
    case 4:  // joins again without a reason
      positions_.clear();
      epoch_ = 0;
      break;
    default: break;
  }
}

Task<void> GroupConsumer::run() {
  while (stage_.topics.empty() || !stage_.topics.front().alive()) {
    if (finished()) co_return;
    co_await nap(100);
  }
  uint64_t idle = 0;
  while (!finished()) {
    if (!co_await connect() || !co_await beat(epoch_)) {
      if (!finished()) co_await nap(300);
      continue;
    }
    // With more members than partitions somebody has nothing, and is done with that.
    idle = positions_.empty() ? idle + 1 : 0;
    if (stage_.producing_done && idle > 10) worked_at_end_ = true;
    for (uint64_t i = prng_.below(6); i > 0; --i) co_await commit_one();
    if (connection_) co_await misbehave();
    co_await nap(200);
  }
  if (connection_ && connection_->usable() && !id_.empty()) (void)co_await beat(-1);
  co_await disconnect();
}

}  // namespace

Task<int> group_consumer_main(Stage& stage, MemberOptions options) {
  GroupConsumer member(stage, std::move(options));
  co_await member.run();
  co_return 0;
}

}  // namespace odradek::simulation
