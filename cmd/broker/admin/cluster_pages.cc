// The cluster as the metadata image has it, and the configuration of this broker.
#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/admin/snapshot.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/internal_topics.h"
#include "cmd/version.h"
#include "reactor/shard.h"

namespace odradek::broker::admin {

using reactor::Task;

namespace {

constexpr size_t kTopicsPerPage = 1000;

Json endpoints_of(const std::vector<metadata::Endpoint>& endpoints) {
  Json out = Json::array();
  for (const auto& e : endpoints) {
    out.push_back({{"listener", e.listener}, {"host", e.host}, {"port", e.port}});
  }
  return out;
}

Json ids_of(const std::vector<NodeId>& ids) {
  Json out = Json::array();
  for (const NodeId id : ids) out.push_back(id.value);
  return out;
}

// What a log says of itself, on its shard.
struct LogState {
  int32_t partition = 0;
  bool open = false;
  int64_t log_start = -1;
  int64_t last_stable = -1;
  int64_t high_watermark = -1;
  int64_t log_end = -1;
  uint64_t size_bytes = 0;
};

Task<std::vector<LogState>> states_here(BrokerShard& shard, log::TopicId topic, int32_t count) {
  std::vector<LogState> states;
  for (int32_t i = 0; i < count; ++i) {
    const log::TopicPartition id{topic, log::PartitionId(i)};
    if (shard.placement().owner(id) != reactor::this_shard().id()) continue;
    LogState& state = states.emplace_back();
    state.partition = i;
    const log::PartitionLog* log = shard.logs().find(id);
    if (!log) continue;
    state = {i,
             true,
             log->log_start().value,
             log->last_stable().value,
             log->high_watermark().value,
             log->log_end().value,
             log->size_bytes()};
  }
  co_return states;
}

Json partition_json(const metadata::Partition& partition, const LogState& state) {
  Json out{{"partition", state.partition},
           {"leader", partition.leader.value},
           {"leader_epoch", partition.leader_epoch.value},
           {"replicas", ids_of(partition.replicas)},
           {"isr", ids_of(partition.isr)}};
  if (!state.open) {
    out["log"] = nullptr;
    return out;
  }
  out["log"] = {{"start_offset", state.log_start},
                {"last_stable_offset", state.last_stable},
                {"high_watermark", state.high_watermark},
                {"end_offset", state.log_end},
                {"size_bytes", state.size_bytes}};
  return out;
}

Json configs_of(const metadata::Image& image, const metadata::Topic& topic,
                const metadata::TopicDefaults& defaults) {
  const auto* set = image.find_configs(metadata::ResourceType::topic, topic.name());
  Json out = Json::object();
  for (const auto& def : metadata::topic_config_defs()) {
    const bool on_topic = set && set->contains(def.name);
    const bool on_broker = defaults.contains(def.name);
    out[std::string(def.name)] = {{"value", metadata::effective_value(def, set, defaults)},
                                  {"source", on_topic    ? "topic"
                                             : on_broker ? "broker"
                                                         : "default"}};
  }
  return out;
}

// Names that hold what nobody else should read.
bool secret(std::string_view name) {
  return name.find("password") != std::string_view::npos ||
         name.find("jaas") != std::string_view::npos ||
         name.find("secret") != std::string_view::npos;
}

}  // namespace

Task<http::Response> cluster_page(PageRequest request) {
  Broker& broker = request.broker;
  const metadata::Image& image = broker.local().image().current();
  int64_t partitions = 0;
  image.for_each_topic(
      [&](const metadata::Topic& topic) { partitions += topic.partition_count(); });
  Json features = Json::object();
  for (const auto& [name, level] : image.features()) features[name] = level;
  const BrokerConfig& config = broker.config();
  co_return json_response(
      {{"cluster_id", broker.cluster_id()},
       {"node_id", config.node_id},
       {"controller_id", config.node_id},
       {"version", kVersion},
       {"shards", config.shards},
       {"durability", config.durability == log::Durability::flushed ? "flushed" : "written"},
       {"clean_start", broker.clean_start()},
       {"brokers", image.broker_count()},
       {"topics", image.topic_count()},
       {"partitions", partitions},
       {"metadata_offset", image.number().value},
       {"features", std::move(features)}});
}

Task<http::Response> brokers_page(PageRequest request) {
  std::map<int32_t, Json> brokers;
  request.broker.local().image().current().for_each_broker([&](const metadata::Broker& b) {
    Json one{{"id", b.id.value}, {"fenced", b.fenced}, {"endpoints", endpoints_of(b.endpoints)}};
    one["rack"] = b.rack ? Json(*b.rack) : Json(nullptr);
    brokers.emplace(b.id.value, std::move(one));
  });
  Json out = Json::array();
  for (auto& [id, one] : brokers) out.push_back(std::move(one));
  co_return json_response({{"brokers", std::move(out)}});
}

// ?limit=1..1000&after=<name>: by name, from behind `after`; "next" is there when more follow.
Task<http::Response> topics_page(PageRequest request) {
  size_t limit = kTopicsPerPage;
  if (const auto text = query_value(request.query, "limit")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc() || end != text->data() + text->size() || limit == 0 ||
        limit > kTopicsPerPage) {
      co_return http::error_response(400, "limit must be from 1 to 1000");
    }
  }
  const std::string_view after = query_value(request.query, "after").value_or("");
  std::vector<const metadata::Topic*> topics;
  request.broker.local().image().current().for_each_topic([&](const metadata::Topic& topic) {
    if (topic.name() > after) topics.push_back(&topic);
  });
  const size_t count = std::min(limit, topics.size());
  std::ranges::partial_sort(
      topics, topics.begin() + static_cast<ptrdiff_t>(count), {},
      [](const metadata::Topic* t) -> const std::string& { return t->name(); });
  Json out = Json::array();
  for (const metadata::Topic* topic : std::span(topics).first(count)) {
    out.push_back({{"name", topic->name()},
                   {"id", topic->id().to_string()},
                   {"partitions", topic->partition_count()},
                   {"internal", is_internal_topic(topic->name())}});
  }
  Json page{{"topics", std::move(out)}};
  if (count < topics.size()) page["next"] = topics[count - 1]->name();
  co_return json_response(page);
}

Task<http::Response> topic_page(PageRequest request) {
  Broker& broker = request.broker;
  const auto image = broker.local().image().pin();
  const metadata::Topic* topic = image->find_topic(std::string_view(request.tail));
  if (!topic) co_return http::error_response(404, "there is no topic " + request.tail);
  std::vector<LogState> states(static_cast<size_t>(topic->partition_count()));
  for (uint32_t i = 0; i < broker.config().shards; ++i) {
    const auto here = co_await reactor::submit_to(
        reactor::ShardId(i), [&broker, id = topic->id(), count = topic->partition_count()] {
          return states_here(broker.local(), id, count);
        });
    for (const LogState& state : here) states[static_cast<size_t>(state.partition)] = state;
  }
  Json partitions = Json::array();
  for (const LogState& state : states) {
    partitions.push_back(
        partition_json(*topic->partition(log::PartitionId(state.partition)), state));
  }
  co_return json_response(
      {{"name", topic->name()},
       {"id", topic->id().to_string()},
       {"internal", is_internal_topic(topic->name())},
       {"partitions", std::move(partitions)},
       {"configs", configs_of(*image, *topic, broker.local().topic_defaults())}});
}

Task<http::Response> config_page(PageRequest request) {
  const BrokerConfig& config = request.broker.config();
  Json properties = Json::object();
  for (const auto& [name, value] : config.properties) {
    properties[name] = secret(name) ? Json(nullptr) : Json(value);
  }
  Json listeners = Json::array();
  for (const Listener& l : config.listeners) {
    listeners.push_back({{"name", l.name},
                         {"host", l.host},
                         {"port", l.port},
                         {"advertised_host", l.advertised_host},
                         {"advertised_port", l.advertised_port},
                         {"controller", l.controller}});
  }
  co_return json_response(
      {{"properties", std::move(properties)},
       {"in_force",
        {{"node.id", config.node_id},
         {"log.dirs", config.log_directories},
         {"odradek.shards", config.shards},
         {"odradek.memory", config.memory_bytes},
         {"odradek.durability",
          config.durability == log::Durability::flushed ? "flushed" : "written"},
         {"odradek.slow.request.ms", config.slow_request_ms}}},
       {"listeners", std::move(listeners)},
       {"ignored", config.ignored},
       {"unknown", config.unknown}});
}

}  // namespace odradek::broker::admin
