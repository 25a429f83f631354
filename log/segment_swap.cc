#include "log/segment_swap.h"

#include <array>
#include <vector>

#include "log/checkpoint_files.h"
#include "log/segment_format.h"
#include "reactor/file.h"
#include "reactor/logger.h"

namespace odradek::log {

using reactor::Task;

// Whatever of them was renamed already is not there under its mark.
static Task<Status> name_files(std::string directory, Offset base) {
  static constexpr std::array<std::string_view, 5> kSuffixes{
      kIndexSuffix, kTimeIndexSuffix, kTransactionIndexSuffix, kChecksumsSuffix, kLogSuffix};
  for (const std::string_view suffix : kSuffixes) {
    const std::string name = segment_path(directory, base, suffix);
    const Status renamed = co_await reactor::rename_file(name + std::string(kCleanedSuffix), name);
    if (!renamed && renamed.error().code != Errc::not_found) co_return renamed;
  }
  co_return co_await reactor::sync_directory(directory);
}

Task<Status> finish_swaps(std::string path, Manifest& manifest) {
  std::vector<ManifestEdit> edits;
  for (const ManifestPartition* partition : manifest.state().sorted()) {
    for (const auto& [base, segment] : partition->segments) {
      if (!segment.swapping) continue;
      SegmentSet named{partition->id, segment};
      named.segment.swapping = false;
      edits.push_back(named);
    }
  }
  for (const ManifestEdit& edit : edits) {
    const SegmentSet& named = std::get<SegmentSet>(edit);
    const ManifestPartition& partition = *manifest.find(named.id);
    const std::string directory =
        path + "/" + partition_directory_name(partition.topic_name, partition.id.partition);
    CO_TRY(co_await name_files(directory, named.segment.base));
    reactor::log_info("{}: the compaction of segment {} was cut off, and is complete now",
                      directory, named.segment.base.value);
    manifest.edit(edit);
  }
  co_return edits.empty() ? Status{} : co_await manifest.commit();
}

}  // namespace odradek::log
