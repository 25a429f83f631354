#include "log/progress.h"

namespace odradek::log {

Progress::~Progress() { CHECK(watchers_ == nullptr && waiting_.empty()); }

void Progress::advance(Offset high_watermark) {
  CHECK(high_watermark >= high_watermark_, high_watermark, high_watermark_);
  if (high_watermark == high_watermark_) return;
  high_watermark_ = high_watermark;
  wake_visible();
  changed();
}

// Only those whose offset is visible now: with many appends of one partition under way, most wait
// for a later group.
void Progress::wake_visible() {
  const auto below = static_cast<uint64_t>(high_watermark_.value);
  for (reactor::WaitNode* node = waiting_.front(); node;) {
    reactor::WaitNode* next = node->next;
    if (node->units < below) waiting_.wake(*node, true);
    node = next;
  }
}

void Progress::changed() {
  // A watcher may take itself out while it is told.
  for (PartitionLog::Watcher* watcher = watchers_; watcher;) {
    PartitionLog::Watcher* next = watcher->next;
    watcher->on_progress(*watcher);
    watcher = next;
  }
}

void Progress::fail(Errc code) {
  if (!failed_ || code == Errc::closed) failed_ = code;
  waiting_.notify_all();
  if (code != Errc::closed) {
    changed();
    return;
  }
  dismiss();
}

void Progress::dismiss() {
  while (PartitionLog::Watcher* watcher = watchers_) {
    remove(*watcher);
    watcher->on_progress(*watcher);
  }
}

reactor::Task<Status> Progress::wait(Offset last, MonoTime deadline) {
  while (last >= high_watermark_) {
    if (failed_)
      co_return odradek::fail(*failed_,
                              "the log can no longer make offset " + last.to_string() + " visible");
    reactor::WaitList::Awaiter waiter = waiting_.wait(deadline);
    waiter.node.units = static_cast<uint64_t>(last.value);
    if (!co_await waiter) {
      co_return odradek::fail(Errc::timed_out, "not visible in time: offset " + last.to_string());
    }
  }
  co_return Status{};
}

void Progress::add(PartitionLog::Watcher& watcher) {
  watcher.previous = nullptr;
  watcher.next = watchers_;
  if (watchers_) watchers_->previous = &watcher;
  watchers_ = &watcher;
  watcher.registered = true;
}

void Progress::remove(PartitionLog::Watcher& watcher) {
  if (!watcher.registered) return;
  watcher.registered = false;
  (watcher.previous ? watcher.previous->next : watchers_) = watcher.next;
  if (watcher.next) watcher.next->previous = watcher.previous;
  watcher.next = watcher.previous = nullptr;
}

}  // namespace odradek::log
