// What the coordinator does about one change of its state when the append that was to keep it
// fails.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "replication/group/classic_group.h"
#include "replication/group/logged.h"

namespace odradek::group {

struct UndoOffset {
  OffsetRecord before;
};
struct UndoRemoval {
  std::unique_ptr<ClassicGroup> group;
};
struct UndoCreation {
  std::string group;
};
struct UndoStatic {  // a static member's new id, in this group
  std::string group;
  Member before;
  std::string id;
};
struct UndoRecord {
  ConsumerRecord before;
};
using Undo = std::variant<UndoOffset, UndoRemoval, UndoCreation, UndoStatic, UndoRecord>;

}  // namespace odradek::group
