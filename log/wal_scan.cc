#include "log/wal_scan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "reactor/base/crc32c.h"
#include "reactor/file.h"
#include "reactor/wait.h"

namespace odradek::log {

using reactor::File;
using reactor::Task;

namespace {

constexpr size_t kWindowBytes = 4u << 20;
constexpr uint64_t kRetiredBytesMax = 16u << 20;
constexpr size_t kRetiredHeaderBytes = 16;
constexpr size_t kUuidBytes = 16;

std::vector<uint8_t> encode_retired(const std::vector<Uuid>& ids) {
  std::vector<uint8_t> out(kRetiredHeaderBytes + ids.size() * kUuidBytes);
  store_le<uint32_t>(out.data() + 4, kWalRetiredMagic);
  store_le<uint16_t>(out.data() + 8, kWalVersion);
  store_le<uint32_t>(out.data() + 12, static_cast<uint32_t>(ids.size()));
  uint8_t* at = out.data() + kRetiredHeaderBytes;
  for (const Uuid& id : ids) {
    std::memcpy(at, id.bytes.data(), kUuidBytes);
    at += kUuidBytes;
  }
  store_le<uint32_t>(out.data(), crc32c(0, BytesView(out).subspan(4)));
  return out;
}

Result<std::vector<Uuid>> decode_retired(BytesView file) {
  if (file.size() < kRetiredHeaderBytes || load_le<uint32_t>(file.data() + 4) != kWalRetiredMagic ||
      load_le<uint32_t>(file.data()) != crc32c(0, file.subspan(4))) {
    return fail(Errc::corrupt, "odradek.wal/retired has a bad checksum");
  }
  if (load_le<uint16_t>(file.data() + 8) != kWalVersion) {
    return fail(Errc::unsupported, "odradek.wal/retired was written by a newer odradek");
  }
  const uint64_t count = load_le<uint32_t>(file.data() + 12);
  if (file.size() != kRetiredHeaderBytes + count * kUuidBytes) {
    return fail(Errc::corrupt, "odradek.wal/retired has a wrong length");
  }
  std::vector<Uuid> ids(count);
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(ids[i].bytes.data(), file.data() + kRetiredHeaderBytes + i * kUuidBytes,
                kUuidBytes);
  }
  return ids;
}

// Whether the group's records can be believed.
Status check_records(const WalGroupHeader& header, BytesView records) {
  WalRecordCursor cursor(header, records);
  for (;;) {
    TRY_ASSIGN(const auto item, cursor.next());
    if (!item) return {};
  }
}

std::string place_name(const std::string& path, uint64_t position) {
  return path + " at " + std::to_string(position);
}

// A part of a file in memory that moves forward as it is asked for.
class Window {
 public:
  Window(File& file, AlignedBuffer& buffer) : file_(file), buffer_(buffer) {}
  // Makes [position, position + bytes) readable with at(); false when the file ends before.
  // REQUIRES: `position` is a multiple of 4096.
  Task<Result<bool>> load(uint64_t position, uint64_t bytes) {
    if (position >= start_ && position + bytes <= start_ + filled_) co_return true;
    if (ended_ && position + bytes > start_ + filled_) co_return false;
    if (bytes > buffer_.size()) buffer_ = AlignedBuffer(bytes);
    const uint64_t asked = read_ahead_ ? buffer_.size() : bytes;
    const Result<size_t> n = co_await file_.read(buffer_.span().first(asked), position);
    CO_TRY(n);
    start_ = position;
    filled_ = *n;
    bytes_read_ += *n;
    ended_ = *n < asked;
    co_return bytes <= filled_;
  }
  BytesView at(uint64_t position, uint64_t bytes) const {
    CHECK(position >= start_ && position + bytes <= start_ + filled_, position, bytes, start_);
    return {buffer_.data() + (position - start_), bytes};
  }
  uint64_t bytes_read() const { return bytes_read_; }
  // From here on as much as the buffer takes is read at once.
  void read_ahead() { read_ahead_ = true; }

 private:
  File& file_;
  AlignedBuffer& buffer_;
  uint64_t start_ = 0;
  uint64_t filled_ = 0;
  uint64_t bytes_read_ = 0;
  bool read_ahead_ = false;
  bool ended_ = false;  // the file ends where the window does
};

}  // namespace

struct WalScan::Candidate {
  WalGroupHeader header;
  WalGroupPlace place;
  std::string fault;  // of its records; empty: whole
};

Task<Result<std::unique_ptr<WalScan>>> WalScan::open(std::string log_directory) {
  std::unique_ptr<WalScan> scan(new WalScan());
  CO_TRY(co_await scan->read_folder(std::move(log_directory), false));
  co_return scan;
}

Task<Status> WalScan::retire_all(std::string log_directory) {
  WalScan scan;
  CO_TRY(co_await scan.read_folder(std::move(log_directory), true));
  co_return co_await scan.retire();
}

Task<Status> WalScan::read_folder(std::string log_directory, bool headers_only) {
  headers_only_ = headers_only;
  folder_ = log_directory + "/" + kWalFolder;
  window_ = AlignedBuffer(headers_only ? size_t{kWalFileHeaderBytes} : kWindowBytes);
  const auto entries = co_await reactor::list_directory(folder_);
  if (!entries && entries.error().code == Errc::not_found) co_return Status{};
  CO_TRY(entries);
  for (const reactor::DirEntry& entry : *entries) {
    const std::string path = folder_ + "/" + entry.name;
    if (entry.name == kWalRetiredFile) {
      const auto bytes = co_await reactor::read_file(path, kRetiredBytesMax);
      CO_TRY(bytes);
      CO_TRY_ASSIGN(retired_, decode_retired(*bytes));
    } else if (entry.name.ends_with(kWalSuffix)) {
      files_.push_back({path});
    }
  }
  co_return co_await read_files();
}

Task<Status> WalScan::read_files() {
  std::vector<Candidate> candidates;
  for (uint32_t i = 0; i < files_.size(); ++i) {
    reactor::OpenOptions options;
    options.direct = true;
    CO_TRY_ASSIGN(File file, co_await File::open(files_[i].path, options));
    const Status read = co_await read_one(file, i, candidates);
    const Status closed = co_await file.close();
    CO_TRY(read);
    CO_TRY(closed);
  }
  judge(std::move(candidates));
  co_return Status{};
}

// Two copies of the header: while a file changes hands, one may be of the old owner and one of the
// new.
Status WalScan::read_owner(FoundFile& found, BytesView headers) const {
  for (const size_t at : {size_t{0}, size_t{kWalBlockBytes}}) {
    const auto header = decode_wal_file_header(headers.subspan(at, kWalBlockBytes));
    if (!header && header.error().code == Errc::unsupported) {
      return fail(Errc::unsupported, found.path + ": " + header.error().context);
    }
    if (!header) continue;
    const bool retired = std::ranges::find(retired_, header->wal) != retired_.end();
    if (found.owner.is_zero() || found.retired) {
      found.other_owner = std::exchange(found.owner, header->wal);
      found.retired = retired;
    } else {
      found.other_owner = header->wal;
    }
  }
  return {};
}

Task<Status> WalScan::read_one(File& file, uint32_t index, std::vector<Candidate>& out) {
  Window window(file, window_);
  CO_TRY_ASSIGN(const bool has_header, co_await window.load(0, kWalFileHeaderBytes));
  if (has_header) CO_TRY(read_owner(files_[index], window.at(0, kWalFileHeaderBytes)));
  // What a retired WAL left is needed no more, and a file without an owner was never written to.
  const bool wanted = !headers_only_ && !files_[index].owner.is_zero() && !files_[index].retired;
  if (wanted) window.read_ahead();
  for (uint64_t at = kWalFileHeaderBytes; wanted;) {
    CO_TRY_ASSIGN(const bool more, co_await window.load(at, kWalBlockBytes));
    if (!more) break;
    const auto decoded = decode_wal_group_header(window.at(at, kWalGroupHeaderBytes));
    if (!decoded && decoded.error().code == Errc::unsupported) {
      co_return fail(Errc::unsupported, files_[index].path + ": " + decoded.error().context);
    }
    if (!decoded || decoded->header.wal != files_[index].owner) {
      at += kWalBlockBytes;
      continue;
    }
    const WalGroupHeader& header = decoded->header;
    CO_TRY_ASSIGN(const bool whole, co_await window.load(at, header.group_bytes));
    Candidate found{
        header, {header.sequence, index, at, header.group_bytes, decoded->checksum}, {}};
    Status records = fail(Errc::corrupt, "the file ends inside the group");
    if (whole) {
      records = check_records(header, window.at(at + kWalGroupHeaderBytes, header.record_bytes));
    }
    if (!records && records.error().code == Errc::unsupported) co_return records;
    if (!records) found.fault = records.error().context;
    // Behind a broken group may lie another one: look at every block of it.
    at += found.fault.empty() ? header.group_bytes : kWalBlockBytes;
    out.push_back(std::move(found));
    co_await reactor::yield();
  }
  bytes_read_ += window.bytes_read();
  co_return Status{};
}

// Of two copies of a sequence (there is one, unless the disk wrote twice) the whole one counts.
void WalScan::judge(std::vector<Candidate> candidates) {
  std::map<Uuid, Groups> by_wal;
  std::map<Uuid, ScannedWal> facts;
  for (Candidate& candidate : candidates) {
    const WalGroupHeader& header = candidate.header;
    ScannedWal& wal = facts[header.wal];
    wal.id = header.wal;
    wal.flushed_through = std::max(wal.flushed_through, header.flushed_through);
    wal.released_through = std::max(wal.released_through, header.released_through);
    wal.manifest_sequence = std::max(wal.manifest_sequence, header.manifest_sequence);
    const bool mark = header.record_count == 0;
    if (!header.partitions_before.empty()) {
      const WalSequence of = mark ? header.sequence : header.sequence - 1;
      by_wal[header.wal].partitions[of] = header.partitions_before;
    }
    auto& groups = by_wal[header.wal].found;
    if (mark) continue;  // only those facts
    const auto same = groups.find(header.sequence);
    if (same == groups.end()) {
      groups.emplace(header.sequence, std::move(candidate));
    } else if (!same->second.fault.empty()) {
      same->second = std::move(candidate);
    }
  }
  for (auto& [id, wal] : facts) {
    judge_wal(wal, by_wal[id]);
    wals_.push_back(std::move(wal));
  }
}

// Walks the sequences from the first that is needed. What is missing or broken is damage where a
// later header says that it was durable, and the torn end of the log anywhere else.
void WalScan::judge_wal(ScannedWal& wal, const Groups& known) const {
  const auto& groups = known.found;
  wal.last = wal.released_through;
  const Candidate* previous = nullptr;  // the live group right before, if it is one
  WalSequence next = wal.released_through + 1;
  for (auto it = groups.lower_bound(next); it != groups.end() && !wal.torn; ++it) {
    const auto& [sequence, group] = *it;
    if (sequence > next) {
      add_damage(wal, known, {next, std::min(sequence - 1, wal.flushed_through), "missing"});
      wal.torn = sequence - 1 > wal.flushed_through;
      previous = nullptr;
    }
    const std::string fault = fault_of(group, previous);
    wal.torn = wal.torn || (!fault.empty() && sequence > wal.flushed_through);
    if (wal.torn) return;
    next = sequence + 1;
    if (fault.empty()) {
      wal.live.push_back(group.place);
      wal.last = sequence;
      previous = &group;
    } else {
      const std::string place = place_name(files_[group.place.file].path, group.place.position);
      WalDamage damage{sequence, sequence, place + ": " + fault};
      if (!group.fault.empty() && chain_fault(group, previous).empty()) damage.group = group.place;
      add_damage(wal, known, std::move(damage));
      previous = nullptr;
    }
  }
  add_damage(wal, known, {next, wal.flushed_through, "missing"});
}

std::string WalScan::chain_fault(const Candidate& group, const Candidate* previous) {
  if (previous == nullptr || group.header.previous_checksum == previous->place.checksum) return {};
  return "it does not continue the group before it";
}

std::string WalScan::fault_of(const Candidate& group, const Candidate* previous) {
  return group.fault.empty() ? chain_fault(group, previous) : group.fault;
}

// Of several groups in a row only the last is told of by another.
void WalScan::add_damage(ScannedWal& wal, const Groups& groups, WalDamage damage) {
  if (damage.first > damage.last) return;
  const auto told = groups.partitions.find(damage.last);
  if (damage.first == damage.last && told != groups.partitions.end()) {
    damage.partitions = told->second;
  }
  wal.damage.push_back(std::move(damage));
}

Task<Result<WalGroupView>> WalScan::read_group(size_t wal, size_t index) {
  CHECK(wal < wals_.size() && index < wals_[wal].live.size(), wal, index);
  return read_at(wals_[wal].live[index]);
}

Task<Result<WalGroupView>> WalScan::read_at(WalGroupPlace place) {
  const std::string& path = files_[place.file].path;
  if (place.group_bytes > window_.size()) window_ = AlignedBuffer(place.group_bytes);
  if (!open_.is_open() || open_file_ != place.file) {
    if (open_.is_open()) CO_TRY(co_await open_.close());
    reactor::OpenOptions options;
    options.direct = true;
    CO_TRY_ASSIGN(open_, co_await File::open(path, options));
    open_file_ = place.file;
  }
  const MutableBytes to = window_.span().first(place.group_bytes);
  CO_TRY_ASSIGN(const size_t n, co_await open_.read(to, place.position));
  if (n < kWalGroupHeaderBytes) {
    co_return fail(Errc::corrupt, place_name(path, place.position) + ": the file ends here");
  }
  const auto decoded = decode_wal_group_header(BytesView(to).first(kWalGroupHeaderBytes));
  if (!decoded || decoded->checksum != place.checksum || n < place.group_bytes) {
    co_return fail(Errc::corrupt, place_name(path, place.position) + ": the group has changed");
  }
  co_return WalGroupView{decoded->header,
                         BytesView(to).subspan(kWalGroupHeaderBytes, decoded->header.record_bytes)};
}

Task<Status> WalScan::close() {
  if (!open_.is_open()) co_return Status{};
  const Status closed = co_await open_.close();
  co_return closed;
}

Task<Status> WalScan::retire() {
  std::vector<Uuid> ids;
  for (const FoundFile& file : files_) {
    for (const Uuid& id : {file.owner, file.other_owner}) {
      if (!id.is_zero() && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }
  if (files_.empty()) co_return Status{};
  CO_TRY(co_await reactor::replace_file(folder_ + "/" + kWalRetiredFile, encode_retired(ids)));
  retired_ = std::move(ids);
  for (FoundFile& file : files_) file.retired = !file.owner.is_zero();
  co_return Status{};
}

Task<Status> WalScan::set_aside() {
  std::vector<FoundFile> kept;
  for (FoundFile& file : files_) {
    const auto wal = std::ranges::find(wals_, file.owner, &ScannedWal::id);
    if (wal == wals_.end() || wal->damage.empty()) {
      kept.push_back(std::move(file));
      continue;
    }
    CO_TRY(co_await reactor::rename_file(file.path, file.path + kWalDamagedSuffix));
  }
  if (kept.size() == files_.size()) co_return Status{};
  files_ = std::move(kept);
  co_return co_await reactor::sync_directory(folder_);
}

// A file without an owner holds nothing: its maker never came to writing groups.
std::vector<std::string> WalScan::reusable() const {
  std::vector<std::string> paths;
  for (const FoundFile& file : files_) {
    if (file.retired || file.owner.is_zero()) paths.push_back(file.path);
  }
  return paths;
}

}  // namespace odradek::log
