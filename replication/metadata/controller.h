// The controller: the one writer of cluster metadata. It leads `__cluster_metadata-0`, turns
// requests into KRaft records, makes them durable, applies them to the image and has the new image
// published on every shard before it answers: who creates a topic and then asks any shard for it
// finds it.
//
// Owner: the broker, on the metadata shard (shard 0), which alone calls it. Requests are carried
// out one at a time, in order of arrival; at most kControllerRequestsMax wait. A failed write of
// the metadata log ends its leadership: every later request answers not_controller, and the broker
// should stop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reactor/base/result.h"
#include "reactor/task.h"
#include "reactor/wait.h"
#include "replication/kafka_code.h"
#include "replication/metadata/image.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/metadata_log.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/topic_configs.h"
#include "replication/quorum/quorum.h"

namespace odradek::metadata {

// Installs `image` on every shard (ShardImage::install) and returns the smallest of what those
// returned, after the last shard has it. The image stays valid until a later publish returns a
// larger number.
using Publish = std::function<reactor::Task<log::Offset>(const Image* image)>;

struct ControllerOptions {
  MetadataLogOptions log;                      // directory, node id, cluster id
  std::vector<Endpoint> broker_endpoints;      // as advertised, without the controller's listeners
  std::vector<Endpoint> controller_endpoints;  // may be empty
  std::optional<std::string> rack;
  std::vector<Uuid> log_directory_ids;     // directory.id of each log.dirs, in its order
  int32_t partitions_default = 1;          // num.partitions
  int16_t replication_factor_default = 1;  // default.replication.factor
  TopicDefaults topic_defaults;            // the broker's own defaults of topic configs
  // As in PlanContext; outlives the controller.
  std::function<std::optional<std::string>(const ConfigMap&)> group_fault;
  std::function<std::optional<Fault>(const ConfigMap&)> client_metrics_fault;
  // metadata.log.max.record.bytes.between.snapshots
  uint64_t snapshot_every_bytes = kSnapshotEveryBytes;
  // metadata.log.max.snapshot.interval.ms: the age at which a commit makes a snapshot; 0: at none.
  int64_t snapshot_every_ms = kSnapshotEveryMs;
};

class Controller {
 public:
  // Recovers the metadata log (formatting the directory when it is new), takes the lead in a new
  // epoch, registers this node as controller and as broker (unfenced), and publishes the first
  // image. `publish` is called on the metadata shard only.
  static reactor::Task<Result<std::unique_ptr<Controller>>> start(ControllerOptions options,
                                                                  Publish publish);
  // For start() only.
  Controller(ControllerOptions options, Publish publish, std::unique_ptr<MetadataLog> log);
  ~Controller();

  // In all requests: each answer is final, and what it says is durable and published when the task
  // ends. The answers stand in the order of the request. Errors that strike the whole request
  // (not_controller, kafka_storage_error) stand on each of its parts.

  // Kafka's rules and messages; checked against Kafka 4.3. `may_mutate` as in PlanContext; it is
  // called on the metadata shard before the task ends.
  using MayMutate = std::function<bool(int32_t partitions)>;
  reactor::Task<std::vector<TopicResult>> create_topics(std::vector<NewTopic> topics,
                                                        bool validate_only,
                                                        MayMutate may_mutate = {});
  reactor::Task<std::vector<TopicResult>> delete_topics(std::vector<TopicToDelete> topics,
                                                        MayMutate may_mutate = {});
  reactor::Task<std::vector<TopicResult>> create_partitions(std::vector<MorePartitions> topics,
                                                            bool validate_only,
                                                            MayMutate may_mutate = {});
  // IncrementalAlterConfigs and AlterConfigs. A resource is changed as a whole or not at all.
  reactor::Task<std::vector<AlterResult>> alter_configs(std::vector<ConfigAlteration> alterations,
                                                        bool validate_only);
  // An entity is altered as a whole or not at all.
  reactor::Task<std::vector<QuotaResult>> alter_quotas(std::vector<QuotaAlteration> alterations,
                                                       bool validate_only);
  // UpdateFeatures: all of them or none.
  reactor::Task<Outcome> update_features(std::vector<FeatureUpdate> updates, bool validate_only);
  reactor::Task<Outcome> unregister_broker(NodeId id);
  // A block that nobody was given before and nobody will be given again.
  reactor::Task<ProducerIdBlock> allocate_producer_ids();
  // A new leader epoch for every partition that this node leads: before the first append after an
  // unclean start. Also when `only` names partitions.
  reactor::Task<KafkaCode> bump_leader_epochs();

  // The newest applied image; ahead of what shards have seen while a publish is on its way. Good
  // until the next await.
  const Image& image() const { return *images_.back(); }
  bool leading() const { return quorum_.role() == quorum::Role::leader; }
  const quorum::Quorum& quorum() const { return quorum_; }
  const MetadataLog& log() const { return *log_; }

  // Writes a snapshot now and trims the log below it. Runs by itself too: when the log has grown or
  // aged as the options say, and at a stop.
  reactor::Task<Status> write_snapshot();
  // Finishes what runs, writes a snapshot (a failure of that alone is a warning: the log has
  // everything), resigns and closes the log. REQUIRES: no shard uses an image any more when the
  // Controller is destroyed.
  reactor::Task<Status> stop();

 private:
  reactor::Task<Status> recover();
  reactor::Task<Status> take_lead();
  reactor::Task<Status> bootstrap();
  reactor::Task<Status> register_self();
  reactor::Task<Status> carry_out(quorum::Effects effects);
  reactor::Task<Status> begin_epoch(quorum::Lead lead);
  reactor::Task<Status> append_all(const std::vector<RecordList>& batches, int64_t time_ms);
  reactor::Task<Status> append_durably(std::vector<uint8_t> batch);
  reactor::Task<Status> commit(RecordList records);
  reactor::Task<KafkaCode> commit_and_publish(RecordList records);
  reactor::Task<void> publish_newest();
  bool snapshot_due() const;
  reactor::Task<Status> snapshot();
  PlanContext plan_context(MayMutate may_mutate = {}) const;
  reactor::Task<KafkaCode> enter();
  void leave() { turn_.release(1); }

  // Fixed at construction.
  ControllerOptions options_;
  Publish publish_;
  // Written by the request that has the turn.
  std::unique_ptr<MetadataLog> log_;
  quorum::Quorum quorum_;
  std::deque<std::unique_ptr<const Image>> images_;  // ascending numbers; the last is the newest
  log::Offset committed_{0};
  int64_t broker_epoch_ = -1;
  MonoTime snapshot_at_;      // of the newest snapshot of this process, or its start
  bool abort_first_ = false;  // the log ends inside a transaction
  bool stopped_ = false;
  reactor::Semaphore turn_{1};
  // Written by enter().
  uint32_t waiting_ = 0;
};

}  // namespace odradek::metadata
