// Every maximum of log/batch, with its reason.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace odradek::log {

// One step of validation, one read of a decompressor: what keeps a step well under 500 us.
inline constexpr size_t kSliceBytes = 64 * 1024;
// CRC runs at 15 GB/s and more, so its steps may be larger: 1 MiB is under 100 us.
inline constexpr size_t kCrcSliceBytes = 1024 * 1024;
// Codecs that compress slowly (gzip, zstd at high levels) are fed this much a step.
inline constexpr size_t kCompressSliceBytes = 16 * 1024;

// What one batch may expand to: a batch may honestly hold very compressible data, so there is a
// floor of 64 MiB; above it, four times what the topic allows a batch to be.
constexpr uint64_t batch_expansion_bytes_max(uint64_t message_bytes_max) {
  return std::max<uint64_t>(64ULL << 20, 4 * message_bytes_max);
}
// A record that is not contiguous is assembled; it cannot be larger than this (Kafka's default
// request limit, socket.request.max.bytes, is 100 MiB).
inline constexpr size_t kRecordBytesMax = 100ULL << 20;
// Two bytes make a header but its views take fifty: what a reader holds for one record is capped.
inline constexpr size_t kRecordHeadersMax = 1U << 20;
// A batch's length field is an int32; nothing larger than this is ever believed when scanning.
inline constexpr uint32_t kBatchBytesMax = 1U << 30;
// Record errors reported for one batch. Kafka reports all of them; a batch of a million bad records
// must not become a response of 100 MB.
inline constexpr size_t kRecordErrorsMax = 100;
// zstd frames may ask for windows up to 2 GiB; level 22 asks for 128 MiB.
inline constexpr int kZstdWindowLogMax = 27;
// zstd contexts that a shard keeps between batches: as many as validations are in flight, of a size
// that batches up to a megabyte leave behind.
inline constexpr size_t kIdleContextsMax = 4;
inline constexpr size_t kIdleContextBytesMax = 4ULL << 20;
// Kafka compresses snappy in blocks of 32 KiB (snappy-java's default).
inline constexpr size_t kSnappyBlockBytes = 32 * 1024;

}  // namespace odradek::log
