// The cluster image: what the cluster consists of after the metadata record at `number()`.
// Immutable, and structurally shared with its neighbours: a new one costs what changed.
//
// It is the one object that shards share. Only the metadata shard makes, copies and frees images
// (its ImageStore); the other shards get a `const Image*` by publish and only read, through the
// accessors here, which hand out references and touch no counts. What they hand out lives as long
// as the image: a ShardImage::Pin keeps an image across an await, the bare current() is good until
// the next await.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/types.h"
#include "reactor/base/uuid.h"
#include "replication/metadata/cluster.h"
#include "replication/metadata/persistent_map.h"

namespace odradek::metadata {

class Topic {
 public:
  const std::string& name() const { return name_; }
  const log::TopicId& id() const { return id_; }
  int32_t partition_count() const { return static_cast<int32_t>(partitions_.size()); }
  // Null when there is no such partition.
  const Partition* partition(log::PartitionId id) const {
    if (id.value < 0 || id.value >= partition_count()) return nullptr;
    return &*partitions_[static_cast<size_t>(id.value)];
  }

 private:
  friend class ImageBuilder;
  std::string name_;
  log::TopicId id_;
  std::vector<Shared<Partition>> partitions_;
};

class Image {
 public:
  // Offset and epoch of the last applied record: the image's number. -1 before the first.
  log::Offset number() const { return number_; }
  log::LeaderEpoch epoch() const { return epoch_; }
  int64_t timestamp_ms() const { return timestamp_ms_; }  // append time of that record
  const std::string& cluster_id() const { return cluster_id_; }

  // Finalized feature levels; 0 when a feature is not set.
  int16_t feature_level(std::string_view name) const;
  const std::map<std::string, int16_t, std::less<>>& features() const { return features_; }

  const Broker* find_broker(NodeId id) const { return brokers_.find(id); }
  // Calls visit(const Broker&) for each, fenced ones too, in no order.
  template <class Visit>
  void for_each_broker(Visit visit) const {
    brokers_.for_each([&](const NodeId&, const Broker& broker) { visit(broker); });
  }
  size_t broker_count() const { return brokers_.size(); }
  template <class Visit>
  void for_each_controller(Visit visit) const {
    controllers_.for_each([&](const NodeId&, const ControllerNode& node) { visit(node); });
  }

  const Topic* find_topic(const log::TopicId& id) const { return topics_.find(id); }
  const Topic* find_topic(std::string_view name) const;
  const Partition* find_partition(const log::TopicPartition& id) const;
  size_t topic_count() const { return topics_.size(); }
  template <class Visit>
  void for_each_topic(Visit visit) const {
    topics_.for_each([&](const log::TopicId&, const Topic& topic) { visit(topic); });
  }

  // What was set for a resource; null when nothing was. Defaults and synonyms: topic_configs.h.
  const ConfigMap* find_configs(ResourceType type, std::string_view name) const;
  template <class Visit>
  void for_each_config(Visit visit) const {
    configs_.for_each(visit);  // (const ConfigResource&, const ConfigMap&)
  }

  // What is set for exactly this entity; null when nothing is.
  const QuotaValues* find_quotas(const QuotaEntity& entity) const { return quotas_.find(entity); }
  size_t quota_count() const { return quotas_.size(); }
  template <class Visit>
  void for_each_quota(Visit visit) const {
    quotas_.for_each(visit);  // (const QuotaEntity&, const QuotaValues&)
  }

  int64_t next_producer_id() const { return next_producer_id_; }
  template <class Visit>
  void for_each_carried(Visit visit) const {
    carried_.for_each([&](const std::string&, const CarriedRecord& record) { visit(record); });
  }

  // What differs between two images, at the cost of what differs. `visit(before, after)`: before is
  // null for a new topic, after is null for a removed one.
  template <class Visit>
  static void for_each_changed_topic(const Image& before, const Image& after, Visit visit) {
    decltype(topics_)::diff(
        before.topics_, after.topics_,
        [&](const log::TopicId&, const Topic* b, const Topic* a) { visit(b, a); });
  }
  // `visit(resource, before, after)`, null as above.
  template <class Visit>
  static void for_each_changed_config(const Image& before, const Image& after, Visit visit) {
    decltype(configs_)::diff(before.configs_, after.configs_, visit);
  }
  // Whether any client quota differs, at the cost of what differs.
  static bool quotas_differ(const Image& before, const Image& after) {
    bool differ = false;
    decltype(quotas_)::diff(
        before.quotas_, after.quotas_,
        [&](const auto&, const QuotaValues*, const QuotaValues*) { differ = true; });
    return differ;
  }

 private:
  friend class ImageBuilder;
  log::Offset number_{-1};
  log::LeaderEpoch epoch_{0};
  int64_t timestamp_ms_ = 0;
  std::string cluster_id_;
  std::map<std::string, int16_t, std::less<>> features_;
  PersistentMap<NodeId, Broker> brokers_;
  PersistentMap<NodeId, ControllerNode> controllers_;
  PersistentMap<log::TopicId, Topic> topics_;
  PersistentMap<std::string, log::TopicId, StringHash> topic_ids_;  // by name
  PersistentMap<ConfigResource, ConfigMap, ConfigResourceHash> configs_;
  PersistentMap<QuotaEntity, QuotaValues, QuotaEntityHash> quotas_;
  PersistentMap<std::string, CarriedRecord, StringHash> carried_;
  int64_t next_producer_id_ = 0;
};

// One shard's window on the newest image it applied. Owned by the broker's part on that shard.
class ShardImage {
 public:
  // Keeps the image that was current when it was made, across awaits. Belongs to the shard;
  // short-lived.
  class Pin {
   public:
    Pin(Pin&& other) noexcept;
    Pin& operator=(Pin&&) = delete;
    ~Pin();
    const Image& operator*() const { return *image_; }
    const Image* operator->() const { return image_; }

   private:
    friend class ShardImage;
    Pin(ShardImage& owner, const Image* image) : owner_(&owner), image_(image) {}
    ShardImage* owner_;
    const Image* image_;
  };

  bool ready() const { return current_ != nullptr; }
  // The newest image. Good until the next await. REQUIRES: ready().
  const Image& current() const;
  Pin pin();
  // Makes `image` the current one and returns the smallest number that is still in use on this
  // shard. REQUIRES: its number is not below the current one's.
  log::Offset install(const Image* image);

 private:
  void unpin(const Image* image);
  const Image* current_ = nullptr;
  std::map<log::Offset, uint32_t> pins_;  // by number
};

}  // namespace odradek::metadata
