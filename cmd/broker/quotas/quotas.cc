#include "cmd/broker/quotas/quotas.h"

#include <algorithm>
#include <utility>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/limits.h"
#include "reactor/logger.h"
#include "reactor/shard.h"
#include "reactor/socket.h"
#include "replication/metadata/client_quotas.h"

namespace odradek::broker {

using reactor::ShardId;
using reactor::Task;

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;

constexpr MetricInfo kThrottles{counter, "odradek_throttles_total",
                                "Answers and connections that a client quota held back, by quota"};
constexpr MetricInfo kThrottleTime{counter, "odradek_throttle_seconds_total",
                                   "How long client quotas held clients back, by quota",
                                   reactor::MetricUnit::seconds};
constexpr MetricInfo kAccounts{gauge, "odradek_quota_accounts",
                               "Users, clients and addresses whose use of a quota is remembered"};

int64_t now_ms() {
  const Duration now = reactor::this_shard().now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Task<int32_t> charge_at_home(Broker* broker, QuotaCharge charge) {
  co_return broker->local().quotas().charge_here(charge);
}

}  // namespace

Quotas::Quotas(Broker& broker, const BrokerConfig& config)
    : broker_(broker),
      windows_{config.quota_windows, config.quota_window_seconds * 1000},
      mutation_windows_{config.mutation_windows, config.mutation_window_seconds * 1000},
      book_(windows_, kQuotaAccountsMax),
      mutations_(mutation_windows_, kQuotaAccountsMax) {
  auto& metrics = reactor::this_shard().metrics();
  for (size_t i = 0; i < kQuotaKinds; ++i) {
    const std::string labels =
        reactor::metric_labels({{"quota", quota_name(static_cast<QuotaKind>(i))}});
    counters_[i] = {&metrics.counter(kThrottles, labels), &metrics.counter(kThrottleTime, labels)};
  }
  const std::string shard = std::to_string(reactor::this_shard().id().value);
  accounts_ = metrics.watch(kAccounts, reactor::metric_labels({{"shard", shard}}), [this] {
    return static_cast<int64_t>(book_.size() + mutations_.size());
  });
}

void Quotas::install(const metadata::Image& image) {
  table_ = QuotaTable::of(image, broker_.quota_names());
  any_ = table_.any_of_requests();
  ++version_;
  if (reactor::this_shard().id() != ShardId(0)) return;
  auto known = std::exchange(addresses_, {});
  for (std::string& host : table_.hosts()) {
    auto found = known.extract(host);
    if (found.empty()) {
      addresses_.emplace(host, "");
      look_ups_.spawn("host of a quota", look_up(std::move(host)));
    } else {
      if (!found.mapped().empty()) table_.name_host(host, found.mapped());
      addresses_.insert(std::move(found));
    }
  }
}

// Whatever was installed meanwhile: it counts when the host still has a quota.
Task<void> Quotas::look_up(std::string host) {
  const auto addresses = co_await reactor::resolve(host, 0);
  const auto wanted = addresses_.find(host);
  if (wanted == addresses_.end()) co_return;
  if (!addresses || addresses->empty()) {
    reactor::log_warning("the quota of ip {} is not in force: the name has no address", host);
    addresses_.erase(wanted);
    co_return;
  }
  const std::string& first = addresses->front().host;
  wanted->second = metadata::canonical_ip(first).value_or(first);
  table_.name_host(host, wanted->second);
}

Task<void> Quotas::stop() { co_await look_ups_.close(); }

void Quotas::renew(ClientQuotas& client, std::string_view user, std::string_view client_id) const {
  if (client.version == version_ && client.client_id == client_id) return;
  client.version = version_;
  client.client_id = client_id;
  client.produce = table_.match(QuotaKind::produce, user, client_id);
  client.fetch = table_.match(QuotaKind::fetch, user, client_id);
  client.request = table_.match(QuotaKind::request, user, client_id);
  client.mutation = table_.match(QuotaKind::mutation, user, client_id);
}

int32_t Quotas::charge_here(const QuotaCharge& charge) { return book_.charge(charge, now_ms()); }

Task<int32_t> Quotas::charge(QuotaCharge charge) {
  const size_t hash = std::hash<std::string>{}(charge.match.account);
  const ShardId home(static_cast<uint32_t>(hash % reactor::this_shard().shard_count()));
  if (home == reactor::this_shard().id()) co_return charge_here(charge);
  Broker* broker = &broker_;
  co_return co_await reactor::submit_to(home, [broker, charge = std::move(charge)]() mutable {
    return charge_at_home(broker, std::move(charge));
  });
}

bool Quotas::mutate(const QuotaMatch& match, double amount, bool strict, int32_t* throttle_ms) {
  return mutations_.mutate(match, amount, strict, now_ms(), throttle_ms);
}

int32_t Quotas::connect(int fd) {
  if (!table_.any(QuotaKind::connection)) return 0;
  const auto peer = reactor::this_shard().driver().peer_address(fd);
  if (!peer) return 0;
  const std::string canonical = metadata::canonical_ip(peer->host).value_or(peer->host);
  const auto limit = table_.connections(canonical);
  if (!limit) return 0;
  return charge_here(
      {QuotaKind::connection, {"ip:" + canonical, *limit}, 1, ChargeMode::if_within});
}

uint64_t Quotas::fetch_bytes_max(const QuotaMatch& match) const {
  const auto windows = static_cast<double>((windows_.count - 1) * windows_.each_ms) / 1000;
  const double bytes = match.limit * windows;
  return bytes < 2147483647.0 ? static_cast<uint64_t>(std::max(bytes, 0.0)) : 2147483647;
}

void Quotas::count_throttle(QuotaKind kind, int32_t throttle_ms) {
  const Counters& counters = counters_[static_cast<size_t>(kind)];
  counters.throttles->add();
  counters.time->add(static_cast<uint64_t>(throttle_ms) * 1'000'000);
}

}  // namespace odradek::broker
