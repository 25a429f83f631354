#include "tests/sim/expiring_group.h"

#include <fmt/format.h>

#include "net/kafka/messages/consumer_group_heartbeat_request.h"
#include "net/kafka/messages/consumer_group_heartbeat_response.h"
#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"
#include "net/kafka/messages/heartbeat_request.h"
#include "net/kafka/messages/heartbeat_response.h"
#include "net/kafka/messages/join_group_request.h"
#include "net/kafka/messages/join_group_response.h"
#include "net/kafka/messages/leave_group_request.h"
#include "net/kafka/messages/leave_group_response.h"
#include "net/kafka/messages/offset_commit_request.h"
#include "net/kafka/messages/offset_commit_response.h"
#include "net/kafka/messages/offset_fetch_request.h"
#include "net/kafka/messages/offset_fetch_response.h"
#include "net/kafka/messages/sync_group_request.h"
#include "net/kafka/messages/sync_group_response.h"
#include "tests/sim/ask.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr int16_t kMemberIdRequired = 79;
constexpr int32_t kSessionMs = 3'000;

MonoTime now() { return reactor::this_shard().now(); }

// What a consumer says in a JoinGroup (ConsumerProtocolSubscription, version 0).
std::vector<uint8_t> subscription(const std::vector<TopicFacts*>& topics) {
  std::vector<uint8_t> out{0, 0, 0, 0, 0, static_cast<uint8_t>(topics.size())};
  for (const TopicFacts* topic : topics) {
    out.push_back(0);
    out.push_back(static_cast<uint8_t>(topic->name.size()));
    out.insert(out.end(), topic->name.begin(), topic->name.end());
  }
  out.insert(out.end(), 4, 0xff);
  return out;
}

class ExpiringGroup {
 public:
  ExpiringGroup(Stage& stage, ExpiringGroupOptions options)
      : stage_(stage), options_(std::move(options)), prng_(options_.seed) {}
  Task<void> run();

 private:
  bool over() const { return stage_.oracle.violation().has_value(); }
  bool is(GroupKind kind) const { return options_.kind == kind; }
  Task<void> nap(uint64_t ms_max) {
    co_await reactor::sleep_for(std::chrono::milliseconds(prng_.between(1, ms_max)));
  }
  Task<bool> connect();
  Task<bool> lost() {
    co_await connection_->close();
    connection_.reset();
    co_return false;
  }
  Task<void> live();
  Task<void> stay(Duration duration);
  Task<void> watch();
  Task<bool> beat();
  Task<bool> join();
  Task<bool> sync();
  Task<bool> beat_classic();
  Task<bool> beat_consumer(int32_t epoch);
  Task<void> leave();
  Task<void> commit(TopicFacts& topic);
  Task<bool> commit_once(TopicFacts& topic);
  Task<bool> look();

  Stage& stage_;
  ExpiringGroupOptions options_;
  Prng prng_;
  std::unique_ptr<Connection> connection_;
  // Of the present group.
  uint64_t groups_ = 0;
  std::string group_;
  std::optional<ExpiringOffsets> offsets_;
  std::vector<TopicFacts*> topics_;      // committed
  std::vector<TopicFacts*> subscribed_;  // of them
  std::string id_;                       // of the member; empty: none
  int32_t epoch_ = -1;                   // or generation
  MonoTime since_ = kMonoMax;            // it has been in the group with this subscription
  uint64_t lives_ = 0;
  int64_t next_ = 0;
};

Task<bool> ExpiringGroup::connect() {
  if (connection_ && connection_->usable()) co_return true;
  if (connection_) co_await connection_->close();
  connection_ = std::make_unique<Connection>(options_.name);
  if (!co_await connection_->open(stage_.broker, in(5s))) co_return co_await lost();
  // It is this broker; asking has it make the topic of the offsets.
  kafka::FindCoordinatorRequest find;
  find.coordinator_keys = {group_};
  const auto found =
      co_await ask<kafka::FindCoordinatorResponse>(stage_, *connection_, 4, std::move(find));
  if (found && found->message.coordinators.at(0).error_code == 0) co_return true;
  co_return co_await lost();
}

// A member id first, then the group, then the assignment, of which nobody asks what it is.
Task<bool> ExpiringGroup::join() {
  kafka::JoinGroupRequest request;
  request.group_id = group_;
  request.session_timeout_ms = kSessionMs;
  request.rebalance_timeout_ms = kSessionMs;
  request.protocol_type = "consumer";
  const auto said = subscription(subscribed_);
  request.protocols.push_back({"range", BytesView(said)});
  request.member_id = id_;
  since_ = kMonoMax;
  const auto reply =
      co_await ask<kafka::JoinGroupResponse>(stage_, *connection_, 5, std::move(request));
  if (!reply) co_return co_await lost();
  const int16_t error = reply->message.error_code;
  id_ = error == 0 || error == kMemberIdRequired ? std::string(reply->message.member_id) : "";
  epoch_ = error == 0 ? reply->message.generation_id : -1;
  co_return error == 0 && co_await sync();
}

Task<bool> ExpiringGroup::sync() {
  kafka::SyncGroupRequest request;
  request.group_id = group_;
  request.generation_id = epoch_;
  request.member_id = id_;
  const std::vector<uint8_t> share{1};
  request.assignments.push_back({id_, BytesView(share)});
  const auto reply =
      co_await ask<kafka::SyncGroupResponse>(stage_, *connection_, 3, std::move(request));
  if (!reply) co_return co_await lost();
  if (reply->message.error_code != 0) epoch_ = -1;
  co_return reply->message.error_code == 0;
}

Task<bool> ExpiringGroup::beat_classic() {
  if (id_.empty() || epoch_ < 0) {
    if (!co_await join()) co_return false;
  }
  kafka::HeartbeatRequest request;
  request.group_id = group_;
  request.generation_id = epoch_;
  request.member_id = id_;
  const auto reply =
      co_await ask<kafka::HeartbeatResponse>(stage_, *connection_, 3, std::move(request));
  if (!reply) co_return co_await lost();
  if (reply->message.error_code != 0) epoch_ = -1;
  co_return reply->message.error_code == 0;
}

// Says everything each time. Epochs: 0 joins, -1 leaves.
Task<bool> ExpiringGroup::beat_consumer(int32_t epoch) {
  if (id_.empty()) id_ = fmt::format("{}-{}", options_.name, ++lives_);
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = group_;
  request.member_id = id_;
  request.member_epoch = epoch;
  request.rebalance_timeout_ms = kSessionMs;
  auto& names = request.subscribed_topic_names.emplace();
  for (const TopicFacts* topic : subscribed_) names.push_back(topic->name);
  request.topic_partitions.emplace();
  const auto reply = co_await ask<kafka::ConsumerGroupHeartbeatResponse>(stage_, *connection_, 1,
                                                                         std::move(request));
  if (!reply) {
    since_ = kMonoMax;
    co_return co_await lost();
  }
  if (reply->message.error_code == 0) {
    epoch_ = reply->message.member_epoch;
  } else {
    epoch_ = -1;
    since_ = kMonoMax;
    id_.clear();
  }
  co_return reply->message.error_code == 0;
}

// Whether it is in the group.
Task<bool> ExpiringGroup::beat() {
  offsets_->entering();
  if (!co_await connect()) co_return false;
  MonoTime sent = now();
  const bool there = is(GroupKind::consumer) ? co_await beat_consumer(std::max(epoch_, 0))
                                             : co_await beat_classic();
  if (there && since_ == kMonoMax) since_ = now();
  if (there) offsets_->member_there(sent, since_);
  co_return there;
}

Task<bool> ExpiringGroup::commit_once(TopicFacts& topic) {
  if (!co_await connect()) co_return false;
  if (!is(GroupKind::simple) && epoch_ < 0 && !co_await beat()) co_return false;
  kafka::OffsetCommitRequest request;
  request.group_id = group_;
  request.generation_id_or_member_epoch = epoch_;
  request.member_id = id_;
  auto& t = request.topics.emplace_back();
  t.name = topic.name;
  t.partitions.emplace_back().committed_offset = next_;
  const MonoTime sent = now();
  const auto reply =
      co_await ask<kafka::OffsetCommitResponse>(stage_, *connection_, 9, std::move(request));
  if (!reply) co_return co_await lost();
  const int16_t error = reply->message.topics.at(0).partitions.at(0).error_code;
  if (error == 0) {
    offsets_->acked(topic.name, next_, sent, now());
  } else if (!is(GroupKind::simple)) {
    epoch_ = -1;
  }
  co_return error == 0;
}

Task<void> ExpiringGroup::commit(TopicFacts& topic) {
  offsets_->asked(topic.name, ++next_);
  while (!over() && !co_await commit_once(topic)) co_await nap(300);
}

// Whether anything is left, as far as anybody answered.
Task<bool> ExpiringGroup::look() {
  if (!co_await connect()) co_return true;
  kafka::OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = group_;
  group.topics.emplace();
  for (const TopicFacts* topic : topics_) {
    auto& wanted = group.topics->emplace_back();
    wanted.name = topic->name;
    wanted.partition_indexes = {0};
  }
  request.require_stable = true;
  const MonoTime sent = now();
  const auto reply =
      co_await ask<kafka::OffsetFetchResponse>(stage_, *connection_, 8, std::move(request));
  if (!reply) {
    (void)co_await lost();
    co_return true;
  }
  if (reply->message.groups.at(0).error_code != 0) co_return true;
  bool left = false;
  for (const auto& t : reply->message.groups[0].topics) {
    const int64_t offset = t.partitions.at(0).committed_offset;
    left |= offsets_->fetched(std::string(t.name), offset, sent, now(), stage_.broker_up_since);
  }
  co_return left;
}

// In the group, for so long.
Task<void> ExpiringGroup::stay(Duration duration) {
  const MonoTime until = now() + duration;
  while (!over() && now() < until) {
    if (co_await beat() && prng_.chance(1, 4)) (void)co_await look();
    co_await nap(800);
  }
}

// An answer tells when the member is gone; without one its session does.
Task<void> ExpiringGroup::leave() {
  bool answered = false;
  const bool says_so = connection_ && !id_.empty() && epoch_ >= 0 && prng_.chance(2, 3);
  if (says_so && is(GroupKind::consumer)) {
    answered = co_await beat_consumer(-1);
  } else if (says_so) {
    kafka::LeaveGroupRequest request;
    request.group_id = group_;
    request.members.emplace_back().member_id = id_;
    answered =
        (co_await ask<kafka::LeaveGroupResponse>(stage_, *connection_, 3, std::move(request)))
            .has_value();
  }
  stage_.say([&] { return fmt::format("{}: out of {}", options_.name, group_); });
  offsets_->left(answered ? now() : in(2 * std::chrono::milliseconds(kSessionMs)));
  id_.clear();
  epoch_ = -1;
}

Task<void> ExpiringGroup::watch() {
  while (!over() && co_await look()) co_await nap(4'000);
}

// The life of one group, to the end of its offsets.
Task<void> ExpiringGroup::live() {
  group_ = fmt::format("{}-{}", options_.name, groups_++);
  offsets_.emplace(stage_.oracle, group_, options_.kind, std::chrono::milliseconds(kSessionMs));
  topics_ = {&stage_.topics[0], &stage_.topics[1]};
  subscribed_ = topics_;
  epoch_ = -1;
  for (TopicFacts* topic : topics_) co_await commit(*topic);
  if (!is(GroupKind::simple)) {
    co_await stay(std::chrono::milliseconds(prng_.below(5'000)));
    if (prng_.chance(1, 2)) {
      subscribed_.pop_back();
      offsets_->dropped(topics_[1]->name);
      since_ = kMonoMax;
      // A classic member joins anew to say so.
      if (is(GroupKind::classic)) epoch_ = -1;
    }
    const bool beyond = prng_.chance(2, 3);
    co_await stay(
        std::chrono::milliseconds(beyond ? prng_.between(61'000, 90'000) : prng_.below(20'000)));
    if (prng_.chance(1, 4)) co_await commit(*topics_[0]);
    co_await leave();
  } else if (prng_.chance(1, 2)) {
    for (uint64_t i = prng_.below(20); i > 0 && !over(); --i) {
      (void)co_await look();
      co_await nap(4'000);
    }
    co_await commit(*topics_[prng_.below(2)]);
  }
  co_await watch();
}

Task<void> ExpiringGroup::run() {
  while (!over() && (stage_.topics.size() < 2 || !stage_.topics[1].alive())) co_await nap(100);
  do {
    co_await live();
  } while (!over() && !stage_.producing_done);
  if (connection_) co_await connection_->close();
}

}  // namespace

Task<int> expiring_group_main(Stage& stage, ExpiringGroupOptions options) {
  ExpiringGroup group(stage, std::move(options));
  co_await group.run();
  co_return 0;
}

}  // namespace odradek::simulation
