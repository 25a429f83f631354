// What a log directory may hold after a crash or a bad disk, as arbitrary bytes: segments, indexes,
// snapshots and checkpoints must be read or refused, whatever they are; what is accepted must
// survive being written and read again.
#include <algorithm>
#include <cstdlib>

#include "log/checkpoint_files.h"
#include "log/leader_epochs.h"
#include "log/producer_state.h"
#include "log/segment_checksums.h"
#include "log/segment_dump.h"
#include "log/segment_index.h"
#include "log/segment_indexer.h"
#include "log/segment_walk.h"
#include "log/time_index.h"
#include "log/transaction_index.h"
#include "reactor/base/check.h"

using namespace odradek;
using namespace odradek::log;

namespace {

const Offset kBase(1000);

void index_file(BytesView bytes) {
  const auto index = SegmentIndex::decode(kBase, bytes);
  if (!index) return;
  const auto again = SegmentIndex::decode(kBase, index->encode());
  CHECK(again && again->encode() == index->encode());
  for (size_t i = 0; i < std::min<size_t>(index->size(), 8); ++i) {
    const IndexEntry entry = index->entry(i);
    CHECK(index->lookup(entry.offset) == entry, i);
    CHECK(entry.position == 0 || index->before(entry.position).position < entry.position, i);
  }
  SegmentIndex thinned = *index;
  thinned.thin(4096);
  CHECK(thinned.size() <= index->size());
}

void time_file(BytesView bytes) {
  const auto index = TimeIndex::decode(kBase, bytes);
  if (!index) return;
  const auto again = TimeIndex::decode(kBase, index->encode());
  CHECK(again && again->encode() == index->encode());
  for (size_t i = 0; i < std::min<size_t>(index->size(), 8); ++i) {
    CHECK(index->before(index->entry(i).timestamp_ms).timestamp_ms < index->entry(i).timestamp_ms,
          i);
  }
}

void snapshot_file(BytesView bytes) {
  // A right checksum lets the structure behind it be reached.
  std::vector<uint8_t> file(bytes.begin(), bytes.end());
  if (file.size() >= 6) {
    store_be<int16_t>(file.data(), 1);
    store_be<uint32_t>(file.data() + 2, crc32c(0, BytesView(file).subspan(6)));
  }
  const auto state = ProducerState::decode_snapshot(file, 0);
  if (!state) return;
  const auto first = state->encode_snapshot();
  const auto again = ProducerState::decode_snapshot(first, 0);
  CHECK(again && again->encode_snapshot() == first && again->size() == state->size());
}

void checksum_file(BytesView bytes) {
  const auto id = SegmentChecksums::named_in(bytes);
  if (!id) return;
  const auto sums = SegmentChecksums::decode(*id, bytes);
  if (sums) CHECK(sums->encode().size() == bytes.size());
}

void transaction_file(BytesView bytes) {
  const auto aborted = decode_transaction_index(bytes);
  if (aborted) CHECK(encode_transaction_index(*aborted).size() == bytes.size());
}

void text_file(BytesView bytes) {
  const auto epochs = LeaderEpochs::decode_checkpoint(as_text(bytes));
  if (epochs) CHECK(LeaderEpochs::decode_checkpoint(epochs->encode_checkpoint()) == *epochs);
  const auto offsets = decode_offset_checkpoint(as_text(bytes));
  if (offsets) CHECK(decode_offset_checkpoint(encode_offset_checkpoint(*offsets)) == *offsets);
  const auto topic = decode_partition_metadata(as_text(bytes));
  if (topic) CHECK(decode_partition_metadata(encode_partition_metadata(*topic)) == *topic);
  (void)parse_partition_directory(as_text(bytes));
  (void)parse_segment_file_name(as_text(bytes));
}

struct Walked {
  std::vector<uint8_t> index;
  uint64_t end = 0;
  bool good = false;
};
Walked walk_in_pieces(BytesView bytes, size_t piece) {
  SegmentIndexer indexer(Offset(0), 100);
  SegmentWalk walk(0, Offset(0));
  Walked result;
  result.good = true;
  for (size_t at = 0; at < bytes.size() && result.good; at += piece) {
    const BytesView part = bytes.subspan(at, std::min(piece, bytes.size() - at));
    result.good = walk.feed(part,
                            [&](const BatchHeader& header, uint64_t position) {
                              indexer.note(header, position);
                              (void)dump_batch(
                                  bytes.subspan(position, static_cast<size_t>(header.size_bytes())),
                                  position, {.payloads = true}, [](std::string_view) {});
                            })
                      .has_value();
  }
  result.index = indexer.index.encode();
  result.end = walk.position();
  return result;
}

// Cut differently, a segment is the same.
void segment_file(BytesView bytes) {
  const size_t piece = 1 + bytes[0] % 100;
  const BytesView segment = bytes.subspan(1);
  const Walked whole = walk_in_pieces(segment, segment.size() + 1);
  const Walked pieces = walk_in_pieces(segment, piece);
  CHECK(whole.index == pieces.index && whole.end == pieces.end && whole.good == pieces.good, piece);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const BytesView bytes(data + 1, size - 1);
  switch (data[0] % 7) {
    case 0: index_file(bytes); break;
    case 1: time_file(bytes); break;
    case 2: snapshot_file(bytes); break;
    case 3: checksum_file(bytes); break;
    case 4: transaction_file(bytes); break;
    case 5: text_file(bytes); break;
    default: segment_file(bytes); break;
  }
  return 0;
}
