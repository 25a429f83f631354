// Power cuts at every step of a script of metadata requests, with every outcome of the disk: what
// was answered is there, what was not is there as a whole or not at all, no epoch is led twice, and
// a start that is itself cut off starts again.
#include <cstdlib>
#include <map>
#include <set>

#include "log/batch/batch_walker.h"
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

using reactor::Task;
using reactor::sim::DiskOutcome;
using reactor::sim::kDiskOutcomes;
using reactor::sim::Run;
using reactor::sim::World;
using SimNode = reactor::sim::NodeId;

// What the outside world was told; it does not crash.
struct Ledger {
  std::map<std::string, Uuid> topics;            // exist, with these ids
  std::set<std::string> gone;                    // do not exist
  std::map<std::string, std::string> retention;  // by topic
  std::map<std::string, double> quotas;          // producer_byte_rate, by client id
  std::string pending_topic;                     // create or delete on its way: either way is right
  int64_t next_producer_id = 0;                  // nothing below may be given out again
  std::set<int32_t> epochs;                      // led
  bool done = false;
};

Task<void> create(Running& r, Ledger& ledger, std::string name, int32_t partitions) {
  ledger.gone.erase(name);
  ledger.pending_topic = name;
  const TopicResult answer = co_await r.create(new_topic(name, partitions));
  CHECK(answer.code == KafkaCode::none, answer.code);
  ledger.topics[name] = answer.id;
  ledger.pending_topic.clear();
}

Task<void> remove(Running& r, Ledger& ledger, std::string name) {
  ledger.topics.erase(name);
  ledger.pending_topic = name;
  ledger.retention.erase(name);
  const TopicResult answer = co_await r.remove(name);
  CHECK(answer.code == KafkaCode::none, answer.code);
  ledger.gone.insert(name);
  ledger.pending_topic.clear();
}

Task<void> retain(Running& r, Ledger& ledger, std::string name, std::string value) {
  ledger.retention.erase(name);
  const AlterResult answer = co_await r.alter(name, "retention.ms", value);
  CHECK(answer.code == KafkaCode::none, answer.code);
  ledger.retention[name] = value;
}

Task<void> bound(Running& r, Ledger& ledger, std::string client, double bytes) {
  ledger.quotas.erase(client);
  QuotaAlteration alteration;
  alteration.entity = {{"client-id", client}};
  alteration.changes = {{"producer_byte_rate", bytes}};
  const auto answers = co_await r->alter_quotas({std::move(alteration)}, false);
  CHECK(answers.at(0).code == KafkaCode::none, answers[0].code);
  ledger.quotas[client] = bytes;
}

Task<void> allocate(Running& r, Ledger& ledger) {
  const ProducerIdBlock block = co_await r->allocate_producer_ids();
  CHECK(block.code == KafkaCode::none, block.code);
  CHECK(block.first >= ledger.next_producer_id, block.first, ledger.next_producer_id);
  ledger.next_producer_id = block.first + block.count;
}

Task<Running> begin(Ledger& ledger) {
  Running r = must(co_await Running::start());
  const bool is_new = ledger.epochs.insert(r->quorum().epoch().value).second;
  CHECK(is_new, r->quorum().epoch());
  co_return r;
}

Task<int> script(Ledger& ledger) {
  Running r = co_await begin(ledger);
  co_await create(r, ledger, "a", 3);
  co_await create(r, ledger, "large", 200);
  co_await retain(r, ledger, "a", "1000");
  co_await bound(r, ledger, "c", 1000);
  co_await allocate(r, ledger);
  co_await remove(r, ledger, "large");
  must(co_await r->write_snapshot());
  co_await create(r, ledger, "b", 1);
  co_await bound(r, ledger, "c", 2000);
  CHECK(co_await r->bump_leader_epochs() == KafkaCode::none);
  must(co_await r->write_snapshot());
  co_await allocate(r, ledger);
  co_await remove(r, ledger, "b");
  co_await create(r, ledger, "b", 2);
  must(co_await r->stop());
  co_return 0;
}

void verify(const Image& image, const Ledger& ledger) {
  for (const auto& [name, id] : ledger.topics) {
    const Topic* topic = image.find_topic(name);
    CHECK(topic != nullptr, name);
    CHECK(topic->id() == id, name);
    for (int32_t i = 0; i < topic->partition_count(); ++i) {
      CHECK(topic->partition(log::PartitionId(i))->leader == odradek::NodeId(1), name, i);
    }
  }
  for (const auto& name : ledger.gone) CHECK(image.find_topic(name) == nullptr, name);
  for (const auto& [name, value] : ledger.retention) {
    const ConfigMap* configs = image.find_configs(ResourceType::topic, name);
    CHECK(configs != nullptr && configs->at("retention.ms") == value, name);
  }
  for (const auto& [client, bytes] : ledger.quotas) {
    const QuotaValues* values = image.find_quotas({{"client-id", client}});
    CHECK(values != nullptr && values->at("producer_byte_rate") == bytes, client);
  }
  CHECK(image.next_producer_id() >= ledger.next_producer_id, image.next_producer_id());
  image.for_each_topic([&](const Topic& topic) {
    const bool known = ledger.topics.contains(topic.name()) || topic.name() == ledger.pending_topic;
    CHECK(known, topic.name());
    // A topic is created as a whole.
    const int32_t partitions = topic.partition_count();
    CHECK(partitions == (topic.name() == "large" ? 200
                         : topic.name() == "a"   ? 3
                                                 : partitions),
          partitions);
    CHECK(partitions > 0, topic.name());
  });
}

// What an image says of topics and configs, without the registrations that every start writes anew.
std::vector<std::vector<uint8_t>> durable_part(const Image& image) {
  std::vector<std::vector<uint8_t>> out;
  const RecordList all = records_of(image);
  for (const auto& value : all.values()) {
    const uint32_t type = must(parse_record_front(BytesView(value))).type;
    if (type != 0 && type != 27) out.push_back(value);
  }
  return out;
}

Task<int> check(Ledger& ledger, std::vector<std::vector<uint8_t>>& state, bool go_on) {
  Running r = co_await begin(ledger);
  verify(r.image(), ledger);
  state = durable_part(r.image());
  if (go_on) {
    ledger.pending_topic.clear();
    // Whatever the crash left undecided is decided now.
    std::set<std::string> names;
    r.image().for_each_topic([&](const Topic& topic) { names.insert(topic.name()); });
    for (const auto& name : names) co_await remove(r, ledger, name);
    co_await create(r, ledger, "after", 2);
    co_await allocate(r, ledger);
    verify(r.image(), ledger);
  }
  must(co_await r->stop());
  co_return 0;
}

reactor::sim::NodeOptions node_options() { return {.name = "node"}; }

struct Machine {
  explicit Machine(uint64_t seed) : world(seed) { world.disk("node").put("/data/.here", {}); }
  // Runs `main` to its end or to the crash that was asked for; true when it ended.
  bool run(reactor::ShardMain main) {
    node = world.start(node_options(), std::move(main));
    CHECK(world.run_until_exit(node) == Run::done, world.seed());
    CHECK(world.crashed(node) || world.exit_code(node) == 0, world.seed());
    return !world.crashed(node);
  }
  // The same with a power cut at the step `more` from now. The node must be known.
  bool run_with_crash(reactor::ShardMain main, uint64_t more, DiskOutcome outcome) {
    node = world.start(node_options(), std::move(main));
    world.crash_at(node, world.steps(node) + more, outcome);
    CHECK(world.run_until_exit(node) == Run::done, world.seed());
    return !world.crashed(node);
  }
  World world;
  SimNode node{};
  Ledger ledger;
};

// Epochs of the leader changes that stand in the log, in order.
void no_epoch_twice(World& world) {
  int32_t last = -1;
  for (const std::string& path : world.disk("node").files()) {
    if (!path.ends_with(".log") || !path.contains("__cluster_metadata-0")) continue;
    const auto bytes = *world.disk("node").contents(path);
    log::BatchWalker walker{Chain(BytesView(bytes))};
    for (auto step = walker.next(); step.kind == log::WalkStep::Kind::batch; step = walker.next()) {
      if (!step.header.attributes.control()) continue;
      CHECK(step.header.leader_epoch.value > last, path, last);
      last = step.header.leader_epoch.value;
    }
  }
}

uint64_t steps_of_script(uint64_t seed) {
  Machine m(seed);
  CHECK(m.run([&m] { return script(m.ledger); }));
  return m.world.steps(m.node);
}

// One execution: a crash at step `k` of the script, then, for `inner` above 0, one at that step of
// the recovery, then two whole starts.
void crash_once(uint64_t seed, uint64_t k, uint64_t inner, DiskOutcome outcome) {
  Machine m(seed);
  CAPTURE(seed);
  CAPTURE(k);
  CAPTURE(inner);
  CAPTURE(reactor::sim::outcome_name(outcome));
  (void)m.run_with_crash([&m] { return script(m.ledger); }, k, outcome);
  std::vector<std::vector<uint8_t>> first;
  std::vector<std::vector<uint8_t>> second;
  if (inner > 0) {
    (void)m.run_with_crash([&m, &first] { return check(m.ledger, first, false); }, inner, outcome);
  }
  CHECK(m.run([&m, &first] { return check(m.ledger, first, false); }));
  CHECK(m.run([&m, &second] { return check(m.ledger, second, true); }));
  EXPECT(first == second);
  no_epoch_twice(m.world);
}

// ODRADEK_CRASH_STRIDE=1 crashes at every step; the default samples, so that the unit tests stay
// quick.
uint64_t stride() {
  const char* text = std::getenv("ODRADEK_CRASH_STRIDE");
  return text ? std::max<uint64_t>(1, std::strtoull(text, nullptr, 10)) : 7;
}

TEST_CASE("a crash at any step of metadata requests loses nothing that was answered") {
  const uint64_t steps = steps_of_script(1);
  uint64_t executions = 0;
  for (const DiskOutcome outcome : kDiskOutcomes) {
    for (uint64_t k = 1 + executions % stride(); k <= steps; k += stride()) {
      crash_once(1, k, 0, outcome);
      ++executions;
    }
  }
  MESSAGE(executions << " executions over " << steps << " steps");
  EXPECT(steps > 300);
}

TEST_CASE("a crash of the recovery after a crash loses nothing either") {
  const uint64_t steps = steps_of_script(2);
  uint64_t executions = 0;
  for (const DiskOutcome outcome : kDiskOutcomes) {
    for (uint64_t k = 3; k <= steps; k += 5 * stride() + 2) {
      for (uint64_t inner = 1 + executions % 5; inner <= 120; inner += 3 * stride()) {
        crash_once(2, k, inner, outcome);
        ++executions;
      }
    }
  }
  MESSAGE(executions << " executions over " << steps << " steps");
}

// More than one append: the batches of one transaction.
constexpr int kManyTopics = 290;
Task<int> create_many(bool& answered) {
  Running r = must(co_await Running::start());
  std::string list = "0:1";
  while (list.size() < 32'000) list += ",0:1";
  std::vector<NewTopic> topics;
  for (int i = 0; i < kManyTopics; ++i) {
    topics.push_back(new_topic("t" + std::to_string(i)));
    topics.back().configs = {{"leader.replication.throttled.replicas", list}};
  }
  const auto answers = co_await r->create_topics(std::move(topics), false);
  for (const auto& answer : answers) CHECK(answer.code == KafkaCode::none, answer.code);
  answered = true;
  must(co_await r->stop());
  co_return 0;
}

Task<int> count_topics(size_t& topics) {
  Running r = must(co_await Running::start());
  topics = r.image().topic_count();
  const TopicResult after = co_await r.create(new_topic("after"));
  CHECK(after.code == KafkaCode::none || after.code == KafkaCode::topic_already_exists, after.code);
  must(co_await r->stop());
  co_return 0;
}

TEST_CASE("a request of several appends is there as a whole or not at all") {
  bool answered = false;
  Machine whole(3);
  REQUIRE(whole.run([&] { return create_many(answered); }));
  const uint64_t steps = whole.world.steps(whole.node);
  int all = 0;
  int none = 0;
  for (uint64_t k = 20; k <= steps; k += std::max<uint64_t>(1, steps / 24)) {
    Machine m(3);
    answered = false;
    (void)m.run_with_crash([&] { return create_many(answered); }, k, kDiskOutcomes[k / 4 % 4]);
    size_t topics = 0;
    size_t again = 0;
    REQUIRE(m.run([&] { return count_topics(topics); }));
    REQUIRE(m.run([&] { return count_topics(again); }));
    const bool is_whole = topics == kManyTopics;
    EXPECT((is_whole || topics == 0));
    EXPECT((is_whole || !answered));
    EXPECT_EQ(again, topics + 1);
    ++(is_whole ? all : none);
  }
  MESSAGE(all << " whole, " << none << " not there, of " << steps << " steps");
  EXPECT(all > 0);
  EXPECT(none > 0);
}

}  // namespace
}  // namespace odradek::metadata
