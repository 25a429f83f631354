// The four codecs of Kafka as streams of bounded slices. No declared size is trusted: output is
// counted as it appears and stops at the caller's cap; memory is a slice plus the codec's own
// window.
//
//   gzip    RFC 1952 members, several in a row
//   snappy  raw blocks and snappy-java's ("xerial") framing on reading; xerial on writing, as Java
//   does lz4     LZ4 frame format 1.5 and newer, with a correct header checksum (KIP-57) zstd RFC
//   8878 frames, several in a row
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/codec_contexts.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"

namespace odradek::log {

// A codec with its level. Without a level the codec's default, which is Kafka's.
struct Compression {
  Codec codec = Codec::none;
  std::optional<int> level;
  bool operator==(const Compression&) const = default;
};

// "none", "gzip", "snappy", "lz4", "zstd": Kafka's names.
std::string_view codec_name(Codec codec);
// Also takes "uncompressed", the name in topic configurations.
std::optional<Codec> codec_by_name(std::string_view name);

// Where record bytes come from, a slice of at most kSliceBytes at a time.
class SliceReader {
 public:
  virtual ~SliceReader() = default;
  // The next bytes, valid until the next call; empty at the end. `malformed`: the codec refuses the
  // bytes; `too_large`: the cap is reached. After an error or the end it is spent.
  virtual Result<BytesView> read() = 0;
};

// Reads `bytes`, decompressed when `codec` says so. What the chain views must outlive the reader.
// `output_bytes_max` caps what comes out of a codec; plain bytes are not counted. `contexts`, if
// any, outlives the reader.
std::unique_ptr<SliceReader> open_slices(Codec codec, Chain bytes, uint64_t output_bytes_max,
                                         CodecContexts* contexts = nullptr);

// Compresses what is written into a vector of the caller's, which outlives it.
class Compressor {
 public:
  virtual ~Compressor() = default;
  virtual Status write(BytesView bytes) = 0;
  // Ends the stream. Nothing may follow.
  virtual Status finish() = 0;
};

// `out` is appended to. For Codec::none a plain copy.
std::unique_ptr<Compressor> open_compressor(Compression compression, std::vector<uint8_t>& out,
                                            CodecContexts* contexts = nullptr);

}  // namespace odradek::log
