// Every maximum of replication/metadata, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace odradek::metadata {

// Requests that wait for the controller's turn; more are refused. Each holds its request in memory.
inline constexpr uint32_t kControllerRequestsMax = 1024;
// New partitions in one request, as Kafka's controller has it.
inline constexpr int32_t kPartitionsPerRequestMax = 10'000;
// Partitions of one topic that a log may name: what a damaged record can make us allocate.
inline constexpr int32_t kPartitionsPerTopicMax = 1'000'000;
// Bytes of records in one batch of a snapshot; Kafka reads batches of up to 8 MiB.
inline constexpr size_t kSnapshotBatchBytes = size_t{1} << 20;
// Room kept behind the log's end, so that most appends need not ask for any.
inline constexpr uint64_t kReserveBytes = uint64_t{256} << 10;
// Bytes of records in one append: one batch, so that it is there as a whole or not at all.
inline constexpr size_t kAppendBytesMax = size_t{8} << 20;
// Files are read whole; Kafka's segments and snapshots may be up to 1 GiB.
inline constexpr uint64_t kMetadataFileBytesMax = uint64_t{1} << 30;
inline constexpr uint64_t kSmallFileBytesMax = uint64_t{1} << 20;
// The log is replaced by a snapshot when it has grown by this much, or is this old: Kafka's
// defaults.
inline constexpr uint64_t kSnapshotEveryBytes = uint64_t{20} << 20;
inline constexpr int64_t kSnapshotEveryMs = 3'600'000;
// Records applied between two yields: some 1 us each.
inline constexpr int64_t kRecordsPerTurn = 256;
// Producer ids handed out at once, as in Kafka.
inline constexpr int32_t kProducerIdBlock = 1000;

}  // namespace odradek::metadata
