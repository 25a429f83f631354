#include "replication/metadata/controller.h"

#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

using reactor::Task;
using reactor::sim::World;

constexpr const char* kLog = "/data/__cluster_metadata-0/00000000000000000000.log";

// Starts a controller, gives it to `story`, stops it.
using Story = Task<void> (*)(Running&);
Task<void> tell(Story story, SnapshotEvery every) {
  Running running = must(co_await Running::start(every));
  co_await story(running);
  must(co_await running->stop());
}
void with_controller(World& world, Story story, SnapshotEvery every = {}) {
  on_disk(world, [story, every] { return tell(story, every); });
}

TEST_CASE("an empty directory becomes a cluster of one broker that can serve") {
  World world(1);
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT(r->leading());
    EXPECT_EQ(r.image().feature_level("metadata.version"), 30);
    EXPECT_EQ(r.image().feature_level("group.version"), 1);
    const Broker* broker = r.image().find_broker(NodeId(1));
    REQUIRE(broker != nullptr);
    EXPECT(broker->active());
    EXPECT_EQ(broker->endpoint("PLAINTEXT")->port, 9092);
    EXPECT_FALSE(r.image().cluster_id().empty());
    co_return;
  });
}

TEST_CASE("what was created, altered and deleted is there after a restart, with the same ids") {
  static Uuid id;
  World world(2);
  with_controller(world, [](Running& r) -> Task<void> {
    id = (co_await r.create(new_topic("kept", 3))).id;
    EXPECT_EQ((co_await r.create(new_topic("gone"))).code, KafkaCode::none);
    EXPECT_EQ((co_await r.alter("kept", "retention.ms", "7")).code, KafkaCode::none);
    EXPECT_EQ((co_await r.remove("gone")).code, KafkaCode::none);
    EXPECT_EQ(r.image().find_topic("kept")->partition_count(), 3);
  });
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ(r.image().topic_count(), 1u);
    EXPECT(r.image().find_topic("kept")->id() == id);
    EXPECT_EQ(r.image().find_configs(ResourceType::topic, "kept")->at("retention.ms"), "7");
    co_return;
  });
}

TEST_CASE("validate only answers and changes nothing") {
  World world(3);
  with_controller(world, [](Running& r) -> Task<void> {
    const log::Offset before = r->log().end();
    std::vector<NewTopic> topics = {new_topic("a"), new_topic("a/b")};
    const auto answers = co_await r->create_topics(topics, true);
    EXPECT_EQ(answers[0].code, KafkaCode::none);
    EXPECT_EQ(answers[1].code, KafkaCode::invalid_topic);
    EXPECT(r->log().end() == before);
    EXPECT_EQ(r.image().topic_count(), 0u);
  });
}

TEST_CASE("producer id blocks never overlap, across restarts too") {
  World world(4);
  with_controller(world, [](Running& r) -> Task<void> {
    const ProducerIdBlock first = co_await r->allocate_producer_ids();
    EXPECT_EQ(first.first, 0);
    EXPECT_EQ(first.count, 1000);
    EXPECT_EQ((co_await r->allocate_producer_ids()).first, 1000);
  });
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ((co_await r->allocate_producer_ids()).first, 2000);
  });
}

TEST_CASE("new leader epochs after an unclean start are durable") {
  World world(5);
  with_controller(world, [](Running& r) -> Task<void> {
    co_await r.create(new_topic("t", 2));
    EXPECT_EQ(co_await r->bump_leader_epochs(), KafkaCode::none);
  });
  with_controller(world, [](Running& r) -> Task<void> {
    for (int32_t i = 0; i < 2; ++i) {
      EXPECT_EQ(r.image().find_topic("t")->partition(log::PartitionId(i))->leader_epoch.value, 1);
    }
    co_return;
  });
}

TEST_CASE("a snapshot replaces the log below it, and a start needs nothing else") {
  World world(6);
  with_controller(world, [](Running& r) -> Task<void> {
    co_await r.create(new_topic("before", 2));
    must(co_await r->write_snapshot());
    EXPECT(r->log().start() == r->log().end());
    co_await r.create(new_topic("after"));
  });
  EXPECT_FALSE(world.disk("node").contents(kLog));
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ(r.image().topic_count(), 2u);
    EXPECT_EQ(r.image().find_topic("before")->partition_count(), 2);
    EXPECT(r->log().snapshot().has_value());
    co_return;
  });
}

TEST_CASE("a commit makes a snapshot when the last one is too old, and none without an interval") {
  for (const int64_t every_ms : {int64_t{60'000}, int64_t{0}}) {
    World world(8);
    static int64_t every;
    every = every_ms;
    const auto story = [](Running& r) -> Task<void> {
      const SnapshotId formatted = r->log().snapshot().value_or(SnapshotId{});
      co_await r.create(new_topic("young"));
      EXPECT(r->log().snapshot() == formatted);
      co_await reactor::sleep_for(std::chrono::minutes(2));
      co_await r.create(new_topic("old"));
      EXPECT_EQ(r->log().snapshot() == formatted, every == 0);
    };
    with_controller(world, story, {.ms = every_ms});
  }
}

TEST_CASE("a clean stop leaves a snapshot of everything") {
  World world(9);
  static log::Offset end{0};
  with_controller(world, [](Running& r) -> Task<void> {
    co_await r.create(new_topic("t", 2));
    end = r->log().end();
  });
  EXPECT_FALSE(world.disk("node").contents(kLog));
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ(r->log().start(), end);
    EXPECT_EQ(r->log().snapshot().value_or(SnapshotId{}).end, end);
    EXPECT_EQ(r.image().find_topic("t")->partition_count(), 2);
    co_return;
  });
}

TEST_CASE("the log is snapshotted by itself before it grows without end") {
  World world(7);
  const auto story = [](Running& r) -> Task<void> {
    for (int i = 0; i < 12; ++i) {
      const std::string name = "t" + std::to_string(i);
      EXPECT_EQ((co_await r.create(new_topic(name, 10'000))).code, KafkaCode::none);
      EXPECT_EQ((co_await r.remove(name)).code, KafkaCode::none);
    }
    EXPECT(r->log().snapshot().value_or(SnapshotId{}).end.value > 0);
    EXPECT(r->log().bytes() < uint64_t{6} << 20);
  };
  with_controller(world, story, {.bytes = uint64_t{4} << 20});
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ(r.image().topic_count(), 0u);
    co_return;
  });
}

TEST_CASE("concurrent requests take turns, and each finds what the ones before it left") {
  World world(8);
  with_controller(world, [](Running& r) -> Task<void> {
    reactor::Gate gate;
    static int created;
    static int refused;
    created = refused = 0;
    for (int i = 0; i < 20; ++i) {
      gate.spawn("create", [](Running& running) -> Task<void> {
        const TopicResult answer = co_await running.create(new_topic("same"));
        ++(answer.code == KafkaCode::none ? created : refused);
      }(r));
    }
    co_await gate.close();
    EXPECT_EQ(created, 1);
    EXPECT_EQ(refused, 19);
  });
}

TEST_CASE("after a failed write nothing more is acknowledged, and a restart has what was") {
  for (const reactor::OpCode code : {reactor::OpCode::write, reactor::OpCode::fdatasync}) {
    World world(9);
    static World* disk_of;
    static reactor::OpCode failing;
    disk_of = &world;
    failing = code;
    with_controller(world, [](Running& r) -> Task<void> {
      EXPECT_EQ((co_await r.create(new_topic("before"))).code, KafkaCode::none);
      disk_of->disk("node").inject(
          {.code = failing, .path_part = ".log", .error = EIO, .count = 1});
      const KafkaCode first = (co_await r.create(new_topic("during"))).code;
      if (first == KafkaCode::none) co_return;  // this way of syncing is not used
      EXPECT_EQ(first, KafkaCode::kafka_storage_error);
      EXPECT_FALSE(r->leading());
      EXPECT_EQ((co_await r.create(new_topic("after"))).code, KafkaCode::not_controller);
      EXPECT_EQ((co_await r->allocate_producer_ids()).code, KafkaCode::not_controller);
      EXPECT(r.image().find_topic("during") == nullptr);
    });
    world.disk("node").clear_faults();
    with_controller(world, [](Running& r) -> Task<void> {
      EXPECT(r.image().find_topic("before") != nullptr);
      EXPECT(r.image().find_topic("after") == nullptr);
      co_return;
    });
  }
}

TEST_CASE("a full disk refuses a request and nothing else: the next one may succeed") {
  World world(11);
  static World* disk_of;
  disk_of = &world;
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ((co_await r.create(new_topic("before"))).code, KafkaCode::none);
    // What is reserved is used up first.
    disk_of->disk("node").inject(
        {.code = reactor::OpCode::allocate, .path_part = ".log", .error = ENOSPC, .count = 1000});
    int created = 0;
    KafkaCode code = KafkaCode::none;
    for (; code == KafkaCode::none && created < 10'000; ++created) {
      code = (co_await r.create(new_topic("topic-" + std::to_string(created)))).code;
    }
    EXPECT_EQ(code, KafkaCode::kafka_storage_error);
    EXPECT(r->leading());
    disk_of->disk("node").clear_faults();
    EXPECT_EQ((co_await r.create(new_topic("after"))).code, KafkaCode::none);
    EXPECT(r.image().find_topic("topic-" + std::to_string(created - 1)) == nullptr);
  });
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT(r.image().find_topic("before") != nullptr);
    EXPECT(r.image().find_topic("after") != nullptr);
    co_return;
  });
}

TEST_CASE("images that no shard uses any more are freed, pinned ones stay") {
  World world(10);
  with_controller(world, [](Running& r) -> Task<void> {
    co_await r.create(new_topic("a"));
    {
      const ShardImage::Pin pin = r.shard->pin();
      co_await r.create(new_topic("b"));
      co_await r.create(new_topic("c"));
      EXPECT_EQ(pin->topic_count(), 1u);
      EXPECT_EQ(pin->find_topic("a")->name(), "a");
    }
    co_await r.create(new_topic("d"));
    EXPECT_EQ(r.image().topic_count(), 4u);
  });
}

// Every shard's window, installed by a publish that crosses shards.
struct Shards {
  std::vector<ShardImage> images;
  static Task<log::Offset> install(ShardImage* at, const Image* image) {
    co_return at->install(image);
  }
  static Task<log::Offset> publish(Shards& shards, const Image* image) {
    log::Offset oldest = image->number();
    for (uint32_t i = 0; i < shards.images.size(); ++i) {
      ShardImage* at = &shards.images[i];
      const log::Offset used = co_await reactor::submit_to(
          reactor::ShardId(i), [at, image] { return install(at, image); });
      oldest = std::min(oldest, used);
    }
    co_return oldest;
  }
  static Task<size_t> count(ShardImage* at) { co_return at->current().topic_count(); }
};

TEST_CASE("when a create is answered every shard has the topic") {
  World world(11);
  world.disk("node").put("/data/.here", {});
  world.run(
      []() -> Task<void> {
        Shards shards;
        shards.images.resize(reactor::this_shard().shard_count());
        ControllerOptions options;
        options.log.directory = "/data";
        options.broker_endpoints = {{"PLAINTEXT", "127.0.0.1", 9092, 0}};
        Shards* all = &shards;
        auto controller = must(co_await Controller::start(
            options, [all](const Image* image) { return Shards::publish(*all, image); }));
        for (size_t n = 1; n <= 10; ++n) {
          std::vector<NewTopic> topics = {new_topic("t" + std::to_string(n))};
          const auto answers = co_await controller->create_topics(topics, false);
          EXPECT_EQ(answers[0].code, KafkaCode::none);
          for (uint32_t i = 0; i < shards.images.size(); ++i) {
            ShardImage* at = &shards.images[i];
            EXPECT_EQ(co_await reactor::submit_to(reactor::ShardId(i),
                                                  [at] { return Shards::count(at); }),
                      n);
          }
        }
        must(co_await controller->stop());
      },
      {.name = "node", .shards = 4});
}

TEST_CASE("a directory that Kafka wrote is taken over as it stands") {
  World world(12);
  auto& disk = world.disk("node");
  disk.put("/data/meta.properties", golden("meta.properties"));
  disk.put(kLog, golden("kafka-4.3.1.log"));
  disk.put("/data/__cluster_metadata-0/quorum-state", golden("quorum-state-v0"));
  with_controller(world, [](Running& r) -> Task<void> {
    EXPECT_EQ(r->quorum().epoch().value, 2);
    EXPECT_EQ(r.image().topic_count(), 5u);
    EXPECT_EQ(r.image().cluster_id(), "6XKzVG_yRy6KQd3EQJUaSQ");
    EXPECT_EQ((co_await r.create(new_topic("ours"))).code, KafkaCode::none);
    // Kafka's clean stop leaves partitions without a leader: they have one again.
    r.image().for_each_topic([](const Topic& topic) {
      for (int32_t i = 0; i < topic.partition_count(); ++i) {
        EXPECT_EQ(topic.partition(log::PartitionId(i))->leader.value, 1);
      }
    });
  });
}

}  // namespace
}  // namespace odradek::metadata
