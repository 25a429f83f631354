// DescribeUserScramCredentials (KIP-554): which users have SCRAM credentials in the metadata. None
// can be made here yet; those of a directory that Kafka wrote are told.
#include <map>
#include <set>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_user_scram_credentials_request.h"
#include "net/kafka/messages/describe_user_scram_credentials_response.h"
#include "replication/metadata/record_list.h"
#include "replication/metadata/record_types.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeUserScramCredentialsRequest;
using Reply = kafka::DescribeUserScramCredentialsResponse;
using Record = records::UserScramCredentialRecord;
using Credentials = std::map<std::string, std::vector<Reply::CredentialInfo>, std::less<>>;

Credentials credentials_of(const metadata::Image& image) {
  Credentials out;
  image.for_each_carried([&](const metadata::CarriedRecord& carried) {
    const auto front = metadata::parse_record_front(BytesView(carried.bytes));
    if (!front || front->type != static_cast<uint32_t>(Record::record_type)) return;
    wire::Scratch scratch;
    Record record;
    if (!metadata::decode_record(*front, scratch, record)) return;
    out[std::string(record.name)].push_back({record.mechanism, record.iterations});
  });
  return out;
}

void refuse(RequestContext& context, std::string_view user, KafkaError error, std::string_view why,
            Reply& reply) {
  auto& out = reply.results.emplace_back();
  out.user = user;
  out.error_code = code(error);
  out.error_message = context.keep(std::string(why) + std::string(user));
}

void show(std::string_view user, const std::vector<Reply::CredentialInfo>& infos,
          RequestContext& context, Reply& reply) {
  auto& out = reply.results.emplace_back();
  out.user = context.keep(std::string(user));
  out.error_message.reset();
  out.credential_infos = infos;
}

Task<void> describe(RequestContext& context, const Request& request, Reply& reply, Response&) {
  reply.throttle_time_ms = context.throttle_ms;
  const Credentials all = credentials_of(context.shard.image().current());
  // Null and empty both mean every user.
  if (!request.users || request.users->empty()) {
    for (const auto& [user, infos] : all) show(user, infos, context, reply);
    co_return;
  }
  std::map<std::string_view, int> times;
  for (const auto& user : *request.users) ++times[user.name];
  for (const auto& [user, count] : times) {
    const auto found = all.find(user);
    if (count > 1) {
      refuse(
          context, user, KafkaError::duplicate_resource,
          "Cannot describe SCRAM credentials for the same user twice in a single request: ", reply);
    } else if (found == all.end()) {
      refuse(context, user, KafkaError::resource_not_found,
             "Attempt to describe a user credential that does not exist: ", reply);
    } else {
      show(user, found->second, context, reply);
    }
  }
}

}  // namespace

ServeResult serve_describe_user_scram_credentials(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe>(context, reader);
}

}  // namespace odradek::broker
