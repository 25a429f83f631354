// The inside of World: processes, operations in flight and the loop that moves them. Internal to
// reactor/sim; tests see world.h.
//
//   step():  fire what is due -> pick a shard that can run (seeded) -> deliver its completions ->
//   one
//            turn -> move what it staged into the disk or the network
//
// Everything is addressed by id (operation slots with a generation, processes, connections),
// because a crash drops a process while events about it are still queued.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/prng.h"
#include "reactor/driver.h"
#include "reactor/mailbox.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"
#include "reactor/sim/disk.h"
#include "reactor/sim/event_queue.h"
#include "reactor/sim/network.h"
#include "reactor/sim/options.h"
#include "reactor/sim/world.h"

namespace odradek::reactor::sim {

class Engine;
struct Process;

// One operation between submit() and its last completion.
struct Slot {
  Op* op = nullptr;  // null: free
  Driver::Impl* driver = nullptr;
  Process* process = nullptr;
  uint32_t generation = 0;
  bool done = false;  // its last completion waits for delivery
  int fd = -1;
  uint64_t progress = 0;  // bytes
  uint64_t sync = 0;      // token of the disk
  InodeId inode = 0;
};

enum class DescriptorKind : uint8_t { none, file, directory, socket, listener };
struct Descriptor {
  DescriptorKind kind = DescriptorKind::none;
  bool direct = false;
  bool writable = false;
  uint32_t operations = 0;  // in flight: closing then is a bug
  InodeId inode = 0;
  ConnectionEnd connection;
  uint64_t listener = 0;
  std::string path;  // as opened; for faults
};

// What a running process is made of. Leaked as a whole at a crash: frames must not be resumed or
// destroyed.
struct Body {
  explicit Body(uint32_t shard_count) : mailboxes(shard_count) {}
  ShardMain main;
  Mailboxes mailboxes;
  std::vector<Driver*> drivers;
  std::vector<std::unique_ptr<Shard>> shards;
  Gate root;
};

enum class Ending : uint8_t { running, exited, crashed };

// One life of a node.
struct Process {
  uint32_t id = 0;
  NodeId node;
  NodeOptions options;
  Disk* disk = nullptr;
  Ending ending = Ending::running;
  bool power_lost = false;
  bool main_done = false;
  bool draining = false;  // main has returned, not everything has ended
  uint32_t descriptors_left = 0;
  int exit_code = 0;
  std::unique_ptr<Body> body;
  std::vector<Driver::Impl*> drivers;
  std::vector<Descriptor> descriptors;
  uint32_t operations = 0;  // in flight
  std::deque<int> signals;
  std::vector<uint32_t> signal_slots;
  Prng prng{0};
  // Crash injection.
  uint64_t steps = 0;
  CrashRule crash_rule;
  DiskOutcome crash_outcome = DiskOutcome::all_lost;
  bool crash_due = false;
};

struct Node {
  std::string name;
  std::string address;
  std::string disk;
  Process* process = nullptr;  // the running one, or the last
  uint32_t lives = 0;
  int64_t wall_offset_ms = 0;
  uint64_t steps = 0;
  std::vector<std::string> lines;
};

class Engine {
 public:
  Engine(uint64_t seed, const WorldOptions& options);
  ~Engine();

  // False when nothing can ever happen again. Time does not jump past `limit`.
  bool step(MonoTime limit);
  NodeId start(NodeOptions options, ShardMain main);
  void crash(Process& process, DiskOutcome outcome, bool power);
  void send_signal(Process& process, int number);
  Disk& disk_of(const std::string& name);
  Node& node(NodeId id) { return nodes[id.value]; }
  int64_t wall_ms(NodeId id);
  uint64_t digest_name(const std::string& name) const;

  // Operations.
  uint32_t take_slot(Op& op, Driver::Impl& driver);
  // The slot, if it is still in the life that `generation` names and not done.
  Slot* find(uint64_t slot, uint64_t generation);
  void begin(uint32_t slot);
  void cancel(uint32_t slot);
  // Queues a completion; the last one unless `more`.
  void complete(uint32_t slot, int32_t result, bool more = false, uint16_t buffer_id = 0,
                uint8_t* buffer = nullptr);
  void release_slot(uint32_t slot);
  void post(Duration delay, void (*fire)(Engine&, const Event&), uint64_t a, uint64_t b = 0,
            uint64_t c = 0);
  Duration draw(const Latency& latency, PerMillion slow, uint32_t factor, Prng& prng);
  bool chance(Prng& prng, PerMillion per_million) {
    return per_million > 0 && prng.below(1'000'000) < per_million;
  }
  // Counts one step of the process and asks its crash rule; true: it dies now.
  bool count_step(Process& process, StepKind kind, const Op* op);

  // Descriptors.
  int take_descriptor(Process& process, Descriptor descriptor);  // or -EMFILE
  Descriptor* descriptor(Process& process, int fd);

  const uint64_t seed;
  WorldOptions options;
  MonoTime now{};
  EventHash hash;
  Prng sched;
  EventQueue events;
  std::vector<Node> nodes;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<Driver::Impl*> runnable_pool;  // drivers of running processes
  std::map<std::string, std::unique_ptr<Disk>> disks;
  std::vector<Slot> slots;
  std::vector<uint32_t> free_slots;
  Network network;
  uint64_t steps = 0;

 private:
  Driver::Impl* pick();
  MonoTime next_wake() const;
  void turn(Driver::Impl& driver);
  void begin_close(uint32_t slot);
  void begin_socket(uint32_t slot, Descriptor& descriptor);
  void begin_signal(uint32_t slot);
  bool quiet(Process& process);
  void retire(Process& process);
  void land_writes(Process& process, bool power);
  void close_descriptors(Process& process);
  void drop_operations(Process& process);
  static void on_drain_deadline(Engine& engine, const Event& event);
  std::vector<Driver::Impl*> candidates_;
};

// File operations; in file_ops.cc.
void begin_file(Engine& engine, uint32_t slot);

// Completions that wait for delivery, in order.
struct Completion {
  uint32_t slot;
  int32_t result;
  bool more;
  uint16_t buffer_id;
  uint8_t* buffer;
};

}  // namespace odradek::reactor::sim

namespace odradek::reactor {

struct Driver::Impl {
  Impl(sim::Engine& e, sim::Process& p, uint32_t shard_index);
  void deliver();
  // A buffer of the receive ring, or null. Written lazily: an idle shard has none.
  uint8_t* take_buffer(uint16_t& id);

  sim::Engine& engine;
  sim::Process& process;
  uint32_t shard;
  Shard* owner = nullptr;
  std::vector<uint32_t> staged;
  std::vector<uint32_t> cancels;
  std::deque<sim::Completion> completions;
  MonoTime ready_at{};    // enter() returns then at the latest
  MonoTime not_before{};  // off its core until then
  bool woken = false;
  std::vector<std::unique_ptr<uint8_t[]>> buffers;
  std::vector<uint16_t> free_buffers;
  std::vector<bool> lent;
};

}  // namespace odradek::reactor
