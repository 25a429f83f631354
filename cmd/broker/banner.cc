#include "cmd/broker/banner.h"

#include "cmd/version.h"
#include "reactor/logger.h"

namespace odradek::broker {

static std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

static std::string printed_host(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

void print_banner(Broker& broker, Duration took) {
  const BrokerConfig& config = broker.config();
  using reactor::log_info;
  using reactor::log_warning;
  log_info("Odradek {} node {} cluster {}", kVersion, config.node_id, broker.cluster_id());
  std::string bootstrap;
  for (const Listener& l : config.listeners) {
    log_info("  listening   {}://{}:{}{}", l.name, l.host.empty() ? "*" : printed_host(l.host),
             l.port, l.controller ? " (controller)" : "");
    if (bootstrap.empty() && !l.controller) {
      bootstrap = printed_host(l.advertised_host) + ":" + std::to_string(l.advertised_port);
    }
  }
  if (config.http) {
    log_info("  http        http://{}:{}/ (metrics, health, api)",
             config.http->host.empty() ? "*" : printed_host(config.http->host), config.http->port);
  }
  log_info("  directory   {}", joined(config.log_directories));
  log_info("  shards      {} on {} usable cores", config.shards, config.cores);
  log_info("  durability  {}", config.durability == log::Durability::flushed
                                   ? "flushed (an acknowledged record is on stable storage)"
                                   : "written (flushed within 256 KiB or 100 ms of the write)");
  log_info("  memory      {} MiB", config.memory_bytes >> 20);
  log_info("  ring        io_uring, single issuer, deferred task run");
  if (config.shards > config.cores) {
    log_warning("more shards than usable cores: they will take turns");
  }
  if (!config.ignored.empty()) {
    log_warning("these properties were set and do nothing here: {}", joined(config.ignored));
  }
  if (!config.unknown.empty()) {
    log_warning("these properties are unknown: {}", joined(config.unknown));
  }
  log_info("ready in {} ms; connect with  kcat -b {} -L",
           std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), bootstrap);
}

}  // namespace odradek::broker
