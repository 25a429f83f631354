// How the coordinator changes groups of the consumer protocol; for its own parts only.
#pragma once

#include <type_traits>
#include <utility>

#include "replication/group/coordinator.h"

namespace odradek::group {

template <class Record>
void Coordinator::apply_consumer(const Record& record) {
  ConsumerGroup* group = find_consumer(record.group);
  if (!group && is_tombstone(record)) return;
  if (std::is_same_v<Record, EpochRecord> && is_tombstone(record)) {
    return end_consumer_group(record.group);
  }
  if (!group) group = &make_consumer_group(record.group);
  group->apply(record);
}

// Changes the state at once, and the log with the step's append.
template <class Record>
void Coordinator::write(Step& step, Record record) {
  const ConsumerGroup* group = find_consumer(record.group);
  step.pending.undo.push_back(UndoRecord{group ? group->before(record) : tombstone_of(record)});
  apply_consumer(record);
  step.out.records.emplace_back(std::move(record));
}

}  // namespace odradek::group
