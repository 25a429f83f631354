// ApiVersions (KIP-35, KIP-511, KIP-584, KIP-1242): what is served, and the feature levels.
#include <string_view>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handler_table.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "replication/metadata/feature_levels.h"

namespace odradek::broker {

namespace {

constexpr int16_t kVersionMax = 5;

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? of KIP-511.
bool is_software_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || !plain(name.front()) || !plain(name.back())) return false;
  for (const char c : name) {
    if (!plain(c) && c != '-' && c != '.') return false;
  }
  return true;
}

void list_features(const RequestContext& context, kafka::ApiVersionsResponse& reply) {
  const auto& image = context.shard.image().current();
  const metadata::Broker* self = image.find_broker(NodeId(context.shard.config().node_id));
  if (self) {
    for (const auto& feature : self->features) {
      // Up to version 3 a minimum of 0 breaks old clients (KAFKA-17011, trap 5).
      if (context.api_version <= 3 && feature.min == 0) continue;
      auto& out = reply.supported_features.emplace_back();
      out.name = feature.name;
      out.min_version = feature.min;
      out.max_version = feature.max;
    }
  }
  reply.finalized_features_epoch = image.number().value;
  const auto finalized = [&reply](std::string_view name, int16_t level) {
    if (level == 0) return;
    auto& out = reply.finalized_features.emplace_back();
    out.name = name;
    out.max_version_level = level;
    out.min_version_level = level;
  };
  for (const auto& [name, level] : image.features()) finalized(name, level);
  // The quorum's own is not among the records.
  finalized(metadata::kKraftVersion, context.shard.broker().kraft_version());
}

void list_apis(const RequestContext& context, kafka::ApiVersionsResponse& reply) {
  for (const HandlerEntry& entry : handler_table()) {
    if (!serves_on(entry, context.listener.controller)) continue;
    auto& out = reply.api_keys.emplace_back();
    out.api_key = entry.key;
    out.min_version = entry.advertised_low;
    out.max_version = entry.high;
  }
}

KafkaError check(const RequestContext& context, const kafka::ApiVersionsRequest& request) {
  if (context.api_version >= 3 && (!is_software_name(request.client_software_name) ||
                                   !is_software_name(request.client_software_version))) {
    return KafkaError::invalid_request;
  }
  if (context.api_version >= 5) {
    const bool other_cluster =
        request.cluster_id && *request.cluster_id != context.shard.broker().cluster_id();
    const bool other_node =
        request.node_id != -1 && request.node_id != context.shard.config().node_id;
    if (other_cluster || other_node) return KafkaError::rebootstrap_required;
  }
  return KafkaError::none;
}

}  // namespace

reactor::Task<Result<Response>> serve_api_versions(RequestContext& context, wire::Reader& reader) {
  kafka::ApiVersionsResponse reply;
  Response response;
  if (context.api_version > kVersionMax || context.api_version < 0) {
    // A version from the future: its body is not read; the answer is version 0 with our own range,
    // from which the client learns what to ask (KIP-511, trap 3).
    reply.error_code = code(KafkaError::unsupported_version);
    auto& own = reply.api_keys.emplace_back();
    own.api_key = kafka::ApiVersionsRequest::api_key;
    own.min_version = 0;
    own.max_version = kVersionMax;
    response.out = encode_response(context, 0, reply);
    co_return response;
  }
  kafka::ApiVersionsRequest request;
  CO_TRY(kafka::decode(reader, context.api_version, request));
  reply.error_code = code(check(context, request));
  if (reply.error_code == 0) {
    list_apis(context, reply);
    list_features(context, reply);
  }
  if (context.quotas) co_await settle_throttle(context);
  reply.throttle_time_ms = context.throttle_ms;
  response.out = encode_response(context, context.api_version, reply);
  co_return response;
}

}  // namespace odradek::broker
