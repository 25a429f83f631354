#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/fetch_response.h"
#include "net/kafka/messages/metadata_request.h"
#include "net/kafka/messages/produce_request.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::kafka;
using Bytes = std::vector<uint8_t>;

TEST_CASE("a produce request keeps its records as views into the frame") {
  const Bytes batch(100, 0xab);
  ProduceRequest request{.acks = -1, .timeout_ms = 30000};
  request.topic_data.push_back({.name = "topic"});
  request.topic_data[0].partition_data.push_back({.index = 3, .records = Chain(BytesView(batch))});
  for (int16_t version = 3; version <= 12; ++version) {
    CAPTURE(version);
    wire::Writer writer;
    encode(writer, version, request);
    EXPECT_EQ(writer.size(), encoded_size(version, request));
    const Bytes frame = writer.copy();
    wire::Scratch scratch;
    wire::Reader reader(BytesView(frame), scratch);
    ProduceRequest back;
    REQUIRE(decode(reader, version, back));
    EXPECT_EQ(reader.remaining(), 0u);
    EXPECT_FALSE(back.transactional_id.has_value());
    REQUIRE_EQ(back.topic_data.size(), 1u);
    EXPECT_EQ(back.topic_data[0].name, "topic");
    const auto& partition = back.topic_data[0].partition_data.at(0);
    EXPECT_EQ(partition.index, 3);
    EXPECT_EQ(partition.records->size(), batch.size());
    EXPECT(partition.records->view().data() >= frame.data());
    EXPECT(partition.records->view().data() < frame.data() + frame.size());
  }
}

TEST_CASE("a version that is not described is unsupported, not malformed") {
  wire::Scratch scratch;
  wire::Reader reader(BytesView{}, scratch);
  FetchResponse response;
  EXPECT_EQ(decode(reader, 3, response).error().code, Errc::unsupported);
  EXPECT_EQ(decode(reader, 99, response).error().code, Errc::unsupported);
}

TEST_CASE("null and empty topics of a metadata request stay apart") {
  for (const bool null : {true, false}) {
    MetadataRequest request;
    if (null) request.topics.reset();
    wire::Writer writer;
    encode(writer, 12, request);
    const Bytes frame = writer.copy();
    wire::Scratch scratch;
    wire::Reader reader(BytesView(frame), scratch);
    MetadataRequest back;
    REQUIRE(decode(reader, 12, back));
    EXPECT_EQ(back.topics.has_value(), !null);
  }
}

TEST_CASE("validate names the value that a version would lose") {
  MetadataRequest request;
  request.allow_auto_topic_creation = false;
  EXPECT(validate(4, request));
  const Status status = validate(3, request);
  REQUIRE_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unsupported);
  EXPECT(status.error().context.contains("AllowAutoTopicCreation"));
  request.allow_auto_topic_creation = true;
  request.topics.reset();
  EXPECT_EQ(validate(0, request).error().code, Errc::invalid);
}

TEST_CASE("the API table knows which headers go with a version") {
  const ApiInfo& versions = api_info(ApiKey::api_versions);
  EXPECT_EQ(versions.request_header_version(2), 1);
  EXPECT_EQ(versions.request_header_version(3), 2);
  EXPECT_EQ(versions.response_header_version(4), 0);
  const ApiInfo& metadata = api_info(ApiKey::metadata);
  EXPECT_EQ(metadata.response_header_version(8), 0);
  EXPECT_EQ(metadata.response_header_version(9), 1);
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  static_assert(api_info(ApiKey::init_producer_id).newest_final == 5);
}
