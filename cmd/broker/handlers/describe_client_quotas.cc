// DescribeClientQuotas (KIP-546): what is set for the entities that a filter means.
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_client_quotas_request.h"
#include "net/kafka/messages/describe_client_quotas_response.h"
#include "replication/metadata/client_quotas.h"

namespace odradek::broker {

using reactor::Task;

namespace {

std::vector<metadata::QuotaFilterPart> filter_of(
    const kafka::DescribeClientQuotasRequest& request) {
  std::vector<metadata::QuotaFilterPart> filter;
  for (const auto& component : request.components) {
    auto& part = filter.emplace_back();
    part.type = component.entity_type;
    part.match = static_cast<metadata::QuotaMatchType>(component.match_type);
    if (component.match) part.name = std::string(*component.match);
  }
  return filter;
}

void list(const std::vector<metadata::QuotaEntry>& entries,
          kafka::DescribeClientQuotasResponse& reply) {
  reply.entries.emplace();
  for (const metadata::QuotaEntry& entry : entries) {
    auto& out = reply.entries->emplace_back();
    for (const auto& [type, name] : entry.entity) {
      auto& part = out.entity.emplace_back();
      part.entity_type = type;
      part.entity_name.reset();
      if (name) part.entity_name = *name;
    }
    for (const auto& [key, value] : entry.values) out.values.push_back({key, value});
  }
}

Task<void> describe_client_quotas(RequestContext& context,
                                  const kafka::DescribeClientQuotasRequest& request,
                                  kafka::DescribeClientQuotasResponse& reply, Response&) {
  const auto& image = context.shard.image().current();
  const auto& found =
      context.keep_value(metadata::find_quotas(image, filter_of(request), request.strict));
  reply.error_code = static_cast<int16_t>(found.code);
  reply.error_message = "";  // not null, as with Kafka
  reply.entries.reset();
  if (found.message) reply.error_message = *found.message;
  if (found.code == KafkaCode::none) list(found.entries, reply);
  co_return;
}

}  // namespace

ServeResult serve_describe_client_quotas(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DescribeClientQuotasRequest, kafka::DescribeClientQuotasResponse,
                   &describe_client_quotas>(context, reader);
}

}  // namespace odradek::broker
