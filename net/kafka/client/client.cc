#include "net/kafka/client/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/metadata_request.h"
#include "reactor/base/check.h"
#include "reactor/shard.h"

namespace odradek::client {

using reactor::Task;

static constexpr int16_t kUnsupportedVersion = 35;
static constexpr int16_t kApiVersionsKey = 18;

Client::~Client() { CHECK(gate_.running() == 0, gate_.running()); }

MonoTime Client::until_timeout() const {
  return reactor::this_shard().now() + options_.request_timeout;
}

bool Client::worth_retrying(Errc code) {
  return code == Errc::closed || code == Errc::io || code == Errc::timed_out;
}

Task<bool> Client::pause(Duration& back_off, MonoTime deadline) {
  const MonoTime until = reactor::this_shard().now() + back_off;
  if (stopping() || until >= deadline) co_return false;
  back_off = std::min(2 * back_off, kBackOffMax);
  co_await reactor::sleep_until(until);
  co_return !stopping();
}

Task<Status> Client::start(MonoTime deadline) {
  CHECK(!options_.bootstrap.empty());
  return refresh(std::vector<std::string>(), deadline);
}

Task<void> Client::stop() {
  stopping_ = true;
  for (auto& [key, link] : links_) {
    while (link.connecting) (void)co_await link.waiting.wait();
    retire(link);
  }
  co_await gate_.close();
}

// --- connections ----------------------------------------------------------------------------

Target Client::resolve(Target target) const {
  if (target.controller && metadata_.brokers().contains(metadata_.controller())) {
    target.node = metadata_.controller();
  }
  return target;
}

std::vector<Endpoint> Client::endpoints_of(int32_t node) const {
  const auto& brokers = metadata_.brokers();
  const auto at = brokers.find(node);
  if (at != brokers.end()) return {at->second.endpoint};
  if (node != kAnyNode) return {};
  std::vector<Endpoint> all = options_.bootstrap;
  for (const auto& [id, broker] : brokers) {
    if (std::ranges::find(all, broker.endpoint) == all.end()) all.push_back(broker.endpoint);
  }
  return all;
}

Link* Client::usable_link(Target target) {
  target = resolve(target);
  const auto at = links_.find({target.node, target.purpose});
  if (at == links_.end() || at->second.connecting || !at->second.connection) return nullptr;
  return at->second.connection->usable() ? &at->second : nullptr;
}

Task<void> Client::close_one(std::unique_ptr<Connection> connection) {
  co_await connection->close();
}

void Client::retire(Link& link) {
  if (!link.connection) return;
  link.connection->abort();
  gate_.spawn("client close", close_one(std::move(link.connection)));
}

Task<Result<Link*>> Client::connect(Target target, MonoTime deadline) {
  target = resolve(target);
  Link& link = links_[{target.node, target.purpose}];  // nothing removes links
  while (link.connecting) {
    if (!co_await link.waiting.wait(deadline)) co_return fail(Errc::timed_out, "no connection");
  }
  if (stopping()) co_return fail(Errc::canceled, "the client stops");
  if (link.connection && link.connection->usable()) co_return &link;
  const auto endpoints = endpoints_of(target.node);
  if (endpoints.empty()) {
    co_return fail(Errc::closed, fmt::format("broker {} is not in the cluster now", target.node));
  }
  retire(link);
  link.connecting = true;
  Status opened{};
  if (link.retry_at > reactor::this_shard().now()) {
    co_await reactor::sleep_until(std::min(link.retry_at, deadline));
  }
  opened = co_await open(link, endpoints, deadline);
  link.connecting = false;
  link.back_off = opened ? kBackOffFirst : std::min(2 * link.back_off, kBackOffMax);
  link.retry_at = opened ? MonoTime{} : reactor::this_shard().now() + link.back_off;
  link.waiting.notify_all();
  if (!opened) co_return fail(std::move(opened).error());
  co_return &link;
}

// The first endpoint that answers. The error tells of each.
Task<Status> Client::open(Link& link, std::vector<Endpoint> endpoints, MonoTime deadline) {
  std::optional<Error> failed;
  for (const Endpoint& endpoint : endpoints) {
    if (stopping()) co_return fail(Errc::canceled, "the client stops");
    Status opened = co_await open_one(link, endpoint, deadline);
    if (opened) co_return opened;
    retire(link);
    const Errc code = opened.error().code;
    if (code == Errc::unsupported) co_return opened;
    std::string text = endpoint.to_string() + ": " + opened.error().context;
    if (failed) text = failed->context + "; " + text;
    failed.emplace(worth_retrying(code) ? code : Errc::io, std::move(text));
  }
  co_return fail(std::move(*failed));
}

Task<Status> Client::open_one(Link& link, Endpoint endpoint, MonoTime deadline) {
  deadline = std::min(deadline, reactor::this_shard().now() + kConnectTimeout);
  auto addresses = co_await reactor::resolve(endpoint.host, endpoint.port);
  if (!addresses || addresses->empty()) {
    co_return fail(Errc::io, "the host name is not known");
  }
  Status opened = fail(Errc::io, "no address");
  for (const auto& address : *addresses) {
    link.connection = std::make_unique<Connection>(options_.client_id);
    link.endpoint = endpoint;
    opened = co_await link.connection->open(address, deadline);
    if (opened) co_return co_await introduce(link, deadline);
    retire(link);
  }
  co_return opened;
}

// Asks for the served versions. A broker that does not know the version of the question answers
// in version 0, with what it does know (KIP-511).
Task<Status> Client::introduce(Link& link, MonoTime deadline) {
  int16_t version = kafka::find_api(kApiVersionsKey)->newest_final;
  for (;;) {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "odradek";
    request.client_software_version = "1";
    Connection& connection = *link.connection;
    CO_TRY_ASSIGN(auto frame,
                  co_await connection.wait(connection.post(version, request), deadline));
    const int16_t code = frame.size() >= 6 ? load_be<int16_t>(frame.data() + 4) : int16_t{0};
    const int16_t answered = code == kUnsupportedVersion ? int16_t{0} : version;
    CO_TRY_ASSIGN(const auto reply,
                  decode_reply<kafka::ApiVersionsResponse>(std::move(frame), answered));
    link.served.clear();
    for (const auto& api : reply.message.api_keys) {
      link.served[api.api_key] = {api.min_version, api.max_version};
    }
    if (code == 0) co_return Status{};
    if (code != kUnsupportedVersion || version == 0) {
      co_return fail(broker_error(code, "ApiVersions"));
    }
    const auto at = link.served.find(kApiVersionsKey);
    version = at == link.served.end() || at->second.high >= version ? int16_t{0} : at->second.high;
  }
}

Result<int16_t> Client::choose_version(const Link& link, int16_t api_key, int16_t version_max) {
  const kafka::ApiInfo& api = *kafka::find_api(api_key);
  const auto at = link.served.find(api_key);
  const int16_t newest = std::min({api.described.high, api.newest_final, version_max});
  if (at != link.served.end()) {
    const int16_t version = std::min(at->second.high, newest);
    if (version >= at->second.low && version >= api.described.low) return version;
  }
  std::string serves =
      at == link.served.end()
          ? std::string("it at all")
          : fmt::format("other versions than {} to {} ({} to {})", api.described.low, newest,
                        at->second.low, at->second.high);
  return fail(
      Errc::unsupported,
      fmt::format("{}: the broker does not serve {}{}", link.endpoint.to_string(), api.name,
                  at == link.served.end() ? "" : " in a version known here: it serves " + serves));
}

Task<Result<int16_t>> Client::version_for(Target target, int16_t api_key, MonoTime deadline) {
  Duration back_off = kBackOffFirst;
  for (;;) {
    auto link = co_await connect(target, deadline);
    if (link) co_return choose_version(**link, api_key, target.version_max);
    if (!worth_retrying(link.error().code) || !co_await pause(back_off, deadline)) {
      co_return fail(link.error());
    }
  }
}

Error Client::does_not_fit(const Link& link, int16_t version, Error why) {
  return Error(why.code, fmt::format("{}: the broker serves version {} only, which lacks this: {}",
                                     link.endpoint.to_string(), version, why.context));
}

// --- metadata -------------------------------------------------------------------------------

Task<Status> Client::refresh(std::optional<std::vector<std::string>> topics, MonoTime deadline,
                             bool create) {
  kafka::MetadataRequest request;
  request.allow_auto_topic_creation = create;
  request.topics = std::nullopt;
  if (topics) {
    request.topics.emplace();
    for (const std::string& name : *topics) request.topics->emplace_back().name = name;
  }
  CO_TRY_ASSIGN(const auto reply,
                co_await call<kafka::MetadataResponse>({}, std::move(request), deadline));
  if (reply.message.error_code != 0) {
    co_return fail(broker_error(reply.message.error_code, "Metadata"));
  }
  metadata_.take(reply.message);
  co_return Status{};
}

// The first error among topic and partitions, or LEADER_NOT_AVAILABLE.
static int16_t trouble_of(const Topic* topic) {
  static constexpr int16_t kLeaderNotAvailable = 5;
  if (!topic) return kLeaderNotAvailable;
  if (topic->error != 0) return topic->error;
  for (const Partition& partition : topic->partitions) {
    // A replica that is not there (9) does not keep a leader from serving.
    if (partition.leader < 0) return partition.error != 0 ? partition.error : kLeaderNotAvailable;
  }
  return topic->partitions.empty() ? kLeaderNotAvailable : int16_t{0};
}

Task<Status> Client::need_topic(std::string topic, MonoTime deadline, bool create) {
  static constexpr int16_t kUnknownTopic = 3;
  Duration back_off = kBackOffFirst;
  for (;;) {
    CO_TRY(co_await refresh(std::vector<std::string>{topic}, deadline, create));
    const int16_t code = trouble_of(metadata_.topic(topic));
    if (code == 0) co_return Status{};
    const bool absent = code == kUnknownTopic && !create;
    if (absent || !is_retriable(code) || !co_await pause(back_off, deadline)) {
      co_return fail(broker_error(code, "topic " + topic));
    }
  }
}

}  // namespace odradek::client
