// Messages as JSON, for tools, logs and tests; the broker's hot path does not include this. The
// shape is that of Kafka's XxxJsonConverter classes, so that the two can be compared.
//
// For every message type there is, in the generated header <folder>/<set>_json.h:
//
//   Json to_json(int16_t version, const T&, JsonRecords = JsonRecords::size);
//       The fields of `version`; tagged ones only if they differ from their default. CHECKs the
//       version.
//   Status from_json(const Json&, int16_t version, wire::Scratch&, T& out);
//       Errc::invalid with the field's name. All text and bytes are copied into the Scratch, which
//       must outlive `out`; the JSON need not.
//
// This header is for code that handles all messages alike.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "net/kafka/message.h"
#include "net/wire/scratch.h"
#include "reactor/base/result.h"

namespace odradek::kafka {

using Json = nlohmann::json;

// A records field: its size as "<name>SizeInBytes", as Kafka does, or its content in base64.
enum class JsonRecords : uint8_t { size, content };

// One message type, by name.
struct JsonInfo {
  std::string_view name;
  MessageKind kind;
  int16_t key;  // API key or record type; -1: none
  VersionRange versions;
  // Decodes a message and views it.
  Result<Json> (*view)(wire::Reader& reader, int16_t version, JsonRecords records);
  // Encodes the message that the JSON describes.
  Status (*parse)(const Json& json, int16_t version, wire::Writer& writer);
};

// All messages of net/kafka/messages, by name. REQUIRES: linked with odradek_kafka_json.
std::span<const JsonInfo> all_messages_json();

// `json` as text: one line, or `indent` spaces a level. Bytes that are not UTF-8 are replaced.
std::string json_text(const Json& json, int indent = -1);
// Errc::invalid if `text` is not JSON.
Result<Json> parse_json(std::string_view text);

}  // namespace odradek::kafka
