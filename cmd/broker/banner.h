// What the operator sees when the broker is up: where, with what, and how to connect.
#pragma once

#include "cmd/broker/broker.h"
#include "reactor/base/time.h"

namespace odradek::broker {

// Prints to the log lines of this shard. `took`: from the program's start of the broker until now.
void print_banner(Broker& broker, Duration took);

}  // namespace odradek::broker
