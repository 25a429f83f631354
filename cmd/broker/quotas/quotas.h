// One shard's part of the client quotas: which quotas meet whom (QuotaTable), and what was used of
// those accounts that have their home here (QuotaBook). Nothing is shared: an account's home is one
// shard by the hash of its name, connections of other shards ask it by message. Controller
// mutations and connections are counted on shard 0, where they happen.
//
// Owned by the BrokerShard; only its shard calls it. Without a quota that meets it a request costs
// one comparison.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/broker/quotas/quota_book.h"
#include "cmd/broker/quotas/quota_table.h"
#include "reactor/metrics.h"
#include "reactor/task.h"
#include "reactor/wait.h"

namespace odradek::broker {

class Broker;
struct BrokerConfig;

// The quotas that one connection's requests meet. Kept by the connection, renewed when its client
// id or the quotas change.
struct ClientQuotas {
  uint64_t version = 0;
  std::string client_id;
  std::optional<QuotaMatch> produce;
  std::optional<QuotaMatch> fetch;
  std::optional<QuotaMatch> request;
  std::optional<QuotaMatch> mutation;
};

class Quotas {
 public:
  Quotas(Broker& broker, const BrokerConfig& config);
  // Takes the quotas of an image; it need not outlive the call.
  void install(const metadata::Image& image);
  // Waits for names of hosts that are being looked up.
  reactor::Task<void> stop();

  // Whether clients' requests may meet a quota at all.
  bool any() const { return any_; }
  void renew(ClientQuotas& client, std::string_view user, std::string_view client_id) const;
  // Charges the account at its home: how many milliseconds its sender has to be held back.
  reactor::Task<int32_t> charge(QuotaCharge charge);
  // The same for an account that has its home here.
  int32_t charge_here(const QuotaCharge& charge);
  // QuotaBook::mutate. REQUIRES: called on shard 0.
  bool mutate(const QuotaMatch& match, double amount, bool strict, int32_t* throttle_ms);
  // A connection that was accepted: how long it has to be held and not served, 0 when it may be
  // served. REQUIRES: called on shard 0.
  int32_t connect(int fd);
  // More bytes than this in one fetch would be throttled whatever came before.
  uint64_t fetch_bytes_max(const QuotaMatch& match) const;

  // Somebody is held back.
  void count_throttle(QuotaKind kind, int32_t throttle_ms);
  // Requests that run on this shard, but for those that wait as they were asked to.
  uint32_t running = 0;

 private:
  reactor::Task<void> look_up(std::string host);

  // Fixed at construction.
  Broker& broker_;
  QuotaWindows windows_;
  QuotaWindows mutation_windows_;
  struct Counters {
    reactor::Counter* throttles;
    reactor::Counter* time;
  };
  std::array<Counters, kQuotaKinds> counters_{};
  // Written by install() and look_up().
  QuotaTable table_;
  uint64_t version_ = 0;
  bool any_ = false;
  // Of the hosts that have a quota by name; empty while it is looked up. A host is looked up once,
  // not at every change of any quota; without an address, again at the next. On shard 0 only.
  std::map<std::string, std::string> addresses_;
  // Written by the charges.
  QuotaBook book_;
  QuotaBook mutations_;
  reactor::Gate look_ups_;
  reactor::MetricWatch accounts_;  // reads the books
};

}  // namespace odradek::broker
