// InitProducerId (KIP-98, KIP-360) for producers without transactions: a fresh id, epoch 0 (trap
// 25).
#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/init_producer_id_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

Task<void> init_producer_id(RequestContext& context, const kafka::InitProducerIdRequest& request,
                            kafka::InitProducerIdResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  reply.producer_id = -1;
  reply.producer_epoch = -1;
  const bool half_set = (request.producer_id == -1) != (request.producer_epoch == -1);
  if (half_set || (request.transactional_id && request.transactional_id->empty())) {
    reply.error_code = code(KafkaError::invalid_request);
    co_return;
  }
  if (request.transactional_id) {
    // No transaction coordinator lives here yet: a client waits and asks again.
    reply.error_code = code(KafkaError::coordinator_not_available);
    co_return;
  }
  const auto id = co_await context.shard.next_producer_id();
  if (!id) {
    reply.error_code = code(KafkaError::coordinator_not_available);
    co_return;
  }
  reply.producer_id = *id;
  reply.producer_epoch = 0;
}

}  // namespace

ServeResult serve_init_producer_id(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::InitProducerIdRequest, kafka::InitProducerIdResponse, &init_producer_id>(
      context, reader);
}

}  // namespace odradek::broker
