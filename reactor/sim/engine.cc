#include "reactor/sim/engine.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace odradek::reactor::sim {

static constexpr Duration kDrainLimit = 60s;  // of a process whose main has returned

// Keeps what a crash leaves behind reachable, so that a leak checker sees only other leaks.
static void bury(std::unique_ptr<Body> body) {
  static std::vector<Body*>* const graveyard = new std::vector<Body*>;
  graveyard->push_back(body.release());
}

Engine::Engine(uint64_t world_seed, const WorldOptions& world_options)
    : seed(world_seed),
      options(world_options),
      sched(Prng(world_seed ^ 0x5c4ed).split()),
      events(Prng(world_seed ^ 0xe7e47).split()),
      network(*this, Prng(world_seed ^ 0x2e7).split()) {}

Engine::~Engine() {
  for (auto& process : processes) {
    if (process->body) bury(std::move(process->body));
  }
}

uint64_t Engine::digest_name(const std::string& name) const {
  return EventHash::digest(as_bytes(name), seed);
}

Disk& Engine::disk_of(const std::string& name) {
  auto& disk = disks[name];
  if (!disk) disk = std::make_unique<Disk>(options.disk, digest_name(name) ^ 0xd15c);
  return *disk;
}

int64_t Engine::wall_ms(NodeId id) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  return options.wall_start_ms + nodes[id.value].wall_offset_ms + since.count();
}

void Engine::post(Duration delay, void (*fire)(Engine&, const Event&), uint64_t a, uint64_t b,
                  uint64_t c) {
  events.post({.when = now + std::max(delay, Duration(1)), .fire = fire, .a = a, .b = b, .c = c});
}

Duration Engine::draw(const Latency& latency, PerMillion slow, uint32_t factor, Prng& prng) {
  const auto least = static_cast<uint64_t>(latency.least.count());
  const auto most = std::max(least, static_cast<uint64_t>(latency.most.count()));
  const auto drawn = static_cast<int64_t>(prng.between(least, most));
  return Duration(chance(prng, slow) ? drawn * factor : drawn);
}

// --- processes ---

static Task<void> run_main(Process& process) {
  process.exit_code = co_await process.body->main();
  process.main_done = true;
}

NodeId Engine::start(NodeOptions node_options, ShardMain main) {
  CHECK(!on_a_shard() && "start nodes from outside of them");
  CHECK(node_options.shards >= 1 && node_options.shards <= kShardsMax, node_options.shards);
  uint32_t index = 0;
  while (index < nodes.size() && nodes[index].name != node_options.name) ++index;
  if (index == nodes.size()) nodes.push_back({.name = node_options.name});
  Node& at = nodes[index];
  CHECK(!at.process || at.process->ending != Ending::running, at.name);
  if (at.address.empty()) at.address = "10.0.0." + std::to_string(index + 1);
  if (!node_options.address.empty()) at.address = node_options.address;
  at.disk = node_options.disk.empty() ? at.name : node_options.disk;

  auto made = std::make_unique<Process>();
  Process& process = *made;
  processes.push_back(std::move(made));
  process.id = static_cast<uint32_t>(processes.size());
  process.node = NodeId(index);
  process.disk = &disk_of(at.disk);
  process.prng = Prng(digest_name(at.name) ^ ++at.lives * 0x9e3779b97f4a7c15ULL);
  process.body = std::make_unique<Body>(node_options.shards);
  process.body->main = std::move(main);
  at.process = &process;
  hash.add(Trace::start, now, index, node_options.shards);
  for (uint32_t i = 0; i < node_options.shards; ++i) {
    auto impl = std::make_unique<Driver::Impl>(*this, process, i);
    process.drivers.push_back(impl.get());
    runnable_pool.push_back(impl.get());
    auto driver = std::make_unique<Driver>(std::move(impl));
    process.body->drivers.push_back(driver.get());
    const ShardOptions shard{.id = ShardId(i),
                             .arena_bytes = node_options.arena_bytes,
                             .shuffle_ready = node_options.shuffle_ready,
                             .requests_per_peer = node_options.requests_per_peer,
                             .tasks_per_turn = node_options.tasks_per_turn};
    process.body->shards.push_back(std::make_unique<Shard>(
        shard, std::move(driver), process.body->mailboxes, process.body->drivers));
    process.drivers.back()->owner = process.body->shards.back().get();
  }
  process.options = std::move(node_options);
  Shard* before = exchange_current_shard(process.body->shards[0].get());
  process.body->root.spawn("main", run_main(process));
  exchange_current_shard(before);
  return process.node;
}

bool Engine::count_step(Process& process, StepKind kind, const Op* op) {
  Node& at = nodes[process.node.value];
  const Step step{++at.steps, kind, op};
  if (!process.crash_rule || !process.crash_rule(step)) return false;
  process.crash_due = true;
  return true;
}

// Writes that reached the kernel: on a power cut all of them may be under way to the medium, and
// the disk decides; after a kill the kernel finishes some.
void Engine::land_writes(Process& process, bool power) {
  for (Slot& slot : slots) {
    if (slot.process != &process || !slot.op || slot.done || slot.inode == 0) continue;
    const std::span<const iovec> parts(slot.op->iov, slot.op->iov_count);
    const bool write = slot.op->code == OpCode::write || slot.op->code == OpCode::write_sync;
    if (slot.sync != 0) {
      if (!power) process.disk->finish_sync(slot.inode, slot.sync);
    } else if (write && power) {
      process.disk->write_in_flight(slot.inode, parts, slot.op->offset);
    } else if (write && process.disk->prng().chance(1, 2)) {
      process.disk->write(slot.inode, parts, slot.op->offset, false, wall_ms(process.node));
    }
  }
}

void Engine::close_descriptors(Process& process) {
  for (Descriptor& d : process.descriptors) {
    if (d.kind == DescriptorKind::none) continue;
    ++process.descriptors_left;
    if (d.kind == DescriptorKind::file || d.kind == DescriptorKind::directory) {
      process.disk->close(d.inode, process.id);
    }
    d.kind = DescriptorKind::none;
  }
}

void Engine::drop_operations(Process& process) {
  for (uint32_t i = 0; i < slots.size(); ++i) {
    if (slots[i].op && slots[i].process == &process) release_slot(i);
  }
  std::erase_if(runnable_pool, [&](Driver::Impl* d) { return &d->process == &process; });
}

void Engine::crash(Process& process, DiskOutcome outcome, bool power) {
  CHECK(!on_a_shard() && "crash nodes from outside of them");
  CHECK(process.ending == Ending::running);
  hash.add(Trace::crash, now, process.node.value, static_cast<uint64_t>(outcome) << 1 | power);
  land_writes(process, power);
  if (power) {
    for (const auto& there : processes) {
      CHECK(there.get() == &process || there->disk != process.disk ||
            there->ending != Ending::running);
    }
    process.disk->crash(outcome);
  } else {
    close_descriptors(process);
  }
  process.disk->release_locks(process.id);
  network.drop_process(process, power);
  drop_operations(process);
  for (auto& shard : process.body->shards) shard->arena().abandon();
  process.drivers.clear();
  process.ending = Ending::crashed;
  process.power_lost = power;
  bury(std::move(process.body));
}

// True when a process whose main has returned has nothing left to do.
bool Engine::quiet(Process& process) {
  if (!process.main_done || process.operations > 0) return false;
  for (auto& shard : process.body->shards) {
    if (shard->has_work() || shard->calls().running() > 0) return false;
  }
  return process.body->root.running() == 0;
}

void Engine::on_drain_deadline(Engine& engine, const Event& event) {
  Process& process = *engine.processes[event.a];
  if (process.ending != Ending::running) return;
  for (const Slot& slot : engine.slots) {
    if (!slot.op || slot.process != &process) continue;
    std::fprintf(stderr, "%s: operation %d on descriptor %d is still in flight\n",
                 engine.nodes[process.node.value].name.c_str(), static_cast<int>(slot.op->code),
                 slot.op->fd);
  }
  CHECK(false && "main returned and left work behind", process.operations);
}

void Engine::retire(Process& process) {
  hash.add(Trace::exit, now, process.node.value, static_cast<uint64_t>(process.exit_code));
  network.drop_process(process, false);
  close_descriptors(process);
  process.disk->release_locks(process.id);
  drop_operations(process);
  process.drivers.clear();
  process.ending = Ending::exited;
  process.body.reset();
}

void Engine::send_signal(Process& process, int number) {
  hash.add(Trace::signal, now, process.node.value, static_cast<uint64_t>(number));
  if (process.signal_slots.empty()) {
    process.signals.push_back(number);
    return;
  }
  const uint32_t slot = process.signal_slots.front();
  process.signal_slots.erase(process.signal_slots.begin());
  complete(slot, number);
}

// --- the loop ---

Driver::Impl* Engine::pick() {
  candidates_.clear();
  for (Driver::Impl* driver : runnable_pool) {
    if (driver->ready_at <= now && driver->not_before <= now) candidates_.push_back(driver);
  }
  if (candidates_.empty()) return nullptr;
  return candidates_[candidates_.size() == 1 ? 0 : sched.below(candidates_.size())];
}

MonoTime Engine::next_wake() const {
  MonoTime next = events.next();
  for (const Driver::Impl* driver : runnable_pool) {
    next = std::min(next, std::max(driver->ready_at, driver->not_before));
  }
  return next;
}

bool Engine::step(MonoTime limit) {
  while (events.next() <= now) {
    const Event event = events.take();
    event.fire(*this, event);
  }
  if (Driver::Impl* driver = pick()) {
    turn(*driver);
    return true;
  }
  const MonoTime next = next_wake();
  if (next == kMonoMax) return false;
  now = std::max(now, std::min(next, limit));
  return true;
}

void Engine::turn(Driver::Impl& driver) {
  Process& process = driver.process;
  ++steps;
  hash.add(Trace::turn, now, uint64_t{process.node.value} << 32 | driver.shard, 0);
  if (!count_step(process, StepKind::turn, nullptr)) {
    driver.ready_at = kMonoMax;
    Shard* before = exchange_current_shard(driver.owner);
    driver.deliver();
    if (!process.crash_due) driver.owner->turn(kMonoMax);
    exchange_current_shard(before);
  }
  if (process.crash_due) return crash(process, process.crash_outcome, true);
  if (chance(sched, options.stall)) {
    driver.not_before =
        now + Duration(sched.below(static_cast<uint64_t>(options.stall_longest.count()) + 1));
  }
  if (!process.main_done) return;
  if (quiet(process)) return retire(process);
  if (!process.draining) post(kDrainLimit, on_drain_deadline, process.id - 1);
  process.draining = true;
}

// --- operations ---

uint32_t Engine::take_slot(Op& op, Driver::Impl& driver) {
  uint32_t index;
  if (free_slots.empty()) {
    index = static_cast<uint32_t>(slots.size());
    slots.emplace_back();
  } else {
    index = free_slots.back();
    free_slots.pop_back();
  }
  Slot& slot = slots[index];
  const uint32_t generation = slot.generation + 1;
  slot = Slot{.op = &op, .driver = &driver, .process = &driver.process, .generation = generation};
  op.driver_state = index + 1;
  op.in_flight = true;
  op.more = false;
  ++driver.process.operations;
  return index;
}

Slot* Engine::find(uint64_t slot, uint64_t generation) {
  Slot& found = slots[slot];
  return found.op && found.generation == generation && !found.done ? &found : nullptr;
}

void Engine::release_slot(uint32_t index) {
  --slots[index].process->operations;
  slots[index].op = nullptr;
  free_slots.push_back(index);
}

void Engine::complete(uint32_t index, int32_t result, bool more, uint16_t buffer_id,
                      uint8_t* buffer) {
  Slot& slot = slots[index];
  CHECK(slot.op && !slot.done, index);
  slot.driver->completions.push_back({index, result, more, buffer_id, buffer});
  slot.driver->ready_at = std::min(slot.driver->ready_at, now);
  if (more) return;
  slot.done = true;
  if (Descriptor* d = descriptor(*slot.process, slot.fd)) --d->operations;
}

int Engine::take_descriptor(Process& process, Descriptor made) {
  size_t fd = 3;
  while (fd < process.descriptors.size() && process.descriptors[fd].kind != DescriptorKind::none) {
    ++fd;
  }
  if (fd >= process.options.descriptors_max) return -EMFILE;
  if (fd >= process.descriptors.size()) process.descriptors.resize(fd + 1);
  process.descriptors[fd] = std::move(made);
  return static_cast<int>(fd);
}

Descriptor* Engine::descriptor(Process& process, int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= process.descriptors.size()) return nullptr;
  Descriptor& found = process.descriptors[static_cast<size_t>(fd)];
  return found.kind == DescriptorKind::none ? nullptr : &found;
}

void Engine::begin(uint32_t index) {
  const Op& op = *slots[index].op;
  Process& process = *slots[index].process;
  hash.add(Trace::submit, now, uint64_t{process.node.value} << 32 | static_cast<uint64_t>(op.code),
           op.offset ^ op.length << 32 ^ static_cast<uint64_t>(op.fd));
  switch (op.code) {
    case OpCode::nop: return complete(index, 0);
    case OpCode::signal: return begin_signal(index);
    case OpCode::close: return begin_close(index);
    case OpCode::accept:
    case OpCode::connect:
    case OpCode::recv:
    case OpCode::recv_exact:
    case OpCode::recv_provided:
    case OpCode::send: {
      Descriptor* d = descriptor(process, op.fd);
      if (!d) return complete(index, -EBADF);
      return begin_socket(index, *d);
    }
    default: return begin_file(*this, index);
  }
}

void Engine::begin_socket(uint32_t index, Descriptor& d) {
  const OpCode code = slots[index].op->code;
  const bool accepts = code == OpCode::accept;
  const auto wanted = accepts ? DescriptorKind::listener : DescriptorKind::socket;
  if (d.kind != wanted) return complete(index, accepts ? -EINVAL : -ENOTSOCK);
  slots[index].fd = slots[index].op->fd;
  ++d.operations;
  if (accepts) return network.begin_accept(index, d.listener);
  if (code == OpCode::connect) return network.begin_connect(index, d.connection);
  if (code == OpCode::send) return network.begin_send(index, d.connection);
  network.begin_receive(index, d.connection);
}

void Engine::begin_signal(uint32_t index) {
  Process& process = *slots[index].process;
  if (process.signals.empty()) {
    process.signal_slots.push_back(index);
    return;
  }
  const int number = process.signals.front();
  process.signals.pop_front();
  complete(index, number);
}

void Engine::begin_close(uint32_t index) {
  Process& process = *slots[index].process;
  const int fd = slots[index].op->fd;
  Descriptor* d = descriptor(process, fd);
  if (!d) return complete(index, -EBADF);
  CHECK(d->operations == 0 && "closed while operations on it are in flight", fd, d->operations,
        d->path);
  const Descriptor closed = std::move(*d);
  *d = Descriptor{};
  if (closed.kind == DescriptorKind::socket) {
    network.close(closed.connection);
  } else if (closed.kind == DescriptorKind::listener) {
    network.close_listener(closed.listener);
  } else {
    process.disk->close(closed.inode, process.id);
  }
  complete(index, 0);
}

void Engine::cancel(uint32_t index) {
  Slot& slot = slots[index];
  if (!slot.op || slot.done) return;
  switch (slot.op->code) {
    case OpCode::signal:
      std::erase(slot.process->signal_slots, index);
      return complete(index, -ECANCELED);
    case OpCode::accept:
    case OpCode::connect:
    case OpCode::recv:
    case OpCode::recv_exact:
    case OpCode::recv_provided:
    case OpCode::send: {
      const Descriptor* d = descriptor(*slot.process, slot.fd);
      CHECK(d, slot.fd);
      return network.cancel(index, d->connection, d->listener);
    }
    default: return;  // what a disk has begun it finishes
  }
}

}  // namespace odradek::reactor::sim
