// What the store does for moves of partitions between its directories: the moment at which the
// other directory has it, and what a start makes of a move that was cut off.
//
//   manifest of the source      manifest of the target     a crash here finds
//   moves 2m                    -                          the source's; the copy is garbage
//   moves 2m+1                  -                          the same, or, while a directory is
//                                                          offline, that nobody may know
//   moves 2m+1                  moves 2m+2, durable        the target's; the source's is garbage
//   -                           moves 2m+2                 the target's
//
// Nothing is appended before the last line, so neither ever has what the other lacks.
#include <algorithm>
#include <map>
#include <set>

#include "log/checkpoint_files.h"
#include "log/store.h"
#include "reactor/file.h"
#include "reactor/logger.h"

namespace odradek::log {

using reactor::Task;

// After a failure the source's counts again, whatever the other manifest may say one day.
Task<Result<PlacedPartition>> Store::hand_over(TopicPartition id, Generation generation,
                                               size_t from, size_t to) {
  Directory& source = directories_[from];
  Directory& target = directories_[to];
  const ManifestPartition* found = source.manifest->find(id);
  if (!found || found->generation != generation) {
    co_return fail(Errc::not_found, id.to_string() + " was removed meanwhile");
  }
  if (target.failed) co_return fail(Errc::fenced, target.path + " failed");
  ManifestPartition moved = *found;
  const uint32_t moves = moved.moves + moved.moves % 2;
  source.manifest->edit(MovesSet{id, moves + 1});
  const Status begun = co_await source.manifest->commit();
  if (!begun) {
    // The manifest keeps what a full disk refused, and writes it one day.
    source.manifest->edit(MovesSet{id, moves + 2});
    co_return fail(begun.error());
  }
  moved.moves = moves + 2;
  moved.generation = target.manifest->state().next_generation;
  for (const ManifestEdit& edit : edits_of(moved)) target.manifest->edit(edit);
  Status committed = co_await target.manifest->commit();
  if (!committed) {
    target.manifest->edit(PartitionRemoved{id, moved.generation});
    source.manifest->edit(MovesSet{id, moves + 4});
    CO_TRY(co_await source.manifest->commit());
    co_return fail(std::move(committed).error());
  }
  const uint64_t sequence = target.manifest->sequence();
  const Status removed = co_await remove(from, id, generation);
  if (!removed) {
    reactor::log_warning("{} is in {} now; {} forgets it at its next start: {}", id.to_string(),
                         target.path, source.path, removed.error().to_string());
  }
  co_return PlacedPartition{to, std::move(moved), sequence, std::nullopt};
}

// Where a copy of the partition was begun that did not become the log; told once.
std::optional<size_t> Store::take_cut_off(const ManifestPartition& partition, size_t directory) {
  const auto copies =
      cut_off_.extract(partition_directory_name(partition.topic_name, partition.id.partition));
  if (copies.empty()) return std::nullopt;
  const std::vector<size_t>& targets = copies.mapped();
  // Two: one of the moves was given up, and nothing says which.
  if (targets.size() != 1) {
    reactor::log_warning("{} was to move to {} directories, and stays where it is", copies.key(),
                         targets.size());
    return std::nullopt;
  }
  if (targets.front() == directory || directories_[targets.front()].offline) return std::nullopt;
  return targets.front();
}

// Of several manifests that have a partition, the one with the most moves is right.
Task<Status> Store::settle_moves() {
  std::map<TopicPartition, std::pair<size_t, uint32_t>> winners;
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (directories_[i].offline) continue;
    for (const ManifestPartition* partition : directories_[i].manifest->state().sorted()) {
      const auto [at, first] = winners.try_emplace(partition->id, i, partition->moves);
      if (!first && at->second.second < partition->moves) at->second = {i, partition->moves};
    }
  }
  const bool all_here =
      std::ranges::none_of(directories_, [](const Directory& d) { return d.offline.has_value(); });
  for (size_t i = 0; i < directories_.size(); ++i) {
    Directory& directory = directories_[i];
    if (directory.offline) continue;
    std::vector<ManifestEdit> edits;
    for (const ManifestPartition* partition : directory.manifest->state().sorted()) {
      if (winners.at(partition->id).first != i) {
        reactor::log_info("{}/{} moved to {}, and is removed", directory.path,
                          partition_directory_name(partition->topic_name, partition->id.partition),
                          directories_[winners.at(partition->id).first].path);
        edits.push_back(PartitionRemoved{partition->id, partition->generation});
        std::erase_if(found_, [&](const FoundPartition& f) {
          return f.id == partition->id && f.directory == directory.path;
        });
      } else if (partition->moves % 2 == 1 && all_here) {
        edits.push_back(MovesSet{partition->id, partition->moves + 1});
      }
    }
    for (const ManifestEdit& edit : edits) directory.manifest->edit(edit);
    if (!edits.empty()) CO_TRY(co_await directory.manifest->commit());
  }
  co_return co_await remove_moved();
}

// Folders of partitions that are in another directory: copies that did not become the log, and logs
// that became a copy elsewhere.
Task<Status> Store::remove_moved() {
  std::map<std::string, std::set<size_t>> homes;  // of folders' names
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (directories_[i].offline) continue;
    for (const auto& [id, partition] : directories_[i].manifest->state().partitions) {
      homes[partition_directory_name(partition.topic_name, id.partition)].insert(i);
    }
  }
  for (size_t i = 0; i < directories_.size(); ++i) {
    const std::string& path = directories_[i].path;
    if (directories_[i].offline) continue;
    CO_TRY_ASSIGN(const std::vector<reactor::DirEntry> entries,
                  co_await reactor::list_directory(path));
    for (const reactor::DirEntry& entry : entries) {
      const auto home = homes.find(entry.name);
      if (!entry.directory || home == homes.end() || home->second.contains(i)) continue;
      reactor::log_info("{}/{} was left by a move, and is removed", path, entry.name);
      CO_TRY(co_await remove_tree(path + "/" + entry.name));
    }
  }
  co_return Status{};
}

}  // namespace odradek::log
