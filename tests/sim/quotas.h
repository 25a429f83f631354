// Client quotas as an administrator sets and removes them while clients work, mostly of clients
// that nobody is. What was acknowledged is there ever after, and what was asked for last may be.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "reactor/base/prng.h"
#include "reactor/task.h"

namespace odradek::simulation {

struct Stage;

// Of one entity and one kind of quota; absent: none is set.
struct QuotaFact {
  std::optional<double> acked;
  std::optional<double> asked;
};
// By "<user>/<client id>/<quota>".
using QuotaFacts = std::map<std::string, QuotaFact>;

// One change of the quotas of some client, asked for until it is acknowledged, then looked at.
reactor::Task<void> change_quota(Stage& stage, Prng prng);
// Gives the client with this id a quota, as one that is used.
reactor::Task<void> set_client_quota(Stage& stage, std::string client_id, std::string quota,
                                     double value, Prng prng);
// Whether somebody answered; what is wrong the oracle hears.
reactor::Task<bool> check_quotas(Stage& stage);

}  // namespace odradek::simulation
