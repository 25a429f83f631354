// Makes the JsonInfo of a message type; included by the generated tables only.
#pragma once

#include <nlohmann/json.hpp>

#include "net/kafka/message_json.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace odradek::kafka {

template <class T>
Result<Json> view_as(wire::Reader& reader, int16_t version, JsonRecords records) {
  T message;
  TRY(decode(reader, version, message));
  return to_json(version, message, records);
}

template <class T>
Status parse_as(const Json& json, int16_t version, wire::Writer& writer) {
  if (!T::versions.contains(version)) {
    return fail(Errc::unsupported,
                std::string(T::message_name) + " has no version " + std::to_string(version));
  }
  wire::Scratch scratch;
  T message;
  TRY(from_json(json, version, scratch, message));
  TRY(validate(version, message));
  wire::Writer output;
  encode(output, version, message);
  writer.raw(output.copy());  // spliced records point into `scratch`
  return {};
}

template <class T>
constexpr JsonInfo json_info(MessageKind kind, int16_t key) {
  return {.name = T::message_name,
          .kind = kind,
          .key = key,
          .versions = T::versions,
          .view = &view_as<T>,
          .parse = &parse_as<T>};
}

}  // namespace odradek::kafka
