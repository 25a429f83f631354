// DescribeLogDirs (KIP-113, KIP-827): which partitions lie in which of log.dirs, their bytes, and
// how full the file systems are.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/messages/describe_log_dirs_request.h"
#include "net/kafka/messages/describe_log_dirs_response.h"
#include "reactor/file.h"
#include "reactor/shard.h"
#include "reactor/timer.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::DescribeLogDirsRequest;
using Reply = kafka::DescribeLogDirsResponse;

struct Found {
  std::string directory;
  std::string topic;
  int32_t partition = 0;
  int64_t bytes = 0;
  int64_t lag = 0;      // of a copy, in offsets
  bool future = false;  // it is being copied to here
};
// By topic name; absent: every partition.
using Wanted = std::optional<std::map<std::string, std::set<int32_t>, std::less<>>>;

// One topic's partitions on this shard. What is given outlives it.
Task<void> find_here(BrokerShard& shard, const metadata::Topic& topic,
                     const std::set<int32_t>* only, std::vector<Found>& out) {
  for (int32_t i = 0; i < topic.partition_count(); ++i) {
    if (only && !only->contains(i)) continue;
    const log::TopicPartition id{topic.id(), log::PartitionId(i)};
    if (shard.logs().future_of(id)) co_await shard.logs().wait_handed_over(id);
    const log::PartitionLog* log = shard.logs().find(id);
    if (!log) continue;
    out.push_back({log->log_directory(), topic.name(), i, static_cast<int64_t>(log->size_bytes())});
    const auto copy = shard.logs().future_of(id);
    if (!copy) continue;
    out.push_back({.directory = copy->directory,
                   .topic = topic.name(),
                   .partition = i,
                   .bytes = static_cast<int64_t>(copy->bytes),
                   .lag = log->log_end().value - copy->next.value,
                   .future = true});
  }
}

Task<std::vector<Found>> look_on(BrokerShard& shard, Wanted wanted) {
  const auto image = shard.image().pin();
  std::vector<const metadata::Topic*> topics;
  image->for_each_topic([&](const metadata::Topic& topic) { topics.push_back(&topic); });
  std::vector<Found> out;
  size_t seen = 0;
  for (const metadata::Topic* topic : topics) {
    const std::set<int32_t>* only = nullptr;
    if (wanted) {
      const auto entry = wanted->find(topic->name());
      if (entry == wanted->end()) continue;
      only = &entry->second;
    }
    co_await find_here(shard, *topic, only, out);
    seen += static_cast<size_t>(topic->partition_count());
    if (seen < kPartitionsPerTurn) continue;
    seen = 0;
    co_await reactor::yield();
  }
  co_return out;
}

Wanted wanted_of(const Request& request) {
  if (!request.topics) return std::nullopt;
  Wanted wanted(std::in_place);
  for (const auto& topic : *request.topics) {
    (*wanted)[std::string(topic.topic)].insert(topic.partitions.begin(), topic.partitions.end());
  }
  return wanted;
}

Task<std::vector<Found>> look_everywhere(RequestContext& context, Wanted wanted) {
  std::vector<Found> all;
  Broker* broker = &context.shard.broker();
  for (uint32_t i = 0; i < context.shard.config().shards; ++i) {
    auto part = co_await reactor::submit_to(
        reactor::ShardId(i), [broker, wanted] { return look_on(broker->local(), wanted); });
    std::ranges::move(part, std::back_inserter(all));
  }
  std::ranges::sort(all, {},
                    [](const Found& f) { return std::tie(f.directory, f.topic, f.partition); });
  co_return all;
}

void list(RequestContext& context, const std::vector<Found>& all, const std::string& directory,
          Reply::DescribeLogDirsResult& out) {
  const Found* last = nullptr;
  for (const Found& found : all) {
    if (found.directory != directory) continue;
    if (!last || last->topic != found.topic) {
      out.topics.emplace_back().name = context.keep(found.topic);
    }
    last = &found;
    auto& p = out.topics.back().partitions.emplace_back();
    p.partition_index = found.partition;
    p.partition_size = found.bytes;
    p.offset_lag = found.lag;
    p.is_future_key = found.future;
  }
}

Task<void> describe_log_dirs(RequestContext& context, const Request& request, Reply& reply,
                             Response&) {
  const auto all = co_await look_everywhere(context, wanted_of(request));
  for (const std::string& directory : context.shard.config().log_directories) {
    auto& out = reply.results.emplace_back();
    out.log_dir = directory;
    // A failed disk may still tell its space. Kafka says the error alone, too. A failure is every
    // shard's.
    if (!context.shard.logs().serves(directory)) {
      out.error_code = code(KafkaError::kafka_storage_error);
      continue;
    }
    const auto space = co_await reactor::stat_filesystem(directory);
    if (space) {
      out.total_bytes = static_cast<int64_t>(space->total);
      out.usable_bytes = static_cast<int64_t>(space->available);
    } else {
      out.error_code = code(KafkaError::kafka_storage_error);
    }
    list(context, all, directory, out);
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_describe_log_dirs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &describe_log_dirs>(context, reader);
}

}  // namespace odradek::broker
