// The way of one request through the broker, in times that cost nothing: each is the begin of the
// loop's turn in which it happened, so that no clock is read for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reactor/base/time.h"

namespace odradek::broker {

struct RequestRecord {
  int16_t api_key = -1;
  int16_t api_version = 0;
  uint64_t request_bytes = 0;  // without the four of the length
  MonoTime begun{};            // its first bytes were here
  MonoTime read{};             // all of it was here
  MonoTime staged{};           // a produce: its batches have their place in the log
  MonoTime ready{};            // its answer was made
  Duration waited{};           // of a fetch: for data, as its sender asked
};

// Who sent it; views that live while the connection does.
struct RequestSource {
  std::string_view host;
  uint16_t port = 0;
  std::string_view client_id;
  std::string_view listener;
};

}  // namespace odradek::broker
