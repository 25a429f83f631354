#include "reactor/sim/disk.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reactor/base/check.h"

namespace odradek::reactor::sim {

const char* outcome_name(DiskOutcome outcome) {
  switch (outcome) {
    case DiskOutcome::all_lost: return "all_lost";
    case DiskOutcome::all_kept: return "all_kept";
    case DiskOutcome::torn: return "torn";
    case DiskOutcome::random: return "random";
  }
  return "?";
}

Disk::Disk(const DiskOptions& options, uint64_t seed) : options_(options), prng_(seed) {
  CHECK(options.tear_bytes == 512 || options.tear_bytes == 4096, options.tear_bytes);
  root_ = make_inode(true, 0);
  inode(root_).links = inode(root_).stable_links = 1;
}

Disk::Inode& Disk::inode(InodeId id) {
  const auto found = inodes_.find(id);
  CHECK(found != inodes_.end(), id);
  return *found->second;
}
const Disk::Inode& Disk::inode(InodeId id) const { return const_cast<Disk*>(this)->inode(id); }

InodeId Disk::make_inode(bool directory, int64_t wall_ms) {
  const InodeId id = ++last_inode_;
  inodes_[id] = std::make_unique<Inode>();
  inodes_[id]->directory = directory;
  inodes_[id]->modified_ms = wall_ms;
  return id;
}

int32_t Disk::locate(std::string_view path, Place& out) const {
  out = Place{root_, "", root_};
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    if (out.id == 0) return -ENOENT;
    const Inode& directory = inode(out.id);
    if (!directory.directory) return -ENOTDIR;
    const auto found = directory.names.find(name);
    out = Place{out.id, std::string(name), found == directory.names.end() ? 0 : found->second};
  }
  return 0;
}

// --- names ---

void Disk::link(InodeId directory, const std::string& name, InodeId id) {
  inode(directory).names[name] = id;
  ++inode(id).links;
}

void Disk::unlink_name(InodeId directory, const std::string& name) {
  auto& names = inode(directory).names;
  const auto found = names.find(name);
  CHECK(found != names.end(), name);
  --inode(found->second).links;
  names.erase(found);
}

void Disk::note(NameChange change) {
  change.sequence = ++sequence_;
  changes_.push_back(std::move(change));
}

void Disk::set_stable_name(InodeId directory, const std::string& name, InodeId id) {
  auto& names = inode(directory).stable_names;
  const auto found = names.find(name);
  if (found != names.end()) {
    const InodeId before = found->second;
    --inode(before).stable_links;
    names.erase(found);
    collect(before);
  }
  if (id == 0) return;
  names[name] = id;
  ++inode(id).stable_links;
}

void Disk::apply_stable(const NameChange& change) {
  if (!inodes_.contains(change.target)) return;
  ++inode(change.target).opens;  // it must outlive the moment without a name
  if (change.from_directory && inodes_.contains(change.from_directory)) {
    const auto& names = inode(change.from_directory).stable_names;
    const auto found = names.find(change.from);
    if (found != names.end() && found->second == change.target) {
      set_stable_name(change.from_directory, change.from, 0);
    }
  }
  if (change.to_directory && inodes_.contains(change.to_directory)) {
    set_stable_name(change.to_directory, change.to, change.target);
  }
  --inode(change.target).opens;
  collect(change.target);
}

// An inode without a name and without a descriptor is gone. One that a pending change names stays.
void Disk::collect(InodeId id) {
  const Inode& node = inode(id);
  if (id == root_ || node.links || node.stable_links || node.opens) return;
  for (const NameChange& change : changes_) {
    if (change.target == id || change.from_directory == id || change.to_directory == id) return;
  }
  inodes_.erase(id);
}

int32_t Disk::open(std::string_view path, int flags, int64_t wall_ms, InodeId& id) {
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  const bool write = (flags & O_ACCMODE) != O_RDONLY;
  if ((flags & O_DIRECT) && !options_.direct_supported) return -EINVAL;
  if (place.id == 0) {
    if (!(flags & O_CREAT)) return -ENOENT;
    if (options_.read_only) return -EROFS;
    place.id = make_inode(false, wall_ms);
    link(place.directory, place.name, place.id);
    note({.target = place.id, .to_directory = place.directory, .to = place.name});
  } else if ((flags & O_CREAT) && (flags & O_EXCL)) {
    return -EEXIST;
  }
  Inode& node = inode(place.id);
  if (node.directory && write) return -EISDIR;
  if (write && options_.read_only) return -EROFS;
  if ((flags & O_TRUNC) && write && node.data.size() > 0) node.data.truncate(0);
  ++node.opens;
  id = place.id;
  return 0;
}

void Disk::close(InodeId id, uint32_t process) {
  Inode& node = inode(id);
  CHECK(node.opens > 0, id);
  if (node.locked_by == process) node.locked_by = 0;
  --node.opens;
  collect(id);
}

int32_t Disk::rename(std::string_view from, std::string_view to) {
  if (options_.read_only) return -EROFS;
  Place source;
  Place target;
  if (const int32_t error = locate(from, source)) return error;
  if (source.id == 0) return -ENOENT;
  if (const int32_t error = locate(to, target)) return error;
  if (source.id == target.id) return 0;
  if (target.id != 0) {
    const Inode& there = inode(target.id);
    if (there.directory != inode(source.id).directory) return there.directory ? -EISDIR : -ENOTDIR;
    if (!there.names.empty()) return -ENOTEMPTY;
    unlink_name(target.directory, target.name);
  }
  note({.target = source.id,
        .from_directory = source.directory,
        .to_directory = target.directory,
        .from = source.name,
        .to = target.name});
  link(target.directory, target.name, source.id);
  unlink_name(source.directory, source.name);
  if (target.id != 0) collect(target.id);
  return 0;
}

int32_t Disk::unlink(std::string_view path) {
  if (options_.read_only) return -EROFS;
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id == 0) return -ENOENT;
  if (inode(place.id).directory) return -EISDIR;
  note({.target = place.id, .from_directory = place.directory, .from = place.name});
  unlink_name(place.directory, place.name);
  return 0;
}

int32_t Disk::remove_dir(std::string_view path) {
  if (options_.read_only) return -EROFS;
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id == 0) return -ENOENT;
  const Inode& node = inode(place.id);
  if (!node.directory) return -ENOTDIR;
  if (!node.names.empty()) return -ENOTEMPTY;
  note({.target = place.id, .from_directory = place.directory, .from = place.name});
  unlink_name(place.directory, place.name);
  return 0;
}

int32_t Disk::make_dir(std::string_view path, int64_t wall_ms) {
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id != 0) return -EEXIST;
  if (options_.read_only) return -EROFS;
  const InodeId id = make_inode(true, wall_ms);
  link(place.directory, place.name, id);
  note({.target = id, .to_directory = place.directory, .to = place.name});
  return 0;
}

int32_t Disk::stat(std::string_view path, FileStat& out) const {
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id == 0) return -ENOENT;
  const Inode& node = inode(place.id);
  out = {node.data.size(), node.data.allocated_bytes(), node.modified_ms, node.directory};
  return 0;
}

int32_t Disk::stat_fs(std::string_view path, FsStat& out) const {
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id == 0) return -ENOENT;
  constexpr uint64_t kExt4 = 0xef53;
  out = {options_.capacity_bytes, pages_free() * kPageBytes, kExt4};
  return 0;
}

int32_t Disk::list_dir(std::string_view path, std::vector<DirEntry>& out) const {
  Place place;
  if (const int32_t error = locate(path, place)) return error;
  if (place.id == 0) return -ENOENT;
  if (!inode(place.id).directory) return -ENOTDIR;
  for (const auto& [name, id] : inode(place.id).names) out.push_back({name, inode(id).directory});
  return 0;
}

// --- contents ---

uint64_t Disk::used_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [id, node] : inodes_) {
    if (node->links || node->opens) bytes += node->data.allocated_bytes();
  }
  return bytes;
}

uint64_t Disk::pages_free() const {
  const uint64_t used = used_bytes();
  return used >= options_.capacity_bytes ? 0 : (options_.capacity_bytes - used) / kPageBytes;
}

static uint64_t total_bytes(std::span<const iovec> parts) {
  uint64_t bytes = 0;
  for (const iovec& part : parts) bytes += part.iov_len;
  return bytes;
}

static bool aligned(std::span<const iovec> parts, uint64_t offset) {
  if (offset % kPageBytes != 0) return false;
  return std::ranges::all_of(parts, [](const iovec& part) {
    return reinterpret_cast<uintptr_t>(part.iov_base) % kPageBytes == 0 &&
           part.iov_len % kPageBytes == 0;
  });
}

// Some transfers stop early, at a sector: what is left of `length`, never nothing.
uint64_t Disk::shorten(uint64_t length) {
  if (options_.short_transfer == 0 || length <= kPageBytes) return length;
  if (prng_.below(1'000'000) >= options_.short_transfer) return length;
  return prng_.between(1, (length - 1) / kPageBytes) * kPageBytes;
}

int32_t Disk::read(InodeId id, std::span<const iovec> parts, uint64_t offset, bool direct) {
  const Inode& node = inode(id);
  if (node.directory) return -EISDIR;
  if (direct && !aligned(parts, offset)) return -EINVAL;
  uint64_t left = shorten(total_bytes(parts));
  uint64_t done = 0;
  for (const iovec& part : parts) {
    const size_t asked = std::min(left, part.iov_len);
    const size_t n = node.data.read({static_cast<uint8_t*>(part.iov_base), asked}, offset + done);
    done += n;
    left -= n;
    if (n < part.iov_len) break;
  }
  return static_cast<int32_t>(done);
}

int32_t Disk::write(InodeId id, std::span<const iovec> parts, uint64_t offset, bool direct,
                    int64_t wall_ms) {
  Inode& node = inode(id);
  if (direct && !aligned(parts, offset)) return -EINVAL;
  uint64_t length = total_bytes(parts);
  if (length == 0) return 0;
  length = shorten(length);
  if (node.data.pages_missing(offset, length) > 0) {
    length = node.data.writable_bytes(offset, length, pages_free());
    if (length == 0) return -ENOSPC;
  }
  node.data.write(parts, length, offset, prng_, options_.write_back);
  node.modified_ms = wall_ms;
  return static_cast<int32_t>(length);
}

void Disk::write_in_flight(InodeId id, std::span<const iovec> parts, uint64_t offset) {
  inode(id).data.write(parts, total_bytes(parts), offset, prng_, 0);
}

int32_t Disk::allocate(InodeId id, uint64_t offset, uint64_t length, bool keep_size) {
  Inode& node = inode(id);
  if (node.data.pages_missing(offset, length) > pages_free()) return -ENOSPC;
  node.data.allocate(offset, length, keep_size);
  return 0;
}

int32_t Disk::truncate(InodeId id, uint64_t length, int64_t wall_ms) {
  inode(id).data.truncate(length);
  inode(id).modified_ms = wall_ms;
  return 0;
}

uint64_t Disk::begin_sync(InodeId id) {
  Inode& node = inode(id);
  if (!node.directory) return node.data.begin_sync();
  const uint64_t token = ++sequence_;
  directory_syncs_[token] = token;
  return token;
}

uint64_t Disk::begin_range_sync(InodeId id, uint64_t offset, uint64_t length) {
  return inode(id).data.begin_range_sync(offset, length);
}

int32_t Disk::finish_sync(InodeId id, uint64_t sync) {
  ++syncs_done_;
  Inode& node = inode(id);
  if (!node.directory) {
    node.data.finish_sync(sync);
    return 0;
  }
  directory_syncs_.erase(sync);
  std::vector<NameChange> pending;
  std::vector<NameChange> durable;
  for (NameChange& change : changes_) {
    const bool here = change.from_directory == id || change.to_directory == id;
    (here && change.sequence <= sync ? durable : pending).push_back(std::move(change));
  }
  changes_ = std::move(pending);
  for (const NameChange& change : durable) apply_stable(change);
  return 0;
}

void Disk::fail_sync(InodeId id, uint64_t sync) {
  Inode& node = inode(id);
  if (!node.directory) return node.data.fail_sync(sync, prng_.chance(1, 2));
  directory_syncs_.erase(sync);
}

// --- locks, faults ---

int32_t Disk::lock(InodeId id, uint32_t process) {
  Inode& node = inode(id);
  if (node.locked_by != 0 && node.locked_by != process) return -EAGAIN;
  node.locked_by = process;
  return 0;
}

void Disk::release_locks(uint32_t process) {
  for (auto& [id, node] : inodes_) {
    if (node->locked_by == process) node->locked_by = 0;
  }
}

static OpCode fault_class(OpCode code) {
  if (code == OpCode::write_sync) return OpCode::write;
  return code == OpCode::fsync ? OpCode::fdatasync : code;
}

int Disk::error_for(OpCode code, std::string_view path) {
  code = fault_class(code);
  for (DiskFault& fault : faults_) {
    if (fault_class(fault.code) != code || path.find(fault.path_part) == path.npos) continue;
    if (fault.skip > 0) {
      --fault.skip;
    } else if (fault.count > 0) {
      --fault.count;
      return fault.error;
    }
  }
  PerMillion rate = 0;
  if (code == OpCode::read) rate = options_.read_error;
  if (code == OpCode::write) rate = options_.write_error;
  if (code == OpCode::fdatasync) rate = options_.sync_error;
  return rate > 0 && prng_.below(1'000'000) < rate ? EIO : 0;
}

// --- power ---

// Of each directory's changes a prefix stays: its own draw, because nothing orders directories.
void Disk::keep_names(DiskOutcome outcome) {
  if (outcome == DiskOutcome::all_lost) return changes_.clear();
  std::map<InodeId, uint64_t> left;
  if (outcome != DiskOutcome::all_kept) {
    for (const NameChange& change : changes_) {
      for (const InodeId id : {change.from_directory, change.to_directory}) ++left[id];
    }
    for (auto& [id, count] : left) count = prng_.between(0, count);
    left[0] = UINT64_MAX;
  }
  const std::vector<NameChange> changes = std::exchange(changes_, {});
  for (const NameChange& change : changes) {
    if (outcome != DiskOutcome::all_kept) {
      uint64_t& from = left[change.from_directory];
      uint64_t& to = left[change.to_directory];
      if (from == 0 || to == 0) {
        from = change.from_directory ? 0 : from;
        to = change.to_directory ? 0 : to;
        continue;
      }
      --from;
      if (&from != &to) --to;
    }
    apply_stable(change);
  }
}

void Disk::forget_unreachable() {
  std::set<InodeId> seen{root_};
  std::vector<InodeId> todo{root_};
  while (!todo.empty()) {
    const InodeId id = todo.back();
    todo.pop_back();
    for (const auto& [name, child] : inode(id).names) {
      if (seen.insert(child).second) todo.push_back(child);
    }
  }
  std::erase_if(inodes_, [&](const auto& entry) { return !seen.contains(entry.first); });
}

void Disk::crash(DiskOutcome outcome) {
  for (auto& [id, node] : inodes_) {
    if (!node->directory) node->data.crash(outcome, prng_, options_.tear_bytes);
  }
  for (auto& [id, node] : inodes_) ++node->opens;  // nothing is collected while names change
  keep_names(outcome);
  for (auto& [id, node] : inodes_) {
    node->names = node->stable_names;
    node->opens = node->links = node->locked_by = 0;
  }
  inode(root_).links = 1;
  for (auto& [id, node] : inodes_) {
    for (const auto& [name, child] : node->names) ++inode(child).links;
  }
  directory_syncs_.clear();
  forget_unreachable();
}

// --- for tests ---

void Disk::flip_bit(std::string_view path, uint64_t offset, uint32_t bit) {
  Place place;
  CHECK(locate(path, place) == 0 && place.id != 0, path);
  inode(place.id).data.flip_bit(offset, bit);
}

std::optional<std::vector<uint8_t>> Disk::contents(std::string_view path) const {
  Place place;
  if (locate(path, place) != 0 || place.id == 0 || inode(place.id).directory) return std::nullopt;
  const FileData& data = inode(place.id).data;
  std::vector<uint8_t> bytes(data.size());
  data.read(bytes, 0);
  return bytes;
}

void Disk::put(std::string_view path, BytesView bytes) {
  for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
    make_dir(path.substr(0, slash), 0);
  }
  InodeId id = 0;
  CHECK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0, id) == 0, path);
  const iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  FileData& data = inode(id).data;
  data.write(std::span(&part, 1), bytes.size(), 0, prng_, 0);
  data.settle();
  const std::vector<NameChange> changes = std::exchange(changes_, {});
  for (const NameChange& change : changes) apply_stable(change);
  close(id, 0);
}

void Disk::remove(std::string_view path) {
  CHECK(unlink(path) == 0, path);
  const std::vector<NameChange> changes = std::exchange(changes_, {});
  for (const NameChange& change : changes) apply_stable(change);
}

void Disk::list_files(InodeId directory, const std::string& path,
                      std::vector<std::string>& out) const {
  for (const auto& [name, id] : inode(directory).names) {
    const std::string full = path + "/" + name;
    if (inode(id).directory) {
      list_files(id, full, out);
    } else {
      out.push_back(full);
    }
  }
}

std::vector<std::string> Disk::files() const {
  std::vector<std::string> out;
  list_files(root_, "", out);
  std::ranges::sort(out);
  return out;
}

}  // namespace odradek::reactor::sim
