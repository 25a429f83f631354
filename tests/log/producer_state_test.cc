#include "log/producer_state.h"

#include "tests/log/batches.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::log;
using test::BatchSpec;
using test::header_of;
using Verdict = ProducerState::Verdict;

namespace {

// One partition's producers, and where its log ends.
struct Producers {
  ProducerState state;
  int64_t end = 0;
  int64_t now_ms = 50'000;

  BatchHeader batch(int16_t epoch, int32_t sequence, int32_t records = 1,
                    bool transactional = false) {
    return header_of({.base = end,
                      .records = records,
                      .producer = 9,
                      .epoch = epoch,
                      .sequence = sequence,
                      .transactional = transactional});
  }
  ProducerState::Check send(int16_t epoch, int32_t sequence, int32_t records = 1,
                            bool transactional = false) {
    const BatchHeader header = batch(epoch, sequence, records, transactional);
    const auto check = state.check(header);
    if (check.verdict == Verdict::accept) {
      state.note(header, now_ms);
      end += records;
    }
    return check;
  }
  std::optional<AbortedTransaction> end_transaction(int16_t epoch, bool commit) {
    BatchHeader header = batch(epoch, -1);
    header.attributes.bits = Attributes::kTransactional | Attributes::kControl;
    const auto aborted = state.note_marker(header, {commit, 4}, now_ms);
    ++end;
    return aborted;
  }
};

}  // namespace

TEST_CASE("batches without a producer id are always accepted and leave no state") {
  ProducerState state;
  const BatchHeader header = header_of({});
  EXPECT_EQ(state.check(header).verdict, Verdict::accept);
  state.note(header, 0);
  EXPECT_EQ(state.size(), 0);
}

TEST_CASE("an epoch below -1 is stale even without state") {
  Producers p;
  EXPECT_EQ(p.send(-2, 0).verdict, Verdict::stale_epoch);
  EXPECT_EQ(p.send(0, 0).verdict, Verdict::accept);
}

TEST_CASE(
    "a producer without an epoch may send any sequence, and a batch twice is still a duplicate") {
  Producers p;
  EXPECT_EQ(p.send(-1, 3).verdict, Verdict::accept);
  EXPECT_EQ(p.send(-1, 8).verdict, Verdict::accept);
  EXPECT_EQ(p.send(-1, 8).verdict, Verdict::duplicate);
  EXPECT_EQ(p.send(-1, 0).verdict, Verdict::accept);
  EXPECT_EQ(p.send(0, 1).verdict, Verdict::out_of_order);
}

TEST_CASE("without state any sequence is accepted") {
  Producers p;
  EXPECT_EQ(p.send(3, 777).verdict, Verdict::accept);
}

TEST_CASE("a retry of any of the last five batches gets the first attempt's offsets") {
  Producers p;
  for (int32_t i = 0; i < 6; ++i) EXPECT_EQ(p.send(0, i * 2, 2).verdict, Verdict::accept);
  for (int32_t i = 1; i < 6; ++i) {
    const auto check = p.state.check(p.batch(0, i * 2, 2));
    EXPECT_EQ(check.verdict, Verdict::duplicate);
    EXPECT_EQ(check.first_attempt.base, Offset(i * 2));
    EXPECT_EQ(check.first_attempt.last, Offset(i * 2 + 1));
  }
  EXPECT_EQ(p.state.check(p.batch(0, 0, 2)).verdict, Verdict::out_of_order);
}

TEST_CASE("a batch is a duplicate only with exactly the same sequences") {
  Producers p;
  p.send(0, 0, 4);
  EXPECT_EQ(p.state.check(p.batch(0, 0, 3)).verdict, Verdict::out_of_order);
  EXPECT_EQ(p.state.check(p.batch(0, 1, 3)).verdict, Verdict::out_of_order);
}

TEST_CASE("a gap is out of order and names the expected sequence") {
  Producers p;
  p.send(0, 0, 3);
  const auto check = p.state.check(p.batch(0, 4));
  EXPECT_EQ(check.verdict, Verdict::out_of_order);
  EXPECT_EQ(check.expected_sequence, 3);
  EXPECT_EQ(p.state.check(p.batch(0, 3)).verdict, Verdict::accept);
}

TEST_CASE("after the largest sequence comes zero") {
  Producers p;
  p.send(0, INT32_MAX - 1, 2);
  EXPECT_EQ(p.state.check(p.batch(0, 1)).verdict, Verdict::out_of_order);
  EXPECT_EQ(p.send(0, 0).verdict, Verdict::accept);
  Producers across;
  across.send(0, INT32_MAX - 1, 4);  // wraps inside the batch
  EXPECT_EQ(across.state.check(across.batch(0, 2)).verdict, Verdict::accept);
}

TEST_CASE(
    "a lower epoch is stale, a higher one must begin at sequence zero and clears the window") {
  Producers p;
  p.send(5, 0);
  p.send(5, 1);
  EXPECT_EQ(p.state.check(p.batch(4, 2)).verdict, Verdict::stale_epoch);
  EXPECT_EQ(p.state.check(p.batch(6, 2)).verdict, Verdict::out_of_order);
  EXPECT_EQ(p.send(6, 0).verdict, Verdict::accept);
  EXPECT_EQ(p.state.check(p.batch(5, 1)).verdict, Verdict::stale_epoch);
  EXPECT_EQ(p.state.check(p.batch(6, 0)).verdict, Verdict::duplicate);
}

TEST_CASE("followers note what the leader accepted without asking") {
  Producers p;
  p.state.note(p.batch(0, 0), 1);
  p.state.note(p.batch(0, 50), 2);
  EXPECT_EQ(p.state.find(ProducerId(9))->last_sequence(), 50);
}

TEST_CASE("idle producers expire by the broker's clock, never with an open transaction") {
  Producers p;
  p.send(0, 0, 1, true);
  p.state.note(header_of({.producer = 10, .epoch = 0, .sequence = 0}), p.now_ms + 500);
  EXPECT_EQ(p.state.expire(p.now_ms + 1000, 1000), 0);
  EXPECT_EQ(p.state.expire(p.now_ms + 1500, 1000), 1);
  EXPECT(p.state.find(ProducerId(9)) != nullptr);
  p.end_transaction(0, true);
  EXPECT_EQ(p.state.expire(p.now_ms + 1500, 1000), 1);
  EXPECT_EQ(p.send(0, 99).verdict, Verdict::accept);
}

TEST_CASE(
    "an open transaction holds read_committed back until its marker is below the high watermark") {
  Producers p;
  p.send(0, 0, 2);
  EXPECT_FALSE(p.state.first_unstable().has_value());
  p.send(0, 2, 2, true);
  p.send(0, 4, 1, true);
  EXPECT_EQ(p.state.first_unstable(), Offset(2));
  const auto aborted = p.end_transaction(0, false);
  REQUIRE(aborted.has_value());
  EXPECT_EQ(aborted->first, Offset(2));
  EXPECT_EQ(aborted->last, Offset(5));
  EXPECT_EQ(p.state.first_unstable(), Offset(2));
  p.state.on_high_watermark(Offset(5));
  EXPECT_EQ(p.state.first_unstable(), Offset(2));
  p.state.on_high_watermark(Offset(6));
  EXPECT_FALSE(p.state.first_unstable().has_value());
}

TEST_CASE("a committed transaction and an empty one leave nothing for the transaction index") {
  Producers p;
  p.send(0, 0, 1, true);
  EXPECT_FALSE(p.end_transaction(0, true).has_value());
  EXPECT_FALSE(p.end_transaction(0, false).has_value());
}

// Trap 24.
TEST_CASE("sequences used again after an abort are new batches, not retries") {
  Producers p;
  p.send(0, 42, 1, true);
  p.end_transaction(0, false);
  EXPECT_EQ(p.send(0, 42, 1, true).verdict, Verdict::accept);
  EXPECT_EQ(p.state.check(p.batch(0, 42)).verdict, Verdict::duplicate);
}

TEST_CASE("a marker with a bumped epoch fences the old one and starts at sequence zero") {
  Producers p;
  p.send(0, 0, 1, true);
  p.end_transaction(1, true);
  EXPECT_EQ(p.state.check(p.batch(0, 1)).verdict, Verdict::stale_epoch);
  EXPECT_EQ(p.state.check(p.batch(1, 1)).verdict, Verdict::out_of_order);
  EXPECT_EQ(p.state.check(p.batch(1, 0)).verdict, Verdict::accept);
}

static ProducerState restored(const ProducerState& state) {
  auto back = ProducerState::decode_snapshot(state.encode_snapshot(), 1);
  REQUIRE(back.has_value());
  return std::move(*back);
}

TEST_CASE("a snapshot keeps the whole window, so a retry after a restart is still found") {
  Producers p;
  for (int32_t i = 0; i < 5; ++i) p.send(2, i * 3, 3);
  p.state.note(
      header_of({.base = 90, .producer = 1, .epoch = 0, .sequence = 0, .transactional = true}), 3);
  const ProducerState back = restored(p.state);
  EXPECT_EQ(back.size(), 2);
  EXPECT_EQ(back.first_unstable(), Offset(90));
  for (int32_t i = 0; i < 5; ++i) {
    const auto check = back.check(p.batch(2, i * 3, 3));
    EXPECT_EQ(check.verdict, Verdict::duplicate);
    EXPECT_EQ(check.first_attempt.base, Offset(i * 3));
  }
  EXPECT_EQ(back.encode_snapshot(), p.state.encode_snapshot());
}

TEST_CASE("a snapshot of a window that wraps, and of an aborted one, means the same again") {
  Producers p;
  p.send(0, INT32_MAX - 1, 4);
  EXPECT_EQ(restored(p.state).check(p.batch(0, INT32_MAX - 1, 4)).verdict, Verdict::duplicate);
  Producers aborted;
  aborted.send(0, 7, 1, true);
  aborted.end_transaction(0, false);
  EXPECT_EQ(restored(aborted.state).check(aborted.batch(0, 7)).verdict, Verdict::accept);
}

TEST_CASE("a snapshot that is cut or damaged anywhere is refused") {
  Producers p;
  for (int32_t i = 0; i < 3; ++i) p.send(0, i);
  const std::vector<uint8_t> file = p.state.encode_snapshot();
  for (size_t cut = 0; cut < file.size(); ++cut) {
    EXPECT_FALSE(ProducerState::decode_snapshot(BytesView(file).first(cut), 0).has_value());
  }
  for (size_t i = 0; i < file.size(); ++i) {
    std::vector<uint8_t> bad = file;
    bad[i] ^= 0x10;
    EXPECT_FALSE(ProducerState::decode_snapshot(bad, 0).has_value());
  }
}

TEST_CASE("too many producers: the longest idle go, those with open transactions stay") {
  ProducerState state;
  for (size_t i = 0; i < kProducersPerPartitionMax + 10; ++i) {
    BatchHeader header;
    header.base_offset = Offset(static_cast<int64_t>(i));
    header.producer_id = ProducerId(static_cast<int64_t>(i));
    header.producer_epoch = ProducerEpoch(0);
    header.base_sequence = 0;
    if (i == 0) header.attributes.set(Attributes::kTransactional, true);
    state.note(header, static_cast<int64_t>(i));
  }
  EXPECT(state.size() <= kProducersPerPartitionMax);
  EXPECT(state.find(ProducerId(0)) != nullptr);
  EXPECT(state.find(ProducerId(1)) == nullptr);
  EXPECT(state.find(ProducerId(static_cast<int64_t>(kProducersPerPartitionMax))) != nullptr);
}
