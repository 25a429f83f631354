// AlterReplicaLogDirs (KIP-113): begins to move partitions from one of log.dirs to another.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handlers/handlers.h"
#include "cmd/broker/serve_api.h"
#include "log/checkpoint_files.h"
#include "net/kafka/messages/alter_replica_log_dirs_request.h"
#include "net/kafka/messages/alter_replica_log_dirs_response.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

using Request = kafka::AlterReplicaLogDirsRequest;
using Reply = kafka::AlterReplicaLogDirsResponse;
// By topic and partition: where to. The last one that names a partition counts, as with Kafka.
using Wanted = std::map<std::string, std::map<int32_t, std::string>>;

constexpr size_t kNameBytesMax = 255;

Task<KafkaError> move_here(BrokerShard& shard, log::TopicPartition id, std::string directory) {
  const Status moving = co_await shard.logs().move_partition(id, std::move(directory));
  if (moving) co_return KafkaError::none;
  const Errc why = moving.error().code;
  co_return why == Errc::moved || why == Errc::closed ? KafkaError::replica_not_available
                                                      : KafkaError::kafka_storage_error;
}

// In Kafka's order of checks.
Task<KafkaError> move(RequestContext& context, std::string topic, int32_t partition,
                      std::string directory) {
  const std::string copy = log::future_directory_name(topic, log::PartitionId(partition), Uuid());
  if (copy.size() > kNameBytesMax) co_return KafkaError::invalid_topic;
  const auto& directories = context.shard.config().log_directories;
  if (std::ranges::find(directories, directory) == directories.end()) {
    co_return KafkaError::log_dir_not_found;
  }
  const metadata::Topic* found = context.shard.image().current().find_topic(topic);
  if (!found || !found->partition(log::PartitionId(partition))) {
    co_return KafkaError::unknown_topic_or_partition;
  }
  const log::TopicPartition id{found->id(), log::PartitionId(partition)};
  Broker* broker = &context.shard.broker();
  co_return co_await reactor::submit_to(context.shard.placement().owner(id),
                                        [broker, id, directory = std::move(directory)]() mutable {
                                          return move_here(broker->local(), id,
                                                           std::move(directory));
                                        });
}

Task<void> alter_replica_log_dirs(RequestContext& context, const Request& request, Reply& reply,
                                  Response&) {
  Wanted wanted;
  for (const auto& directory : request.dirs) {
    for (const auto& topic : directory.topics) {
      for (const int32_t partition : topic.partitions) {
        wanted[std::string(topic.name)][partition] = std::string(directory.path);
      }
    }
  }
  for (const auto& [topic, partitions] : wanted) {
    auto& out = reply.results.emplace_back();
    out.topic_name = context.keep(topic);
    for (const auto& [partition, directory] : partitions) {
      const KafkaError error = co_await move(context, topic, partition, directory);
      out.partitions.push_back({partition, code(error)});
    }
  }
  reply.throttle_time_ms = context.throttle_ms;
}

}  // namespace

ServeResult serve_alter_replica_log_dirs(RequestContext& context, wire::Reader& reader) {
  return serve_api<Request, Reply, &alter_replica_log_dirs>(context, reader);
}

}  // namespace odradek::broker
