#include "log/batch/batch_walker.h"

#include "tests/log/batch/batch_fixture.h"

namespace odradek::log {
namespace {

using Kind = WalkStep::Kind;

std::vector<uint8_t> three_batches() {
  std::vector<uint8_t> out;
  for (int64_t base : {0, 10, 20}) {
    const auto batch = build(some_records(10), {.base_offset = Offset(base)});
    out.insert(out.end(), batch.begin(), batch.end());
  }
  return out;
}

}  // namespace

TEST_CASE("a walk gives every batch and ends at the end of the bytes, however they are cut") {
  const auto bytes = three_batches();
  for (const size_t piece : {size_t{1}, size_t{13}, bytes.size()}) {
    BatchWalker walker(in_pieces(bytes, piece));
    for (const int64_t base : {0, 10, 20}) {
      const WalkStep step = walker.next();
      REQUIRE(step.kind == Kind::batch);
      EXPECT_EQ(step.header.base_offset, Offset(base));
      EXPECT_EQ(step.bytes.size(), step.size_bytes);
    }
    EXPECT(walker.next().kind == Kind::end_of_data);
    EXPECT_EQ(walker.position(), bytes.size());
  }
}

TEST_CASE("zeros after the last batch are the end, not damage") {
  auto bytes = three_batches();
  const size_t end = bytes.size();
  for (const size_t zeros : {1, 60, 61, 5000}) {
    bytes.resize(end + zeros);
    BatchWalker walker{Chain(bytes)};
    while (walker.next().kind == Kind::batch) {
    }
    EXPECT(walker.next().kind == Kind::end_of_data);
    EXPECT_EQ(walker.position(), end);
    EXPECT(zeros_from(Chain(bytes), end));
    EXPECT_FALSE(zeros_from(Chain(bytes), end - 1));
  }
}

TEST_CASE("a batch cut at any byte is truncated, never corrupt and never whole") {
  const auto batch = build(some_records(4), {.base_offset = Offset(77)});
  for (size_t cut = 8; cut < batch.size(); ++cut) {
    const WalkStep step = look_at_batch(Chain(BytesView(batch).first(cut)), 0, CrcCheck::yes);
    REQUIRE(step.kind == Kind::truncated);
    if (cut >= kBatchPrefixBytes) REQUIRE_EQ(step.size_bytes, batch.size());
  }
}

TEST_CASE("a flipped bit anywhere under the checksum is corrupt") {
  auto batch = build(some_records(4));
  for (size_t at = kMagicAt; at < batch.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      batch[at] ^= static_cast<uint8_t>(1 << bit);
      REQUIRE(look_at_batch(Chain(batch), 0, CrcCheck::yes).kind == Kind::corrupt);
      batch[at] ^= static_cast<uint8_t>(1 << bit);
    }
  }
}

TEST_CASE("garbage is corrupt and says why") {
  const std::vector<uint8_t> noise(200, 0x5a);
  const WalkStep step = look_at_batch(Chain(noise), 0, CrcCheck::no);
  EXPECT(step.kind == Kind::corrupt);
  EXPECT_FALSE(step.reason.empty());
}

}  // namespace odradek::log
