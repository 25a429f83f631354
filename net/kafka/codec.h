// What generated codecs call; nothing else includes it.
#pragma once

#include <string>
#include <string_view>

#include "net/kafka/message.h"
#include "net/wire/problems.h"
#include "net/wire/reader.h"
#include "net/wire/structure.h"
#include "net/wire/writer.h"
#include "reactor/base/check.h"

namespace odradek::kafka {

inline Status unsupported(std::string_view message, int16_t version) {
  return fail(Errc::unsupported,
              std::string(message) + " has no version " + std::to_string(version));
}

// A tagged field's value: its size, then itself.
template <class Sink, class Body>
void write_sized(Sink& sink, Body body) {
  wire::Sizer sizer;
  body(sizer);
  sink.uvarint(static_cast<uint32_t>(sizer.size()));
  body(sink);
}

}  // namespace odradek::kafka
