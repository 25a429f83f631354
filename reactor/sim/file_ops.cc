// File operations: begun at submission, done after a drawn latency. The effect happens at the end,
// so operations that overlap happen in a drawn order and a buffer that goes too early is noticed.
#include <fcntl.h>

#include <cerrno>

#include "reactor/sim/engine.h"

namespace odradek::reactor::sim {
namespace {

bool by_path(OpCode code) {
  switch (code) {
    case OpCode::open:
    case OpCode::rename:
    case OpCode::unlink:
    case OpCode::remove_dir:
    case OpCode::make_dir:
    case OpCode::stat:
    case OpCode::stat_fs:
    case OpCode::list_dir:
    case OpCode::resolve: return true;
    default: return false;
  }
}

bool changes_file(OpCode code) {
  return code == OpCode::write || code == OpCode::write_sync || code == OpCode::allocate ||
         code == OpCode::truncate;
}

const Latency& latency_of(const DiskOptions& options, OpCode code) {
  switch (code) {
    case OpCode::read: return options.read;
    case OpCode::write:
    case OpCode::write_sync: return options.write;
    case OpCode::fdatasync:
    case OpCode::fsync: return options.sync;
    default: return options.metadata;
  }
}

void finish_file(Engine& engine, const Event& event);

void schedule(Engine& engine, uint32_t index, OpCode code) {
  Slot& slot = engine.slots[index];
  Disk& disk = *slot.process->disk;
  const DiskOptions& options = disk.options();
  engine.post(
      engine.draw(latency_of(options, code), options.slow, options.slow_factor, disk.prng()),
      finish_file, index, slot.generation);
}

std::span<const iovec> parts_of(const Op& op) { return {op.iov, op.iov_count}; }

int32_t finish_open(Engine& engine, Slot& slot) {
  const Op& op = *slot.op;
  Process& process = *slot.process;
  InodeId inode = 0;
  const int32_t error =
      process.disk->open(op.path, op.open_flags, engine.wall_ms(process.node), inode);
  if (error < 0) return error;
  Descriptor made;
  made.kind = process.disk->is_directory(inode) ? DescriptorKind::directory : DescriptorKind::file;
  made.direct = (op.open_flags & O_DIRECT) != 0;
  made.writable = (op.open_flags & O_ACCMODE) != O_RDONLY;
  made.inode = inode;
  made.path = op.path;
  const int fd = engine.take_descriptor(process, made);
  if (fd < 0) process.disk->close(inode, process.id);
  return fd;
}

int32_t finish_path(Engine& engine, Slot& slot) {
  const Op& op = *slot.op;
  Disk& disk = *slot.process->disk;
  if (const int error = disk.error_for(op.code, op.path)) return -error;
  const int64_t wall_ms = engine.wall_ms(slot.process->node);
  switch (op.code) {
    case OpCode::open: return finish_open(engine, slot);
    case OpCode::rename: return disk.rename(op.path, op.path_to);
    case OpCode::unlink: return disk.unlink(op.path);
    case OpCode::remove_dir: return disk.remove_dir(op.path);
    case OpCode::make_dir: return disk.make_dir(op.path, wall_ms);
    case OpCode::stat: return disk.stat(op.path, *op.file_stat);
    case OpCode::stat_fs: return disk.stat_fs(op.path, *op.fs_stat);
    case OpCode::list_dir: return disk.list_dir(op.path, *op.entries);
    case OpCode::resolve:
      return engine.network.resolve(op.path, op.path_to, *slot.process, *op.addresses);
    default: return -EINVAL;
  }
}

int32_t finish_write(Engine& engine, Slot& slot, const Descriptor& d) {
  const Op& op = *slot.op;
  Disk& disk = *slot.process->disk;
  const int64_t wall_ms = engine.wall_ms(slot.process->node);
  uint64_t digest = op.offset;
  for (const iovec& part : parts_of(op)) {
    digest = EventHash::digest({static_cast<const uint8_t*>(part.iov_base), part.iov_len}, digest);
  }
  engine.hash.add(Trace::write, engine.now, slot.process->node.value, digest);
  const int error = disk.error_for(op.code, d.path);
  if (error == 0) return disk.write(slot.inode, parts_of(op), op.offset, d.direct, wall_ms);
  // What a failed write left behind nobody knows: here the whole range or nothing of it.
  if (disk.prng().chance(1, 2)) disk.write(slot.inode, parts_of(op), op.offset, d.direct, wall_ms);
  return -error;
}

int32_t finish_sync(Engine& engine, Slot& slot, const Descriptor& d) {
  Disk& disk = *slot.process->disk;
  const uint64_t sync = std::exchange(slot.sync, 0);
  const int error = disk.error_for(OpCode::fdatasync, d.path);
  engine.hash.add(Trace::sync, engine.now, slot.process->node.value,
                  sync ^ static_cast<uint64_t>(error) << 48);
  if (error == 0) return disk.finish_sync(slot.inode, sync);
  disk.fail_sync(slot.inode, sync);
  return -error;
}

// A write that is synced before it ends: no more than its own bytes, and of a short one what was
// written.
void finish_write_sync(Engine& engine, uint32_t index, const Descriptor& d) {
  Slot& slot = engine.slots[index];
  if (slot.sync != 0) {
    const int32_t error = finish_sync(engine, slot, d);
    return engine.complete(index, error < 0 ? error : static_cast<int32_t>(slot.progress));
  }
  const int32_t n = finish_write(engine, slot, d);
  if (n <= 0) return engine.complete(index, n);
  slot.progress = static_cast<uint64_t>(n);
  slot.sync = slot.process->disk->begin_range_sync(slot.inode, slot.op->offset, slot.progress);
  schedule(engine, index, OpCode::fdatasync);
}

int32_t finish_on_file(Engine& engine, Slot& slot, const Descriptor& d) {
  const Op& op = *slot.op;
  Disk& disk = *slot.process->disk;
  if (op.code == OpCode::write) return finish_write(engine, slot, d);
  if (op.code == OpCode::fdatasync || op.code == OpCode::fsync) return finish_sync(engine, slot, d);
  if (const int error = disk.error_for(op.code, d.path)) return -error;
  switch (op.code) {
    case OpCode::read: return disk.read(slot.inode, parts_of(op), op.offset, d.direct);
    case OpCode::allocate:
      return disk.allocate(slot.inode, op.offset, op.length, op.mode == FALLOC_FL_KEEP_SIZE);
    case OpCode::truncate:
      return disk.truncate(slot.inode, op.length, engine.wall_ms(slot.process->node));
    case OpCode::lock: return disk.lock(slot.inode, slot.process->id);
    default: return -EINVAL;
  }
}

void finish_file(Engine& engine, const Event& event) {
  Slot* slot = engine.find(event.a, event.b);
  if (!slot) return;
  const auto index = static_cast<uint32_t>(event.a);
  if (by_path(slot->op->code)) {
    return engine.complete(index, finish_path(engine, *slot));
  }
  const Descriptor& d = *engine.descriptor(*slot->process, slot->fd);
  if (slot->op->code == OpCode::write_sync) return finish_write_sync(engine, index, d);
  engine.complete(index, finish_on_file(engine, *slot, d));
}

}  // namespace

void begin_file(Engine& engine, uint32_t index) {
  Slot& slot = engine.slots[index];
  const Op& op = *slot.op;
  if (!by_path(op.code)) {
    Descriptor* d = engine.descriptor(*slot.process, op.fd);
    const bool file = d && d->kind == DescriptorKind::file;
    const bool directory = d && d->kind == DescriptorKind::directory;
    if (!file && !(directory && op.code == OpCode::fsync)) return engine.complete(index, -EBADF);
    if (changes_file(op.code) && !d->writable) return engine.complete(index, -EBADF);
    if (op.code == OpCode::lock && !d->writable) return engine.complete(index, -EBADF);
    slot.fd = op.fd;
    slot.inode = d->inode;
    ++d->operations;
    if (op.code == OpCode::fdatasync || op.code == OpCode::fsync) {
      slot.sync = slot.process->disk->begin_sync(slot.inode);
    }
  }
  schedule(engine, index, op.code);
}

}  // namespace odradek::reactor::sim
