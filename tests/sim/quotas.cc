#include "tests/sim/quotas.h"

#include <fmt/format.h>

#include <array>

#include "net/kafka/messages/alter_client_quotas_request.h"
#include "net/kafka/messages/alter_client_quotas_response.h"
#include "net/kafka/messages/describe_client_quotas_request.h"
#include "net/kafka/messages/describe_client_quotas_response.h"
#include "tests/sim/ask.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

struct Change {
  std::string user;       // empty: not of the entity
  std::string client_id;  // likewise
  std::string quota;
  std::optional<double> value;  // absent: it is removed
  std::string name() const { return user + "/" + client_id + "/" + quota; }
};

// Retriable: request_timed_out, not_controller, kafka_storage_error.
bool may_come_again(int16_t code) { return code == 7 || code == 41 || code == 56; }

Task<std::optional<int16_t>> ask_to_change(Stage& stage, Connection& connection,
                                           const Change& change) {
  kafka::AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  if (!change.user.empty()) entry.entity.push_back({"user", change.user});
  if (!change.client_id.empty()) entry.entity.push_back({"client-id", change.client_id});
  entry.ops.push_back({change.quota, change.value.value_or(0), !change.value});
  const auto reply =
      co_await ask<kafka::AlterClientQuotasResponse>(stage, connection, 1, std::move(request), 10s);
  if (!reply || reply->message.entries.size() != 1) co_return std::nullopt;
  co_return reply->message.entries[0].error_code;
}

Task<void> make(Stage& stage, Change change, Prng prng) {
  QuotaFact& fact = stage.quotas[change.name()];
  fact.asked = change.value;
  while (!stage.oracle.violation()) {
    while (stage.hold) co_await reactor::sleep_for(5ms);
    Connection connection("quotas");
    std::optional<int16_t> code;
    if (co_await connection.open(stage.broker, in(5s))) {
      code = co_await ask_to_change(stage, connection, change);
    }
    co_await connection.close();
    if (code && *code == 0) break;
    if (code && !may_come_again(*code)) {
      stage.oracle.fail("protocol", fmt::format("quota {}: answered {}", change.name(), *code));
    }
    co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
  }
  fact.acked = change.value;
}

QuotaFacts quotas_of(const kafka::DescribeClientQuotasResponse& answer) {
  QuotaFacts out;
  for (const auto& entry : *answer.entries) {
    Change named;
    for (const auto& part : entry.entity) {
      (part.entity_type == "user" ? named.user : named.client_id) = part.entity_name.value_or("");
    }
    for (const auto& value : entry.values) {
      named.quota = value.key;
      out[named.name()].acked = value.value;
    }
  }
  return out;
}

std::string text(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "none";
}

}  // namespace

Task<void> change_quota(Stage& stage, Prng prng) {
  static constexpr std::array kQuotas{"producer_byte_rate", "consumer_byte_rate",
                                      "request_percentage", "controller_mutation_rate"};
  Change change;
  change.quota = kQuotas[prng.below(kQuotas.size())];
  if (prng.chance(1, 2)) change.user = fmt::format("nobody{}", prng.below(2));
  if (change.user.empty() || prng.chance(1, 2)) {
    change.client_id = fmt::format("unseen{}", prng.below(2));
  }
  if (prng.chance(2, 3)) change.value = static_cast<double>(prng.between(1, 1'000'000));
  co_await make(stage, std::move(change), prng.split());
  (void)co_await check_quotas(stage);
}

Task<void> set_client_quota(Stage& stage, std::string client_id, std::string quota, double value,
                            Prng prng) {
  Change change;
  change.client_id = std::move(client_id);
  change.quota = std::move(quota);
  change.value = value;
  co_await make(stage, std::move(change), prng);
}

Task<bool> check_quotas(Stage& stage) {
  Connection connection("quotas");
  bool answered = false;
  if (co_await connection.open(stage.broker, in(5s))) {
    const auto reply = co_await ask<kafka::DescribeClientQuotasResponse>(
        stage, connection, 1, kafka::DescribeClientQuotasRequest{});
    answered = reply && reply->message.error_code == 0 && reply->message.entries;
    if (answered) {
      QuotaFacts there = quotas_of(reply->message);
      for (const auto& [name, fact] : stage.quotas) {
        const auto is = there[name].acked;
        stage.oracle.expect(
            is == fact.acked || is == fact.asked, "I1",
            fmt::format("quota {} is {}, acknowledged was {}", name, text(is), text(fact.acked)));
      }
      for (const auto& [name, is] : there) {
        stage.oracle.expect(
            !is.acked || stage.quotas.contains(name), "I1",
            fmt::format("quota {} is {}, and nobody asked for it", name, text(is.acked)));
      }
    }
  }
  co_await connection.close();
  co_return answered;
}

}  // namespace odradek::simulation
