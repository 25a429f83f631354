#include "cmd/broker/fetch_wait.h"

#include <deque>

namespace odradek::broker {

using reactor::Event;
using reactor::Task;

namespace {

// One partition's registration, in the waiting task's frame.
struct Registration : log::PartitionLog::Watcher {
  log::TopicPartition id;
  Event* woken = nullptr;
};

void tell(log::PartitionLog::Watcher& watcher) { static_cast<Registration&>(watcher).woken->set(); }

}  // namespace

Task<void> FetchWaits::wait_for(log::LogManager& logs, std::vector<Awaited> partitions,
                                MonoTime deadline, Event& woken) {
  std::deque<Registration> registrations;
  for (const Awaited& awaited : partitions) {
    log::PartitionLog* log = logs.find(awaited.id);
    if (!log || log->high_watermark() != awaited.high_watermark ||
        log->last_stable() != awaited.last_stable) {
      woken.set();
      break;
    }
    Registration& r = registrations.emplace_back();
    r.id = awaited.id;
    r.woken = &woken;
    r.on_progress = &tell;
    log->add_watcher(r);
  }
  if (!stopped_) {
    const auto place = running_.insert(running_.end(), &woken);
    co_await woken.wait(deadline);
    running_.erase(place);
  }
  for (auto& r : registrations) {
    if (log::PartitionLog* log = logs.find(r.id)) log->remove_watcher(r);
  }
}

Task<bool> FetchWaits::wait(log::LogManager& logs, std::vector<Awaited> partitions,
                            MonoTime deadline) {
  Event woken;
  co_await wait_for(logs, std::move(partitions), deadline, woken);
  co_return !stopped_;
}

Task<bool> FetchWaits::wait(log::LogManager& logs, WaitKey key, std::vector<Awaited> partitions,
                            MonoTime deadline) {
  Event woken;
  if (!cancellable_.try_emplace(key, &woken).second) {
    cancellable_.erase(key);  // cancelled before it began
    co_return !stopped_;
  }
  co_await wait_for(logs, std::move(partitions), deadline, woken);
  // Its cancel erases the key; when that was before, it is gone.
  const auto found = cancellable_.find(key);
  if (found != cancellable_.end()) found->second = nullptr;
  co_return !stopped_;
}

void FetchWaits::cancel(WaitKey key) {
  const auto [at, first] = cancellable_.try_emplace(key, nullptr);
  if (first) return;
  if (at->second) at->second->set();
  cancellable_.erase(at);
}

void FetchWaits::stop() {
  stopped_ = true;
  for (Event* woken : running_) woken->set();
}

}  // namespace odradek::broker
