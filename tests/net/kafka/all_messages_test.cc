// Claims about every message in every version, over random and default values.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "net/kafka/message.h"
#include "net/kafka/message_json.h"
#include "net/kafka/samples/sampler.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "tests/test.h"

#include <nlohmann/json.hpp>

using namespace odradek;
using namespace odradek::kafka;
using Bytes = std::vector<uint8_t>;

namespace {

// Calls `claim(message, version, bytes)` with the default message and `samples` random ones of
// every message in every version.
template <class Claim>
void for_all(uint64_t samples, Claim claim) {
  const std::span<const SampleInfo> sources = all_messages_samples();
  for (size_t i = 0; i < sources.size(); ++i) {
    const MessageInfo& message = all_messages()[i];
    REQUIRE_EQ(message.name, sources[i].name);
    for (int16_t version = message.versions.low; version <= message.versions.high; ++version) {
      INFO(message.name << " v" << version);
      wire::Writer blank;
      message.encode_default(version, blank);
      claim(message, version, blank.copy());
      for (uint64_t seed = 1; seed <= samples; ++seed) {
        Sampler sampler(seed * 1'000'003 + i);
        wire::Writer writer;
        sources[i].encode(sampler, version, writer);
        claim(message, version, writer.copy());
      }
    }
  }
}

// What decoding and encoding again makes of `frame`; empty on a failure.
Bytes reencoded(const MessageInfo& message, int16_t version, const Chain& frame) {
  wire::Scratch scratch;
  wire::Reader reader(frame, scratch);
  wire::Writer writer;
  if (!message.reencode(reader, version, writer) || reader.remaining() != 0) return {};
  return writer.copy();
}

}  // namespace

TEST_CASE("every message in every version survives the round trip byte for byte") {
  for_all(6, [](const MessageInfo& message, int16_t version, const Bytes& bytes) {
    EXPECT(reencoded(message, version, Chain(BytesView(bytes))) == bytes);
  });
}

TEST_CASE("a message cut short at any byte is malformed") {
  for_all(1, [](const MessageInfo& message, int16_t version, const Bytes& bytes) {
    size_t accepted = 0;
    for (size_t size = 0; size < bytes.size(); ++size) {
      const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      wire::Scratch scratch;
      wire::Reader reader(BytesView(cut), scratch);
      const Status status = message.check(reader, version);
      if (status || status.error().code != Errc::malformed) ++accepted;
    }
    EXPECT_EQ(accepted, 0u);
  });
}

TEST_CASE("a frame in two blocks decodes as in one, wherever it is cut") {
  for_all(1, [](const MessageInfo& message, int16_t version, const Bytes& bytes) {
    size_t different = 0;
    for (size_t at = 0; at <= bytes.size(); ++at) {
      Chain frame;
      frame.append(BytesView(bytes).first(at));
      frame.append(BytesView(bytes).subspan(at));
      if (reencoded(message, version, frame) != bytes) ++different;
    }
    EXPECT_EQ(different, 0u);
  });
}

TEST_CASE("a frame in blocks of one byte decodes as in one block") {
  for_all(2, [](const MessageInfo& message, int16_t version, const Bytes& bytes) {
    Chain frame;
    for (const uint8_t& byte : bytes) frame.append({&byte, 1});
    EXPECT(reencoded(message, version, frame) == bytes);
  });
}

TEST_CASE("every message survives the way through JSON byte for byte") {
  for_all(3, [](const MessageInfo& message, int16_t version, const Bytes& bytes) {
    const JsonInfo& json =
        all_messages_json()[static_cast<size_t>(&message - all_messages().data())];
    REQUIRE_EQ(json.name, message.name);
    wire::Scratch scratch;
    wire::Reader reader(BytesView(bytes), scratch);
    const Result<Json> view = json.view(reader, version, JsonRecords::content);
    REQUIRE(view.has_value());
    const Result<Json> parsed = parse_json(json_text(*view));
    REQUIRE(parsed.has_value());
    wire::Writer writer;
    const Status status = json.parse(*parsed, version, writer);
    INFO((status ? "" : status.error().to_string()));
    REQUIRE(status.has_value());
    EXPECT(writer.copy() == bytes);
  });
}
