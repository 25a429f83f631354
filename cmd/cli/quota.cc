// `odradek quota`: what clients may use; Kafka's kafka-configs.sh of users, clients and ips.
#include "cmd/cli/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/client.h"
#include "net/kafka/messages/alter_client_quotas_request.h"
#include "net/kafka/messages/alter_client_quotas_response.h"
#include "net/kafka/messages/describe_client_quotas_request.h"
#include "net/kafka/messages/describe_client_quotas_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

constexpr VerbHelp kHelp = {
    "quota", "describe|alter [--user NAME] [--client NAME] [--ip ADDRESS] [options]",
    "Describes and alters client quotas: bytes produced and fetched a second, percent of a "
    "thread,\n"
    "partitions made or deleted a second (of users, clients, or both together), and connections a\n"
    "second (of ips). The flags are those of Kafka's kafka-configs.sh.\n",
    "  odradek quota describe\n"
    "  odradek quota describe --user ann --strict\n"
    "  odradek quota alter --client fast --add-config producer_byte_rate=1000000\n"
    "  odradek quota alter --user ann --client-defaults --add-config request_percentage=50\n"
    "  odradek quota alter --ip 10.0.0.7 --add-config connection_creation_rate=5\n"
    "  odradek quota alter --client fast --delete-config producer_byte_rate\n"};

constexpr std::string_view kActions[] = {"describe", "alter"};
constexpr std::string_view kKeys[] = {"producer_byte_rate", "consumer_byte_rate",
                                      "request_percentage", "controller_mutation_rate",
                                      "connection_creation_rate"};
constexpr std::string_view kTypes[] = {"user", "client-id", "ip"};
constexpr std::string_view kDefault = "<default>";

// --user NAME or --user-defaults, and the like.
Status add_part(const Arguments& arguments, const std::string& option, const std::string& type,
                QuotaRequest& request) {
  const bool named = arguments.has(option);
  const bool fallback = arguments.has(option + "-defaults");
  if (named && fallback) {
    return fail(Errc::invalid, fmt::format("--{0} and --{0}-defaults exclude each other", option));
  }
  if (fallback) request.parts.push_back({type, std::nullopt});
  if (named) request.parts.push_back({type, arguments.text(option)});
  return {};
}

Result<QuotaSetting> parse_setting(const std::string& text) {
  TRY_ASSIGN(const auto pair, key_and_value("--add-config", text));
  double value = 0;
  const std::string& digits = pair.second;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail(Errc::invalid, fmt::format("{}={}: not a number", pair.first, digits));
  }
  return QuotaSetting{pair.first, value};
}

Status add_settings(const Arguments& arguments, QuotaRequest& request) {
  for (const std::string& text : arguments.split("add-config")) {
    TRY_ASSIGN(auto setting, parse_setting(text));
    request.settings.push_back(std::move(setting));
  }
  for (const std::string& key : arguments.split("delete-config")) {
    request.settings.push_back({key, std::nullopt});
  }
  std::set<std::string_view> keys;
  for (const QuotaSetting& setting : request.settings) {
    if (!keys.insert(setting.key).second) return fail(Errc::invalid, setting.key + ": named twice");
    if (std::ranges::find(kKeys, setting.key) != std::end(kKeys)) continue;
    const std::string_view near = nearest(setting.key, kKeys);
    return fail(Errc::invalid, fmt::format("no quota '{}'{}", setting.key,
                                           near.empty() ? "; --help lists them"
                                                        : fmt::format(", did you mean {}?", near)));
  }
  return {};
}

Cell value_cell(double value) {
  constexpr double kExact = 9007199254740992;  // of whole numbers
  if (!std::isfinite(value)) return Cell(fmt::format("{}", value));
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    return Cell(static_cast<int64_t>(value));
  }
  return Cell(value);
}

std::string name_of(const QuotaRequest& request) {
  std::string out;
  for (const QuotaPart& part : request.parts) {
    out +=
        fmt::format("{}{} {}", out.empty() ? "" : ", ", part.type, part.name.value_or("default"));
  }
  return out;
}

kafka::DescribeClientQuotasRequest filter_of(const QuotaRequest& request) {
  kafka::DescribeClientQuotasRequest filter;
  filter.strict = request.strict;
  for (const QuotaPart& part : request.parts) {
    auto& component = filter.components.emplace_back();
    component.entity_type = part.type;
    component.match_type = part.name ? 0 : 1;  // exactly this name, the default
    component.match.reset();
    if (part.name) component.match = *part.name;
  }
  return filter;
}

// Whom an entry is for, a cell a type of part.
std::vector<Cell> whom_cells(const kafka::DescribeClientQuotasResponse::EntryData& entry) {
  std::vector<Cell> cells;
  for (const std::string_view type : kTypes) {
    const auto part =
        std::ranges::find(entry.entity, type, [](const auto& e) { return e.entity_type; });
    const bool there = part != entry.entity.end();
    cells.push_back(there ? Cell(std::string(part->entity_name.value_or(kDefault)))
                          : Cell(nullptr));
  }
  return cells;
}

Task<Status> describe(Client& client, const QuotaRequest& request) {
  CO_TRY_ASSIGN(const auto reply,
                co_await client.call<kafka::DescribeClientQuotasResponse>(
                    client::Target{}, filter_of(request), deadline_of(request.common)));
  const auto& message = reply.message;
  if (message.error_code != 0) {
    co_return fail(
        client::broker_error(message.error_code, "client quotas", message.error_message));
  }
  std::vector<std::vector<Cell>> rows;
  if (message.entries) {
    for (const auto& entry : *message.entries) {
      for (const auto& value : entry.values) {
        rows.push_back(whom_cells(entry));
        rows.back().emplace_back(std::string(value.key));
        rows.back().push_back(value_cell(value.value));
      }
    }
  }
  std::ranges::sort(rows);  // Kafka answers in no order
  Table table({"user", "client id", "ip", "quota", "value"});
  for (auto& row : rows) table.add(std::move(row));
  print_out(table.text(format_of(request.common.json, request.common.quiet)));
  co_return Status{};
}

Task<Status> alter(Client& client, const QuotaRequest& request) {
  kafka::AlterClientQuotasRequest change;
  change.validate_only = request.validate_only;
  auto& entry = change.entries.emplace_back();
  for (const QuotaPart& part : request.parts) {
    auto& entity = entry.entity.emplace_back();
    entity.entity_type = part.type;
    entity.entity_name.reset();
    if (part.name) entity.entity_name = *part.name;
  }
  for (const QuotaSetting& setting : request.settings) {
    entry.ops.push_back({setting.key, setting.value.value_or(0), !setting.value});
  }
  client::Target target;
  target.controller = true;
  CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::AlterClientQuotasResponse>(
                                      target, std::move(change), deadline_of(request.common)));
  for (const auto& answer : reply.message.entries) {
    if (answer.error_code == 0) continue;
    co_return fail(client::broker_error(answer.error_code, "quotas of " + name_of(request),
                                        answer.error_message));
  }
  const std::string whose = name_of(request);
  if (request.common.json) {
    print_out(json_text(Cell{{request.validate_only ? "valid" : "altered", whose}}, 2) + "\n");
  } else if (!request.common.quiet) {
    print_out(fmt::format("{} the quotas of {}.\n",
                          request.validate_only ? "Could alter" : "Altered", whose));
  }
  co_return Status{};
}

}  // namespace

void declare_quota(Arguments& arguments) {
  arguments.connection()
      .flag("describe", "print quotas, all of them or those of whom you name")
      .flag("alter", "change quotas")
      .value("user", "NAME", "a user; without security everybody is ANONYMOUS")
      .flag("user-defaults", "each user that has no quota of its own")
      .value("client", "NAME", "a client id")
      .flag("client-defaults", "each client id that has no quota of its own")
      .value("ip", "ADDRESS", "an address, or a host that has one")
      .flag("ip-defaults", "each address that has no quota of its own")
      .flag("strict", "describe: of exactly these, not of what has further parts")
      .values("add-config", "K=V,K=V",
              "alter: producer_byte_rate, consumer_byte_rate (bytes/s), request_percentage (of a "
              "thread), controller_mutation_rate (partitions/s), connection_creation_rate (ips)")
      .values("delete-config", "K,K", "alter: remove these")
      .flag("validate-only", "alter: only say whether it could be");
}

Result<QuotaRequest> make_quota_request(const Arguments& arguments) {
  QuotaRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(request.action, choose_action(arguments, kActions));
  TRY(add_part(arguments, "user", "user", request));
  TRY(add_part(arguments, "client", "client-id", request));
  TRY(add_part(arguments, "ip", "ip", request));
  TRY(add_settings(arguments, request));
  request.strict = arguments.has("strict");
  request.validate_only = arguments.has("validate-only");
  const bool alters = request.action == "alter";
  if (alters && request.parts.empty()) {
    return fail(Errc::invalid, "say whose: --user, --client, --ip, or their -defaults");
  }
  if (alters == request.settings.empty()) {
    return fail(Errc::invalid, alters ? "alter: say what: --add-config or --delete-config"
                                      : "--add-config and --delete-config belong to alter");
  }
  if (request.strict && (alters || request.parts.empty())) {
    return fail(Errc::invalid, "--strict belongs to describe, and to somebody who is named");
  }
  if (request.validate_only && !alters) {
    return fail(Errc::invalid, "--validate-only belongs to alter");
  }
  return request;
}

int run_quota(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare_quota(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_quota_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common, [&request](Client& client) {
    return request->action == "alter" ? alter(client, *request) : describe(client, *request);
  });
}

}  // namespace odradek::cli
