// Claims about every message in every version, over random and default values.
#include <span>
#include <string>
#include <vector>

#include "net/kafka/message.h"
#include "net/kafka/message_json.h"
#include "net/kafka/samples/sampler.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "replication/group/records/all_group_records.h"
#include "replication/group/records/group_records_json.h"
#include "replication/group/records/group_records_samples.h"
#include "replication/metadata/records/all_metadata_records.h"
#include "replication/metadata/records/metadata_records_json.h"
#include "replication/metadata/records/metadata_records_samples.h"
#include "replication/txn/records/all_txn_records.h"
#include "replication/txn/records/txn_records_json.h"
#include "replication/txn/records/txn_records_samples.h"
#include "tests/test.h"

#include <nlohmann/json.hpp>

using namespace odradek;
using namespace odradek::kafka;
using Bytes = std::vector<uint8_t>;

namespace {

// The tables of one set of messages.
struct Set {
  std::span<const MessageInfo> messages;
  std::span<const SampleInfo> samples;
  std::span<const JsonInfo> json;
};

std::vector<Set> all_sets() {
  return {
      {all_messages(), all_messages_samples(), all_messages_json()},
      {records::all_metadata_records(), records::all_metadata_records_samples(),
       records::all_metadata_records_json()},
      {records::all_group_records(), records::all_group_records_samples(),
       records::all_group_records_json()},
      {records::all_txn_records(), records::all_txn_records_samples(),
       records::all_txn_records_json()},
  };
}

// Calls `claim(message, version, bytes)` for one message.
template <class Claim>
void for_versions(const MessageInfo& message, const SampleInfo& source, uint64_t samples,
                  Claim& claim) {
  for (int16_t version = message.versions.low; version <= message.versions.high; ++version) {
    INFO(message.name << " v" << version);
    wire::Writer blank;
    message.encode_default(version, blank);
    claim(message, version, blank.copy());
    for (uint64_t seed = 1; seed <= samples; ++seed) {
      Sampler sampler(seed * 1'000'003);
      wire::Writer writer;
      source.encode(sampler, version, writer);
      claim(message, version, writer.copy());
    }
  }
}

// Calls `claim(message, version, bytes)` with the default message and `samples` random ones of
// every message in every version.
template <class Claim>
void for_all(uint64_t samples, Claim claim) {
  for (const Set& set : all_sets()) {
    REQUIRE_EQ(set.samples.size(), set.messages.size());
    for (size_t i = 0; i < set.messages.size(); ++i) {
      REQUIRE_EQ(set.messages[i].name, set.samples[i].name);
      for_versions(set.messages[i], set.samples[i], samples, claim);
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

// The JSON view of `message`.
const JsonInfo& json_of(const MessageInfo& message) {
  for (const Set& set : all_sets()) {
    for (const JsonInfo& json : set.json) {
      if (json.name == message.name) return json;
    }
  }
  FAIL("no JSON view");
  return all_messages_json()[0];
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
    const JsonInfo& json = json_of(message);
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
