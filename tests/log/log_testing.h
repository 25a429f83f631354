// A broker's log in a simulated world, with verbs: start, append, read, crash, start again. What a
// test does runs as a coroutine on shard 0; what it saw is kept outside of the node, as a client
// would keep it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "log/log_manager.h"
#include "reactor/metrics.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "tests/log/batches.h"
#include "tests/test.h"

namespace odradek::log::test {

using reactor::Task;
using reactor::sim::DiskOutcome;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::World;
using reactor::sim::WorldOptions;

inline TopicPartition partition_id(uint8_t topic, int32_t partition = 0) {
  TopicPartition id;
  id.topic.bytes.fill(topic);
  id.partition = PartitionId(partition);
  return id;
}

inline PartitionSpec spec_of(TopicPartition id, LogConfig config = {}, int32_t epoch = 0) {
  PartitionSpec spec;
  spec.id = id;
  spec.topic_name = "topic" + std::to_string(id.topic.bytes[0]);
  spec.leader_epoch = LeaderEpoch(epoch);
  spec.config = config;
  return spec;
}

// A metric of this shard: the sum over all labels.
inline int64_t metric(const std::string& name) {
  int64_t sum = 0;
  const auto metrics = reactor::this_shard().metrics().snapshot();
  for (const auto& [labels, sample] : metrics.families.at(name).samples) sum += sample.value;
  return sum;
}

// What clients know: batches that were acknowledged, and everything that was ever sent.
struct Client {
  struct Sent {
    std::vector<uint8_t> bytes;  // as sent: base offset 0
    TopicPartition to;
  };
  std::map<TopicPartition, std::map<int64_t, uint32_t>> acked;  // base offset -> CRC of the batch
  std::map<TopicPartition, std::map<int64_t, uint32_t>> seen;   // by any reader, ever
  std::map<uint32_t, TopicPartition> sent;                      // CRC -> where to
  std::map<TopicPartition, int64_t> watermark;                  // highest that was told
  std::map<TopicPartition, int64_t> start;                      // log start that was acknowledged
  std::set<TopicPartition> deleting;                            // asked for, no answer yet
  int32_t next_sequence = 0;                                    // of the idempotent producer
  void forget(TopicPartition id) {
    acked.erase(id);
    seen.erase(id);
    watermark.erase(id);
    start.erase(id);
  }
  int64_t next_timestamp = 2'000;  // makes every batch different
};

// The log of one running node: what a test's coroutine is given.
struct Live {
  LogStore* store = nullptr;
  LogManager* manager = nullptr;
  Client* client = nullptr;

  Task<Status> open(TopicPartition id, LogConfig config = {}, int32_t epoch = 0) {
    return manager->open_partition(spec_of(id, config, epoch));
  }
  PartitionLog& log(TopicPartition id) {
    PartitionLog* log = manager->find(id);
    CHECK(log != nullptr, id);
    return *log;
  }
  // Appends without waiting for the acknowledgement.
  Task<Appended> stage(TopicPartition id, BatchSpec spec = {}) {
    if (spec.timestamp_ms == 1'000) spec.timestamp_ms = client->next_timestamp++;
    const std::vector<uint8_t> bytes = make_batch(spec);
    BatchInfo info;
    info.header = BatchHeader::parse(bytes);
    client->sent.emplace(info.header.crc, id);
    const Chain chain{BytesView(bytes)};
    co_return co_await log(id).append(chain, info, -1);
  }
  // Appends and waits until it is visible; notes what a client may rely on from then on.
  Task<Appended> append(TopicPartition id, BatchSpec spec = {}) {
    if (spec.timestamp_ms == 1'000) spec.timestamp_ms = client->next_timestamp++;
    const uint32_t crc = header_of(spec).crc;
    Appended appended = co_await stage(id, spec);
    if (appended.fault != AppendFault::none) co_return appended;
    const Status visible = co_await log(id).wait_visible(appended.last, kMonoMax);
    if (!visible) {
      appended.fault = AppendFault::storage_error;
      co_return appended;
    }
    CHECK(log(id).high_watermark() > appended.last, appended.last);
    client->acked[id][appended.base.value] = crc;
    note_watermark(id);
    co_return appended;
  }
  void note_watermark(TopicPartition id) {
    int64_t& known = client->watermark[id];
    CHECK(log(id).high_watermark().value >= known, known);
    known = log(id).high_watermark().value;
  }
  // Everything visible, as {base offset, CRC}; checks offsets, checksums and that somebody sent it.
  Task<std::map<int64_t, uint32_t>> read_all(TopicPartition id, uint64_t bytes_max = 1 << 20) {
    std::map<int64_t, uint32_t> out;
    Offset at = log(id).log_start();
    const Offset limit = log(id).high_watermark();
    while (at < limit) {
      auto slice = co_await log(id).read(
          {.from = at, .bytes_max = bytes_max, .limit = limit, .at_least_one = true});
      CHECK(slice.has_value(), slice.error());
      CHECK(slice->bytes > 0, at, limit);
      take(id, *slice, at, out);
      at = slice->next;
    }
    co_return out;
  }

 private:
  void take(TopicPartition id, const LogSlice& slice, Offset from,
            std::map<int64_t, uint32_t>& out) {
    std::vector<uint8_t> bytes;
    for (const LogSlice::Piece& piece : slice.pieces) {
      bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
    }
    CHECK(bytes.size() == slice.bytes, bytes.size(), slice.bytes);
    Offset next = slice.first;
    CHECK(slice.first <= from, slice.first, from);
    for (size_t at = 0; at < bytes.size();) {
      const BatchHeader header = BatchHeader::parse(BytesView(bytes).subspan(at));
      const auto size = static_cast<size_t>(header.size_bytes());
      CHECK(size >= kBatchHeaderBytes && at + size <= bytes.size(), at, size);
      CHECK(header.base_offset == next, header.base_offset, next);
      CHECK(batch_crc(BytesView(bytes).subspan(at, size)) == header.crc, header.base_offset);
      const auto sent = client->sent.find(header.crc);
      CHECK(sent != client->sent.end() && sent->second == id, id, header.base_offset);
      // What a reader saw at an offset stays there.
      const auto [seen, first] = client->seen[id].emplace(header.base_offset.value, header.crc);
      CHECK(seen->second == header.crc, id, header.base_offset, first);
      out[header.base_offset.value] = header.crc;
      next = header.next_offset();
      at += size;
    }
    CHECK(next == slice.next, next, slice.next);
  }
};

using Script = std::function<Task<void>(Live&)>;

class LogWorld {
 public:
  explicit LogWorld(uint64_t seed = 1, WorldOptions world_options = {})
      : world(seed, world_options) {
    options.directories = {"/data"};
    options.wal_bytes = 8 << 20;
    options.cache_bytes = 4 << 20;
    node_options.shards = 1;
  }

  // Starts the log, runs `script`, stops cleanly.
  void live(const Script& script) {
    begin(script, true);
    REQUIRE_EQ(world.run_until_exit(node), Run::done);
    CAPTURE(stop_error);
    REQUIRE_EQ(world.exit_code(node).value_or(-1), 0);
    CHECK(world.descriptors_left(node) == 0, world.descriptors_left(node));
  }
  // Starts the log, runs `script`, then the power goes.
  void live_until_crash(const Script& script, DiskOutcome outcome) {
    begin(script, false);
    REQUIRE_EQ(world.run_until([this] { return scripted || !world.running(node); }), Run::done);
    CAPTURE(stop_error);
    REQUIRE(scripted);
    world.crash(node, outcome);
  }
  // Starts it; the caller drives the world. With `stop` it ends by itself after the script.
  void begin(const Script& script, bool stop) {
    scripted = false;
    script_ = script;
    stop_ = stop;
    node = world.start(node_options, [this] { return main(*this); });
  }

  World world;
  LogOptions options;
  reactor::sim::NodeOptions node_options;
  Client client;
  NodeId node{};
  bool scripted = false;   // the script ended
  bool was_clean = false;  // what the last start found
  std::string stop_error;  // of the last stop
  std::vector<FoundPartition> found;

 private:
  static Task<int> main(LogWorld& self) {
    auto store = co_await LogStore::open(self.options);
    if (!store) {
      self.stop_error = store.error().to_string();
      co_return 2;
    }
    self.was_clean = (*store)->clean();
    self.found = (*store)->found();
    auto manager = co_await LogManager::start(self.options, store->get());
    CHECK(manager.has_value(), manager.error());
    Live live{store->get(), manager->get(), &self.client};
    co_await self.script_(live);
    self.scripted = true;
    if (!self.stop_) co_await reactor::sleep_for(std::chrono::hours(10'000));
    const Status stopped = co_await (*manager)->stop();
    const Status closed = co_await (*store)->close();
    self.stop_error = !stopped  ? stopped.error().to_string()
                      : !closed ? closed.error().to_string()
                                : "";
    co_return 0;
  }
  Script script_;
  bool stop_ = true;
};

// Everything a client may rely on, checked against a log that was opened again.
inline Task<void> verify(Live& live, TopicPartition id) {
  const std::map<int64_t, uint32_t> there = co_await live.read_all(id);
  const int64_t start = live.log(id).log_start().value;
  CHECK(start >= live.client->start[id], start);
  for (const auto& [base, crc] : live.client->acked[id]) {
    if (base < start) continue;
    const auto it = there.find(base);
    CHECK(it != there.end() && it->second == crc, id, base, live.log(id).high_watermark());
  }
  CHECK(live.log(id).log_end().value >= live.client->watermark[id], live.client->watermark[id]);
  live.note_watermark(id);
}

template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error());
  return std::move(*result);
}
inline void must(const Status& status) { CHECK(status.has_value(), status.error()); }

}  // namespace odradek::log::test
