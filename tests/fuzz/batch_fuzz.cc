// A produce request's records field, and a codec's stream, from the wire.
//
//   byte 0   what to do before validating (see kReseal ...) and which topic options apply
//   byte 1   how the bytes are cut into a chain
//   rest     the field
//
// Claims beyond "does not crash": the verdict does not depend on where the bytes are cut; what is
// accepted carries a right checksum, is one whole batch to a walker, and gives exactly its records,
// numbered from 0, to a reader.
#include <algorithm>
#include <vector>

#include "log/batch/batch_validator.h"
#include "log/batch/batch_walker.h"
#include "log/batch/codec.h"
#include "log/batch/limits.h"
#include "log/batch/record_reader.h"

namespace {

using namespace odradek;
using namespace odradek::log;

constexpr uint8_t kReseal = 0x01;  // make magic, length and checksum right
constexpr uint8_t kAppendTime = 0x02;
constexpr uint8_t kCompacted = 0x04;
constexpr uint8_t kInternal = 0x08;
constexpr uint8_t kRecompress = 0x10;  // to the codec in the upper three bits
constexpr uint8_t kCodecShift = 5;
constexpr uint64_t kOutputMax = 1 << 20;

Chain cut(BytesView bytes, uint8_t seed) {
  Chain chain;
  const size_t piece = 1 + seed * size_t{seed};
  for (; bytes.size() > piece; bytes = bytes.subspan(piece)) chain.append(bytes.first(piece));
  chain.append(bytes);
  return chain;
}

void reseal(std::vector<uint8_t>& batch) {
  if (batch.size() < kBatchHeaderBytes) return;
  store_be(batch.data() + kBaseOffsetAt, int64_t{0});
  store_be(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kBatchPrefixBytes));
  batch[kMagicAt] = static_cast<uint8_t>(kMagic);
  store_be(batch.data() + kCrcAt, batch_crc(BytesView(batch)));
}

ValidationOptions options_of(uint8_t flags) {
  ValidationOptions options{.now = WallTime{1'700'000'000'000}};
  if (flags & kAppendTime) options.timestamp_type = TimestampType::log_append_time;
  options.compacted = flags & kCompacted;
  options.internal = flags & kInternal;
  const auto codec = static_cast<Codec>(std::min(flags >> kCodecShift, 4));
  if (flags & kRecompress) options.compression = Compression{codec, std::nullopt};
  return options;
}

std::vector<uint8_t> stored(BatchValidator& validator) {
  assign(validator.header_bytes(), Offset(7), LeaderEpoch(1));
  const Chain& records = validator.records();
  std::vector<uint8_t> out(kBatchHeaderBytes + records.size());
  std::ranges::copy(validator.header_bytes(), out.begin());
  records.copy_out(0, MutableBytes(out).subspan(kBatchHeaderBytes));
  return out;
}

void check_accepted(BatchValidator& validator, bool internal) {
  const auto bytes = stored(validator);
  const WalkStep step = look_at_batch(Chain(bytes), 0, CrcCheck::yes);
  // Only a coordinator of ours may write an odd offset range, and none does.
  if (internal && step.kind == WalkStep::Kind::corrupt) return;
  CHECK(step.kind == WalkStep::Kind::batch && step.size_bytes == bytes.size());
  const Chain whole(bytes);
  RecordReader reader(whole, batch_expansion_bytes_max(0));
  for (int32_t i = 0; i < step.header.record_count; ++i) {
    const auto record = reader.next();
    if (!record && record.error().code == Errc::too_large) return;
    CHECK(record && *record, i);
    CHECK(internal || (*record)->offset_delta == i, i);
  }
}

void check_codecs(BytesView bytes, uint8_t seed) {
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const auto reader = open_slices(codec, cut(bytes, seed), kOutputMax);
    uint64_t made = 0;
    for (;;) {
      const auto slice = reader->read();
      if (!slice || slice->empty()) break;
      made += slice->size();
    }
    CHECK(made <= kOutputMax, made);
  }
}

// The same steps to the same end, however the bytes are cut.
void check_walk(BytesView bytes, uint8_t seed) {
  BatchWalker whole{Chain(bytes)};
  BatchWalker pieces(cut(bytes, seed));
  for (;;) {
    const WalkStep step = whole.next();
    const WalkStep other = pieces.next();
    CHECK(step.kind == other.kind && whole.position() == pieces.position(), whole.position());
    if (step.kind != WalkStep::Kind::batch) return;
    CHECK(step.bytes.size() == step.size_bytes && other.bytes.size() == step.size_bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t flags = data[0];
  const uint8_t seed = data[1];
  std::vector<uint8_t> bytes(data + 2, data + size);
  check_codecs(bytes, seed);
  if (flags & kReseal) reseal(bytes);
  check_walk(bytes, seed);
  const ValidationOptions options = options_of(flags);
  BatchValidator whole(Chain(bytes), options);
  BatchValidator pieces(cut(bytes, seed), options);
  const BatchFault fault = whole.run();
  CHECK(fault == pieces.run(), fault, pieces.fault());
  if (fault == BatchFault::none) {
    check_accepted(whole, options.internal);
    check_accepted(pieces, options.internal);
  }
  return 0;
}
