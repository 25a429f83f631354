// What all records of `__consumer_offsets` have around their messages; for the codecs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "replication/group/requests.h"

namespace odradek::group {

inline constexpr int16_t kKeyVersion = 0;

template <class Message>
std::vector<uint8_t> framed(int16_t prefix, int16_t version, const Message& message) {
  wire::Writer out(2 + encoded_size(version, message));
  out.integer(prefix);
  encode(out, version, message);
  return out.copy();
}

inline Bytes owned(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

inline std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  return std::string(*text);
}

inline std::unexpected<Error> bad(const Status& why) {
  return fail(Errc::corrupt, why.error().context);
}

// The version in front, and the message behind it.
template <class Message>
Status read_value(BytesView bytes, wire::Scratch& scratch, Message& out) {
  wire::Reader reader(bytes, scratch);
  const auto version = reader.integer<int16_t>("version");
  if (!reader.ok()) return reader.status(Message::message_name);
  return decode(reader, version, out);
}

}  // namespace odradek::group
