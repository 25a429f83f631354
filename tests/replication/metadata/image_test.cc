#include "replication/metadata/image.h"

#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

using namespace records;

// Feeds a golden file of Kafka's to a builder.
void apply_file(const std::vector<uint8_t>& file, ImageBuilder& builder) {
  const Chain bytes{BytesView(file)};
  log::BatchWalker walker(bytes);
  for (auto step = walker.next(); step.kind == log::WalkStep::Kind::batch; step = walker.next()) {
    log::RecordReader reader(step.bytes, 1 << 20);
    for (auto record = must(reader.next()); record; record = must(reader.next())) {
      LoggedRecord logged;
      logged.offset = reader.offset_of(*record);
      logged.epoch = step.header.leader_epoch;
      logged.control = step.header.attributes.control();
      logged.value = record->value.value_or(BytesView{});
      must(builder.apply(logged));
    }
  }
  CHECK(walker.position() == file.size(), walker.position(), file.size());
}

std::vector<std::string> topic_names(const Image& image) {
  std::vector<std::string> names;
  image.for_each_topic([&](const Topic& topic) { names.push_back(topic.name()); });
  std::ranges::sort(names);
  return names;
}

TEST_CASE("a log that Kafka wrote makes the image that Kafka has") {
  ImageBuilder builder;
  apply_file(golden("kafka-4.3.1.log"), builder);
  const Image& image = builder.image();
  EXPECT(topic_names(image) == std::vector<std::string>{"a1", "foo", "in.a", "in_a", "ok1"});
  EXPECT_EQ(image.feature_level("metadata.version"), 30);
  EXPECT_EQ(image.feature_level("transaction.version"), 2);
  const Topic* foo = image.find_topic("foo");
  REQUIRE(foo != nullptr);
  EXPECT_EQ(foo->partition_count(), 3);
  EXPECT(image.find_topic(foo->id()) == foo);
  EXPECT_EQ(image.find_configs(ResourceType::topic, "foo")->at("retention.ms"), "1000");
  const Broker* broker = image.find_broker(NodeId(1));
  REQUIRE(broker != nullptr);
  EXPECT_EQ(broker->endpoint("PLAINTEXT")->port, 49092);
  EXPECT_EQ(*broker->rack, "RACK1");
}

TEST_CASE("Kafka's snapshot and its records written again make the same image") {
  ImageBuilder builder;
  apply_file(golden("00000000000000000284-0000000002.checkpoint"), builder);
  const RecordList written = records_of(builder.image());
  ImageBuilder again;
  for (const auto& value : written.values()) must(again.apply(BytesView(value)));
  const RecordList twice = records_of(again.image());
  EXPECT(twice.values() == written.values());
  EXPECT(topic_names(again.image()) ==
         std::vector<std::string>{"a1", "foo", "in.a", "in_a", "ok1"});
}

TEST_CASE("a removed topic takes its name, partitions and configs with it") {
  Records log;
  must(log.apply(topic_record("t", 1)));
  must(log.apply(one_partition(1, 0)));
  ConfigRecord config;
  config.resource_type = 2;
  config.resource_name = "t";
  config.name = "retention.ms";
  config.value = "5";
  must(log.apply(config));
  RemoveTopicRecord removal;
  removal.topic_id = id_of(1);
  must(log.apply(removal));
  EXPECT(log.image().find_topic("t") == nullptr);
  EXPECT(log.image().find_topic(id_of(1)) == nullptr);
  EXPECT(log.image().find_configs(ResourceType::topic, "t") == nullptr);
  EXPECT_EQ(log.image().topic_count(), 0u);
}

TEST_CASE("a change that names the same leader begins a new leader epoch") {
  Records log;
  must(log.apply(topic_record("t", 1)));
  must(log.apply(one_partition(1, 0)));
  PartitionChangeRecord change;
  change.topic_id = id_of(1);
  change.partition_id = 0;
  change.leader = 1;
  must(log.apply(change));
  const Partition* partition = log.image().find_topic("t")->partition(log::PartitionId(0));
  EXPECT_EQ(partition->leader_epoch.value, 1);
  EXPECT_EQ(partition->partition_epoch, 1);
  change.leader = -2;
  change.isr = std::vector<int32_t>{1};
  must(log.apply(change));
  partition = log.image().find_topic("t")->partition(log::PartitionId(0));
  EXPECT_EQ(partition->leader_epoch.value, 1);
  EXPECT_EQ(partition->partition_epoch, 2);
}

TEST_CASE("an image does not change when the next one is made from it") {
  Records log;
  must(log.apply(topic_record("t", 1)));
  must(log.apply(one_partition(1, 0)));
  const Image before = log.image();
  must(log.apply(topic_record("u", 2)));
  PartitionChangeRecord change;
  change.topic_id = id_of(1);
  change.partition_id = 0;
  change.leader = -1;
  must(log.apply(change));
  EXPECT(before.find_topic("u") == nullptr);
  EXPECT_EQ(before.find_topic("t")->partition(log::PartitionId(0))->leader.value, 1);
  EXPECT_EQ(log.image().find_topic("t")->partition(log::PartitionId(0))->leader.value, -1);
  std::vector<std::string> changed;
  Image::for_each_changed_topic(before, log.image(), [&](const Topic* was, const Topic* is) {
    changed.push_back((was ? "was " + was->name() : "new ") + (is ? " is " + is->name() : " gone"));
  });
  std::ranges::sort(changed);
  EXPECT(changed == std::vector<std::string>{"new  is u", "was t is t"});
}

TEST_CASE("an aborted transaction leaves nothing") {
  Records log;
  must(log.apply(topic_record("t", 1)));
  must(log.apply(BeginTransactionRecord{}));
  must(log.apply(topic_record("u", 2)));
  EXPECT(log.builder().in_transaction());
  must(log.apply(AbortTransactionRecord{}));
  EXPECT_FALSE(log.builder().in_transaction());
  EXPECT(topic_names(log.image()) == std::vector<std::string>{"t"});
  must(log.apply(BeginTransactionRecord{}));
  must(log.apply(topic_record("v", 3)));
  must(log.apply(EndTransactionRecord{}));
  EXPECT(topic_names(log.image()) == std::vector<std::string>{"t", "v"});
}

TEST_CASE("records that contradict the image are refused") {
  Records log;
  must(log.apply(broker_record(1)));
  must(log.apply(topic_record("t", 1)));
  EXPECT_EQ(log.apply(topic_record("t", 2)).error().code, Errc::invalid);
  EXPECT_EQ(log.apply(topic_record("u", 1)).error().code, Errc::invalid);
  EXPECT_EQ(log.apply(one_partition(9, 0)).error().code, Errc::invalid);
  EXPECT_EQ(log.apply(one_partition(1, 2'000'000)).error().code, Errc::invalid);
  BrokerRegistrationChangeRecord change;
  change.broker_id = 1;
  change.broker_epoch = 11;
  EXPECT_EQ(log.apply(change, 0).error().code, Errc::invalid);
  EXPECT_EQ(log.apply(feature("metadata.version", 99)).error().code, Errc::unsupported);
  const uint8_t unknown[] = {1, 99, 0, 0};
  EXPECT_EQ(log.builder().apply(BytesView(unknown)).error().code, Errc::unsupported);
}

TEST_CASE("records of kinds that nothing reads yet survive a snapshot until they are removed") {
  Records log;
  AccessControlEntryRecord acl;
  acl.id = id_of(7);
  acl.principal = "User:a";
  must(log.apply(acl));
  UserScramCredentialRecord scram;
  scram.name = "a";
  must(log.apply(scram));
  EXPECT_EQ(records_of(log.image()).size(), 2u);
  scram.iterations = 4096;
  must(log.apply(scram));
  EXPECT_EQ(records_of(log.image()).size(), 2u);
  RemoveUserScramCredentialRecord gone;
  gone.name = "a";
  must(log.apply(gone));
  RemoveAccessControlEntryRecord removal;
  removal.id = id_of(7);
  must(log.apply(removal));
  EXPECT(records_of(log.image()).empty());
}

TEST_CASE("a client quota is set, changed and removed by key, and a snapshot has what is set") {
  Records log;
  ClientQuotaRecord quota;
  quota.entity.push_back({"user", std::nullopt});
  quota.entity.push_back({"client-id", "c"});
  quota.key = "producer_byte_rate";
  quota.value = 5;
  must(log.apply(quota));
  const Image before = log.image();
  quota.value = 6;
  must(log.apply(quota));
  quota.key = "consumer_byte_rate";
  must(log.apply(quota));
  EXPECT(Image::quotas_differ(before, log.image()));
  EXPECT_FALSE(Image::quotas_differ(before, before));
  const QuotaEntity entity{{"client-id", "c"}, {"user", std::nullopt}};
  EXPECT_EQ(before.find_quotas(entity)->at("producer_byte_rate"), 5);

  Records copy;
  const RecordList snapshot = records_of(log.image());
  for (const auto& value : snapshot.values()) must(copy.builder().apply(BytesView(value)));
  const QuotaValues* values = copy.image().find_quotas(entity);
  CHECK(values != nullptr);
  EXPECT(*values == QuotaValues{{"consumer_byte_rate", 6}, {"producer_byte_rate", 6}});

  quota.remove = true;
  must(log.apply(quota));
  EXPECT_EQ(log.image().find_quotas(entity)->size(), 1u);
  quota.key = "producer_byte_rate";
  must(log.apply(quota));
  must(log.apply(quota));
  EXPECT_EQ(log.image().quota_count(), 0u);
  EXPECT(records_of(log.image()).empty());
}

TEST_CASE("every record cut at every byte is refused and never read beyond its end") {
  Records log;
  must(log.apply(feature("metadata.version", 30)));
  must(log.apply(broker_record(1)));
  must(log.apply(topic_record("t", 1)));
  must(log.apply(one_partition(1, 0)));
  for (const auto& value : records_of(log.image()).values()) {
    for (size_t size = 0; size < value.size(); ++size) {
      const std::vector<uint8_t> cut(value.begin(),
                                     value.begin() + static_cast<std::ptrdiff_t>(size));
      ImageBuilder builder(log.image());
      EXPECT_FALSE(builder.apply(BytesView(cut)).has_value());
    }
  }
}

TEST_CASE("a pin keeps its image in use until it ends") {
  Records log;
  must(log.apply(topic_record("t", 1)));
  const Image first = log.image();
  must(log.apply(topic_record("u", 2)));
  const Image second = log.image();
  ShardImage shard;
  EXPECT_EQ(shard.install(&first).value, 0);
  {
    const ShardImage::Pin pin = shard.pin();
    EXPECT_EQ(shard.install(&second).value, 0);
    EXPECT_EQ(pin->topic_count(), 1u);
    EXPECT_EQ(shard.current().topic_count(), 2u);
  }
  EXPECT_EQ(shard.install(&second).value, 1);
}

}  // namespace
}  // namespace odradek::metadata
