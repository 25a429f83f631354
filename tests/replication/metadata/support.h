// What the tests of replication/metadata share: values out of results, golden files, records by
// hand, and a controller on a simulated disk.
#pragma once

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "reactor/base/check.h"
#include "reactor/shard.h"
#include "reactor/sim/world.h"
#include "replication/metadata/controller.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/meta_properties.h"
#include "replication/metadata/record_types.h"
#include "tests/test.h"

namespace odradek::metadata {

template <class T>
T must(Result<T> result) {
  CHECK(result.has_value(), result.error());
  return std::move(*result);
}
inline void must(Status status) { CHECK(status.has_value(), status.error()); }

inline std::vector<uint8_t> golden(const std::string& name) {
  std::ifstream file(std::string(ODRADEK_TESTDATA) + "/metadata/" + name, std::ios::binary);
  CHECK(file.good(), name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Applies records one after the other, each at the next offset.
class Records {
 public:
  template <class R>
  Status apply(const R& record, int16_t version = R::versions.high) {
    RecordList list;
    list.add(record, version);
    LoggedRecord logged;
    logged.offset = next_;
    logged.epoch = log::LeaderEpoch(1);
    logged.value = BytesView(list.values()[0]);
    next_ = next_ + 1;
    return builder_.apply(logged);
  }
  const Image& image() const { return builder_.image(); }
  ImageBuilder& builder() { return builder_; }

 private:
  ImageBuilder builder_;
  log::Offset next_{0};
};

inline Uuid id_of(uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

inline records::TopicRecord topic_record(std::string_view name, uint8_t id) {
  records::TopicRecord record;
  record.name = name;
  record.topic_id = id_of(id);
  return record;
}
inline records::PartitionRecord one_partition(uint8_t topic, int32_t id, int32_t leader = 1) {
  records::PartitionRecord record;
  record.partition_id = id;
  record.topic_id = id_of(topic);
  record.replicas = {1};
  record.isr = {1};
  record.leader = leader;
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  record.directories = {id_of(200)};
  return record;
}
inline records::RegisterBrokerRecord broker_record(int32_t id, bool fenced = false) {
  records::RegisterBrokerRecord record;
  record.broker_id = id;
  record.broker_epoch = 10;
  record.fenced = fenced;
  record.log_dirs = {id_of(200)};
  return record;
}
inline records::FeatureLevelRecord feature(std::string_view name, int16_t level) {
  records::FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

inline NewTopic new_topic(std::string name, int32_t partitions = 1, int16_t factor = 1) {
  NewTopic topic;
  topic.name = std::move(name);
  topic.partitions = partitions;
  topic.replication_factor = factor;
  return topic;
}

// When the log is snapshotted by itself.
struct SnapshotEvery {
  uint64_t bytes = kSnapshotEveryBytes;
  int64_t ms = kSnapshotEveryMs;
};

// A controller over /data of the node it runs on, with one shard's window on its images.
struct Running {
  std::unique_ptr<Controller> controller;
  std::unique_ptr<ShardImage> shard = std::make_unique<ShardImage>();

  static reactor::Task<log::Offset> install(ShardImage& shard, const Image* image) {
    co_return shard.install(image);
  }
  static reactor::Task<Result<Running>> start(SnapshotEvery every = {}) {
    FormatOptions format;
    format.directories = {"/data"};
    CO_TRY_ASSIGN(const auto directories, co_await format_directories(format));
    const MetaProperties& properties = directories[0].properties;
    ControllerOptions options;
    options.log.directory = "/data";
    options.log.node_id = NodeId(1);
    options.log.cluster_id = properties.cluster_id;
    options.log.directory_id = properties.directory_id;
    options.log_directory_ids = {properties.directory_id};
    options.snapshot_every_bytes = every.bytes;
    options.snapshot_every_ms = every.ms;
    options.broker_endpoints = {{"PLAINTEXT", "127.0.0.1", 9092, 0}};
    Running out;
    ShardImage* shard = out.shard.get();
    CO_TRY_ASSIGN(out.controller,
                  co_await Controller::start(std::move(options), [shard](const Image* image) {
                    return install(*shard, image);
                  }));
    co_return out;
  }
  const Image& image() const { return shard->current(); }
  Controller* operator->() { return controller.get(); }

  reactor::Task<TopicResult> create(NewTopic topic) {
    std::vector<NewTopic> topics;
    topics.push_back(std::move(topic));
    auto answers = co_await controller->create_topics(std::move(topics), false);
    co_return std::move(answers.at(0));
  }
  reactor::Task<TopicResult> remove(std::string name) {
    TopicToDelete topic;
    topic.name = std::move(name);
    std::vector<TopicToDelete> topics;
    topics.push_back(std::move(topic));
    auto answers = co_await controller->delete_topics(std::move(topics));
    co_return std::move(answers.at(0));
  }
  reactor::Task<AlterResult> alter(std::string topic, std::string name, std::string value) {
    ConfigAlteration alteration;
    alteration.resource = {ResourceType::topic, std::move(topic)};
    alteration.changes.push_back({std::move(name), AlterOp::set, std::move(value)});
    std::vector<ConfigAlteration> alterations;
    alterations.push_back(std::move(alteration));
    auto answers = co_await controller->alter_configs(std::move(alterations), false);
    co_return std::move(answers.at(0));
  }
};

// Makes /data on the disk of `node`, and runs `task` there until it ends.
inline void on_disk(reactor::sim::World& world, std::function<reactor::Task<void>()> task) {
  if (!world.disk("node").contents("/data/.here")) world.disk("node").put("/data/.here", {});
  world.run(std::move(task), {.name = "node"});
}

}  // namespace odradek::metadata
