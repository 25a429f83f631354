// Members of one group of the consumer protocol (KIP-848) with the habits of bad ones: they crash
// without a word, pause for longer than their session, commit what they no longer have, leave, come
// again, and lose answers. They own partitions of the first topic, of which they hear from the
// broker, and commit ever larger offsets.
#pragma once

#include "tests/sim/member.h"
#include "tests/sim/stage.h"

namespace odradek::simulation {

// Ends when the producers are done and it has once more committed, or found nothing to have.
reactor::Task<int> group_consumer_main(Stage& stage, MemberOptions options);

}  // namespace odradek::simulation
