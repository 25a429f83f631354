// What each shard holds: its connections.
#include <string>
#include <vector>

#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/admin/snapshot.h"
#include "cmd/broker/broker.h"
#include "cmd/broker/connection.h"
#include "reactor/shard.h"

namespace odradek::broker::admin {

using reactor::Task;

namespace {

constexpr size_t kConnectionsShown = 1000;  // of each shard

struct ConnectionState {
  std::string peer;
  std::string client_id;
  std::string listener;
  uint64_t requests = 0;
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  int64_t idle_ms = 0;
};
struct ShardConnections {
  size_t count = 0;
  std::vector<ConnectionState> shown;
};

Task<ShardConnections> connections_here(BrokerShard& shard) {
  ShardConnections out;
  out.count = shard.connections().size();
  const MonoTime now = reactor::this_shard().now();
  for (const auto& [number, connection] : shard.connections()) {
    if (out.shown.size() == kConnectionsShown) break;
    const RequestSource source = connection->source();
    const Duration idle = now - connection->last_request();
    out.shown.push_back({std::string(source.host) + ":" + std::to_string(source.port),
                         std::string(source.client_id), std::string(source.listener),
                         connection->requests(), connection->received_bytes(),
                         connection->sent_bytes(),
                         std::chrono::duration_cast<std::chrono::milliseconds>(idle).count()});
  }
  co_return out;
}

}  // namespace

Task<http::Response> connections_page(PageRequest request) {
  Broker& broker = request.broker;
  Json connections = Json::array();
  size_t count = 0;
  for (uint32_t i = 0; i < broker.config().shards; ++i) {
    const ShardConnections here = co_await reactor::submit_to(
        reactor::ShardId(i), [&broker] { return connections_here(broker.local()); });
    count += here.count;
    for (const ConnectionState& c : here.shown) {
      connections.push_back({{"shard", i},
                             {"peer", c.peer},
                             {"client_id", c.client_id},
                             {"listener", c.listener},
                             {"requests", c.requests},
                             {"received_bytes", c.received_bytes},
                             {"sent_bytes", c.sent_bytes},
                             {"idle_ms", c.idle_ms}});
    }
  }
  co_return json_response({{"open", count}, {"connections", std::move(connections)}});
}

}  // namespace odradek::broker::admin
