#include "tests/sim/member.h"

#include <fmt/format.h>

#include <optional>
#include <set>

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

constexpr std::string_view kGroup = "sim-group";
constexpr int16_t kRebalanceInProgress = 27;
constexpr int16_t kMemberIdRequired = 79;
constexpr int32_t kSessionMs = 1'500;
constexpr int32_t kRebalanceMs = 2'000;

// Partition numbers as bytes: the assignment that members make for each other.
std::vector<uint8_t> pack(const std::set<int32_t>& partitions) {
  return {partitions.begin(), partitions.end()};
}

class GroupMember {
 public:
  GroupMember(Stage& stage, MemberOptions options)
      : stage_(stage), options_(std::move(options)), prng_(options_.seed) {}
  Task<void> run();

 private:
  Task<bool> connect();
  Task<void> disconnect();
  Task<bool> join();
  Task<bool> sync(const kafka::JoinGroupResponse& joined);
  Task<void> own(BytesView assignment);
  Task<void> work();
  Task<bool> heartbeat();
  Task<void> commit_one();
  Task<bool> commit(int32_t generation, int32_t partition, int64_t offset);
  Task<void> leave();
  Task<void> misbehave();
  Task<void> nap(uint64_t ms_max);
  std::optional<std::string_view> instance() const {
    return options_.is_static ? std::optional<std::string_view>(options_.name) : std::nullopt;
  }
  bool finished() const {
    return (stage_.producing_done && worked_at_end_) || stage_.oracle.violation();
  }
  int32_t partition_count() const { return stage_.topics.front().partitions; }

  Stage& stage_;
  MemberOptions options_;
  Prng prng_;
  std::unique_ptr<Connection> connection_;
  std::string id_;
  int32_t generation_ = -1;
  int32_t generation_before_ = -1;
  std::map<int32_t, int64_t> positions_;  // of owned partitions
  bool worked_at_end_ = false;
};

Task<void> GroupMember::nap(uint64_t ms_max) {
  co_await reactor::sleep_for(std::chrono::milliseconds(prng_.between(1, ms_max)));
}

Task<bool> GroupMember::connect() {
  if (connection_ && connection_->usable()) co_return true;
  co_await disconnect();
  auto fresh = std::make_unique<Connection>(options_.name);
  if (!co_await fresh->open(stage_.broker, in(5s))) {
    co_await fresh->close();
    co_return false;
  }
  connection_ = std::move(fresh);
  kafka::FindCoordinatorRequest find;
  find.coordinator_keys = {kGroup};
  const auto found =
      co_await ask<kafka::FindCoordinatorResponse>(stage_, *connection_, 4, std::move(find));
  co_return found && found->message.coordinators.at(0).error_code == 0;
}

Task<void> GroupMember::disconnect() {
  if (connection_) co_await connection_->close();
  connection_.reset();
}

// Until a rebalance has ended with this member in it, or something went wrong.
Task<bool> GroupMember::join() {
  positions_.clear();
  kafka::JoinGroupRequest request;
  request.group_id = kGroup;
  request.session_timeout_ms = kSessionMs;
  request.rebalance_timeout_ms = kRebalanceMs;
  request.protocol_type = "consumer";
  const std::vector<uint8_t> metadata{0, 0};
  request.protocols.push_back({"sim", BytesView(metadata)});
  request.member_id = id_;
  request.group_instance_id = instance();
  const auto reply =
      co_await ask<kafka::JoinGroupResponse>(stage_, *connection_, 5, std::move(request), 5s);
  if (!reply) co_return false;
  const auto& joined = reply->message;
  if (joined.error_code != 0) {
    id_ = joined.error_code == kMemberIdRequired ? std::string(joined.member_id) : std::string();
    co_return false;
  }
  id_ = joined.member_id;
  if (joined.generation_id != generation_) generation_before_ = generation_;
  generation_ = joined.generation_id;
  stage_.say([&] { return fmt::format("{}: joined {} as {}", options_.name, generation_, id_); });
  co_return co_await sync(joined);
}

Task<bool> GroupMember::sync(const kafka::JoinGroupResponse& joined) {
  kafka::SyncGroupRequest request;
  request.group_id = kGroup;
  request.generation_id = generation_;
  request.member_id = id_;
  request.group_instance_id = instance();
  std::vector<std::vector<uint8_t>> shares;
  const size_t members = joined.members.size();
  for (size_t m = 0; m < members; ++m) {
    std::set<int32_t> share;
    for (int32_t p = 0; p < partition_count(); ++p) {
      if (static_cast<size_t>(p) % members == m) share.insert(p);
    }
    shares.push_back(pack(share));
  }
  for (size_t m = 0; m < members; ++m) {
    request.assignments.push_back({joined.members[m].member_id, BytesView(shares[m])});
  }
  const auto reply =
      co_await ask<kafka::SyncGroupResponse>(stage_, *connection_, 3, std::move(request), 5s);
  if (!reply || reply->message.error_code != 0) co_return false;
  co_await own(reply->message.assignment);
  co_return !positions_.empty() || connection_->usable();
}

Task<void> GroupMember::own(BytesView assignment) {
  const std::string owner = options_.is_static ? options_.name : id_;
  std::vector<int32_t> mine(assignment.begin(), assignment.end());
  for (const int32_t p : mine) stage_.groups.assigned(generation_, p, owner);
  kafka::OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = kGroup;
  auto& topic = group.topics->emplace_back();
  topic.name = stage_.topics.front().name;
  topic.partition_indexes = mine;
  request.require_stable = true;
  const auto asked = stage_.groups.ask();
  const auto reply =
      co_await ask<kafka::OffsetFetchResponse>(stage_, *connection_, 8, std::move(request));
  if (!reply || reply->message.groups.at(0).error_code != 0) co_return;
  for (const auto& t : reply->message.groups[0].topics) {
    for (const auto& p : t.partitions) {
      stage_.groups.fetched(asked, p.partition_index, p.committed_offset);
      positions_[p.partition_index] = std::max<int64_t>(p.committed_offset, 0);
    }
  }
}

Task<bool> GroupMember::heartbeat() {
  kafka::HeartbeatRequest request;
  request.group_id = kGroup;
  request.generation_id = generation_;
  request.member_id = id_;
  request.group_instance_id = instance();
  const auto reply =
      co_await ask<kafka::HeartbeatResponse>(stage_, *connection_, 3, std::move(request));
  if (!reply) co_return false;
  const int16_t error = reply->message.error_code;
  if (error != 0 && error != kRebalanceInProgress) id_.clear();
  co_return error == 0;
}

// False: not taken. Without an answer nobody knows, and the member gives its identity up, so that
// what may still arrive is fenced.
Task<bool> GroupMember::commit(int32_t generation, int32_t partition, int64_t offset) {
  kafka::OffsetCommitRequest request;
  request.group_id = kGroup;
  request.generation_id_or_member_epoch = generation;
  request.member_id = id_;
  request.group_instance_id = instance();
  auto& topic = request.topics.emplace_back();
  topic.name = stage_.topics.front().name;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = partition;
  p.committed_offset = offset;
  const auto asked = stage_.groups.ask();
  const auto reply =
      co_await ask<kafka::OffsetCommitResponse>(stage_, *connection_, 8, std::move(request));
  if (!reply) {
    co_await disconnect();
    id_.clear();
    co_return false;
  }
  const int16_t error = reply->message.topics.at(0).partitions.at(0).error_code;
  if (error == 0) stage_.groups.committed(asked, generation, partition, offset);
  if (error != 0) stage_.groups.refused();
  co_return error == 0;
}

Task<void> GroupMember::commit_one() {
  if (positions_.empty()) co_return;
  auto at = positions_.begin();
  std::advance(at, static_cast<int64_t>(prng_.below(positions_.size())));
  const int32_t partition = at->first;
  const int64_t offset = at->second + static_cast<int64_t>(prng_.between(1, 10));
  if (co_await commit(generation_, partition, offset)) {
    positions_[partition] = offset;
    if (stage_.producing_done) worked_at_end_ = true;
  }
}

Task<void> GroupMember::leave() {
  kafka::LeaveGroupRequest request;
  request.group_id = kGroup;
  auto& member = request.members.emplace_back();
  member.member_id = id_;
  member.group_instance_id = instance();
  (void)co_await ask<kafka::LeaveGroupResponse>(stage_, *connection_, 3, std::move(request));
  id_.clear();
}

// Nothing of this while the world is healed and everybody is to finish.
Task<void> GroupMember::misbehave() {
  if (stage_.producing_done) co_return;
  switch (prng_.below(30)) {
    case 0:  // a crash: gone without a word
      co_await disconnect();
      id_.clear();
      positions_.clear();
      co_await nap(2'000);
      break;
    case 1:  // a pause, perhaps beyond the session; then as if nothing had been
      co_await nap(2 * kSessionMs);
      co_await commit_one();
      break;
    case 2:  // a late commit of the generation before
      if (generation_before_ >= 0 && !positions_.empty()) {
        const auto [partition, offset] = *positions_.begin();
        co_await commit(generation_before_, partition, std::max<int64_t>(offset - 1, 0));
      }
      break;
    case 3: co_await leave(); break;
    default: break;
  }
}

// As long as the generation holds.
Task<void> GroupMember::work() {
  while (!finished() && !id_.empty() && connection_ && connection_->usable()) {
    if (!co_await heartbeat()) co_return;
    for (uint64_t i = prng_.below(6); i > 0 && connection_ && !id_.empty(); --i) {
      co_await commit_one();
    }
    if (!connection_ || id_.empty()) co_return;
    co_await misbehave();
    co_await nap(200);
  }
}

Task<void> GroupMember::run() {
  while (stage_.topics.empty() || !stage_.topics.front().alive()) {
    if (finished()) co_return;
    co_await nap(100);
  }
  while (!finished()) {
    if (!co_await connect() || !co_await join()) {
      if (!finished()) co_await nap(200);
      continue;
    }
    // With more members than partitions somebody owns nothing, and is done with that.
    if (positions_.empty() && stage_.producing_done) worked_at_end_ = true;
    co_await work();
  }
  if (connection_ && connection_->usable() && !id_.empty()) co_await leave();
  co_await disconnect();
}

}  // namespace

Task<int> member_main(Stage& stage, MemberOptions options) {
  GroupMember member(stage, std::move(options));
  co_await member.run();
  co_return 0;
}

// What `group` has committed of the first topic; nothing when nobody answered.
static Task<std::optional<std::map<int32_t, int64_t>>> committed_offsets(Stage& stage,
                                                                         std::string group) {
  std::optional<std::map<int32_t, int64_t>> out;
  Connection connection("verify");
  if (co_await connection.open(stage.broker, in(5s))) {
    kafka::OffsetFetchRequest request;
    request.groups.emplace_back().group_id = group;
    auto& topic = request.groups[0].topics->emplace_back();
    topic.name = stage.topics.front().name;
    for (int32_t p = 0; p < stage.topics.front().partitions; ++p) {
      topic.partition_indexes.push_back(p);
    }
    const auto reply =
        co_await ask<kafka::OffsetFetchResponse>(stage, connection, 8, std::move(request));
    if (reply && reply->message.groups.at(0).error_code == 0) {
      out.emplace();
      for (const auto& t : reply->message.groups[0].topics) {
        for (const auto& p : t.partitions) (*out)[p.partition_index] = p.committed_offset;
      }
    }
  }
  co_await connection.close();
  co_return out;
}

template <class Judge>
static Task<bool> verify(Stage& stage, Prng& prng, std::string group, Judge& judge) {
  if (stage.topics.empty() || judge.commits() == 0) co_return true;
  for (int tries = 0; tries < 50; ++tries) {
    const auto asked = judge.ask();
    const auto offsets = co_await committed_offsets(stage, group);
    if (offsets) {
      for (const auto& [partition, offset] : *offsets) judge.fetched(asked, partition, offset);
      co_return true;
    }
    co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
  }
  co_return false;
}

Task<bool> verify_groups(Stage& stage, Prng& prng) {
  if (!co_await verify(stage, prng, std::string(kGroup), stage.groups)) co_return false;
  co_return co_await verify(stage, prng, std::string(kConsumersGroup), stage.consumers);
}

}  // namespace odradek::simulation
