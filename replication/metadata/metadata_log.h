// `__cluster_metadata-0` of one node, in Kafka's files:
//
//   <dir>/bootstrap.checkpoint                       feature levels for the first start
//   <dir>/__cluster_metadata-0/
//     <20-digit base offset>.log                     record batches v2, exact length
//     <20-digit offset>-<10-digit epoch>.checkpoint  snapshots
//     quorum-state                                   JSON: epoch, vote, leader
//     leader-epoch-checkpoint, partition.metadata
//
// Outside the WAL: an append is written behind the last batch and fdatasynced, and recovered before
// anything else. A torn tail is cut at the last whole batch; a bad batch with a whole one behind it
// is corruption, and the directory is refused untouched.
//
// Owner: the controller; metadata shard only. One append at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/types.h"
#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/file.h"
#include "reactor/task.h"
#include "replication/metadata/image.h"
#include "replication/metadata/logged_record.h"
#include "replication/metadata/metadata_files.h"
#include "replication/quorum/quorum.h"

namespace odradek::metadata {

struct MetadataLogOptions {
  std::string
      directory;  // metadata.log.dir, or the first of log.dirs; exists and is locked by the caller
  NodeId node_id{1};
  std::string cluster_id;
  Uuid directory_id;  // of `directory`, from its meta.properties
  // Where the other voters would reach this one; stands in the voters record.
  std::vector<Endpoint> controller_endpoints;
  bool static_voters =
      false;           // controller.quorum.voters is set: kraft.version 0, as Kafka formats it
  int64_t now_ms = 0;  // wall time, for the snapshot that formats a new log
};

class MetadataLog {
 public:
  // Opens or makes the log. After a crash it holds every record whose append ended, and perhaps the
  // whole batches of one that did not. Errc::corrupt names the file and the position.
  static reactor::Task<Result<std::unique_ptr<MetadataLog>>> open(MetadataLogOptions options);
  ~MetadataLog();

  // Calls `visit` for the newest snapshot's records and then for the log's above it, in order.
  // Stops at its first error. REQUIRES: before the first append.
  using Visit = std::function<Status(const LoggedRecord&)>;
  reactor::Task<Status> replay(Visit visit);

  log::Offset start() const { return start_; }
  log::Offset end() const { return end_; }
  log::LeaderEpoch last_epoch() const { return last_epoch_; }
  const quorum::HardState& hard_state() const { return hard_state_; }
  std::optional<SnapshotId> snapshot() const { return snapshot_; }
  const VoterSet& voters() const { return voters_; }
  // Bytes of log above the newest snapshot.
  uint64_t bytes() const;

  // Replaces quorum-state; on stable storage when this ends.
  reactor::Task<Status> save(quorum::HardState state);
  // Makes room on disk for `bytes` more of appends. Errc::disk_full when there is none: nothing is
  // changed then, and a later call may succeed.
  reactor::Task<Status> reserve(uint64_t bytes);
  // Appends one finished batch that begins at end(); on stable storage when this ends. After an
  // error the log is broken: every later call fails with Errc::fenced.
  reactor::Task<Status> append(std::vector<uint8_t> batch);
  // Appends the control batch that begins an epoch: the LeaderChange record, and at the begin of a
  // log the voters it was formatted with. REQUIRES: lead.at == end().
  reactor::Task<Status> append_leader_change(quorum::Lead lead, int64_t timestamp_ms);
  // Writes a snapshot of everything below end(), rolls the log, and removes what the snapshot
  // replaces. `contained_ms` is the append time of the last record. The snapshot stands when this
  // ends.
  reactor::Task<Status> write_snapshot(RecordList records, int64_t contained_ms, int64_t now_ms);
  reactor::Task<Status> close();

 private:
  explicit MetadataLog(MetadataLogOptions options);
  reactor::Task<Status> format();
  reactor::Task<Status> recover();
  reactor::Task<Status> find_files();
  reactor::Task<Status> read_snapshot();
  reactor::Task<Status> recover_segment(size_t index);
  reactor::Task<Status> cut_tail(std::string path, uint64_t bytes);
  reactor::Task<Status> read_quorum_state();
  reactor::Task<Status> write_derived_files();
  reactor::Task<Status> roll();
  reactor::Task<Status> remove_replaced();
  Status visit_bytes(const Chain& bytes, const LoggedRecord& in_snapshot, const Visit& visit);
  std::string path(std::string_view name) const;

  struct Segment {
    log::Offset base{0};
    uint64_t bytes = 0;
  };
  // Fixed at construction.
  MetadataLogOptions options_;
  std::string folder_;
  // Written by recovery and by the calls above.
  std::vector<Segment> segments_;  // ascending; the last one is `active_`
  reactor::File active_;
  uint64_t reserved_bytes_ = 0;  // of the active segment: positions below have their space
  log::Offset start_{0};
  log::Offset end_{0};
  log::LeaderEpoch last_epoch_{-1};
  quorum::HardState hard_state_;
  std::optional<SnapshotId> snapshot_;
  std::vector<EpochStart> epochs_;
  VoterSet voters_;
  bool broken_ = false;
};

// The records of `bootstrap.checkpoint` in `directory`: what a tool formatted it with. Empty
// without one.
reactor::Task<Result<RecordList>> read_bootstrap(std::string directory);

}  // namespace odradek::metadata
