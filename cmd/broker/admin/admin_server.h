// What the broker shows over HTTP: metrics, health, and a JSON view of the cluster and of itself.
// Reads only. Owned by the Broker, lives on shard 0; what other shards know it asks by message.
// Answers while the broker starts and drains, too: then only what needs no logs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http/server.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::broker {
class Broker;
}

namespace odradek::broker::admin {

class AdminServer {
 public:
  explicit AdminServer(Broker& broker);

  // To bind before start().
  reactor::Listener& listener() { return server_.listener(); }
  void start() { server_.start(); }
  reactor::Task<void> stop() { return server_.stop(); }

 private:
  reactor::Task<http::Response> answer(http::Request request);

  Broker& broker_;
  http::Server server_;
};

// A page: what answers GET of a path. `tail` is what the path has behind the route's name.
struct PageRequest {
  Broker& broker;
  std::string tail;
  std::string query;
};
using Page = reactor::Task<http::Response> (*)(PageRequest request);

// The value of a parameter in a query ("a=1&b=2"), as it came; absent when it is not there.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name);

// Pages, by file: metrics_pages.cc, health_pages.cc, cluster_pages.cc, shard_pages.cc.
reactor::Task<http::Response> metrics_page(PageRequest request);
reactor::Task<http::Response> live_page(PageRequest request);
reactor::Task<http::Response> ready_page(PageRequest request);
reactor::Task<http::Response> cluster_page(PageRequest request);
reactor::Task<http::Response> brokers_page(PageRequest request);
reactor::Task<http::Response> topics_page(PageRequest request);
reactor::Task<http::Response> topic_page(PageRequest request);
reactor::Task<http::Response> config_page(PageRequest request);
reactor::Task<http::Response> log_directories_page(PageRequest request);
reactor::Task<http::Response> connections_page(PageRequest request);
reactor::Task<http::Response> memory_page(PageRequest request);
reactor::Task<http::Response> requests_page(PageRequest request);

}  // namespace odradek::broker::admin
