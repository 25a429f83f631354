#include "log/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "log/manifest.h"
#include "log/wal_scan.h"

namespace odradek::log {

using reactor::Task;

namespace {

std::string_view kind_name(WalKind kind) {
  switch (kind) {
    case WalKind::batch: return "batch";
    case WalKind::extent: return "extent";
    case WalKind::truncate: return "truncate";
    case WalKind::log_start: return "log_start";
    case WalKind::remove: return "remove";
    case WalKind::epoch: return "epoch";
  }
  return "unknown";
}

void dump_wal_summary(const ScannedWal& wal, const LineSink& sink) {
  sink(fmt::format("wal {}: {} live groups, last {}, released {}, flushed {}{}", wal.id.to_string(),
                   wal.live.size(), wal.last.value, wal.released_through.value,
                   wal.flushed_through.value, wal.torn ? ", a torn end was cut" : ""));
  for (const WalDamage& damage : wal.damage) {
    sink(fmt::format("  damaged groups {} to {}: {}", damage.first.value, damage.last.value,
                     damage.what));
  }
}

void dump_group(const WalGroupView& group, const WalScan::FoundFile& file, uint64_t position,
                const LineSink& sink, bool records) {
  sink(fmt::format("  {} in {} at {}", describe(group.header), file.path, position));
  if (!records) return;
  WalRecordCursor cursor = group.cursor();
  for (;;) {
    const auto item = cursor.next();
    if (!item) sink("    " + item.error().to_string());
    if (!item || !*item) return;
    sink("    " + describe((*item)->record, (*item)->payload.size()));
  }
}

Task<Status> dump_groups(WalScan& scan, const WalDumpOptions& options, const LineSink& sink) {
  for (size_t w = 0; w < scan.wals().size(); ++w) {
    dump_wal_summary(scan.wals()[w], sink);
    for (size_t g = 0; g < scan.wals()[w].live.size(); ++g) {
      const WalGroupPlace place = scan.wals()[w].live[g];
      const std::string& path = scan.files()[place.file].path;
      if (!options.groups || (!options.only_file.empty() && options.only_file != path)) continue;
      const auto group = co_await scan.read_group(w, g);
      if (group) {
        dump_group(*group, scan.files()[place.file], place.position, sink, options.records);
      } else {
        sink("  " + group.error().to_string());
      }
    }
  }
  co_return Status{};
}

void dump_partition(const ManifestPartition& p, const LineSink& sink) {
  sink(fmt::format("partition {}-{} topic id {} generation {} log start {} local log start {}",
                   p.topic_name, p.id.partition.value, p.id.topic.to_string(), p.generation.value,
                   p.log_start.value, p.local_log_start.value));
  sink(fmt::format("  recovery point: offset {} in segment {} at {}", p.recovery.offset.value,
                   p.recovery.segment_base.value, p.recovery.position));
  if (!p.quarantine.empty()) sink("  quarantined: " + p.quarantine);
  for (const auto& [base, s] : p.segments) {
    sink(fmt::format("  segment {}: next {} bytes {} max timestamp {} at {}{}", base.value,
                     s.next.value, s.bytes, s.max_timestamp_ms, s.max_timestamp_offset.value,
                     s.swapping ? " being swapped in"
                     : s.sealed ? " sealed"
                                : ""));
  }
  for (const auto& [epoch, start] : p.epochs) {
    sink(fmt::format("  epoch {} from {}", epoch.value, start.value));
  }
}

}  // namespace

std::string describe(const WalRecord& r, uint64_t payload_bytes) {
  return fmt::format("{}{} {} generation {} epoch {} offsets {} to {} segment {} at {} payload {}",
                     kind_name(r.kind), r.carried ? " (carried)" : "", r.id.to_string(),
                     r.generation.value, r.epoch.value, r.base.value, r.last.value,
                     r.segment_base.value, r.position, payload_bytes);
}

std::string describe(const WalGroupHeader& h) {
  return fmt::format("group {} sealed {} records {} bytes {} flushed {} released {}",
                     h.sequence.value, h.sealed_ms, h.record_count, h.group_bytes,
                     h.flushed_through.value, h.released_through.value);
}

// The first damage of `scan` that `earlier` has too.
static const WalDamage* lasting_damage(const WalScan& scan, const std::vector<WalDamage>& earlier) {
  for (const ScannedWal& wal : scan.wals()) {
    for (const WalDamage& damage : wal.damage) {
      const auto same = [&damage](const WalDamage& d) {
        return d.first == damage.first && d.last == damage.last && d.what == damage.what;
      };
      if (std::ranges::any_of(earlier, same)) return &damage;
    }
  }
  return nullptr;
}

static std::vector<WalDamage> all_damage(const WalScan& scan) {
  std::vector<WalDamage> out;
  for (const ScannedWal& wal : scan.wals()) {
    out.insert(out.end(), wal.damage.begin(), wal.damage.end());
  }
  return out;
}

Task<Status> dump_wal(std::string log_directory, WalDumpOptions options, LineSink sink) {
  CO_TRY_ASSIGN(auto scan, co_await WalScan::open(log_directory));
  const std::vector<WalDamage> earlier = all_damage(*scan);
  if (!earlier.empty()) {
    CO_TRY(co_await scan->close());
    CO_TRY_ASSIGN(scan, co_await WalScan::open(log_directory));
  }
  for (const WalScan::FoundFile& file : scan->files()) {
    const std::string owner = file.owner.is_zero() ? "nobody" : file.owner.to_string();
    sink(fmt::format("file {}: owner {}{}", file.path, owner, file.retired ? ", retired" : ""));
  }
  Status status = co_await dump_groups(*scan, options, sink);
  if (const WalDamage* damage = lasting_damage(*scan, earlier); damage && status) {
    status = fail(Errc::corrupt,
                  fmt::format("{}/{}: damaged groups {} to {}: {}", log_directory, kWalFolder,
                              damage->first.value, damage->last.value, damage->what));
  }
  const Status closed = co_await scan->close();
  co_return status ? closed : status;
}

Task<Status> dump_manifest(std::string log_directory, LineSink sink) {
  CO_TRY_ASSIGN(const ManifestState state, co_await Manifest::read(std::move(log_directory)));
  sink(fmt::format("{} partitions, next generation {}", state.partitions.size(),
                   state.next_generation.value));
  for (const ManifestPartition* partition : state.sorted()) dump_partition(*partition, sink);
  co_return Status{};
}

}  // namespace odradek::log
