// UpdateFeatures (KIP-584, KIP-1022): all updates of a request, or none.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/update_features_request.h"
#include "net/kafka/messages/update_features_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::UpdateFeaturesRequest;
using Reply = kafka::UpdateFeaturesResponse;

Task<void> update_features(RequestContext& context, const Request& request, Reply& reply,
                           Response&) {
  std::vector<metadata::FeatureUpdate> updates;
  for (const auto& u : request.feature_updates) {
    updates.push_back({std::string(u.feature), u.max_version_level,
                       static_cast<metadata::UpgradeType>(u.upgrade_type)});
  }
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const auto result = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, updates = std::move(updates)]() mutable {
        return broker->controller().update_features(std::move(updates), validate_only);
      });
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = static_cast<int16_t>(result.code);
  reply.error_message.reset();
  if (result.message) reply.error_message = context.keep(*result.message);
  if (result.code != KafkaCode::none) co_return;
  // Up to version 1 each feature has its own answer, and Kafka calls success by its name.
  for (const auto& u : request.feature_updates) reply.results.push_back({u.feature, 0, "NONE"});
}

}  // namespace

ServeResult serve_update_features(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &update_features>(context, reader);
}

}  // namespace odradek::broker
