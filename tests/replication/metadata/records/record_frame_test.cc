#include "replication/metadata/records/record_frame.h"

#include <vector>

#include "replication/metadata/records/any_record.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::records;
using Bytes = std::vector<uint8_t>;

namespace {

Result<AnyRecord> decoded(const Bytes& bytes) {
  wire::Scratch scratch;
  wire::Reader reader(BytesView(bytes), scratch);
  return decode_framed(reader);
}

}  // namespace

TEST_CASE("a metadata record is framed by version, type and record version") {
  wire::Writer writer;
  encode_framed(writer, 0, FeatureLevelRecord{.name = "metadata.version", .feature_level = 25});
  const Bytes bytes = writer.copy();
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 4), Bytes{1, 12, 0, 17});
  const Result<AnyRecord> back = decoded(bytes);
  REQUIRE(back.has_value());
  EXPECT_EQ(type_of(*back), RecordType::feature_level_record);
  EXPECT_EQ(name_of(*back), "FeatureLevelRecord");
  const auto& record = std::get<FeatureLevelRecord>(*back);
  EXPECT_EQ(record.name, "metadata.version");
  EXPECT_EQ(record.feature_level, 25);
  wire::Writer again;
  encode_framed(again, 0, *back);
  EXPECT_EQ(again.copy(), bytes);
}

TEST_CASE("an unknown frame, type or version is unsupported, so that a reader can name it") {
  EXPECT_EQ(decoded({2, 12, 0}).error().code, Errc::unsupported);
  EXPECT_EQ(decoded({1, 99, 0}).error().code, Errc::unsupported);
  EXPECT_EQ(decoded({1, 12, 9}).error().code, Errc::unsupported);
}

TEST_CASE("bytes after a metadata record are malformed") {
  EXPECT(decoded({1, 20, 0, 0}).has_value());  // NoOpRecord
  EXPECT_EQ(decoded({1, 20, 0, 0, 7}).error().code, Errc::malformed);
  EXPECT_EQ(decoded({1, 20, 0}).error().code, Errc::malformed);
  EXPECT_EQ(decoded({}).error().code, Errc::malformed);
}
