// Invariant I12 for a group of the consumer protocol, from outside: nobody is given a partition
// that another member still has, and a commit of who does not have it is refused; an acknowledged
// commit is never lost and never goes back. Members tell it what they were told and what they say.
// For `flushed` mode only.
//
// What makes this exact: a member has what it was told until it asks without it, says that it
// leaves, or was not heard for its whole session; members believe only answers that are younger
// than that, commit only beyond what they fetched, and give their identity up after a commit
// without an answer.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "reactor/base/time.h"
#include "tests/sim/oracle.h"

namespace odradek::simulation {

inline constexpr Duration kConsumerSession = 1'500ms;  // group.consumer.session.timeout.ms

class ConsumerOracle {
 public:
  explicit ConsumerOracle(Oracle& oracle) : oracle_(oracle) {}

  // What is known when a question goes out: its answer may not be older.
  struct Asked {
    std::map<int32_t, std::string> owners;
    std::map<int32_t, int64_t> floor;  // acknowledged commits, by partition
  };
  Asked ask() const { return {owners_, floor_}; }

  // `member` asks, and says that it has these and no others.
  void says(const std::string& member, const std::set<int32_t>& has);
  // A heartbeat that was sent at `sent` was answered.
  void heard(const std::string& member, MonoTime sent);
  // It has `partition` from now on.
  void told(const std::string& member, int32_t partition, MonoTime now);
  void committed(const Asked& asked, const std::string& member, int32_t partition, int64_t offset);
  void fetched(const Asked& asked, int32_t partition, int64_t offset);

  uint64_t commits() const { return commits_; }
  uint64_t fenced() const { return fenced_; }  // commits that were rightly refused
  void refused() { ++fenced_; }
  uint64_t moves() const { return moves_; }  // of a partition to another member

 private:
  Oracle& oracle_;
  std::map<int32_t, std::string> owners_;  // who was told last, by partition
  std::set<int32_t> released_;             // the owner gave it up
  std::map<std::string, MonoTime> alive_;  // by member: its last answered heartbeat was sent then
  std::map<int32_t, int64_t> floor_;
  uint64_t commits_ = 0;
  uint64_t fenced_ = 0;
  uint64_t moves_ = 0;
};

}  // namespace odradek::simulation
