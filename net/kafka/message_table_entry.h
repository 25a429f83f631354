// Makes the MessageInfo of a message type; included by the generated tables only.
#pragma once

#include "net/kafka/message.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace odradek::kafka {

template <class T>
Status reencode_as(wire::Reader& reader, int16_t version, wire::Writer& writer) {
  T message;
  TRY(decode(reader, version, message));
  encode(writer, version, message);
  return {};
}

template <class T>
constexpr MessageInfo message_info(MessageKind kind, int16_t key) {
  return {
      .name = T::message_name,
      .kind = kind,
      .key = key,
      .versions = T::versions,
      .check =
          [](wire::Reader& reader, int16_t version) {
            T message;
            return decode(reader, version, message);
          },
      .reencode = &reencode_as<T>,
      .encode_default = [](int16_t version, wire::Writer& writer) { encode(writer, version, T{}); },
  };
}

}  // namespace odradek::kafka
