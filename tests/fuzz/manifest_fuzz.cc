// A manifest and its journal as a disk may give them back.
//
//   byte 0   0: the rest is a snapshot file, 1: a journal file, 2: the edits of an entry, 3: of a
//            snapshot (the last two with right checksums)
//   rest     the bytes
//
// Claims beyond "does not crash": what is accepted can be written and read back to the same state,
// and applying edits twice is applying them once.
#include <vector>

#include "log/manifest_format.h"
#include "reactor/base/check.h"
#include "reactor/base/crc32c.h"

namespace {

using namespace odradek;
using namespace odradek::log;

void check_state(const ManifestState& state) {
  const auto again = decode_snapshot(encode_snapshot(state, 5));
  CHECK(again.has_value());
  CHECK(again->state == state);
}

void check_edits(BytesView bytes) {
  std::vector<ManifestEdit> edits;
  if (!decode_edits(bytes, edits)) return;
  ManifestState state;
  std::vector<uint8_t> encoded;
  for (const ManifestEdit& edit : edits) {
    apply(state, edit);
    const ManifestState once = state;
    apply(state, edit);
    CHECK(state == once);
    encode_edit(edit, encoded);
  }
  std::vector<ManifestEdit> decoded;
  CHECK(decode_edits(encoded, decoded).has_value());
  CHECK(decoded == edits);
  check_state(state);
}

void check_journal(BytesView bytes) {
  ManifestState state;
  const auto journal = replay_journal(state, 0, bytes);
  if (!journal) return;
  CHECK(journal->bytes <= bytes.size(), journal->bytes, bytes.size());
  check_state(state);
}

std::vector<uint8_t> sealed_snapshot(BytesView edits) {
  // An entry is a snapshot but for the magic.
  std::vector<uint8_t> file;
  encode_entry(1, edits, file);
  store_le<uint32_t>(file.data() + 4, kManifestSnapshotMagic);
  store_le<uint32_t>(file.data(), crc32c(0, BytesView(file).subspan(4)));
  return file;
}

void check_snapshot(BytesView bytes) {
  const auto snapshot = decode_snapshot(bytes);
  if (snapshot) check_state(snapshot->state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const BytesView rest(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: check_snapshot(rest); break;
    case 1: check_journal(rest); break;
    case 2: check_edits(rest); break;
    default: check_snapshot(sealed_snapshot(rest)); break;
  }
  return 0;
}
