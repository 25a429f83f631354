#include "log/leader_epochs.h"

#include <algorithm>

#include "log/checkpoint_files.h"

namespace odradek::log {

bool LeaderEpochs::assign(LeaderEpoch epoch, Offset start) {
  if (!entries_.empty() && entries_.back().epoch == epoch && start >= entries_.back().start) {
    return false;
  }
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start >= start)) {
    entries_.pop_back();
  }
  entries_.push_back({epoch, start});
  return true;
}

LeaderEpoch LeaderEpochs::latest() const {
  return entries_.empty() ? LeaderEpoch(-1) : entries_.back().epoch;
}

EpochEnd LeaderEpochs::end_of(LeaderEpoch epoch, Offset log_end) const {
  if (epoch.value == -1 || entries_.empty() || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end};
  const auto higher = std::ranges::upper_bound(entries_, epoch, {}, &EpochStart::epoch);
  if (higher == entries_.begin()) return {epoch, higher->start};
  return {(higher - 1)->epoch, higher->start};
}

LeaderEpoch LeaderEpochs::epoch_of(Offset offset) const {
  const auto after = std::ranges::upper_bound(entries_, offset, {}, &EpochStart::start);
  return after == entries_.begin() ? LeaderEpoch(-1) : (after - 1)->epoch;
}

void LeaderEpochs::truncate_end(Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void LeaderEpochs::truncate_start(Offset start) {
  const auto after = std::ranges::upper_bound(entries_, start, {}, &EpochStart::start);
  if (after == entries_.begin()) return;
  entries_.erase(entries_.begin(), after - 1);
  entries_.front().start = start;
}

std::string LeaderEpochs::encode_checkpoint() const {
  std::string out = "0\n" + std::to_string(entries_.size()) + "\n";
  for (const EpochStart& e : entries_) {
    out += e.epoch.to_string() + " " + e.start.to_string() + "\n";
  }
  return out;
}

Result<LeaderEpochs> LeaderEpochs::decode_checkpoint(std::string_view text) {
  TRY_ASSIGN(const auto lines, detail::checkpoint_entries(text, kLeaderEpochFile));
  LeaderEpochs epochs;
  for (const std::string_view line : lines) {
    const auto words = detail::words_of(line);
    const auto epoch = words.size() == 2 ? detail::number_of(words[0]) : std::nullopt;
    const auto start = words.size() == 2 ? detail::number_of(words[1]) : std::nullopt;
    if (!epoch || !start || *epoch < 0 || *epoch > INT32_MAX || *start < 0) {
      return fail(Errc::corrupt, "leader-epoch-checkpoint: line '" + std::string(line) + "'");
    }
    epochs.assign(LeaderEpoch(static_cast<int32_t>(*epoch)), Offset(*start));
  }
  return epochs;
}

}  // namespace odradek::log
