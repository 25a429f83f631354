// A Kafka client: finds a cluster from a few addresses, keeps a connection per broker and purpose,
// speaks the newest version that both sides know, and remembers who leads what. Producer, Fetcher
// and list_offsets() stand on it; any other API is one call().
//
//   Client client({.bootstrap = *parse_bootstrap("localhost:9092")});
//   CO_TRY(co_await client.start(deadline));
//   auto reply = co_await client.call<kafka::DescribeClusterResponse>({}, request, deadline);
//   co_await client.stop();
//
// Owned by one task; used on one core. Runs on whatever driver the shard has. Bounds: connections
// by brokers times purposes; requests in flight by limits.h; memory by the answers that callers
// hold. stop() must have run before destruction, and everything built on the client before that.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/kafka/client/connection.h"
#include "net/kafka/client/endpoint.h"
#include "net/kafka/client/error_code.h"
#include "net/kafka/client/metadata.h"
#include "net/kafka/message.h"
#include "net/kafka/messages/api_versions_response.h"

namespace odradek::client {

struct ClientOptions {
  std::vector<Endpoint> bootstrap;  // tried in turn until one answers
  std::string client_id = "odradek";
  Duration request_timeout = 30s;  // one request on one connection
};

// What a connection is for. A fetch that waits for data, or a full pipeline of produce requests,
// must not stand before other questions to the same broker.
enum class Purpose : uint8_t { admin, produce, fetch };

inline constexpr int32_t kAnyNode = -1;

// Who is asked.
struct Target {
  int32_t node = kAnyNode;
  Purpose purpose = Purpose::admin;
  bool controller = false;          // the broker that takes administrative requests
  int16_t version_max = INT16_MAX;  // for who speaks in terms that newer versions do not have
};

// The versions that one broker serves, by API key.
using ServedVersions = std::map<int16_t, kafka::VersionRange>;

// A connection and what its broker serves.
struct Link {
  std::unique_ptr<Connection> connection;
  ServedVersions served;
  Endpoint endpoint;
  bool connecting = false;
  reactor::WaitList waiting;  // for the one who connects
  MonoTime retry_at{};        // not before, after a failure
  Duration back_off = kBackOffFirst;
};

class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Finds the cluster: tries each address until one answers, with back-off until `deadline`. The
  // error names every address and why it failed.
  reactor::Task<Status> start(MonoTime deadline);
  reactor::Task<void> stop();
  bool stopping() const { return gate_.closed() || stopping_; }

  const ClientOptions& options() const { return options_; }
  const Metadata& metadata() const { return metadata_; }
  // Asks anew: for these topics, for all (absent), or for brokers alone (empty). `create`: the
  // broker may create topics that it does not have.
  reactor::Task<Status> refresh(std::optional<std::vector<std::string>> topics, MonoTime deadline,
                                bool create = false);
  // Until the topic and leaders of all its partitions are known: asks again while the error may
  // pass. Errc::not_found when there is no such topic.
  reactor::Task<Status> need_topic(std::string topic, MonoTime deadline, bool create = false);

  // Sends `request` and waits for its answer; a connection that cannot be made or breaks is tried
  // again with back-off until `deadline`, so that a request may arrive twice. The answer's own
  // error codes are the caller's. What `request` views must live until this returns.
  template <class Message, class Request>
  reactor::Task<Result<Reply<Message>>> call(Target target, Request request, MonoTime deadline) {
    Duration back_off = kBackOffFirst;
    for (;;) {
      auto reply = co_await call_once<Message>(target, request, deadline);
      if (reply || !worth_retrying(reply.error().code)) co_return reply;
      if (!co_await pause(back_off, deadline)) co_return reply;
    }
  }
  // The same without a second try.
  template <class Message, class Request>
  reactor::Task<Result<Reply<Message>>> call_once(Target target, Request request,
                                                  MonoTime deadline) {
    CO_TRY_ASSIGN(Link * link, co_await connect(target, deadline));
    CO_TRY_ASSIGN(const int16_t version,
                  choose_version(*link, Request::api_key, target.version_max));
    if (Status fits = validate(version, request); !fits) {
      co_return fail(does_not_fit(*link, version, std::move(fits).error()));
    }
    Connection& connection = *link->connection;
    const std::string where = link->endpoint.to_string();
    auto frame = co_await connection.wait(connection.post(version, request),
                                          std::min(deadline, until_timeout()));
    if (!frame) co_return fail(frame.error().code, where + ": " + frame.error().context);
    auto reply = decode_reply<Message>(std::move(*frame), version);
    if (!reply) co_return fail(reply.error().code, where + ": " + reply.error().context);
    co_return reply;
  }
  // The same until `code_of(answer)` is no error that may pass, or `deadline`: NOT_CONTROLLER and
  // the like are looked up and asked again. The last answer is returned, whatever its code.
  template <class Message, class Request, class CodeOf>
  reactor::Task<Result<Reply<Message>>> call_until(Target target, Request request,
                                                   MonoTime deadline, CodeOf code_of) {
    Duration back_off = kBackOffFirst;
    for (;;) {
      auto reply = co_await call<Message>(target, request, deadline);
      if (!reply) co_return reply;
      const int16_t code = code_of(reply->message);
      if (!is_retriable(code) || !co_await pause(back_off, deadline)) co_return reply;
      (void)co_await refresh(std::vector<std::string>(), deadline);
    }
  }

  // A usable connection, made if there is none. The link is valid until the next await; its
  // connection until the ticket of a request posted before that is gone.
  reactor::Task<Result<Link*>> connect(Target target, MonoTime deadline);
  // The link when it is usable now, else null.
  Link* usable_link(Target target);
  // The newest version, up to `version_max`, that the broker and this program know.
  // Errc::unsupported when there is none.
  static Result<int16_t> choose_version(const Link& link, int16_t api_key,
                                        int16_t version_max = INT16_MAX);
  // The version that call() will speak, for requests whose fields depend on it.
  reactor::Task<Result<int16_t>> version_for(Target target, int16_t api_key, MonoTime deadline);
  // Sleeps for `back_off` and doubles it. False when `deadline` comes before that, or at stop.
  reactor::Task<bool> pause(Duration& back_off, MonoTime deadline);
  MonoTime until_timeout() const;

 private:
  using Key = std::pair<int32_t, Purpose>;
  static bool worth_retrying(Errc code);
  static Error does_not_fit(const Link& link, int16_t version, Error why);
  reactor::Task<Status> open(Link& link, std::vector<Endpoint> endpoints, MonoTime deadline);
  reactor::Task<Status> open_one(Link& link, Endpoint endpoint, MonoTime deadline);
  reactor::Task<Status> introduce(Link& link, MonoTime deadline);
  std::vector<Endpoint> endpoints_of(int32_t node) const;
  void retire(Link& link);
  static reactor::Task<void> close_one(std::unique_ptr<Connection> connection);
  Target resolve(Target target) const;

  const ClientOptions options_;
  Metadata metadata_;
  std::map<Key, Link> links_;
  reactor::Gate gate_;
  bool stopping_ = false;
};

}  // namespace odradek::client
