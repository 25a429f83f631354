// `odradek api-versions`: Kafka's kafka-broker-api-versions.sh.
#include <fmt/format.h>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/api.h"
#include "net/kafka/client/client.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "api-versions", "[options]",
    "Prints which APIs each broker serves, in which versions, and which this program would use.\n",
    "  odradek api-versions\n"
    "  odradek api-versions --broker 1 --json\n"
    "  odradek api-versions --quiet | grep Fetch\n"};

struct VersionsRequest {
  Common common;
  std::optional<int32_t> broker;
};

std::string name_of(int16_t key) {
  const kafka::ApiInfo* api = kafka::find_api(key);
  return api ? std::string(api->name) : fmt::format("({})", key);
}

void add_broker(Table& table, int32_t node, const client::Link& link) {
  for (const auto& [key, served] : link.served) {
    const bool known = kafka::find_api(key) != nullptr;
    const auto used =
        known ? Client::choose_version(link, key) : Result<int16_t>(fail(Errc::unsupported, ""));
    table.add({node, link.endpoint.to_string(), name_of(key), key, served.low, served.high,
               used ? Cell(*used) : Cell(nullptr)});
  }
}

Task<Status> show_versions(Client& client, const VersionsRequest& request) {
  Table table({"broker", "address", "api", "key", "from", "to", "used"});
  std::vector<int32_t> nodes;
  for (const auto& [node, broker] : client.metadata().brokers()) {
    if (!request.broker || *request.broker == node) nodes.push_back(node);
  }
  if (nodes.empty()) {
    co_return fail(Errc::not_found, request.broker
                                        ? fmt::format("there is no broker {}", *request.broker)
                                        : std::string("the cluster names no brokers"));
  }
  for (const int32_t node : nodes) {
    CO_TRY_ASSIGN(const client::Link* link,
                  co_await client.connect({.node = node}, deadline_of(request.common)));
    add_broker(table, node, *link);
  }
  print_out(table.text(format_of(request.common.json, request.common.quiet)));
  co_return Status{};
}

Result<VersionsRequest> make_request(const Arguments& arguments) {
  VersionsRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(const auto broker, arguments.number("broker", 0, INT32_MAX));
  if (broker) request.broker = static_cast<int32_t>(*broker);
  return request;
}

}  // namespace

int run_api_versions(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  arguments.connection().value("broker", "ID", "only this broker (default: all)");
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return show_versions(client, *request); });
}

}  // namespace odradek::cli
