#include "tests/sim/expiry_oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace odradek::simulation {

namespace {
// To look at all groups, to write the tombstones, and for requests that arrive late.
constexpr Duration kSlack = 15s;
}  // namespace

const char* group_kind_name(GroupKind kind) {
  constexpr const char* names[] = {"simple", "classic", "consumer"};
  return names[static_cast<size_t>(kind)];
}

void ExpiringOffsets::acked(const std::string& topic, int64_t offset, MonoTime sent,
                            MonoTime heard) {
  Topic& t = topics_[topic];
  t.acked = offset;
  t.sent = sent;
  t.heard = heard;
}

void ExpiringOffsets::member_there(MonoTime sent, MonoTime since) {
  stable_since_ = since;
  for (auto& [name, topic] : topics_) {
    if (!topic.dropped) topic.used = std::max(topic.used, sent);
  }
}

// A classic group without members counts from when it lost the last one, all others from the
// commit.
MonoTime ExpiringOffsets::keep_until(const Topic& topic) const {
  const MonoTime committed = topic.sent + kOffsetsRetention;
  if (kind_ == GroupKind::classic && !topic.dropped) {
    return std::max(committed, topic.used + kOffsetsRetention);
  }
  return std::max(committed, topic.used);
}

MonoTime ExpiringOffsets::gone_by(const Topic& topic, MonoTime up_since) const {
  const MonoTime committed = std::max(topic.heard + kOffsetsRetention, up_since) + kSlack;
  if (kind_ == GroupKind::simple) return committed;
  if (free_by_ == kMonoMax) {
    if (!topic.dropped || stable_since_ == kMonoMax) return kMonoMax;
    return std::max(committed, stable_since_ + kSlack);
  }
  const MonoTime free_by = std::max(free_by_, up_since + session_);
  if (kind_ == GroupKind::classic) return free_by + kOffsetsRetention + kSlack;
  return std::max(committed, free_by + kSlack);
}

bool ExpiringOffsets::fetched(const std::string& topic, int64_t offset, MonoTime sent,
                              MonoTime heard, MonoTime up_since) {
  const Topic& t = topics_[topic];
  if (t.acked < 0) return offset >= 0;
  const auto seconds = [&](MonoTime since) {
    return static_cast<double>((heard - since) / std::chrono::milliseconds(1)) / 1000;
  };
  if (offset < 0 && heard < keep_until(t)) {
    oracle_.fail("I12", fmt::format("{} group {}, {}: the offset expired {:.1f} s after its commit "
                                    "and {:.1f} s after its last use",
                                    group_kind_name(kind_), name_, topic, seconds(t.sent),
                                    seconds(std::max(t.used, t.sent))));
  }
  if (offset >= 0 && sent > gone_by(t, up_since)) {
    oracle_.fail("I12", fmt::format("{} group {}, {}: the offset is still there {:.1f} s after its "
                                    "commit and {:.1f} s after its last use",
                                    group_kind_name(kind_), name_, topic, seconds(t.heard),
                                    seconds(std::max(t.used, t.heard))));
  }
  if (offset >= 0 && (offset < t.acked || offset > t.asked)) {
    oracle_.fail("I12", fmt::format("{} group {}, {}: committed {} was acknowledged, {} is there",
                                    group_kind_name(kind_), name_, topic, t.acked, offset));
  }
  return offset >= 0;
}

}  // namespace odradek::simulation
