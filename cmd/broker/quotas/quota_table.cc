#include "cmd/broker/quotas/quota_table.h"

#include <fmt/format.h>

#include <initializer_list>

#include "cmd/broker/limits.h"
#include "reactor/base/check.h"
#include "replication/metadata/client_quotas.h"

namespace odradek::broker {

using metadata::QuotaEntity;

namespace {

std::optional<QuotaKind> kind_of(std::string_view key) {
  if (key == metadata::kProducerByteRate) return QuotaKind::produce;
  if (key == metadata::kConsumerByteRate) return QuotaKind::fetch;
  if (key == metadata::kRequestPercentage) return QuotaKind::request;
  if (key == metadata::kControllerMutationRate) return QuotaKind::mutation;
  return std::nullopt;
}

template <class Key>
std::optional<double> find(const std::map<Key, double>& bounds, const Key& key) {
  const auto found = bounds.find(key);
  return found == bounds.end() ? std::nullopt : std::optional(found->second);
}

// The first that is set.
template <class Key>
std::optional<double> first_of(const std::map<Key, double>& bounds,
                               std::initializer_list<Key> keys) {
  for (const Key& key : keys) {
    if (auto value = find(bounds, key)) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view quota_name(QuotaKind kind) {
  constexpr std::array<std::string_view, kQuotaKinds> kNames{"produce", "fetch", "request",
                                                             "controller_mutation", "connection"};
  return kNames[static_cast<size_t>(kind)];
}

void QuotaTable::add(const QuotaEntity& entity, std::string_view key, double value) {
  if (const auto ip = entity.find(metadata::kQuotaIp); ip != entity.end()) {
    if (key != metadata::kConnectionCreationRate) return;
    Name address = ip->second;
    if (address) address = metadata::canonical_ip(*address).value_or(*address);
    ips_[address] = value;
    return;
  }
  const auto kind = kind_of(key);
  if (!kind) return;
  Bounds& bounds = bounds_[static_cast<size_t>(*kind)];
  const auto user = entity.find(metadata::kQuotaUser);
  const auto client = entity.find(metadata::kQuotaClientId);
  if (user != entity.end() && client != entity.end()) {
    bounds.both[{user->second, client->second}] = value;
  } else if (user != entity.end()) {
    bounds.users[user->second] = value;
  } else if (client != entity.end()) {
    bounds.clients[client->second] = value;
  }
}

QuotaTable QuotaTable::of(const metadata::Image& image, const log::KeyHasher& names) {
  QuotaTable table;
  table.names_ = names;
  image.for_each_quota([&](const QuotaEntity& entity, const metadata::QuotaValues& values) {
    for (const auto& [key, value] : values) table.add(entity, key, value);
  });
  return table;
}

bool QuotaTable::any(QuotaKind kind) const {
  if (kind == QuotaKind::connection) return !ips_.empty();
  const Bounds& bounds = bounds_[static_cast<size_t>(kind)];
  return !bounds.both.empty() || !bounds.users.empty() || !bounds.clients.empty();
}

bool QuotaTable::any_of_requests() const {
  return any(QuotaKind::produce) || any(QuotaKind::fetch) || any(QuotaKind::request) ||
         any(QuotaKind::mutation);
}

// With quotas of one sort only, everybody has tags of that sort; with several, the most exact quota
// that is set decides (Kafka's quotaMetricTags).
QuotaTable::Tags QuotaTable::tags(const Bounds& bounds, std::string_view user,
                                  std::string_view client) {
  const bool both = !bounds.both.empty();
  const bool users = !bounds.users.empty();
  const bool clients = !bounds.clients.empty();
  if (both && !users && !clients) return {user, client};
  if (users && !both && !clients) return {user, {}};
  if (!users && !both) return {{}, client};
  const Name u{std::in_place, user};
  const Name c{std::in_place, client};
  const Name any;
  if (bounds.both.contains({u, c}) || bounds.both.contains({u, any})) return {user, client};
  if (bounds.users.contains(u)) return {user, {}};
  if (bounds.both.contains({any, c}) || bounds.both.contains({any, any})) return {user, client};
  if (bounds.users.contains(any)) return {user, {}};
  return {{}, client};
}

std::optional<double> QuotaTable::limit(const Bounds& bounds, const Tags& tags) {
  const Name u{std::in_place, tags.user};
  const Name c{std::in_place, tags.client};
  const Name any;
  if (!tags.user.empty() && !tags.client.empty()) {
    return first_of<std::pair<Name, Name>>(bounds.both, {{u, c}, {u, any}, {any, c}, {any, any}});
  }
  if (!tags.user.empty()) return first_of<Name>(bounds.users, {u, any});
  if (!tags.client.empty()) return first_of<Name>(bounds.clients, {c, any});
  return std::nullopt;
}

std::optional<QuotaMatch> QuotaTable::match(QuotaKind kind, std::string_view user,
                                            std::string_view client_id) const {
  CHECK(kind != QuotaKind::connection);
  const Bounds& bounds = bounds_[static_cast<size_t>(kind)];
  const Tags shared = tags(bounds, user, client_id);
  const auto bound = limit(bounds, shared);
  if (!bound) return std::nullopt;
  return QuotaMatch{account(kind, shared), *bound};
}

// A client id may have 32 KB, and accounts are bounded by their number: a long name is kept as its
// hash. The hash is keyed, so that nobody can choose a name that shares somebody else's account.
std::string QuotaTable::account(QuotaKind kind, const Tags& tags) const {
  // The length keeps apart what a name may contain.
  std::string name =
      fmt::format("{}:{}:{}:{}", static_cast<int>(kind), tags.user.size(), tags.user, tags.client);
  if (name.size() <= kQuotaAccountNameMax) return name;
  const log::KeyHash hash = names_(as_bytes(name));
  return fmt::format("#{:016x}{:016x}", hash.high, hash.low);
}

std::optional<double> QuotaTable::connections(std::string_view address) const {
  return first_of<Name>(ips_, {Name{std::in_place, address}, Name{}});
}

std::vector<std::string> QuotaTable::hosts() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : ips_) {
    if (name && !metadata::canonical_ip(*name)) out.push_back(*name);
  }
  return out;
}

void QuotaTable::name_host(const std::string& host, const std::string& address) {
  if (const auto bound = find(ips_, Name(host))) ips_[address] = *bound;
}

}  // namespace odradek::broker
