#include "cmd/broker/broker_metrics.h"

#include "cmd/broker/broker.h"
#include "cmd/version.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"

namespace odradek::broker {

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;
using Unit = reactor::MetricUnit;

constexpr MetricInfo kAccepted{counter, "odradek_connections_accepted_total",
                               "Connections of clients that were accepted"};
constexpr MetricInfo kRefused{counter, "odradek_connections_refused_total",
                              "Connections closed because max.connections were open"};
constexpr MetricInfo kOpen{gauge, "odradek_connections", "Connections of clients that are open"};
constexpr MetricInfo kBuild{gauge, "odradek_build_info", "Always 1; the labels say what runs"};
constexpr MetricInfo kDurability{gauge, "odradek_durability_info",
                                 "Always 1; the label is the durability of the broker"};
constexpr MetricInfo kShards{gauge, "odradek_shards", "Shards of the broker"};
constexpr MetricInfo kMemory{gauge, "odradek_memory_limit_bytes", "The bound of all memory",
                             Unit::bytes};
constexpr MetricInfo kReady{gauge, "odradek_ready", "1 while clients are served"};
constexpr MetricInfo kTopics{gauge, "odradek_topics", "Topics of the cluster"};
constexpr MetricInfo kMetadata{gauge, "odradek_metadata_offset",
                               "Offset of the newest record of the cluster's metadata"};
constexpr MetricInfo kStart{gauge, "process_start_time_seconds",
                            "When the process started, in seconds since 1970", Unit::seconds};
constexpr MetricInfo kCpu{counter, "process_cpu_seconds_total", "CPU time of the process",
                          Unit::seconds};
constexpr MetricInfo kResident{gauge, "process_resident_memory_bytes",
                               "Resident memory of the process", Unit::bytes};
constexpr MetricInfo kFiles{gauge, "process_open_fds", "Open file descriptors of the process"};
constexpr MetricInfo kFilesMax{gauge, "process_max_fds",
                               "How many file descriptors the process may have open"};

int64_t number(uint64_t value) { return static_cast<int64_t>(value); }

}  // namespace

BrokerMetrics::BrokerMetrics(Broker& broker)
    : connections_accepted(reactor::this_shard().metrics().counter(kAccepted)),
      connections_refused(reactor::this_shard().metrics().counter(kRefused)) {
  auto& metrics = reactor::this_shard().metrics();
  const auto watch = [&](const MetricInfo& info, std::function<int64_t()> read,
                         std::string labels = {}) {
    watches_.push_back(metrics.watch(info, std::move(labels), std::move(read)));
  };
  const Broker* b = &broker;
  const BrokerConfig& config = broker.config();
  const bool flushed = config.durability == log::Durability::flushed;
  watch(kBuild, [] { return 1; }, reactor::metric_labels({{"version", kVersion}}));
  watch(
      kDurability, [] { return 1; },
      reactor::metric_labels({{"mode", flushed ? "flushed" : "written"}}));
  watch(kOpen, [b] { return number(b->connections_open()); });
  watch(kShards, [shards = config.shards] { return int64_t{shards}; });
  watch(kMemory, [bytes = config.memory_bytes] { return number(bytes); });
  watch(kReady, [b] { return b->phase() == Broker::Phase::serving ? 1 : 0; });
  watch(kTopics, [b] { return b->image() ? number(b->image()->topic_count()) : 0; });
  watch(kMetadata, [b] { return b->image() ? b->image()->number().value : -1; });
  watch(kStart, [ms = reactor::this_shard().wall_now().ms] { return ms * 1'000'000; });
  watch(kCpu, [] { return reactor::process_usage().cpu.count(); });
  watch(kResident, [] { return number(reactor::process_usage().resident_bytes); });
  watch(kFiles, [] { return number(reactor::process_usage().open_files); });
  watch(kFilesMax, [] { return number(reactor::process_usage().open_files_max); });
}

}  // namespace odradek::broker
