// The driver seam, answered by the engine.
#include "reactor/driver.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reactor/sim/engine.h"

namespace odradek::reactor {

using sim::Descriptor;
using sim::DescriptorKind;
using sim::StepKind;
using sim::Trace;

Driver::Impl::Impl(sim::Engine& e, sim::Process& p, uint32_t shard_index)
    : engine(e), process(p), shard(shard_index) {}

uint8_t* Driver::Impl::take_buffer(uint16_t& id) {
  if (free_buffers.empty()) {
    if (buffers.size() == kReceiveBufferCount) return nullptr;
    free_buffers.push_back(static_cast<uint16_t>(buffers.size()));
    buffers.push_back(std::make_unique<uint8_t[]>(kReceiveBufferBytes));
    lent.push_back(false);
  }
  id = free_buffers.back();
  free_buffers.pop_back();
  lent[id] = true;
  return buffers[id].get();
}

void Driver::Impl::deliver() {
  while (!completions.empty()) {
    const sim::Completion done = completions.front();
    Op& op = *engine.slots[done.slot].op;
    if (engine.count_step(process, StepKind::complete, &op)) return;
    completions.pop_front();
    engine.hash.add(Trace::complete, engine.now,
                    uint64_t{process.node.value} << 32 | static_cast<uint64_t>(op.code),
                    static_cast<uint64_t>(done.result));
    op.result = done.result;
    op.more = done.more;
    op.buffer_id = done.buffer_id;
    op.buffer = done.buffer;
    if (!done.more) {
      op.in_flight = false;
      engine.release_slot(done.slot);
    }
    op.on_done(op);
  }
}

Driver::Driver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Driver::~Driver() = default;

void Driver::submit(Op& op) {
  CHECK(!op.in_flight && op.on_done, static_cast<int>(op.code));
  impl_->staged.push_back(impl_->engine.take_slot(op, *impl_));
}

void Driver::cancel(Op& op) {
  if (op.in_flight) impl_->cancels.push_back(static_cast<uint32_t>(op.driver_state - 1));
}

void Driver::enter(MonoTime deadline) {
  Impl& self = *impl_;
  for (size_t i = 0; i < self.staged.size(); ++i) {
    const uint32_t slot = self.staged[i];
    if (self.engine.count_step(self.process, StepKind::submit, self.engine.slots[slot].op)) return;
    self.engine.begin(slot);
  }
  self.staged.clear();
  for (const uint32_t slot : self.cancels) self.engine.cancel(slot);
  self.cancels.clear();
  const bool delivers = !self.completions.empty();
  self.deliver();
  self.ready_at = std::min(self.ready_at, delivers ? self.engine.now : deadline);
}

void Driver::wake(Driver& from) {
  Impl& self = *impl_;
  self.engine.hash.add(Trace::wake, self.engine.now,
                       uint64_t{self.process.node.value} << 32 | self.shard, from.impl_->shard);
  self.ready_at = std::min(self.ready_at, self.engine.now);
}

MonoTime Driver::mono_now() { return impl_->engine.now += impl_->engine.options.clock_read_cost; }
WallTime Driver::wall_now() { return {impl_->engine.wall_ms(impl_->process.node)}; }
uint64_t Driver::random_u64() { return impl_->process.prng.next(); }

void Driver::return_buffer(uint16_t buffer_id) {
  CHECK(buffer_id < impl_->lent.size() && impl_->lent[buffer_id], buffer_id);
  impl_->lent[buffer_id] = false;
  // Whoever still reads it should see that it is gone; the start is enough to notice.
  std::memset(impl_->buffers[buffer_id].get(), 0xdd, 256);
  impl_->free_buffers.push_back(buffer_id);
}

Result<int> Driver::listen(const ListenOptions& options, const SocketOptions& socket) {
  sim::Engine& engine = impl_->engine;
  TRY_ASSIGN(const uint64_t id,
             engine.network.listen(impl_->process, options, socket.receive_buffer_bytes));
  Descriptor made;
  made.kind = DescriptorKind::listener;
  made.listener = id;
  const int fd = engine.take_descriptor(impl_->process, made);
  if (fd >= 0) return fd;
  engine.network.close_listener(id);
  return fail(errno_error(-fd, "listen"));
}

Result<int> Driver::open_socket(bool) {
  Descriptor made;
  made.kind = DescriptorKind::socket;
  made.connection = impl_->engine.network.make_socket(impl_->process);
  const int fd = impl_->engine.take_descriptor(impl_->process, made);
  if (fd >= 0) return fd;
  impl_->engine.network.close(made.connection);
  return fail(errno_error(-fd, "socket"));
}

Result<SocketAddress> Driver::local_address(int fd) {
  const Descriptor* d = impl_->engine.descriptor(impl_->process, fd);
  if (!d) return fail(errno_error(EBADF, "getsockname"));
  if (d->kind == DescriptorKind::listener)
    return impl_->engine.network.listener_address(d->listener);
  if (d->kind == DescriptorKind::socket) return impl_->engine.network.address(d->connection, false);
  return fail(errno_error(ENOTSOCK, "getsockname"));
}

Result<SocketAddress> Driver::peer_address(int fd) {
  const Descriptor* d = impl_->engine.descriptor(impl_->process, fd);
  if (!d || d->kind != DescriptorKind::socket) return fail(errno_error(ENOTSOCK, "getpeername"));
  return impl_->engine.network.address(d->connection, true);
}

void Driver::set_socket_options(int fd, const SocketOptions& options) {
  const Descriptor* d = impl_->engine.descriptor(impl_->process, fd);
  CHECK(d && d->kind == DescriptorKind::socket, fd);
  impl_->engine.network.set_capacity(d->connection, options.receive_buffer_bytes);
}

void Driver::shutdown_socket(int fd, bool both_ways) {
  const Descriptor* d = impl_->engine.descriptor(impl_->process, fd);
  CHECK(d && d->kind == DescriptorKind::socket, fd);
  impl_->engine.network.shutdown(d->connection, both_ways);
}

bool Driver::write_log_line(std::string line) {
  sim::Engine& engine = impl_->engine;
  sim::Node& node = engine.nodes[impl_->process.node.value];
  engine.hash.add(Trace::log, engine.now, impl_->process.node.value,
                  sim::EventHash::digest(as_bytes(line)));
  if (engine.options.echo_log) {
    std::fprintf(stderr, "%12.6f %s %s\n",
                 static_cast<double>(engine.now.time_since_epoch().count()) / 1e9,
                 node.name.c_str(), line.c_str());
  }
  node.lines.push_back(std::move(line));
  return true;
}

}  // namespace odradek::reactor
