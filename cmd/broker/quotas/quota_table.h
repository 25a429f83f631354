// Which quota meets which client: what the metadata image has of client quotas, arranged to be
// looked up, with Kafka's precedence:
//
//   user + client > user + any client > user > any user + client > any user + any client
//     > any user > client > any client
//
// What a quota bounds is counted for all clients together that it meets under the same tags: a
// user's quota for all its clients, a client's for all connections with that client id, a default
// for each one that it stands in for alone. Immutable after of(); one a shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/key_hash.h"
#include "replication/metadata/image.h"

namespace odradek::broker {

enum class QuotaKind : uint8_t { produce, fetch, request, mutation, connection };
inline constexpr size_t kQuotaKinds = 5;
std::string_view quota_name(QuotaKind kind);  // as metrics and help name it

// Who shares one account, and what it may use: bytes a second, percent of one thread, partitions a
// second.
struct QuotaMatch {
  std::string account;  // kQuotaAccountNameMax at most
  double limit = 0;
};

class QuotaTable {
 public:
  // `names` makes the names of accounts short; all shards have the same.
  static QuotaTable of(const metadata::Image& image, const log::KeyHasher& names);

  // Whether any quota of that kind is set at all.
  bool any(QuotaKind kind) const;
  // Whether a quota is set of any kind that clients' requests meet.
  bool any_of_requests() const;
  // Nothing when no quota meets this client. REQUIRES: kind is not `connection`.
  std::optional<QuotaMatch> match(QuotaKind kind, std::string_view user,
                                  std::string_view client_id) const;
  // Connections a second from this address (metadata::canonical_ip).
  std::optional<double> connections(std::string_view address) const;
  // Names of hosts among the ips: they count for an address only after name_host().
  std::vector<std::string> hosts() const;
  void name_host(const std::string& host, const std::string& address);

 private:
  using Name = std::optional<std::string>;  // none: the default
  struct Bounds {
    std::map<std::pair<Name, Name>, double> both;  // of user and client
    std::map<Name, double> users;
    std::map<Name, double> clients;
  };
  struct Tags {
    std::string_view user;
    std::string_view client;
  };
  static Tags tags(const Bounds& bounds, std::string_view user, std::string_view client);
  static std::optional<double> limit(const Bounds& bounds, const Tags& tags);
  void add(const metadata::QuotaEntity& entity, std::string_view key, double value);
  std::string account(QuotaKind kind, const Tags& tags) const;

  log::KeyHasher names_{0, 0};
  std::array<Bounds, kQuotaKinds> bounds_;  // of all but connections
  std::map<Name, double> ips_;
};

}  // namespace odradek::broker
