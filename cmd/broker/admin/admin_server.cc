#include "cmd/broker/admin/admin_server.h"

#include <span>

#include "cmd/broker/broker.h"

namespace odradek::broker::admin {

using reactor::Task;

namespace {

struct Route {
  std::string_view path;
  Page page;
  bool with_tail = false;      // further path behind it, which the page looks at
  bool when_starting = false;  // needs neither metadata nor logs
};

Task<http::Response> index_page(PageRequest request);

constexpr Route kRoutes[] = {
    {"/", &index_page, false, true},
    {"/metrics", &metrics_page, false, true},
    {"/health/live", &live_page, false, true},
    {"/health/ready", &ready_page, false, true},
    {"/api/v1/cluster", &cluster_page},
    {"/api/v1/brokers", &brokers_page},
    {"/api/v1/topics", &topics_page},
    {"/api/v1/topics/", &topic_page, true},
    {"/api/v1/config", &config_page, false, true},
    {"/api/v1/log-dirs", &log_directories_page},
    {"/api/v1/connections", &connections_page},
    {"/api/v1/memory", &memory_page},
    {"/api/v1/requests", &requests_page},
};

Task<http::Response> index_page(PageRequest) {
  http::Response response;
  for (const Route& route : kRoutes) {
    response.body.append(response.body.empty() ? "{\"paths\":[" : ",");
    response.body.append("\"").append(route.path);
    response.body.append(route.with_tail ? "{name}\"" : "\"");
  }
  response.body += "]}\n";
  co_return response;
}

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    if (path == route.path && !route.with_tail) return &route;
    if (route.with_tail && path.size() > route.path.size() && path.starts_with(route.path)) {
      return &route;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    if (part.starts_with(name) && part.size() > name.size() && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return std::nullopt;
}

AdminServer::AdminServer(Broker& broker)
    : broker_(broker),
      server_([this](http::Request request) { return answer(std::move(request)); }) {}

Task<http::Response> AdminServer::answer(http::Request request) {
  const Route* route = find_route(request.path);
  if (!route) co_return http::error_response(404, "nothing is served at " + request.path);
  if (request.method != "GET") {
    auto refusal = http::error_response(405, "only GET and HEAD are served");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    co_return refusal;
  }
  if (!route->when_starting && broker_.phase() != Broker::Phase::serving) {
    co_return http::error_response(503, "the broker starts or stops");
  }
  co_return co_await route->page(
      {broker_, request.path.substr(route->path.size()), std::move(request.query)});
}

}  // namespace odradek::broker::admin
