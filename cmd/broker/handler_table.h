// The APIs that the broker serves: one line each, in handler_table.cc. What is not here is not
// advertised, and a request for it closes the connection, as Kafka does.
#pragma once

#include <cstdint>
#include <span>

#include "cmd/broker/request.h"
#include "net/wire/reader.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::broker {

struct HandlerEntry {
  int16_t key;
  int16_t low;  // served versions, both included
  int16_t high;
  int16_t advertised_low;  // may be lower than served: trap 1.1, old librdkafka asks for Produce 0
  Operation operation;
  Resource resource;
  // Decodes the rest of the frame, acts, encodes. An error closes the connection (the frame is not
  // what it claims to be). Null for Produce, which the connection runs in two phases
  // (handlers/produce.h).
  reactor::Task<Result<Response>> (*serve)(RequestContext& context, wire::Reader& reader);
  bool on_controllers = false;            // served on the listeners of controllers, too
  bool answers_unknown_versions = false;  // ApiVersions alone (KIP-511)

  bool serves(int16_t version) const { return version >= low && version <= high; }
};

// What of an API a listener serves: on those of controllers, as with Kafka, only what controllers
// do.
constexpr bool serves_on(const HandlerEntry& entry, bool controller_listener) {
  return !controller_listener || entry.on_controllers;
}

std::span<const HandlerEntry> handler_table();  // by key
const HandlerEntry* find_handler(int16_t key);  // null when it is not served

}  // namespace odradek::broker
