// One request of a simulated client, and what came back.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/client.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

inline MonoTime in(Duration duration) { return reactor::this_shard().now() + duration; }

// Nothing when the connection broke or nobody answered; an answer that nobody can read is a
// violation.
template <class Message, class Request>
reactor::Task<std::optional<Reply<Message>>> ask(Stage& stage, Connection& connection,
                                                 int16_t version, Request request,
                                                 Duration limit = 5s) {
  auto reply = co_await connection.call<Message>(version, std::move(request), in(limit));
  if (reply) co_return std::move(*reply);
  if (reply.error().code == Errc::malformed) {
    stage.oracle.fail("protocol", std::string(Message::message_name) + ": malformed");
  }
  co_return std::nullopt;
}

}  // namespace odradek::simulation
