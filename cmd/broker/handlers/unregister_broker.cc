// UnregisterBroker (KIP-500): forgets a broker that is not coming back.
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/unregister_broker_request.h"
#include "net/kafka/messages/unregister_broker_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> unregister_broker(RequestContext& context, const kafka::UnregisterBrokerRequest& request,
                             kafka::UnregisterBrokerResponse& reply, Response&) {
  Broker* broker = &context.shard.broker();
  const NodeId id(request.broker_id);
  const auto result = co_await reactor::submit_to(
      reactor::ShardId(0), [broker, id] { return broker->controller().unregister_broker(id); });
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = static_cast<int16_t>(result.code);
  if (result.message) reply.error_message = context.keep(*result.message);
}

}  // namespace

ServeResult serve_unregister_broker(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::UnregisterBrokerRequest, kafka::UnregisterBrokerResponse,
                   &unregister_broker>(context, reader);
}

}  // namespace odradek::broker
