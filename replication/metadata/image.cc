#include "replication/metadata/image.h"

#include <algorithm>

#include "reactor/base/check.h"

namespace odradek::metadata {

const Endpoint* Broker::endpoint(std::string_view listener) const {
  const auto found = std::ranges::find(endpoints, listener, &Endpoint::listener);
  return found == endpoints.end() ? nullptr : &*found;
}

bool Partition::has_replica(NodeId node) const {
  return std::ranges::find(replicas, node) != replicas.end();
}

int16_t Image::feature_level(std::string_view name) const {
  const auto found = features_.find(name);
  return found == features_.end() ? int16_t{0} : found->second;
}

const Topic* Image::find_topic(std::string_view name) const {
  const log::TopicId* id = topic_ids_.find(name);
  if (id == nullptr) return nullptr;
  const Topic* topic = topics_.find(*id);
  CHECK(topic != nullptr, name, *id);
  return topic;
}

const Partition* Image::find_partition(const log::TopicPartition& id) const {
  const Topic* topic = find_topic(id.topic);
  return topic ? topic->partition(id.partition) : nullptr;
}

const ConfigMap* Image::find_configs(ResourceType type, std::string_view name) const {
  return configs_.find(ConfigResourceView{type, name});
}

ShardImage::Pin::Pin(Pin&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), image_(other.image_) {}

ShardImage::Pin::~Pin() {
  if (owner_) owner_->unpin(image_);
}

const Image& ShardImage::current() const {
  CHECK(current_ != nullptr);
  return *current_;
}

ShardImage::Pin ShardImage::pin() {
  CHECK(current_ != nullptr);
  ++pins_[current_->number()];
  return Pin(*this, current_);
}

void ShardImage::unpin(const Image* image) {
  const auto found = pins_.find(image->number());
  CHECK(found != pins_.end(), image->number());
  if (--found->second == 0) pins_.erase(found);
}

log::Offset ShardImage::install(const Image* image) {
  CHECK(image != nullptr);
  CHECK(current_ == nullptr || image->number() >= current_->number(), image->number());
  current_ = image;
  return pins_.empty() ? image->number() : std::min(image->number(), pins_.begin()->first);
}

}  // namespace odradek::metadata
