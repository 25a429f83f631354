// Random runs of one broker and its clients: the seed draws the machine, the clients and the
// faults.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/oracle.h"

namespace odradek::simulation {

// What came of one run. Trivially copyable but for the text: it travels through a pipe.
struct RunReport {
  uint64_t seed = 0;
  uint64_t hash = 0;
  uint64_t events = 0;
  uint64_t acked = 0;
  uint64_t crashes = 0;
  uint64_t rolls = 0;
  uint64_t taken_back = 0;
  uint64_t rewritten = 0;    // batches that were read as compaction made them
  uint64_t generations = 0;  // of the group that was assigned last
  uint64_t moves = 0;        // of partitions between members of the consumer protocol
  uint64_t commits = 0;      // of offsets, acknowledged
  uint64_t fenced = 0;       // and refused
  uint64_t throttled = 0;    // answers to clients over their quotas
  uint64_t relocations = 0;  // moves to another log directory that were begun
  uint64_t virtual_ms = 0;
  bool failed = false;
  char invariant[16] = {};
  char what[400] = {};
};
void note_violation(RunReport& report, const std::string& invariant, const std::string& what,
                    MonoTime when);

// `trace`: what happens and the broker's lines, to standard error.
RunReport run_swarm_seed(uint64_t seed, bool trace);

}  // namespace odradek::simulation
