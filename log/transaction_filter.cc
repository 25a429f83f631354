#include "log/transaction_filter.h"

#include <algorithm>

namespace odradek::log {

TransactionFilter::TransactionFilter(std::vector<AbortedTransaction> aborted)
    : waiting_(aborted.begin(), aborted.end()) {
  std::ranges::sort(waiting_, {}, &AbortedTransaction::first);
}

void TransactionFilter::begin_up_to(Offset offset) {
  for (; !waiting_.empty() && waiting_.front().first <= offset; waiting_.pop_front()) {
    aborted_.try_emplace(waiting_.front().producer_id, Ongoing{waiting_.front()});
  }
}

bool TransactionFilter::on_batch(const BatchHeader& header) {
  begin_up_to(header.last_offset());
  if (!header.attributes.transactional()) return false;
  const auto found = aborted_.find(header.producer_id);
  if (found == aborted_.end()) {
    committed_.insert(header.producer_id);
    return false;
  }
  found->second.any_batch = true;
  return true;
}

bool TransactionFilter::on_control_batch(const BatchHeader& header,
                                         std::optional<ControlType> type) {
  begin_up_to(header.last_offset());
  if (!type) return true;
  if (*type == ControlType::commit) return committed_.erase(header.producer_id) == 0;
  if (*type != ControlType::abort) return false;
  const auto found = aborted_.find(header.producer_id);
  if (found == aborted_.end()) return true;
  const Ongoing ended = found->second;
  aborted_.erase(found);
  if (ended.any_batch) kept_.push_back(ended.transaction);
  return !ended.any_batch;
}

}  // namespace odradek::log
