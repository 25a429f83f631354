// Invariant I12, from outside: in one generation of a group no partition has two owners; a commit
// of an owner that a later generation has replaced is refused; an acknowledged commit is never lost
// and never goes back. Members tell it what they were told. For `flushed` mode only.
//
// What makes these exact: an assignment is answered when its generation is durable, members commit
// only beyond what they fetched, and one that lost the answer to a commit gives its identity up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/sim/oracle.h"

namespace odradek::simulation {

class GroupOracle {
 public:
  explicit GroupOracle(Oracle& oracle) : oracle_(oracle) {}

  // What is known when a question goes out: its answer may not be older.
  struct Asked {
    int32_t generation = -1;           // durable, and known to a member
    std::map<int32_t, int64_t> floor;  // acknowledged commits, by partition
  };
  Asked ask() const { return {generation_, floor_}; }

  // `owner` was told that it owns `partition` in `generation`.
  void assigned(int32_t generation, int32_t partition, const std::string& owner);
  // A commit was acknowledged.
  void committed(const Asked& asked, int32_t generation, int32_t partition, int64_t offset);
  // A fetch found `offset`; -1: none.
  void fetched(const Asked& asked, int32_t partition, int64_t offset);

  uint64_t commits() const { return commits_; }
  uint64_t fenced() const { return fenced_; }  // commits that were rightly refused
  void refused() { ++fenced_; }
  int32_t generation() const { return generation_; }

 private:
  Oracle& oracle_;
  std::map<std::pair<int32_t, int32_t>, std::string> owners_;  // by generation and partition
  std::map<int32_t, int64_t> floor_;
  int32_t generation_ = -1;
  uint64_t commits_ = 0;
  uint64_t fenced_ = 0;
};

}  // namespace odradek::simulation
