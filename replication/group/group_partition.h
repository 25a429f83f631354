// Runs the coordinator of one partition of `__consumer_offsets` on the shard that owns the
// partition: loads it from the log, appends what it wants logged, sends its answers, holds its
// timer.
//
//   loading --whole log read--> active --end_parked()--> draining --stop()--> stopped
//      |                                                    ^                   ^
//      |--after end_parked()--------------------------------+                   |
//      +--a record that cannot be read--> damaged ------------------------------+
//
// One append is on its way at a time; what the coordinator wants meanwhile goes together into the
// next batch. A group costs no timer of its own: the one here follows Coordinator::next_timer(),
// and none runs while nothing is due.
//
// Owned by the broker's part of its shard, which alone calls it. Parked requests are bounded by the
// connections that wait for them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "log/log_manager.h"
#include "reactor/task.h"
#include "reactor/timer.h"
#include "reactor/wait.h"
#include "replication/group/coordinator.h"

namespace odradek::group {

class GroupPartition {
 public:
  // Whether there is no topic of this name and id now (zero: any id): asked when the log was read.
  using TopicGone = Coordinator::Gone;
  // `logs` and `view` outlive it.
  GroupPartition(log::LogManager& logs, log::TopicPartition id, std::string name,
                 const Config& config, const ClusterView& view, TopicGone gone);
  ~GroupPartition();
  GroupPartition(const GroupPartition&) = delete;
  GroupPartition& operator=(const GroupPartition&) = delete;

  // Begins to read the log, in the background: a start does not wait for it.
  void start();
  // Carries out one request. JoinGroup and SyncGroup may wait for other members, at most until
  // end_parked(); what waits for the log only is refused after kCommitWaitMax. While the log is
  // read: COORDINATOR_LOAD_IN_PROGRESS, a heartbeat alone is taken as given, as Kafka does.
  reactor::Task<Answer> call(Request request);
  // Their offsets go. Not durable when this returns; the expiry and a start do it again.
  void topics_deleted(const std::vector<std::string>& topics);
  // Topics were made, grew or went.
  void topics_changed(const std::vector<std::string>& topics, bool some_are_new) {
    coordinator_.topics_changed(topics, some_are_new);
  }
  // Lets offsets and groups go that nobody used for the time of retention (KIP-211), and offsets
  // of topics that are gone since the last time, in the background.
  void begin_expiry();
  // Refuses what waits for other members, now and from now on.
  void end_parked();
  // Refuses everything, waits for the append that is on its way.
  reactor::Task<void> stop();

  bool active() const { return state_ == State::active; }
  const Coordinator& coordinator() const { return coordinator_; }

 private:
  enum class State : uint8_t { loading, active, draining, stopped, damaged };
  struct Waiting {
    Answer answer;  // a refusal, until the real one comes
    bool parks = false;
    reactor::Event done;
  };
  struct Append {
    Ticket ticket;
    std::vector<LoggedRecord> records;
  };
  struct Batch {
    Ticket first;
    Ticket last;
    std::vector<uint8_t> bytes;
  };
  struct Alarm : reactor::Timer {
    explicit Alarm(GroupPartition& owner);
    GroupPartition& partition;
  };

  static Now now();
  KafkaCode refusal_code(const Request& request) const;
  void take(Effects effects);
  void follow_timer();
  reactor::Task<void> expire();
  reactor::Task<void> load();
  reactor::Task<Status> read_log();
  Status replay(const log::LogSlice& slice);
  void loaded();
  reactor::Task<void> write();
  Batch next_batch();
  reactor::Task<KafkaCode> append(std::vector<uint8_t> bytes);
  void release(bool parked_only);

  // Fixed at construction.
  log::LogManager& logs_;
  const log::TopicPartition id_;
  const std::string name_;  // for people
  const TopicGone gone_;
  // Written by all.
  State state_ = State::loading;
  Coordinator coordinator_;
  uint64_t requests_ = 0;
  std::map<uint64_t, Waiting*> waiting_;  // in the frames of call(), by request
  std::deque<Append> queue_;
  bool writing_ = false;
  bool expiring_ = false;
  bool draining_ = false;  // loading ends in it
  // Topics of offsets that the last expiry found gone.
  std::set<std::pair<std::string, Uuid>> gone_before_;
  reactor::Gate gate_;
  Alarm alarm_;
};

}  // namespace odradek::group
