// What all generated messages share. A message is a plain struct; these free functions go with it:
//
//   Status decode(wire::Reader&, int16_t version, T& out);
//       Errc::unsupported for a version outside T::versions, Errc::malformed with the field's name
//       for bytes that are not a T. Bytes after the message are left in the reader: a caller that
//       owns the whole frame checks remaining() == 0. `out` is reset first.
//   void encode(wire::Writer&, int16_t version, const T&);
//       CHECKs the version. A field that the version does not have is left out; null where the
//       version has no null is written as empty. Text over 32767 bytes is cut there.
//   size_t encoded_size(int16_t version, const T&);
//       Exactly what encode() adds, spliced records included.
//   Status validate(int16_t version, const T&);
//       What encode() would lose or refuse, by field: a value other than the default in a field
//       that the version does not have (Errc::unsupported; fields marked `ignorable` are exempt),
//       null where it is not allowed, text that is too long (Errc::invalid). A client that lets its
//       user choose calls it before encode(); a broker need not.
//
// Lifetimes: strings, bytes and records of a decoded message are views into the frame and the
// Reader's Scratch, and live as long as both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "reactor/base/result.h"

namespace odradek::wire {
class Reader;
class Writer;
}  // namespace odradek::wire

namespace odradek::kafka {

// Versions of one message, both ends included.
struct VersionRange {
  int16_t low;
  int16_t high;
  constexpr bool contains(int16_t version) const { return low <= version && version <= high; }
};

// Which listeners serve an API; a set of bits.
inline constexpr uint8_t on_broker = 1;
inline constexpr uint8_t on_controller = 2;

// One line of the API table (api.h).
struct ApiInfo {
  int16_t key;
  std::string_view name;   // Kafka's: "FindCoordinator"
  VersionRange described;  // what decode() and encode() know; a broker may advertise less
  int16_t newest_final;    // versions above it may still change and are not advertised
  int16_t flexible_from;   // 32767: never
  uint8_t listeners;       // on_broker, on_controller

  constexpr bool flexible(int16_t version) const { return version >= flexible_from; }
  // The version of the RequestHeader before a request of `version`.
  constexpr int16_t request_header_version(int16_t version) const {
    return flexible(version) ? 2 : 1;
  }
  // The version of the ResponseHeader. ApiVersions answers with 0 always: a client that does not
  // know the broker yet must be able to read it.
  constexpr int16_t response_header_version(int16_t version) const {
    constexpr int16_t api_versions_key = 18;
    return flexible(version) && key != api_versions_key ? 1 : 0;
  }
};

enum class MessageKind : uint8_t { request, response, header, data, record, key, value };

// One message of any kind, for tools and tests that handle all of them alike.
struct MessageInfo {
  std::string_view name;  // "FetchRequest"
  MessageKind kind;
  int16_t key;  // API key or record type; -1: none
  VersionRange versions;
  // Decodes the whole input into a message that is thrown away.
  Status (*check)(wire::Reader& reader, int16_t version);
  // Decodes and encodes again.
  Status (*reencode)(wire::Reader& reader, int16_t version, wire::Writer& writer);
  // Encodes a message of defaults.
  void (*encode_default)(int16_t version, wire::Writer& writer);
};

// All messages of net/kafka/messages, by name.
std::span<const MessageInfo> all_messages();

}  // namespace odradek::kafka
