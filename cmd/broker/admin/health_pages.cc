// For who watches the process: live means that it answers; ready means that it takes writes.
#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/admin/snapshot.h"
#include "cmd/broker/broker.h"
#include "reactor/shard.h"

namespace odradek::broker::admin {

using reactor::Task;

Task<http::Response> live_page(PageRequest) { co_return json_response({{"status", "live"}}); }

static Task<bool> writable_here(Broker& broker) { co_return broker.local().logs().writable(); }

Task<http::Response> ready_page(PageRequest request) {
  Broker& broker = request.broker;
  switch (broker.phase()) {
    case Broker::Phase::starting: co_return json_response({{"status", "starting"}}, 503);
    case Broker::Phase::stopping: co_return json_response({{"status", "stopping"}}, 503);
    case Broker::Phase::serving: break;
  }
  for (uint32_t i = 0; i < broker.config().shards; ++i) {
    const bool writable = co_await reactor::submit_to(reactor::ShardId(i),
                                                      [&broker] { return writable_here(broker); });
    if (!writable) co_return json_response({{"status", "a log directory takes no writes"}}, 503);
  }
  co_return json_response({{"status", "ready"}});
}

}  // namespace odradek::broker::admin
