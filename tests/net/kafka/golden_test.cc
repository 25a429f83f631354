// Real bytes: frames that clients and Kafka exchanged, and records that Kafka wrote
// (tests/testdata/kafka).
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/message.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "replication/group/records/all_group_records.h"
#include "replication/metadata/records/all_metadata_records.h"
#include "replication/metadata/records/any_record.h"
#include "replication/txn/records/all_txn_records.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::kafka;
using Bytes = std::vector<uint8_t>;

namespace {

// The lines of a file of testdata/kafka, in words, without its comments.
std::vector<std::vector<std::string>> read_lines(const std::string& name) {
  std::ifstream file(std::string(ODRADEK_TESTDATA) + "/kafka/" + name);
  std::vector<std::vector<std::string>> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    out.emplace_back();
    for (std::string word; words >> word;) out.back().push_back(word);
  }
  return out;
}

Bytes unhex(std::string_view text) {
  Bytes out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

const MessageInfo& find(std::span<const MessageInfo> messages, MessageKind kind, int16_t key) {
  for (const MessageInfo& message : messages) {
    if (message.kind == kind && message.key == key) return message;
  }
  FAIL("no message of key " << key);
  return messages[0];
}

const MessageInfo& find(std::span<const MessageInfo> messages, std::string_view name) {
  for (const MessageInfo& message : messages) {
    if (message.name == name) return message;
  }
  FAIL("no message " << name);
  return messages[0];
}

// Decodes messages one after the other, and encodes them into one writer.
struct Echo {
  Bytes bytes;
  wire::Scratch scratch;
  wire::Reader reader{BytesView(bytes), scratch};
  wire::Writer writer;

  explicit Echo(Bytes from) : bytes(std::move(from)) {}
  void message(const MessageInfo& message, int16_t version) {
    INFO(message.name << " v" << version);
    const Status status = message.reencode(reader, version, writer);
    INFO((status ? "" : status.error().to_string()));
    EXPECT(status.has_value());
  }
  // Everything was read, and encoding gave the same bytes.
  void finish() {
    EXPECT_EQ(reader.remaining(), 0u);
    EXPECT(writer.copy() == bytes);
  }
};

// A record of a coordinator's log: int16 type and key, int16 version and value.
void echo_coordinator(std::span<const MessageInfo> messages, const Bytes& key, const Bytes& value) {
  const auto type = load_be<int16_t>(key.data());
  Echo keys(Bytes(key.begin() + 2, key.end()));
  keys.message(find(messages, MessageKind::key, type), 0);
  keys.finish();
  const auto version = load_be<int16_t>(value.data());
  Echo values(Bytes(value.begin() + 2, value.end()));
  values.message(find(messages, MessageKind::value, type), version);
  values.finish();
}

// Decodes a frame, header and body, and encodes it again.
void echo_frame(const std::vector<std::string>& words) {
  REQUIRE_EQ(words.size(), 5u);
  INFO(words[0] << " api " << words[1] << " v" << words[2] << " " << words[3]);
  const ApiInfo* api = find_api(static_cast<int16_t>(std::stoi(words[1])));
  REQUIRE(api != nullptr);
  const auto version = static_cast<int16_t>(std::stoi(words[2]));
  Echo echo(unhex(words[4]));
  if (words[3] == "request") {
    echo.message(find(all_messages(), "RequestHeader"), api->request_header_version(version));
    echo.message(find(all_messages(), MessageKind::request, api->key), version);
  } else {
    echo.message(find(all_messages(), "ResponseHeader"), api->response_header_version(version));
    echo.message(find(all_messages(), MessageKind::response, api->key), version);
  }
  echo.finish();
}

}  // namespace

TEST_CASE("frames of real clients and of Kafka decode whole and encode to the same bytes") {
  const auto lines = read_lines("frames.txt");
  EXPECT(lines.size() > 100);
  for (const auto& words : lines) echo_frame(words);
}

TEST_CASE("versions that Kafka dropped are as an old client encodes them") {
  const auto lines = read_lines("old_versions.txt");
  EXPECT_EQ(lines.size(), 10u);
  for (const auto& words : lines) echo_frame(words);
}

TEST_CASE("records of Kafka's metadata log decode whole and encode to the same bytes") {
  size_t count = 0;
  for (const auto& words : read_lines("records.txt")) {
    if (words[0] != "metadata" || words[1] != "data") continue;
    INFO(words[3]);
    const Bytes bytes = unhex(words[3]);
    wire::Scratch scratch;
    wire::Reader reader(BytesView(bytes), scratch);
    const Result<records::AnyRecord> record = records::decode_framed(reader);
    REQUIRE(record.has_value());
    wire::Writer writer;
    encode_framed(writer, bytes[2], *record);
    EXPECT(writer.copy() == bytes);
    ++count;
  }
  EXPECT(count > 20);
}

TEST_CASE("control records of Kafka's metadata log decode whole and encode to the same bytes") {
  // By the type in the key, which follows the key's version (both int16).
  const std::pair<int16_t, std::string_view> types[] = {{2, "LeaderChangeMessage"},
                                                        {3, "SnapshotHeaderRecord"},
                                                        {4, "SnapshotFooterRecord"},
                                                        {5, "KRaftVersionRecord"},
                                                        {6, "VotersRecord"}};
  size_t count = 0;
  for (const auto& words : read_lines("records.txt")) {
    if (words[0] != "metadata" || words[1] != "control") continue;
    const auto type = load_be<int16_t>(unhex(words[2]).data() + 2);
    for (const auto& [number, name] : types) {
      if (number != type) continue;
      Echo echo(unhex(words[3]));
      // The value begins with its own version, an int16 field of the record.
      const auto version = load_be<int16_t>(echo.bytes.data());
      echo.message(find(records::all_metadata_records(), name), version);
      echo.finish();
      ++count;
    }
  }
  EXPECT(count >= 3);
}

TEST_CASE("records of Kafka's coordinators decode whole and encode to the same bytes") {
  size_t count = 0;
  for (const auto& words : read_lines("records.txt")) {
    if (words[0] == "metadata" || words[1] == "control" || words[3] == "-") continue;
    INFO(words[0] << " " << words[2] << " " << words[3]);
    const Bytes key = unhex(words[2]);
    const Bytes value = unhex(words[3]);
    if (words[0] == "txn") {
      echo_coordinator(records::all_txn_records(), key, value);
    } else if (words[0] == "group") {
      echo_coordinator(records::all_group_records(), key, value);
    } else {
      Echo keys(Bytes(key.begin() + 2, key.end()));
      keys.message(find(records::all_group_records(), "ShareSnapshotKey"), 0);
      keys.finish();
      Echo values(Bytes(value.begin() + 2, value.end()));
      values.message(find(records::all_group_records(), "ShareSnapshotValue"), 0);
      values.finish();
    }
    ++count;
  }
  EXPECT(count > 20);
}
