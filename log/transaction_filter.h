// Which batches of a log that is being compacted belong to aborted transactions, and which markers
// have nothing left to mark. Batches come in the order of the log, all from its start on, as with
// Kafka's cleaner. One for reading the dirty part, one for the rewriting. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "log/batch/batch.h"
#include "log/batch/control_record.h"
#include "log/producer_state.h"

namespace odradek::log {

class TransactionFilter {
 public:
  // `aborted`: what the .txnindex files say of the range, by first offset.
  explicit TransactionFilter(std::vector<AbortedTransaction> aborted);

  // The next data batch: true when its transaction was aborted, so that nobody may read it.
  bool on_batch(const BatchHeader& header);
  // The next control batch; `type` of its record, absent when it has none any more. True when no
  // batch of its transaction is left, so that it may go after its delete horizon.
  bool on_control_batch(const BatchHeader& header, std::optional<ControlType> type);
  // Aborted transactions that still have batches, in the order of their markers: what the new
  // .txnindex lists.
  const std::vector<AbortedTransaction>& kept() const { return kept_; }

 private:
  struct Ongoing {
    AbortedTransaction transaction;
    bool any_batch = false;
  };
  void begin_up_to(Offset offset);

  std::deque<AbortedTransaction> waiting_;  // by first offset
  std::map<ProducerId, Ongoing> aborted_;   // begun, marker not seen yet
  std::set<ProducerId> committed_;          // have batches, marker not seen yet
  std::vector<AbortedTransaction> kept_;
};

}  // namespace odradek::log
