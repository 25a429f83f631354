// What Kafka 4.3.1 answered to the same requests stands here as the expectation.
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

struct Cluster {
  Cluster() {
    must(records.apply(feature("metadata.version", 30)));
    must(records.apply(broker_record(1)));
    must(records.apply(topic_record("t", 1)));
    for (int32_t p = 0; p < 6; ++p) must(records.apply(one_partition(1, p)));
    context.topic_defaults = &defaults;
    context.random = [this] { return prng.next(); };
  }
  Plan<TopicResult> plan(std::vector<MorePartitions> topics) {
    return plan_create_partitions(records.image(), context, topics);
  }
  void refuses(MorePartitions wanted, KafkaCode code, std::string_view message) {
    const auto made = plan({std::move(wanted)});
    EXPECT_EQ(made.answers.at(0).code, code);
    EXPECT_EQ(made.answers[0].message.value_or(""), message);
    EXPECT(made.records.empty());
  }
  Records records;
  TopicDefaults defaults;
  PlanContext context;
  Prng prng{1};
};

MorePartitions more(std::string name, int32_t count,
                    std::optional<std::vector<std::vector<NodeId>>> assignments = {}) {
  return {std::move(name), count, std::move(assignments)};
}

TEST_CASE("new partitions continue the topic's, led from epoch 0") {
  Cluster c;
  const auto plan = c.plan({more("t", 8)});
  EXPECT_EQ(plan.answers.at(0).code, KafkaCode::none);
  for (const auto& value : plan.records.values()) must(c.records.builder().apply(BytesView(value)));
  const Topic& topic = *c.records.image().find_topic("t");
  EXPECT_EQ(topic.partition_count(), 8);
  const Partition& last = *topic.partition(log::PartitionId(7));
  EXPECT_EQ(last.leader, NodeId(1));
  EXPECT_EQ(last.leader_epoch, log::LeaderEpoch(0));
  EXPECT_EQ(last.isr.size(), 1u);
  EXPECT_EQ(last.directories.at(0), id_of(200));
}

TEST_CASE("a count that is no increase is refused in Kafka's words") {
  Cluster c;
  c.refuses(more("t", 6), KafkaCode::invalid_partitions, "Topic already has 6 partition(s).");
  c.refuses(more("t", 3), KafkaCode::invalid_partitions,
            "The topic t currently has 6 partition(s); 3 would not be an increase.");
  c.refuses(more("t", -1), KafkaCode::invalid_partitions,
            "The topic t currently has 6 partition(s); -1 would not be an increase.");
  c.refuses(more("nope", 3), KafkaCode::unknown_topic_or_partition, "");
  c.refuses(more("", 3), KafkaCode::unknown_topic_or_partition, "");
}

TEST_CASE("assignments of new partitions must be as many as they are, on brokers that there are") {
  Cluster c;
  using Lists = std::vector<std::vector<NodeId>>;
  constexpr auto code = KafkaCode::invalid_replica_assignment;
  c.refuses(more("t", 8, Lists{{NodeId(1)}}), code,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.");
  c.refuses(more("t", 7, Lists{}), code,
            "Attempted to add 1 additional partition(s), but only 0 assignment(s) were specified.");
  c.refuses(more("t", 7, Lists{{NodeId(9)}}), code,
            "The manual partition assignment includes broker 9, but no such broker is registered.");
  c.refuses(more("t", 7, Lists{{NodeId(1), NodeId(1)}}), code,
            "The manual partition assignment includes the broker 1 more than once.");
  c.refuses(more("t", 7, Lists{{}}), code,
            "The manual partition assignment includes an empty replica list.");
  const auto good = c.plan({more("t", 8, Lists{{NodeId(1)}, {NodeId(1)}})});
  EXPECT_EQ(good.answers.at(0).code, KafkaCode::none);
  EXPECT_EQ(good.records.size(), 2u);
}

TEST_CASE("topics named twice are answered once, before the others") {
  Cluster c;
  const auto plan = c.plan({more("t", 7), more("m", 3), more("m", 4), more("nope", 3)});
  REQUIRE(plan.answers.size() == 3);
  EXPECT_EQ(plan.answers[0].name, "m");
  EXPECT_EQ(plan.answers[0].code, KafkaCode::invalid_request);
  EXPECT_EQ(plan.answers[0].message.value_or(""), "Duplicate topic name.");
  EXPECT_EQ(plan.answers[1].name, "t");
  EXPECT_EQ(plan.answers[1].code, KafkaCode::none);
  EXPECT_EQ(plan.answers[2].code, KafkaCode::unknown_topic_or_partition);
}

TEST_CASE("more new partitions than one request may make are refused") {
  Cluster c;
  c.refuses(more("t", 20'000), KafkaCode::policy_violation,
            "Excessively large number of partitions per request.");
}

}  // namespace
}  // namespace odradek::metadata
