// DescribeAcls, CreateAcls, DeleteAcls (KIP-140): without an authorizer there are no ACLs, and that
// is the answer, Kafka's code and words. kafka-python 2.0.2 infers the broker's age from
// DescribeAcls' versions.
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/create_acls_request.h"
#include "net/kafka/messages/create_acls_response.h"
#include "net/kafka/messages/delete_acls_request.h"
#include "net/kafka/messages/delete_acls_response.h"
#include "net/kafka/messages/describe_acls_request.h"
#include "net/kafka/messages/describe_acls_response.h"

namespace odradek::broker {

using reactor::Task;

namespace {

constexpr std::string_view kNoAuthorizer = "No Authorizer is configured.";

Task<void> describe_acls(RequestContext& context, const kafka::DescribeAclsRequest&,
                         kafka::DescribeAclsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  reply.error_code = code(KafkaError::security_disabled);
  reply.error_message = "No Authorizer is configured on the broker";
  co_return;
}

Task<void> create_acls(RequestContext& context, const kafka::CreateAclsRequest& request,
                       kafka::CreateAclsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  for (size_t i = 0; i < request.creations.size(); ++i) {
    reply.results.push_back({code(KafkaError::security_disabled), kNoAuthorizer});
  }
  co_return;
}

Task<void> delete_acls(RequestContext& context, const kafka::DeleteAclsRequest& request,
                       kafka::DeleteAclsResponse& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  for (size_t i = 0; i < request.filters.size(); ++i) {
    auto& out = reply.filter_results.emplace_back();
    out.error_code = code(KafkaError::security_disabled);
    out.error_message = kNoAuthorizer;
  }
  co_return;
}

}  // namespace

ServeResult serve_describe_acls(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DescribeAclsRequest, kafka::DescribeAclsResponse, &describe_acls>(context,
                                                                                            reader);
}
ServeResult serve_create_acls(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::CreateAclsRequest, kafka::CreateAclsResponse, &create_acls>(context,
                                                                                      reader);
}
ServeResult serve_delete_acls(RequestContext& context, wire::Reader& reader) {
  return serve_api<kafka::DeleteAclsRequest, kafka::DeleteAclsResponse, &delete_acls>(context,
                                                                                      reader);
}

}  // namespace odradek::broker
