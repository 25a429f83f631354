#include "tests/sim/swarm.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "tests/sim/admin.h"
#include "tests/sim/expiring_group.h"
#include "tests/sim/group_consumer.h"
#include "tests/sim/member.h"
#include "tests/sim/moves.h"
#include "tests/sim/node.h"
#include "tests/sim/watcher.h"

namespace odradek::simulation {

using reactor::sim::DiskOutcome;
using reactor::sim::NodeId;
using reactor::sim::Run;
using reactor::sim::WorldOptions;

void note_violation(RunReport& report, const std::string& invariant, const std::string& what,
                    MonoTime when) {
  report.failed = true;
  report.virtual_ms = static_cast<uint64_t>(when.time_since_epoch() / 1ms);
  std::strncpy(report.invariant, invariant.c_str(), sizeof report.invariant - 1);
  std::strncpy(report.what, what.c_str(), sizeof report.what - 1);
}

namespace {

enum class FaultKind : uint8_t { power_cut, kill, restart, cut, reset, pause, slow_disk };
const char* fault_name(FaultKind kind) {
  constexpr const char* names[] = {"power cut", "kill",  "clean restart", "network cut",
                                   "reset",     "pause", "slow disk"};
  return names[static_cast<size_t>(kind)];
}

struct Fault {
  FaultKind kind = FaultKind::power_cut;
  uint64_t at_acked = 0;
  DiskOutcome outcome = DiskOutcome::all_lost;
};

class SwarmRun {
 public:
  SwarmRun(uint64_t seed, bool trace);
  RunReport run();

 private:
  static WorldOptions world_options(uint64_t seed);
  void draw_broker();
  void draw_faults();
  void start_broker();
  void start_clients();
  void start_members();
  void start_expiring_groups();
  TopicPlan draw_topic(const std::string& name, bool written);
  void draw_compaction(TopicPlan& plan);
  void inject(const Fault& fault);
  void crash(const Fault& fault);
  void come_back();
  void verify(const char* when);
  void trouble_idle_groups();
  void finish();
  bool over();
  bool wait(const std::function<bool()>& done, Duration limit, const char* what);
  void count_segments();
  void say(const std::string& what);
  Duration written_window();

  Prng prng_;
  Stage stage_;
  BrokerNode broker_;
  BrokerOptions broker_options_;
  std::vector<Fault> faults_;
  std::vector<NodeId> producers_;
  std::vector<NodeId> others_;
  std::set<std::string> segments_;
  uint64_t batches_ = 0;
  bool offsets_expire_ = false;  // then there are no other groups
  bool throttled_ = false;       // a producer and a consumer have quotas
  uint64_t watcher_ = 0;         // the seed of one; 0: there is none
  double watch_percent_ = 0;
  // Of the last pause.
  Duration paused_for_{};
  MonoTime paused_until_{};
  RunReport report_;
};

WorldOptions SwarmRun::world_options(uint64_t seed) {
  Prng prng(seed ^ 0x5eed);
  WorldOptions options;
  if (prng.chance(1, 3)) options.network.reset = 200;
  if (prng.chance(1, 3)) options.network.delay = {20us, 5ms};
  if (prng.chance(1, 3)) options.disk.write_back = 50'000;
  if (prng.chance(1, 4)) options.disk.tear_bytes = 512;
  if (prng.chance(1, 4)) options.disk.sync = {80us, 20ms};
  if (prng.chance(1, 8)) options.disk.direct_supported = false;
  if (prng.chance(1, 4)) options.stall = 100'000;
  return options;
}

SwarmRun::SwarmRun(uint64_t seed, bool trace)
    : prng_(seed), stage_(seed, world_options(seed)), broker_(stage_) {
  report_.seed = seed;
  stage_.trace = trace;
  draw_broker();
  draw_faults();
}

void SwarmRun::say(const std::string& what) {
  stage_.say([&] { return what; });
}

// What a power cut may take back in `written` mode: 100 ms, and what the flush itself takes when
// both it and the one before it meet a slow moment of the disk. While the process stood still it
// flushed nothing.
Duration SwarmRun::written_window() {
  const auto& disk = stage_.world.disk("broker").options();
  const Duration window = 300ms + 2 * disk.sync.most * disk.slow_factor;
  return stage_.world.now() < paused_until_ + window ? window + paused_for_ : window;
}

void SwarmRun::draw_broker() {
  BrokerOptions& o = broker_options_;
  o.shards = static_cast<uint32_t>(prng_.between(1, 8));
  o.written = prng_.chance(1, 5);
  o.wal_bytes = prng_.chance(1, 2) ? 0 : prng_.between(4, 16) << 18;
  o.requests_per_peer = prng_.chance(1, 4) ? 1 : reactor::kRequestsInFlightPerPeer;
  o.tasks_per_turn = prng_.chance(1, 2) ? 1 : UINT32_MAX;
  o.log_directories = prng_.chance(1, 3) ? 2 : 1;
  o.properties["group.initial.rebalance.delay.ms"] = std::to_string(prng_.below(500));
  o.properties["group.min.session.timeout.ms"] = "500";
  o.properties["group.consumer.min.session.timeout.ms"] = "500";
  o.properties["group.consumer.session.timeout.ms"] =
      std::to_string(kConsumerSession / std::chrono::milliseconds(1));
  o.properties["group.consumer.min.heartbeat.interval.ms"] = "100";
  o.properties["group.consumer.heartbeat.interval.ms"] = "100";
  o.properties["group.consumer.assignment.interval.ms"] = std::to_string(prng_.below(600));
  o.properties["offsets.topic.num.partitions"] = std::to_string(prng_.between(1, 8));
  o.properties["log.retention.check.interval.ms"] = std::to_string(prng_.between(50, 2'000));
  o.properties["log.cleaner.backoff.ms"] = std::to_string(prng_.between(10, 1'000));
  // A map of a few hundred keys of each shard, or of all.
  if (prng_.chance(1, 2)) {
    o.properties["log.cleaner.dedupe.buffer.size"] = std::to_string(o.shards * 4'096);
  }
  if (prng_.chance(1, 4)) o.properties["log.cleaner.io.max.bytes.per.second"] = "1000000";
  batches_ = prng_.between(800, 1'600);
  Prng prng = prng_.split();
  offsets_expire_ = !o.written && prng.chance(1, 6);
  throttled_ = prng.chance(1, 10);
  // A short memory: what is over the quota is punished at once.
  if (throttled_) o.properties["quota.window.num"] = std::to_string(prng.between(2, 5));
  if (offsets_expire_) {
    o.properties["offsets.retention.minutes"] = std::to_string(kOffsetsRetention / 1min);
    o.properties["offsets.retention.check.interval.ms"] = std::to_string(prng.between(100, 3'000));
  }
  if (prng.chance(1, 3)) {
    watcher_ = prng.next() | 1;
    // Mostly one that is charged and never over.
    watch_percent_ = prng.chance(3, 4) ? 1e9 : static_cast<double>(prng.between(1, 100));
  }
}

void SwarmRun::draw_faults() {
  const uint64_t crashes = prng_.between(2, 4);
  const uint64_t others = prng_.below(4);
  for (uint64_t i = 0; i < crashes + others; ++i) {
    Fault fault;
    if (i < crashes) {
      fault.kind = prng_.chance(2, 3) ? FaultKind::power_cut : FaultKind::kill;
    } else {
      fault.kind = static_cast<FaultKind>(prng_.between(2, 6));
    }
    fault.at_acked = prng_.below(batches_ * 9 / 10);
    fault.outcome = reactor::sim::kDiskOutcomes[prng_.below(4)];
    faults_.push_back(fault);
  }
  std::ranges::stable_sort(faults_, {}, &Fault::at_acked);
}

TopicPlan SwarmRun::draw_topic(const std::string& name, bool written) {
  TopicPlan plan;
  plan.name = name;
  plan.partitions = static_cast<int32_t>(prng_.between(1, 4));
  plan.written_mode = written;
  // One WAL for both: what is flushed must not wait for, nor rest on, what is only written.
  if (written != broker_options_.written) {
    plan.configs["odradek.durability"] = written ? "written" : "flushed";
  }
  plan.configs["segment.bytes"] = "1048576";
  switch (prng_.below(4)) {
    case 0: plan.configs["segment.ms"] = std::to_string(prng_.between(100, 3'000)); break;
    case 1:
      plan.configs["segment.index.bytes"] = std::to_string(prng_.between(24, 256));
      plan.configs["index.interval.bytes"] = "1024";
      break;
    default: break;
  }
  // What a power cut may take back in `written` mode is not told record by record.
  if (!plan.written_mode && prng_.chance(1, 3)) {
    draw_compaction(plan);
  } else if (prng_.chance(1, 4)) {
    plan.retention_bytes = static_cast<int64_t>(prng_.between(50'000, 1'000'000));
    plan.configs["retention.bytes"] = std::to_string(plan.retention_bytes);
    plan.configs["file.delete.delay.ms"] = std::to_string(prng_.below(2'000));
  }
  return plan;
}

void SwarmRun::draw_compaction(TopicPlan& plan) {
  plan.compacted = true;
  plan.delete_retention = std::chrono::milliseconds(prng_.chance(1, 2) ? prng_.between(1, 3'000)
                                                                       : uint64_t{86'400'000});
  plan.configs["cleanup.policy"] = "compact";
  plan.configs["delete.retention.ms"] = std::to_string(plan.delete_retention / 1ms);
  plan.configs["min.cleanable.dirty.ratio"] = prng_.chance(1, 2) ? "0.01" : "0.4";
  plan.configs["file.delete.delay.ms"] = std::to_string(prng_.below(500));
  // Small segments, so that there is something to compact and to put together.
  plan.configs["segment.index.bytes"] = std::to_string(prng_.between(24, 128));
  plan.configs["index.interval.bytes"] = std::to_string(prng_.between(256, 2'048));
  if (prng_.chance(1, 4)) plan.configs["min.compaction.lag.ms"] = std::to_string(prng_.below(500));
  if (prng_.chance(1, 4)) {
    plan.configs["max.compaction.lag.ms"] = std::to_string(prng_.between(500, 3'000));
  }
}

void SwarmRun::start_broker() {
  broker_.start(broker_options_);
  const BrokerOptions& o = broker_options_;
  say(fmt::format("broker starts: {} shards, {}, wal {} KiB, {} requests to a peer, {} directories",
                  o.shards, o.written ? "written" : "flushed", o.wal_bytes >> 10,
                  o.requests_per_peer, o.log_directories));
}

void SwarmRun::start_clients() {
  AdminOptions admin;
  admin.seed = prng_.next();
  const uint64_t topics = prng_.between(offsets_expire_ ? 2 : 1, 3);
  const bool mixed = prng_.chance(1, 3);
  const auto mode = [&](bool other) { return broker_options_.written != (mixed && other); };
  for (uint64_t i = 0; i < topics; ++i) {
    admin.topics.push_back(draw_topic(fmt::format("t{}", i), mode(i % 2 == 1)));
  }
  admin.topics[0].partitions += 2;  // three at least in all
  const uint64_t coming = prng_.chance(1, 2) ? prng_.below(5) : 0;
  for (uint64_t i = 0; i < coming; ++i)
    admin.coming.push_back(draw_topic(fmt::format("c{}", i), mode(i % 2 == 0)));
  admin.changes = prng_.below(6);
  admin.pause = std::chrono::milliseconds(prng_.between(10, 1'000));
  if (throttled_) {
    admin.produce_rate = static_cast<double>(prng_.between(50'000, 300'000));
    admin.fetch_rate = static_cast<double>(prng_.between(200'000, 800'000));
  }
  admin.watch_percent = watch_percent_;
  others_.push_back(
      stage_.world.start({.name = "admin"}, [this, admin] { return admin_main(stage_, admin); }));
  const uint64_t producers = prng_.between(1, 4);
  for (uint64_t i = 0; i < producers; ++i) {
    ProducerOptions options;
    options.name = fmt::format("p{}", i);
    options.seed = prng_.next();
    options.batches = static_cast<uint32_t>(batches_ / producers + 1);
    options.idempotent = i == 0 || prng_.chance(3, 4);
    options.requests_in_flight = static_cast<uint32_t>(prng_.between(1, 5));
    options.value_bytes_max = static_cast<uint32_t>(prng_.between(50, 4'000));
    if (prng_.chance(1, 2)) {
      const uint64_t most = broker_options_.wal_bytes ? broker_options_.wal_bytes / 4 : 900'000;
      options.large_bytes = static_cast<uint32_t>(prng_.between(20'000, most));
    }
    options.acks = options.idempotent || prng_.chance(1, 2) ? -1 : 1;
    options.version = static_cast<int16_t>(prng_.between(8, 13));
    if (prng_.chance(1, 2)) options.think = std::chrono::milliseconds(prng_.between(1, 20));
    options.request_timeout = std::chrono::milliseconds(prng_.between(300, 5'000));
    producers_.push_back(stage_.world.start(
        {.name = options.name}, [this, options] { return produce_main(stage_, options); }));
  }
  start_members();
  if (watcher_) {
    others_.push_back(
        stage_.world.start({.name = "watcher"}, [this] { return watch_main(stage_, watcher_); }));
  }
  if (broker_options_.log_directories > 1) {
    MoverOptions options;
    options.seed = prng_.next();
    options.pause = std::chrono::milliseconds(prng_.between(50, 3'000));
    others_.push_back(stage_.world.start({.name = "mover"},
                                         [this, options] { return mover_main(stage_, options); }));
  }
  const uint64_t consumers = prng_.between(1, 2);
  for (uint64_t i = 0; i < consumers; ++i) {
    ConsumerOptions options;
    options.name = fmt::format("c{}", i);
    options.seed = prng_.next();
    options.sessions = prng_.chance(2, 3);
    options.version = static_cast<int16_t>(prng_.between(11, 17));
    options.bytes_max = static_cast<int32_t>(prng_.between(10'000, 2'000'000));
    options.partition_bytes_max = static_cast<int32_t>(prng_.between(500, 1'000'000));
    others_.push_back(stage_.world.start(
        {.name = options.name}, [this, options] { return consume_main(stage_, options); }));
  }
}

// A group of each protocol over the first topic. What they are asked to keep holds in `flushed`
// mode only.
void SwarmRun::start_members() {
  if (offsets_expire_) return start_expiring_groups();
  const uint64_t members = broker_options_.written ? 0 : prng_.below(5);
  for (uint64_t i = 0; i < members; ++i) {
    MemberOptions options;
    options.name = fmt::format("m{}", i);
    options.seed = prng_.next();
    options.is_static = prng_.chance(1, 4);
    others_.push_back(stage_.world.start({.name = options.name},
                                         [this, options] { return member_main(stage_, options); }));
  }
  const uint64_t consumers = broker_options_.written ? 0 : prng_.below(5);
  for (uint64_t i = 0; i < consumers; ++i) {
    MemberOptions options;
    options.name = fmt::format("n{}", i);
    options.seed = prng_.next();
    options.is_static = prng_.chance(1, 4);
    others_.push_back(stage_.world.start(
        {.name = options.name}, [this, options] { return group_consumer_main(stage_, options); }));
  }
}

// Each group once at least, of each kind.
void SwarmRun::start_expiring_groups() {
  for (uint64_t i = 3 + prng_.below(3); i > 0; --i) {
    ExpiringGroupOptions options;
    options.name = fmt::format("e{}", i);
    options.seed = prng_.next();
    options.kind = static_cast<GroupKind>(i % 3);
    others_.push_back(stage_.world.start(
        {.name = options.name}, [this, options] { return expiring_group_main(stage_, options); }));
  }
}

bool SwarmRun::over() { return stage_.oracle.violation().has_value(); }

bool SwarmRun::wait(const std::function<bool()>& done, Duration limit, const char* what) {
  const Run run = stage_.world.run_until([&] { return over() || done(); }, limit);
  stage_.oracle.expect(run == Run::done, "I17",
                       fmt::format("{}: {}", what,
                                   run == Run::stuck      ? "nothing moves any more"
                                   : run == Run::livelock ? "too many steps"
                                                          : "not within its time"));
  return !over();
}

void SwarmRun::count_segments() {
  for (uint32_t i = 0; i < 2; ++i) {
    for (const std::string& path : stage_.world.disk("broker").files()) {
      if (path.ends_with(".log") && !path.contains("__cluster_metadata")) segments_.insert(path);
    }
  }
}

// Down for a while, then up with another number of shards; sometimes it dies again while it
// recovers.
void SwarmRun::come_back() {
  ++report_.crashes;
  stage_.world.run_for(std::chrono::milliseconds(prng_.below(1'000)));
  broker_options_.shards = static_cast<uint32_t>(prng_.between(1, 8));
  for (int again = 0; prng_.chance(1, 4) && again < 2; ++again) {
    start_broker();
    const auto outcome = reactor::sim::kDiskOutcomes[prng_.below(4)];
    const uint64_t steps = stage_.world.steps(broker_.id()) + prng_.between(1, 3'000);
    stage_.world.crash_at(broker_.id(), steps, outcome);
    if (!wait([this] { return !broker_.running() || broker_.ready(); }, 60s, "recovery")) return;
    if (broker_.running()) stage_.world.crash(broker_.id(), outcome);
    stage_.oracle.power_lost(written_window());
    say(fmt::format("power cut during recovery: {}", reactor::sim::outcome_name(outcome)));
    ++report_.crashes;
  }
  start_broker();
}

void SwarmRun::crash(const Fault& fault) {
  if (fault.kind == FaultKind::kill) {
    stage_.world.kill(broker_.id());
    stage_.oracle.killed(written_window());
  } else {
    const uint64_t steps = stage_.world.steps(broker_.id()) + prng_.between(1, 400);
    stage_.world.crash_at(broker_.id(), steps, fault.outcome);
    // A broker that nobody asks anything takes few steps.
    if (!wait([this] { return !broker_.running(); }, 600s, "a crash at a step")) return;
    stage_.oracle.power_lost(written_window());
  }
  count_segments();
  come_back();
}

void SwarmRun::inject(const Fault& fault) {
  say(fmt::format(
      "{} {} after {} batches", fault_name(fault.kind),
      fault.kind == FaultKind::power_cut ? reactor::sim::outcome_name(fault.outcome) : "",
      stage_.oracle.acked_batches()));
  const NodeId peer = producers_[prng_.below(producers_.size())];
  switch (fault.kind) {
    case FaultKind::power_cut:
    case FaultKind::kill: crash(fault); break;
    case FaultKind::restart:
      if (!wait([this] { return broker_.ready(); }, 60s, "start")) return;
      broker_.stop_clean();
      if (over()) return;
      broker_options_.shards = static_cast<uint32_t>(prng_.between(1, 8));
      start_broker();
      break;
    case FaultKind::cut:
      stage_.world.cut(broker_.id(), peer, prng_.chance(1, 2));
      stage_.world.run_for(std::chrono::milliseconds(prng_.between(10, 8'000)));
      stage_.world.heal_all();
      break;
    case FaultKind::reset: stage_.world.reset_connections(broker_.id(), peer); break;
    case FaultKind::pause:
      paused_for_ = std::chrono::milliseconds(prng_.between(10, 5'000));
      paused_until_ = stage_.world.now() + paused_for_;
      stage_.world.pause(broker_.id(), paused_for_);
      break;
    case FaultKind::slow_disk:
      stage_.world.disk("broker").options().slow =
          static_cast<uint32_t>(prng_.between(1'000, 200'000));
      break;
  }
}

void SwarmRun::verify(const char* when) {
  if (over()) return;
  VerifyOptions options{.seed = prng_.next()};
  const NodeId node = stage_.world.start({.name = "verify"},
                                         [this, options] { return verify_main(stage_, options); });
  if (!wait([&] { return !stage_.world.running(node); }, std::chrono::minutes(5), when)) return;
  const int code = stage_.world.exit_code(node).value_or(-1);
  stage_.oracle.expect(code == 0, "I17", fmt::format("{}: verification ended with {}", when, code));
  say(fmt::format("verified {}", when));
}

// What a group was and since when it is empty must outlive the broker too, and nothing but groups
// is awake for as long as offsets are kept.
void SwarmRun::trouble_idle_groups() {
  for (uint64_t i = prng_.below(4); i > 0 && !over(); --i) {
    stage_.world.run_for(std::chrono::milliseconds(prng_.between(1, 50'000)));
    Fault fault;
    fault.kind = static_cast<FaultKind>(prng_.below(3));
    fault.outcome = reactor::sim::kDiskOutcomes[prng_.below(4)];
    if (!over()) inject(fault);
  }
}

// After the faults: everything ends, is all there, and stays there over a clean and an unclean
// restart.
void SwarmRun::finish() {
  stage_.world.network_options().reset = 0;
  stage_.world.heal_all();
  stage_.world.disk("broker").options().slow = 0;
  say("healed");
  const auto produced = [this] {
    return std::ranges::none_of(producers_, [&](NodeId n) { return stage_.world.running(n); });
  };
  if (!wait(produced, std::chrono::minutes(10), "producers")) return;
  stage_.producing_done = true;
  if (offsets_expire_) trouble_idle_groups();
  const auto consumed = [this] {
    return std::ranges::none_of(others_, [&](NodeId n) { return stage_.world.running(n); });
  };
  // A quota lets through what large batches have in minutes.
  if (!wait(consumed, std::chrono::minutes(throttled_ ? 60 : 5), "consumers")) return;
  verify("after the faults");
  count_segments();
  if (over()) return;
  broker_.stop_clean();
  if (over()) return;
  broker_options_.shards = static_cast<uint32_t>(prng_.between(1, 8));
  start_broker();
  verify("after a clean restart");
  if (over()) return;
  stage_.world.crash(broker_.id(), DiskOutcome::all_lost);
  stage_.oracle.power_lost(written_window());
  start_broker();
  verify("after a last power cut");
  if (!over()) broker_.stop_clean();
}

RunReport SwarmRun::run() {
  start_broker();
  start_clients();
  for (const Fault& fault : faults_) {
    const auto due = [&] {
      return stage_.oracle.acked_batches() >= fault.at_acked ||
             std::ranges::none_of(producers_, [&](NodeId n) { return stage_.world.running(n); });
    };
    if (!wait(due, std::chrono::minutes(10), "producers between faults")) break;
    inject(fault);
    if (over()) break;
  }
  if (!over()) finish();
  report_.hash = stage_.world.hash();
  report_.events = stage_.world.events();
  report_.acked = stage_.oracle.acked_batches();
  report_.taken_back = stage_.oracle.batches_taken_back();
  report_.rewritten = stage_.oracle.batches_rewritten();
  report_.generations = static_cast<uint64_t>(std::max(stage_.groups.generation(), 0));
  report_.commits = stage_.groups.commits() + stage_.consumers.commits();
  report_.fenced = stage_.groups.fenced() + stage_.consumers.fenced();
  report_.moves = stage_.consumers.moves();
  report_.throttled = stage_.throttled;
  report_.relocations = stage_.relocations;
  std::set<std::string> directories;
  for (const auto& path : segments_) directories.insert(path.substr(0, path.rfind('/')));
  report_.rolls = segments_.size() - directories.size();
  report_.virtual_ms = static_cast<uint64_t>(stage_.world.now().time_since_epoch() / 1ms);
  if (over()) {
    const Violation& v = *stage_.oracle.violation();
    note_violation(report_, v.invariant, v.what, v.when);
  }
  if (stage_.trace) stage_.world.print_lines(broker_.id());
  return report_;
}

}  // namespace

RunReport run_swarm_seed(uint64_t seed, bool trace) {
  // Leaked: a crash leaves frames that are never destroyed, and the process ends soon.
  auto* run = new SwarmRun(seed, trace);
  return run->run();
}

}  // namespace odradek::simulation
