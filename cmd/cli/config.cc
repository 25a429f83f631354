// `odradek config`: Kafka's kafka-configs.sh, but for users, clients and ips (quota.cc).
#include <fmt/format.h>

#include "cmd/cli/configs.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/client.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "config", "describe|alter --topic NAME|--broker ID|--group NAME [options]",
    "Describes and alters configurations of topics, brokers, their loggers, groups and "
    "subscriptions to\nclients' metrics; the flags of Kafka's kafka-configs.sh work too "
    "(--entity-type topics\n--entity-name NAME).\n",
    "  odradek config describe --topic orders\n"
    "  odradek config describe --broker 1 --all\n"
    "  odradek config alter --topic orders --add-config "
    "retention.ms=3600000,cleanup.policy=delete\n"
    "  odradek config alter --topic orders --delete-config retention.ms\n"
    "  odradek config alter --group orders-app --add-config consumer.session.timeout.ms=60000\n"};

constexpr std::string_view kActions[] = {"describe", "alter"};

// What has configurations: in the words of Kafka's tool, and our option.
struct Kind {
  ResourceType type;
  std::string_view entity;
  const char* option;
};
constexpr Kind kKinds[] = {{ResourceType::topic, "topics", "topic"},
                           {ResourceType::broker, "brokers", "broker"},
                           {ResourceType::broker_logger, "broker-loggers", "broker-logger"},
                           {ResourceType::group, "groups", "group"},
                           {ResourceType::client_metrics, "client-metrics", "client-metrics"}};

struct ConfigRequest {
  Common common;
  std::string action;
  std::vector<Resource> resources;
  std::vector<ConfigChange> changes;
  bool all = false;  // inherited and default values too
};

void declare(Arguments& arguments) {
  arguments.connection()
      .flag("describe", "print configurations")
      .flag("alter", "change configurations")
      .values("t,topic", "NAME", "a topic; may be repeated")
      .values("broker", "ID", "a broker, by node id; may be repeated")
      .flag("broker-defaults", "the default of all brokers")
      .values("broker-logger", "ID", "the loggers of a broker, by node id; may be repeated")
      .values("group", "NAME", "a group; may be repeated")
      .values("client-metrics", "NAME", "a subscription to clients' metrics; may be repeated")
      .value("entity-type", "TYPE", "topics, brokers, broker-loggers, groups or client-metrics")
      .values("entity-name", "NAME", "a topic, a node id, a group or a subscription")
      .flag("entity-default", "with --entity-type brokers: the default of all brokers")
      .flag("all", "describe: what is inherited or default, too")
      .values("add-config", "K=V,K=[V,V]", "alter: set these; brackets around values with commas")
      .values("delete-config", "K,K", "alter: back to what is inherited");
}

// "a=1,b=[x,y],c=" -> "a=1" "b=x,y" "c=".
std::vector<std::string> split_configs(std::string_view text) {
  std::vector<std::string> out;
  std::string current;
  bool bracket = false;
  for (const char c : text) {
    if (c == ',' && !bracket) {
      if (!current.empty()) out.push_back(std::exchange(current, {}));
    } else if (c == '[' && current.ends_with('=')) {
      bracket = true;
    } else if (c == ']' && bracket) {
      bracket = false;
    } else {
      current += c;
    }
  }
  if (!current.empty()) out.push_back(std::move(current));
  return out;
}

Status add_resources(const Arguments& arguments, ConfigRequest& request) {
  const auto add = [&](ResourceType type, const std::vector<std::string>& names) {
    for (const std::string& name : names) request.resources.push_back({type, name});
  };
  const std::string type = arguments.text("entity-type");
  bool known = type.empty();
  for (const Kind& kind : kKinds) {
    add(kind.type, arguments.texts(kind.option));
    if (type != kind.entity) continue;
    known = true;
    add(kind.type, arguments.texts("entity-name"));
  }
  if (!known) {
    return fail(Errc::invalid, "--entity-type " + type +
                                   ": must be topics, brokers, "
                                   "broker-loggers, groups or client-metrics; quotas are a verb");
  }
  if (type.empty() && arguments.has("entity-name")) {
    return fail(Errc::invalid, "--entity-name needs --entity-type, topics or brokers or another");
  }
  if (arguments.has("broker-defaults") || arguments.has("entity-default")) {
    request.resources.push_back({ResourceType::broker, ""});
  }
  if (request.resources.empty()) {
    return fail(Errc::invalid,
                "say of what: --topic NAME, --broker ID, --broker-defaults, --group NAME, ...");
  }
  for (const Resource& resource : request.resources) TRY(target_of(resource));
  return {};
}

Result<ConfigRequest> make_request(const Arguments& arguments) {
  ConfigRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(request.action, choose_action(arguments, kActions));
  TRY(add_resources(arguments, request));
  request.all = arguments.has("all");
  std::vector<std::string> set;
  for (const std::string& text : arguments.texts("add-config")) {
    for (std::string& one : split_configs(text)) set.push_back(std::move(one));
  }
  auto changes = parse_changes(set, arguments.split("delete-config"));
  if (!changes) return fail(Errc::invalid, "--add-config: " + changes.error().context);
  request.changes = std::move(*changes);
  const bool alters = request.action == "alter";
  if (alters == request.changes.empty()) {
    return fail(Errc::invalid, alters ? "alter: say what: --add-config or --delete-config"
                                      : "--add-config and --delete-config belong to alter");
  }
  return request;
}

Cell value_cell(const ConfigValue& value) {
  if (value.sensitive) return "(secret)";
  return value.value ? Cell(*value.value) : Cell(nullptr);
}

Task<Status> describe(Client& client, const ConfigRequest& request) {
  CO_TRY_ASSIGN(const auto configs,
                co_await describe_configs(client, request.resources, deadline_of(request.common)));
  const bool json = request.common.json;
  std::vector<std::string> columns{"of", "name", "value", "source", "read only"};
  if (json) columns.emplace_back("synonyms");
  Table table(std::move(columns));
  for (size_t i = 0; i < configs.size(); ++i) {
    for (const ConfigValue& value : configs[i]) {
      if (!request.all && !value.is_set_on(request.resources[i].type)) continue;
      std::vector<Cell> cells{resource_text(request.resources[i]), value.name, value_cell(value),
                              std::string(source_name(value.source)), value.read_only};
      if (json) cells.emplace_back(value.synonyms);
      table.add(std::move(cells));
    }
  }
  print_out(table.text(format_of(request.common.json, request.common.quiet)));
  if (table.rows() == 0 && !request.common.quiet && !request.common.json && !request.all) {
    fmt::print(stderr, "nothing is set there; --all shows what is inherited and default\n");
  }
  co_return Status{};
}

Task<Status> alter(Client& client, const ConfigRequest& request) {
  for (const Resource& resource : request.resources) {
    CO_TRY(co_await alter_configs(client, resource, request.changes, deadline_of(request.common)));
    if (request.common.json) {
      print_out(json_text(Cell{{"altered", resource_text(resource)}}, 2) + "\n");
    } else if (!request.common.quiet) {
      print_out(fmt::format("Altered the configuration of {}.\n", resource_text(resource)));
    }
  }
  co_return Status{};
}

}  // namespace

int run_config(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common, [&request](Client& client) {
    return request->action == "alter" ? alter(client, *request) : describe(client, *request);
  });
}

}  // namespace odradek::cli
