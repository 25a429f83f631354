// What a simulated world is made of: plain values, all with defaults that find bugs without being
// told to. A test changes what it is about; a swarm draws the rest from its seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "reactor/base/strong.h"
#include "reactor/base/time.h"
#include "reactor/limits.h"

namespace odradek::reactor::sim {

using NodeId = Strong<struct MachineTag, uint32_t>;

// Chances are counted per million, so that the arithmetic is exact on every machine.
using PerMillion = uint32_t;

// Drawn uniformly from [least, most].
struct Latency {
  Duration least{};
  Duration most{};
};

// What a power cut leaves of what was never synced (and of writes in flight, which may land in
// part).
enum class DiskOutcome : uint8_t {
  all_lost,  // nothing
  all_kept,  // everything, writes in flight included
  torn,  // the last write of each file keeps a prefix or a suffix of its sectors; others as random
  random,  // each sector for itself; names: a random prefix of each directory's changes
};
inline constexpr DiskOutcome kDiskOutcomes[] = {DiskOutcome::all_lost, DiskOutcome::all_kept,
                                                DiskOutcome::torn, DiskOutcome::random};
// Static storage.
const char* outcome_name(DiskOutcome outcome);

struct DiskOptions {
  uint64_t capacity_bytes = uint64_t{4} << 30;
  bool direct_supported = true;  // false: open with O_DIRECT answers EINVAL
  bool read_only = false;        // EROFS for everything that changes
  uint32_t tear_bytes = 4096;    // what lands whole or not at all in a torn write: 512 or 4096
  Latency read{60us, 200us};
  Latency write{50us, 250us};
  Latency sync{80us, 400us};
  Latency metadata{10us, 100us};
  PerMillion slow = 1000;  // operations that take `slow_factor` times as long
  uint32_t slow_factor = 50;
  PerMillion short_transfer = 20'000;  // reads and writes that stop early, at a sector
  PerMillion read_error = 0;           // EIO
  PerMillion write_error = 0;          // EIO; part of the range may have changed
  PerMillion sync_error = 0;           // EIO; the data is gone and the next sync succeeds
  // Unsynced sectors that reach the medium by themselves when they are overwritten.
  PerMillion write_back = 0;
};

struct NetworkOptions {
  Latency delay{20us, 300us};
  PerMillion slow = 1000;  // segments that take `slow_factor` times as long
  uint32_t slow_factor = 100;
  PerMillion segment = 100'000;        // sends that arrive in several pieces
  PerMillion short_receive = 50'000;   // receives that take less than is there
  PerMillion accept_ends = 50'000;     // multishot accepts that end without notice
  PerMillion reset = 0;                // segments whose connection is reset instead
  PerMillion no_buffers = 1'000;       // provided receives answered with ENOBUFS
  uint32_t buffer_bytes = 256 * 1024;  // one direction of a connection; then the sender waits
  Duration retransmit = 200ms;         // while a link is cut or a backlog full
  Duration connect_timeout = 10s;      // ETIMEDOUT
  Duration peer_timeout = 20s;         // a silent peer: ETIMEDOUT for whoever sends
};

struct WorldOptions {
  DiskOptions disk;  // of disks that are made later
  NetworkOptions network;
  Duration clock_read_cost = 100ns;  // reading the clock moves it: nobody can spin for ever
  PerMillion stall = 10'000;         // turns after which the shard is off its core for a while
  Duration stall_longest = 500us;
  int64_t wall_start_ms = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
  uint64_t steps_max = 500'000'000;           // run_until() gives up: a livelock
  bool echo_log = false;                      // nodes' log lines to standard error as they come
};

struct NodeOptions {
  std::string name = "node";  // starting it again after its end: same address, same disk
  std::string disk;           // shared by the nodes that name it; empty: `name`
  std::string address;        // numeric; empty: 10.0.0.<n>
  uint32_t shards = 1;
  size_t arena_bytes = size_t{64} << 20;
  bool shuffle_ready = true;  // the seed picks which ready task of a class runs
  uint32_t requests_per_peer = kRequestsInFlightPerPeer;
  uint32_t tasks_per_turn = 1;  // 1: every resume is a step of its own, see World::crash_at()
  uint32_t cores = 0;           // usable_cores(); 0: as many as shards
  uint64_t memory_bytes = uint64_t{4} << 30;  // usable_memory()
  uint32_t descriptors_max = 4096;            // then EMFILE
};

// Options of one run of a swarm: each class of trouble is off in half of the seeds, else drawn.
// Errors of the disk stay off: what they mean is the workload's to decide.
WorldOptions swarm_options(uint64_t seed);

}  // namespace odradek::reactor::sim
