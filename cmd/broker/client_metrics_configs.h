// The configurations of subscriptions to metrics of clients (KIP-714): names, types and bounds of
// Kafka 4.3.1. They are kept and described, as by a Kafka broker without a plug-in that takes such
// metrics: neither offers clients the requests that send them.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cmd/broker/broker_config_defs.h"
#include "cmd/broker/config_view.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

struct ClientMetricsConfigDef {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  std::string_view doc;
};
std::span<const ClientMetricsConfigDef> client_metrics_config_defs();

// Kafka's code and message when a subscription may not have all of `set`; absent when it may.
std::optional<metadata::Fault> client_metrics_fault(const metadata::ConfigMap& set);
// Everywhere it is set, in the order that decides; never empty. `set` may be null.
std::vector<ConfigSynonym> synonyms_of_client_metrics(const ClientMetricsConfigDef& def,
                                                      const metadata::ConfigMap* set);

}  // namespace odradek::broker
