// Simulated clients speak through the connection of our client library.
#pragma once

#include "net/kafka/client/connection.h"

namespace odradek::simulation {

using client::Connection;
using client::Reply;
using client::Ticket;

}  // namespace odradek::simulation
