// What Kafka 4.3.1 answered to the same requests stands here as the expectation.
#include "replication/metadata/plan.h"

#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

struct Cluster {
  explicit Cluster(int brokers = 1) {
    must(records.apply(feature("metadata.version", 30)));
    for (int id = 1; id <= brokers; ++id) must(records.apply(broker_record(id)));
    context.topic_defaults = &defaults;
    context.random = [this] { return prng.next(); };
  }
  TopicResult create(NewTopic topic) {
    return plan_create_topics(records.image(), context, {std::move(topic)}).answers.at(0);
  }
  // Creates it for good.
  void have(NewTopic topic) {
    const auto plan = plan_create_topics(records.image(), context, {std::move(topic)});
    for (const auto& value : plan.records.values()) must(records.builder().apply(BytesView(value)));
  }
  void refuses(NewTopic topic, KafkaCode code, std::string_view message) {
    const TopicResult answer = create(std::move(topic));
    EXPECT_EQ(answer.code, code);
    EXPECT_EQ(answer.message.value_or(""), message);
    EXPECT(answer.id.is_zero());
  }
  void accepts(NewTopic topic) {
    const TopicResult answer = create(std::move(topic));
    EXPECT_EQ(answer.code, KafkaCode::none);
    EXPECT_EQ(answer.message.value_or(""), "");
    EXPECT_FALSE(answer.id.is_zero());
  }
  Records records;
  TopicDefaults defaults;
  PlanContext context;
  Prng prng{1};
};

NewTopic manual(std::vector<std::pair<int32_t, std::vector<int32_t>>> assignments,
                int32_t partitions = -1, int16_t factor = -1) {
  NewTopic topic = new_topic("m", partitions, factor);
  for (const auto& [id, brokers] : assignments) {
    topic.assignments.push_back({id, {brokers.begin(), brokers.end()}});
  }
  return topic;
}

TEST_CASE("topic names are checked as Kafka checks them") {
  Cluster c;
  constexpr auto invalid = KafkaCode::invalid_topic;
  c.refuses(new_topic(""), invalid, "Topic name is invalid: the empty string is not allowed");
  c.refuses(new_topic("."), invalid, "Topic name is invalid: '.' is not allowed");
  c.refuses(new_topic(".."), invalid, "Topic name is invalid: '..' is not allowed");
  c.refuses(new_topic("a/b"), invalid,
            "Topic name is invalid: 'a/b' contains one or more characters other than ASCII "
            "alphanumerics, "
            "'.', '_' and '-'");
  const std::string longest(249, 'x');
  c.accepts(new_topic(longest));
  c.refuses(new_topic(longest + "x"), invalid,
            "Topic name is invalid: the length of '" + longest +
                "x' is longer than the max allowed length "
                "249");
  c.refuses(new_topic("__cluster_metadata"), KafkaCode::invalid_request,
            "Creation of internal topic __cluster_metadata is prohibited.");
  c.accepts(new_topic("__consumer_offsets"));
}

TEST_CASE("names that are there, or differ from one only in dots and underscores, are refused") {
  Cluster c;
  c.have(new_topic("foo.bar"));
  c.refuses(new_topic("foo.bar"), KafkaCode::topic_already_exists,
            "Topic 'foo.bar' already exists.");
  c.refuses(new_topic("foo_bar"), KafkaCode::invalid_topic,
            "Topic 'foo_bar' collides with existing topic: foo.bar");
  c.accepts(new_topic("foo-bar"));
}

TEST_CASE("a name twice in a request is answered once, refused; the others are created") {
  Cluster c;
  const auto plan = plan_create_topics(c.records.image(), c.context,
                                       {new_topic("dup"), new_topic("dup"), new_topic("ok")});
  REQUIRE_EQ(plan.answers.size(), 2u);
  EXPECT_EQ(plan.answers[0].code, KafkaCode::invalid_request);
  EXPECT_EQ(*plan.answers[0].message, "Duplicate topic name.");
  EXPECT_EQ(plan.answers[1].code, KafkaCode::none);
  EXPECT_EQ(plan.records.size(), 2u);
}

TEST_CASE("partition counts and replication factors are checked as Kafka checks them") {
  Cluster c;
  for (const int32_t partitions : {0, -2}) {
    c.refuses(new_topic("p", partitions), KafkaCode::invalid_partitions,
              "Number of partitions was set to an invalid non-positive value.");
  }
  for (const int16_t factor : {int16_t{0}, int16_t{-2}}) {
    c.refuses(new_topic("p", 1, factor), KafkaCode::invalid_replication_factor,
              "Replication factor must be larger than 0, or -1 to use the default value.");
  }
  c.refuses(
      new_topic("p", 1, 3), KafkaCode::invalid_replication_factor,
      "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be "
      "reached because only 1 broker(s) are registered or some brokers have all their log "
      "directories "
      "cordoned.");
  c.refuses(new_topic("p", 10'001), KafkaCode::policy_violation,
            "Excessively large number of partitions per request.");
  c.accepts(new_topic("p", 10'000));
  // The whole request is refused, whatever its parts are.
  const auto plan =
      plan_create_topics(c.records.image(), c.context,
                         {new_topic("p", 6'000), new_topic("q", 6'000), new_topic("bad/")});
  for (const TopicResult& answer : plan.answers)
    EXPECT_EQ(answer.code, KafkaCode::policy_violation);
  EXPECT(plan.records.empty());
  c.context.partitions_default = 4;
  EXPECT_EQ(c.create(new_topic("p", -1, -1)).partitions, 4);
  EXPECT_EQ(c.create(new_topic("p", -1, -1)).replication_factor, 1);
}

TEST_CASE("manual assignments are checked as Kafka checks them") {
  Cluster c;
  constexpr auto bad = KafkaCode::invalid_replica_assignment;
  c.accepts(manual({{0, {1}}}));
  c.refuses(manual({{0, {1}}}, 1), KafkaCode::invalid_request,
            "A manual partition assignment was specified, but numPartitions was not set to -1.");
  c.refuses(
      manual({{0, {1}}}, -1, 1), KafkaCode::invalid_request,
      "A manual partition assignment was specified, but replication factor was not set to -1.");
  c.refuses(manual({{1, {1}}}), bad, "partitions should be a consecutive 0-based integer sequence");
  c.refuses(manual({{0, {1}}, {2, {1}}}), bad,
            "partitions should be a consecutive 0-based integer sequence");
  c.refuses(manual({{0, {1, 1}}}), bad,
            "The manual partition assignment includes the broker 1 more than once.");
  c.refuses(manual({{0, {}}}), bad,
            "The manual partition assignment includes an empty replica list.");
  c.refuses(manual({{0, {7}}}), bad,
            "The manual partition assignment includes broker 7, but no such broker is registered.");
  c.refuses(manual({{0, {1}}, {0, {1}}}), bad,
            "Found multiple manual partition assignments for partition 0");
}

TEST_CASE("replicas are spread over the brokers that are not fenced") {
  Cluster c(4);
  must(c.records.apply(broker_record(4, true)));
  c.have(new_topic("spread", 9, 2));
  std::map<NodeId, int> leads;
  const Topic* topic = c.records.image().find_topic("spread");
  for (int32_t i = 0; i < 9; ++i) {
    const Partition& p = *topic->partition(log::PartitionId(i));
    EXPECT_EQ(p.replicas.size(), 2u);
    EXPECT(p.replicas[0] != p.replicas[1]);
    EXPECT(p.leader == p.replicas[0]);
    EXPECT_FALSE(p.has_replica(NodeId(4)));
    ++leads[p.leader];
  }
  for (int id = 1; id <= 3; ++id) EXPECT_EQ(leads[NodeId(id)], 3);
}

TEST_CASE("configs of a new topic are validated, and those of old Kafkas left out") {
  Cluster c;
  NewTopic topic = new_topic("t");
  topic.configs = {{"nope", "1"}};
  c.refuses(topic, KafkaCode::invalid_config, "Unknown topic config name: nope");
  topic.configs = {{"retention.ms", std::nullopt}};
  c.refuses(topic, KafkaCode::invalid_config,
            "Null value not supported for topic configs: retention.ms");
  topic.configs = {{"message.format.version", "2.0"}, {"retention.ms", "5"}};
  c.have(topic);
  const ConfigMap* configs = c.records.image().find_configs(ResourceType::topic, "t");
  REQUIRE(configs != nullptr);
  EXPECT(*configs == ConfigMap{{"retention.ms", "5"}});
}

std::vector<TopicToDelete> named(std::vector<std::string> names) {
  std::vector<TopicToDelete> out;
  for (auto& name : names) out.push_back({std::move(name), Uuid{}});
  return out;
}

TEST_CASE("topics are deleted by name or id, and only once") {
  Cluster c;
  c.have(new_topic("a"));
  const Uuid id = c.records.image().find_topic("a")->id();
  const auto one = [&](std::vector<TopicToDelete> topics) {
    return plan_delete_topics(c.records.image(), c.context, topics).answers.at(0);
  };
  EXPECT_EQ(one(named({"a"})).code, KafkaCode::none);
  EXPECT_EQ(one(named({"b"})).code, KafkaCode::unknown_topic_or_partition);
  EXPECT_EQ(one(named({"a", "a"})).code, KafkaCode::invalid_request);
  EXPECT_EQ(one({{std::nullopt, id}}).name, "a");
  EXPECT_EQ(one({{std::nullopt, id_of(9)}}).code, KafkaCode::unknown_topic_id);
  EXPECT_EQ(one({{"a", id}}).code, KafkaCode::invalid_request);
  EXPECT_EQ(one({{std::nullopt, Uuid{}}}).code, KafkaCode::invalid_request);
  EXPECT_EQ(one({{"a", Uuid{}}, {std::nullopt, id}}).code, KafkaCode::invalid_request);
}

TEST_CASE(
    "configs are set, appended to, subtracted from and removed; what stays the same is not "
    "written") {
  Cluster c;
  c.have(new_topic("t"));
  const auto alter = [&](std::vector<ConfigChange> changes) {
    auto plan =
        plan_alter_configs(c.records.image(), c.context, {{{ResourceType::topic, "t"}, changes}});
    for (const auto& value : plan.records.values())
      must(c.records.builder().apply(BytesView(value)));
    return std::pair(plan.answers.at(0), plan.records.size());
  };
  const auto value = [&](const char* name) {
    return c.records.image().find_configs(ResourceType::topic, "t")->at(name);
  };
  EXPECT_EQ(alter({{"retention.ms", AlterOp::set, "5"}}).second, 1u);
  EXPECT_EQ(alter({{"retention.ms", AlterOp::set, "5"}}).second, 0u);
  EXPECT_EQ(alter({{"cleanup.policy", AlterOp::append, "compact"}}).second, 1u);
  EXPECT_EQ(value("cleanup.policy"), "delete,compact");
  alter({{"cleanup.policy", AlterOp::subtract, "delete"}});
  EXPECT_EQ(value("cleanup.policy"), "compact");
  EXPECT_EQ(alter({{"retention.ms", AlterOp::append, "5"}}).first.code, KafkaCode::invalid_config);
  EXPECT_EQ(alter({{"retention.ms", AlterOp::set, "x"}}).first.code, KafkaCode::invalid_config);
  EXPECT_EQ(alter({{"cleanup.policy", AlterOp::remove, {}}, {"retention.ms", AlterOp::remove, {}}})
                .second,
            2u);
  EXPECT(c.records.image().find_configs(ResourceType::topic, "t") == nullptr);
}

TEST_CASE("resources that cannot be altered are refused as Kafka refuses them") {
  Cluster c;
  c.have(new_topic("t"));
  const auto alter = [&](std::string topic, std::vector<ConfigChange> changes) {
    return plan_alter_configs(c.records.image(), c.context,
                              {{{ResourceType::topic, topic}, changes}})
        .answers.at(0);
  };
  const std::vector<ConfigChange> change = {{"retention.ms", AlterOp::set, "5"}};
  EXPECT_EQ(*alter("nope", change).message, "The topic 'nope' does not exist.");
  EXPECT_EQ(alter("nope", change).code, KafkaCode::unknown_topic_or_partition);
  EXPECT_EQ(*alter("", change).message, "Default topic resources are not allowed.");
  EXPECT_EQ(alter("a/b", change).code, KafkaCode::invalid_topic);
  EXPECT_EQ(*alter("t", {{"retention.ms", AlterOp::set, {}}}).message,
            "Null value not supported for : retention.ms");
  EXPECT_EQ(*alter("t", {change[0], change[0]}).message, "Error due to duplicate config keys");
  EXPECT_EQ(*alter("t", {{"nope", AlterOp::append, "5"}}).message,
            "Can't APPEND to key nope because its type is not LIST.");
  EXPECT_EQ(alter("t", {{"nope", AlterOp::remove, {}}}).code, KafkaCode::none);
}

TEST_CASE("what is wrong with an alteration is told before that its topic does not exist") {
  Cluster c;
  const auto alter = [&](std::string topic, std::vector<ConfigChange> changes) {
    return plan_alter_configs(c.records.image(), c.context,
                              {{{ResourceType::topic, topic}, changes}})
        .answers.at(0)
        .code;
  };
  const std::vector<ConfigChange> bad = {{"retention.ms", AlterOp::set, "x"}};
  const std::vector<ConfigChange> no_list = {{"retention.ms", AlterOp::append, "5"}};
  EXPECT_EQ(alter("nope", bad), KafkaCode::invalid_config);
  EXPECT_EQ(alter("nope", {{"nope", AlterOp::set, "1"}}), KafkaCode::invalid_config);
  EXPECT_EQ(alter("nope", {{"retention.ms", AlterOp::set, {}}}), KafkaCode::invalid_request);
  EXPECT_EQ(alter("a/b", {bad[0], bad[0]}), KafkaCode::invalid_request);
  EXPECT_EQ(alter("a/b", no_list), KafkaCode::invalid_config);
  EXPECT_EQ(alter("a/b", bad), KafkaCode::invalid_topic);
  EXPECT_EQ(alter("", bad), KafkaCode::invalid_request);
}

TEST_CASE("another minimum of in-sync replicas clears who was eligible to lead") {
  Cluster c;
  must(c.records.apply(feature("eligible.leader.replicas.version", 1)));
  c.have(new_topic("t"));
  const auto records_for = [&](const char* name, const char* value) {
    const ConfigAlteration alteration{{ResourceType::topic, "t"}, {{name, AlterOp::set, value}}};
    return plan_alter_configs(c.records.image(), c.context, {alteration}).records.size();
  };
  EXPECT_EQ(records_for("retention.ms", "5"), 1u);
  EXPECT_EQ(records_for("min.insync.replicas", "2"), 2u);
}

TEST_CASE("leader epochs begin for what a node leads, and for what nobody leads and it may") {
  Cluster c;
  c.have(new_topic("t", 3));
  records::PartitionChangeRecord change;
  change.topic_id = c.records.image().find_topic("t")->id();
  change.partition_id = 1;
  change.leader = -1;
  must(c.records.apply(change));
  EXPECT_EQ(plan_leader_epochs(c.records.image(), NodeId(1), true).size(), 1u);
  EXPECT_EQ(plan_leader_epochs(c.records.image(), NodeId(2), false).size(), 0u);
  const RecordList all = plan_leader_epochs(c.records.image(), NodeId(1), false);
  EXPECT_EQ(all.size(), 3u);
  for (const auto& value : all.values()) must(c.records.builder().apply(BytesView(value)));
  const Topic* topic = c.records.image().find_topic("t");
  EXPECT_EQ(topic->partition(log::PartitionId(0))->leader_epoch.value, 1);
  EXPECT_EQ(topic->partition(log::PartitionId(1))->leader_epoch.value, 2);
  EXPECT_EQ(topic->partition(log::PartitionId(1))->leader.value, 1);
}

}  // namespace
}  // namespace odradek::metadata
