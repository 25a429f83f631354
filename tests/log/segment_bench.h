// A segment on a simulated disk, with verbs. The image holds every byte that was appended, as the
// tail of a log would.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "log/segment.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "tests/log/batches.h"
#include "tests/test.h"

namespace odradek::log::test {

using reactor::Task;
using reactor::sim::World;

inline constexpr const char* kDirectory = "/data/orders-3";

struct Bench {
  explicit Bench(uint32_t open_max = 4, SegmentOptions o = {}) : files(open_max), options(o) {}

  // A new segment in a new directory.
  Task<void> create(int64_t base = 0) {
    const Status made = co_await reactor::make_directories(kDirectory);
    EXPECT(made.has_value());
    const Status root = co_await reactor::sync_directory("/");
    EXPECT(root.has_value());
    const Status named = co_await reactor::sync_directory("/data");
    EXPECT(named.has_value());
    segment = std::make_unique<Segment>(files, kDirectory, segment_id(base), options);
    image.clear();
  }
  // Appends `count` batches like `spec` at the segment's end.
  void append(int count, BatchSpec spec) {
    for (int i = 0; i < count; ++i) {
      spec.base = segment->next().value;
      const auto batch = make_batch(spec);
      segment->append(BatchHeader::parse(batch), Chain(BytesView(batch)));
      image.insert(image.end(), batch.begin(), batch.end());
      specs.push_back(spec);
      spec.timestamp_ms += 1000;
      if (spec.sequence >= 0) spec.sequence += spec.records;
    }
  }
  // Writes everything that was appended, in blocks, and syncs it.
  Task<Status> store() {
    CO_TRY(co_await segment->allocate(image.size()));
    for (size_t at = 0; at < image.size();) {
      const size_t n = std::min<size_t>(image.size() - at, 256 * 1024);
      reactor::Lease block = reactor::this_shard().arena().try_allocate(256 * 1024);
      const size_t aligned = align_up<size_t>(n, 4096);
      std::fill_n(block.writable().begin(), aligned, uint8_t{0});
      std::copy_n(image.begin() + static_cast<ptrdiff_t>(at), n, block.writable().begin());
      std::vector<iovec> parts{{block.writable().data(), aligned}};
      CO_TRY(co_await segment->write(at, std::move(parts)));
      at += n;
    }
    co_return co_await segment->sync();
  }
  SegmentFound found() const {
    return {segment->size_bytes(), segment->next(), segment->max_timestamp_ms(),
            segment->max_timestamp_offset(), segment->sealed()};
  }
  // Forgets the segment and opens what is on disk.
  Task<void> reopen() {
    const SegmentFound what = found();
    co_await open(what);
  }
  Task<void> open(SegmentFound what) {
    const int64_t base = segment ? segment->base().value : 0;
    if (segment) {
      const Status closed = co_await segment->close();
      EXPECT(closed.has_value());
    }
    segment = std::make_unique<Segment>(files, kDirectory, segment_id(base), options, what);
  }
  Task<void> end() {
    const Status closed = co_await segment->close();
    EXPECT(closed.has_value());
    segment.reset();
  }

  FileCache files;
  SegmentOptions options;
  std::unique_ptr<Segment> segment;
  std::vector<uint8_t> image;
  std::vector<BatchSpec> specs;
};

// What the program's main does not hold over an await.
#define EXPECT_OK(expr)                                           \
  do {                                                            \
    const auto& status_of_it = (expr);                            \
    if (!status_of_it) MESSAGE(status_of_it.error().to_string()); \
    EXPECT(status_of_it.has_value());                             \
  } while (false)

}  // namespace odradek::log::test
