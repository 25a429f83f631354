// What must hold whatever happens, checked from outside: the oracle is told what clients sent, what
// was acknowledged and what was read, and remembers the first thing that cannot be. The names of
// the invariants are those of docs/TESTING.md:
//
//   I1  acknowledged batches are there, with identical bytes, at their offsets (in `written` mode a
//       power cut may take back the stated window)
//   I2  nothing is read that was not sent; nothing above the high watermark
//   I3  one producer's batches lie in the order of their sequences, without gaps
//   I4  an offset that was visible keeps its batch and its leader epoch for ever
//   I5  the high watermark does not go back
//   I9  leader epochs do not go back, and an unclean start begins a new one
//   I10 a batch is in the log once
//   I12 see group_oracle.h
//   I14 retention takes no more than it may; of a compacted topic see keyed_facts.h
//   I17 after the faults everything finishes
//   I18 a batch that is read has its checksum
//
// It lives outside of the simulated machines; clients call it from their tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/batch/batch.h"
#include "log/types.h"
#include "reactor/base/time.h"
#include "tests/sim/keyed_facts.h"

namespace odradek::simulation {

struct Violation {
  std::string invariant;
  std::string what;
  MonoTime when{};
};

// What clients agreed with the broker on about one topic.
struct TopicFacts {
  std::string name;
  log::TopicId id{};
  int32_t partitions = 0;
  bool written_mode = false;
  int64_t retention_bytes = -1;  // -1: everything is kept
  bool compacted = false;
  Duration delete_retention{};  // of tombstones
  // DeleteRecords, by partition: up to where somebody asked, and up to where it was acknowledged.
  struct Deleted {
    int64_t asked = 0;
    int64_t acked = 0;
  };
  std::map<int32_t, Deleted> deleted;
  enum class State { creating, alive, deleting, deleted } state = State::creating;
  bool alive() const { return state == State::alive; }
};

// When a question went out.
struct Asked {
  int64_t floor = 0;   // the high watermark was at least this
  uint32_t cuts = 0;   // power cuts that may have taken something back, so far
  uint32_t stops = 0;  // clean stops so far
};

class Oracle {
 public:
  explicit Oracle(std::function<MonoTime()> now) : now_(std::move(now)) {}

  // --- what clients tell ---
  // Both before anything is sent to it.
  void compacted(const log::TopicId& topic) { keyed_.add_topic(topic); }
  // The topic is acknowledged when it is written and not when it is durable.
  void written_mode(const log::TopicId& topic) { written_topics_.insert(topic); }
  bool is_compacted(const log::TopicPartition& id) const { return keyed_.has(id); }
  // A batch goes out for the first time. The same bytes may go out again.
  void sent(const log::TopicPartition& to, BytesView batch);
  void acked(const log::TopicPartition& to, uint32_t crc, int64_t base_offset, const Asked& asked);
  // What is known when a question about a partition goes out: its answer may not be older.
  Asked ask(const log::TopicPartition& id) const;
  void watermark(const log::TopicPartition& id, const Asked& asked, int64_t value);
  // Whole batches as they came, from a fetch at `from`; returns the offset after the last.
  int64_t read(const log::TopicPartition& id, const Asked& asked, int64_t from,
               int64_t high_watermark, BytesView bytes);
  // One partition read from its log start to its end by one reader.
  struct Content {
    int64_t log_start = 0;
    int64_t end = 0;
    std::vector<log::BatchHeader> batches;
    std::vector<KeyedRecord> records;  // of compacted topics only
  };
  void whole(const TopicFacts& topic, const log::TopicPartition& id, const Content& content);
  void fail(std::string invariant, std::string what);
  void expect(bool holds, const char* invariant, const std::string& what) {
    if (!holds) fail(invariant, what);
  }

  // --- what the world tells ---
  // The process was killed: what topics in `written` mode acknowledged within `window` is written
  // and not yet flushed, until the next start has recovered it.
  void killed(Duration window);
  // The broker is up; it says whether its last stop was clean. It may say so when nothing was
  // acknowledged since.
  void recovered(bool clean);
  // What is answered to questions from before it is in the log that is being closed.
  void stopping() {
    ++stops_;
    acked_since_stop_ = 0;
  }
  // Power went; what topics in `written` mode acknowledged within `window` may be gone.
  void power_lost(Duration window);

  // --- what came of it ---
  const std::optional<Violation>& violation() const { return violation_; }
  uint64_t acked_batches() const { return acked_batches_; }
  uint64_t acked_bytes() const { return acked_bytes_; }
  uint64_t batches_taken_back() const { return taken_back_; }
  uint64_t batches_rewritten() const { return keyed_.rewritten(); }
  // Highest offset after an acknowledged batch: what a consumer must reach.
  int64_t acked_end(const log::TopicPartition& id) const;

 private:
  // Power cuts that may have taken something of it.
  uint32_t cuts(const log::TopicPartition& id) const {
    return written_topics_.contains(id.topic) ? cuts_ : 0;
  }
  struct Sent {
    log::TopicPartition to;
    uint64_t bytes = 0;
    uint32_t life = 0;
  };
  struct Acked {
    uint32_t crc = 0;
    MonoTime when{};
    uint32_t life = 0;
    bool at_risk = false;  // not flushed when the process was killed
    bool may_be_gone = false;
  };
  struct Seen {
    uint32_t crc = 0;
    int32_t epoch = 0;
    bool may_be_gone = false;
  };
  struct Partition {
    std::map<int64_t, Acked> acked;  // by base offset
    std::map<int64_t, Seen> seen;    // by base offset, of any reader, ever
    int64_t floor = 0;
    int64_t log_start = 0;  // highest that was seen
  };
  const Sent* find_sent(uint32_t crc, const log::TopicPartition& to, uint64_t bytes) const;
  void see(Partition& partition, const log::TopicPartition& id, const log::BatchHeader& header,
           bool may_be_gone);
  void check_sent(Partition& partition, const log::TopicPartition& id, BytesView batch,
                  bool may_be_gone);
  void check_place(const log::TopicPartition& id, const log::BatchHeader& header, int64_t from,
                   int64_t next);
  void check_acked(Partition& partition, const log::TopicPartition& id, const Content& content);
  void check_order(const TopicFacts& topic, const log::TopicPartition& id, const Content& content);
  void check_epochs(Partition& partition, const log::TopicPartition& id, const Content& content);
  void check_retention(const TopicFacts& topic, Partition& partition, const log::TopicPartition& id,
                       const Content& content);
  std::string name(const log::TopicPartition& id, int64_t offset) const;

  std::function<MonoTime()> now_;
  std::map<log::TopicPartition, Partition> partitions_;
  // By the batch's checksum; of a thousand batches a seed, two have the same one now and then.
  std::map<uint32_t, std::vector<Sent>> sent_;
  KeyedFacts keyed_;
  std::set<log::TopicId> written_topics_;
  std::optional<Violation> violation_;
  uint32_t lives_ = 0;  // unclean starts
  uint32_t stops_ = 0;
  uint64_t acked_since_stop_ = 0;
  uint32_t cuts_ = 0;
  bool killed_ = false;
  uint64_t acked_batches_ = 0;
  uint64_t acked_bytes_ = 0;
  uint64_t taken_back_ = 0;
};

}  // namespace odradek::simulation
