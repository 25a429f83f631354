#include "cmd/broker/fetch_wait.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::broker {

namespace {

// One partition's registration, in the waiting task's frame.
struct Registration : log::PartitionLog::Watcher {
  log::TopicPartition id;
  reactor::Event* woken = nullptr;
};

}  // namespace

reactor::Task<void> FetchWaits::wait(log::LogManager& logs, WaitKey key,
                                     std::vector<log::TopicPartition> ids, MonoTime deadline) {
  const auto early = std::ranges::find(cancelled_early_, key);
  if (early != cancelled_early_.end()) {
    cancelled_early_.erase(early);
    co_return;
  }
  if (stopped_) co_return;
  Waiting self{key, {}};
  waiting_.push_back(&self);
  std::deque<Registration> registrations;
  for (const auto& id : ids) {
    log::PartitionLog* partition = logs.find(id);
    if (!partition) {
      self.woken.set();  // it went away: the caller looks again and says so
      continue;
    }
    Registration& r = registrations.emplace_back();
    r.id = id;
    r.woken = &self.woken;
    r.on_progress = [](log::PartitionLog::Watcher& w) { static_cast<Registration&>(w).woken->set(); };
    partition->add_watcher(r);
  }
  co_await self.woken.wait(deadline);
  for (auto& r : registrations) {
    if (log::PartitionLog* partition = logs.find(r.id)) partition->remove_watcher(r);
  }
  std::erase(waiting_, &self);
}

void FetchWaits::cancel(WaitKey key) {
  for (Waiting* w : waiting_) {
    if (w->key == key) return w->woken.set();
  }
  cancelled_early_.push_back(key);
}

void FetchWaits::cancel_all() {
  stopped_ = true;
  for (Waiting* w : waiting_) w->woken.set();
}

}  // namespace odradek::broker
