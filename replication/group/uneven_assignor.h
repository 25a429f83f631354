// The uniform assignor for groups whose members want different topics.
#pragma once

#include "replication/group/assignors.h"

namespace odradek::group {

// What members had of what they still want stays with them; what nobody has goes, topic by topic,
// to who has least; then partitions move from who has most to who has least, until among the
// members of every topic none has two more than another, or a number of rounds is over.
Targets assign_uneven(const AssignorInput& input);

}  // namespace odradek::group
