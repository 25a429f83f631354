// AlterClientQuotas (KIP-546): the controller decides; in force on every shard before the answer.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/alter_client_quotas_request.h"
#include "net/kafka/messages/alter_client_quotas_response.h"
#include "reactor/shard.h"
#include "reactor/socket.h"
#include "replication/metadata/client_quotas.h"

namespace odradek::broker {

using reactor::Task;

namespace {

metadata::QuotaAlteration to_alteration(const kafka::AlterClientQuotasRequest::EntryData& entry) {
  metadata::QuotaAlteration out;
  // Of parts of one type the last counts, as with Kafka.
  for (const auto& part : entry.entity) {
    auto& name = out.entity[std::string(part.entity_type)];
    name.reset();
    if (part.entity_name) name = std::string(*part.entity_name);
  }
  for (const auto& op : entry.ops) {
    auto& change = out.changes.emplace_back();
    change.key = op.key;
    if (!op.remove) change.value = op.value;
  }
  return out;
}

// In Kafka's order: an ip comes last, though it is refused beside others.
void tell(const metadata::QuotaEntity& entity, kafka::AlterClientQuotasResponse::EntryData& out) {
  for (const bool last : {false, true}) {
    for (const auto& [type, name] : entity) {
      if ((type == metadata::kQuotaIp) != last) continue;
      auto& part = out.entity.emplace_back();
      part.entity_type = type;
      part.entity_name.reset();
      if (name) part.entity_name = *name;
    }
  }
}

// An ip may be the name of a host, as with Kafka.
Task<void> look_up(std::vector<metadata::QuotaAlteration>& alterations) {
  int looked_up = 0;
  for (auto& alteration : alterations) {
    const auto ip = alteration.entity.find(metadata::kQuotaIp);
    if (ip == alteration.entity.end() || !ip->second || ip->second->empty()) continue;
    if (metadata::canonical_ip(*ip->second) || ++looked_up > kQuotaHostsPerRequest) continue;
    const auto addresses = co_await reactor::resolve(*ip->second, 0);
    alteration.ip_resolves = addresses.has_value() && !addresses->empty();
  }
}

Task<void> alter_client_quotas(RequestContext& context,
                               const kafka::AlterClientQuotasRequest& request,
                               kafka::AlterClientQuotasResponse& reply, Response&) {
  std::vector<metadata::QuotaAlteration> alterations;
  for (const auto& entry : request.entries) alterations.push_back(to_alteration(entry));
  co_await look_up(alterations);
  Broker* broker = &context.shard.broker();
  const bool validate_only = request.validate_only;
  const auto& results = context.keep_value(co_await reactor::submit_to(
      reactor::ShardId(0), [broker, validate_only, alterations = std::move(alterations)]() mutable {
        return broker->controller().alter_quotas(std::move(alterations), validate_only);
      }));
  for (const auto& result : results) {
    auto& out = reply.entries.emplace_back();
    out.error_code = static_cast<int16_t>(result.code);
    out.error_message.reset();
    if (result.message) out.error_message = context.keep(*result.message);
    tell(result.entity, out);
  }
}

}  // namespace

ServeResult serve_alter_client_quotas(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::AlterClientQuotasRequest, kafka::AlterClientQuotasResponse,
                   &alter_client_quotas>(context, reader);
}

}  // namespace odradek::broker
