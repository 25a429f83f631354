#include "log/segment_index.h"

#include "log/time_index.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::log;

static SegmentIndex three_entries() {
  SegmentIndex index(Offset(100));
  REQUIRE(index.try_append({Offset(109), 5000}));
  REQUIRE(index.try_append({Offset(119), 10000}));
  REQUIRE(index.try_append({Offset(150), 70000}));
  return index;
}

TEST_CASE("an offset index answers with the last entry at or below the offset") {
  const SegmentIndex index = three_entries();
  EXPECT_EQ(index.lookup(Offset(100)), IndexEntry{Offset(100), 0});
  EXPECT_EQ(index.lookup(Offset(108)), IndexEntry{Offset(100), 0});
  EXPECT_EQ(index.lookup(Offset(109)), IndexEntry{Offset(109), 5000});
  EXPECT_EQ(index.lookup(Offset(118)), IndexEntry{Offset(109), 5000});
  EXPECT_EQ(index.lookup(Offset(1'000'000)), IndexEntry{Offset(150), 70000});
  EXPECT_EQ(index.before(70000), IndexEntry{Offset(119), 10000});
  EXPECT_EQ(index.before(5000), IndexEntry{Offset(100), 0});
}

TEST_CASE("an offset index refuses entries that do not come after the last one or do not fit") {
  SegmentIndex index = three_entries();
  EXPECT_FALSE(index.try_append({Offset(150), 80000}));
  EXPECT_FALSE(index.try_append({Offset(151), 70000}));
  EXPECT_FALSE(index.try_append({Offset(99), 80000}));
  EXPECT_FALSE(index.try_append({Offset(100 + int64_t{INT32_MAX} + 1), 80000}));
  EXPECT_FALSE(index.try_append({Offset(151), 0x80000000}));
  EXPECT_EQ(index.size(), 3);
  EXPECT(index.try_append({Offset(100 + int64_t{INT32_MAX}), 0x7fffffff}));
}

TEST_CASE("truncating an offset index drops entries by offset and by position") {
  SegmentIndex by_offset = three_entries();
  by_offset.truncate(Offset(119), UINT64_MAX);
  EXPECT_EQ(by_offset.size(), 1);
  SegmentIndex by_position = three_entries();
  by_position.truncate(Offset(INT64_MAX), 70000);
  EXPECT_EQ(by_position.size(), 2);
}

TEST_CASE("thinning keeps the first entry of every stretch") {
  SegmentIndex index = three_entries();
  index.thin(6000);
  REQUIRE_EQ(index.size(), 2);
  EXPECT_EQ(index.entry(1).position, 70000);
}

TEST_CASE("the offset index file is Kafka's: big-endian pairs relative to the base") {
  const std::vector<uint8_t> file = three_entries().encode();
  const std::vector<uint8_t> expected{0, 0, 0,    9,    0, 0, 0x13, 0x88, 0, 0, 0,    19,
                                      0, 0, 0x27, 0x10, 0, 0, 0,    50,   0, 1, 0x11, 0x70};
  EXPECT_EQ(file, expected);
  const auto back = SegmentIndex::decode(Offset(100), file);
  REQUIRE(back.has_value());
  EXPECT_EQ(back->encode(), file);
}

TEST_CASE("an offset index file that was preallocated ends at its zeros") {
  std::vector<uint8_t> file = three_entries().encode();
  file.resize(10 * 1024);
  const auto index = SegmentIndex::decode(Offset(100), file);
  REQUIRE(index.has_value());
  EXPECT_EQ(index->size(), 3);
  EXPECT_EQ(SegmentIndex::decode(Offset(0), std::vector<uint8_t>(8000))->size(), 0);
}

TEST_CASE("a disordered or cut offset index file is corrupt") {
  std::vector<uint8_t> file = three_entries().encode();
  for (size_t cut = 1; cut < file.size(); ++cut) {
    const auto index = SegmentIndex::decode(Offset(100), BytesView(file).first(cut));
    EXPECT_EQ(index.has_value(), cut % kIndexEntryBytes == 0);
  }
  std::swap(file[3], file[11]);
  EXPECT_EQ(SegmentIndex::decode(Offset(100), file).error().code, Errc::corrupt);
}

TEST_CASE("a time index finds the newest entry that is older than a timestamp") {
  TimeIndex index(Offset(100));
  EXPECT_EQ(index.before(5), TimeEntry{-1, Offset(100)});
  index.append({1000, Offset(109)});
  index.append({1000, Offset(119)});  // not newer: no entry
  index.append({900, Offset(120)});
  index.append({2000, Offset(150)});
  REQUIRE_EQ(index.size(), 2);
  EXPECT_EQ(index.before(1000), TimeEntry{-1, Offset(100)});
  EXPECT_EQ(index.before(1001), TimeEntry{1000, Offset(109)});
  EXPECT_EQ(index.before(9999), TimeEntry{2000, Offset(150)});
  index.truncate(Offset(150));
  EXPECT_EQ(index.last(), TimeEntry{1000, Offset(109)});
}

TEST_CASE("the time index file is Kafka's, and a cut or disordered one is corrupt") {
  TimeIndex index(Offset(100));
  index.append({1000, Offset(109)});
  index.append({2000, Offset(150)});
  std::vector<uint8_t> file = index.encode();
  const std::vector<uint8_t> expected{0, 0, 0, 0, 0, 0, 0x03, 0xe8, 0, 0, 0, 9,
                                      0, 0, 0, 0, 0, 0, 0x07, 0xd0, 0, 0, 0, 50};
  EXPECT_EQ(file, expected);
  for (size_t cut = 1; cut < file.size(); ++cut) {
    EXPECT_EQ(TimeIndex::decode(Offset(100), BytesView(file).first(cut)).has_value(),
              cut % kTimeIndexEntryBytes == 0);
  }
  std::swap(file[6], file[18]);
  EXPECT_EQ(TimeIndex::decode(Offset(100), file).error().code, Errc::corrupt);
}

TEST_CASE("a thinned time index keeps its last entry") {
  TimeIndex index(Offset(0));
  for (int64_t i = 1; i <= 100; ++i) index.append({i * 10, Offset(i)});
  index.thin(7);
  EXPECT(index.size() <= 7);
  EXPECT_EQ(index.last(), TimeEntry{1000, Offset(100)});
}

TEST_CASE("segment file names are Kafka's") {
  EXPECT_EQ(segment_file_name(Offset(42), ".log"), "00000000000000000042.log");
  const auto name = parse_segment_file_name("00000000000000000042.timeindex");
  REQUIRE(name.has_value());
  EXPECT_EQ(name->base, Offset(42));
  EXPECT_EQ(name->suffix, ".timeindex");
  EXPECT_FALSE(parse_segment_file_name("leader-epoch-checkpoint").has_value());
  EXPECT_FALSE(parse_segment_file_name("0000000000000000004x.log").has_value());
  EXPECT_FALSE(parse_segment_file_name("99999999999999999999.log").has_value());
}
