// Between bytes and a typed handler: decode, act, encode. Each handler file ends with one instance.
#pragma once

#include "cmd/broker/request.h"
#include "net/kafka/api.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "reactor/task.h"

namespace odradek::broker {

// Counts an error (not 0) in an answer: request_metrics.cc.
void count_error(const RequestContext& context, int16_t code);

// Charges the request quota of a client that has one: quotas/throttle.cc. What the answer views of
// the metadata image stays until it is encoded.
reactor::Task<void> settle_throttle(RequestContext& context);

// A frame of `message`: size, response header, body. Spliced bytes stay by reference.
template <class Message>
wire::Writer encode_response(const RequestContext& context, int16_t version,
                             const Message& message) {
  const auto count = [&context](int16_t error) {
    if (error != 0) count_error(context, error);
  };
  if constexpr (requires { for_each_error(message, count); }) for_each_error(message, count);
  const kafka::ApiInfo* api = kafka::find_api(Message::api_key);
  const int16_t header_version = api->response_header_version(context.api_version);
  kafka::ResponseHeader header;
  header.correlation_id = context.correlation_id;
  wire::Writer out(4 + encoded_size(header_version, header) + encoded_size(version, message));
  out.integer(int32_t{0});
  encode(out, header_version, header);
  encode(out, version, message);
  out.patch_int32(0, static_cast<int32_t>(out.size() - 4));
  return out;
}

// Handle: Task<void>(RequestContext&, const Request&, Reply&, Response&). The last is for what must
// live until the response was sent.
template <class Request, class Reply, auto Handle>
reactor::Task<Result<Response>> serve_api(RequestContext& context, wire::Reader& reader) {
  Request request;
  // Bytes after the body are left alone, as Kafka does.
  CO_TRY(decode(reader, context.api_version, request));
  Reply reply;
  Response response;
  co_await Handle(context, request, reply, response);
  if (context.quotas) {
    co_await settle_throttle(context);
    if constexpr (requires { reply.throttle_time_ms; })
      reply.throttle_time_ms = context.throttle_ms;
  }
  response.out = encode_response(context, context.api_version, reply);
  co_return response;
}

}  // namespace odradek::broker
