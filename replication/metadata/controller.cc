#include "replication/metadata/controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/batch/batch.h"
#include "reactor/base/check.h"
#include "reactor/logger.h"
#include "reactor/shard.h"
#include "replication/metadata/feature_levels.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/metadata_files.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;
using reactor::Task;

namespace {

quorum::Config quorum_config(const MetadataLog& log) {
  return {log.voters().voters.at(0), log.voters().voters};
}

int64_t now_ms() { return reactor::this_shard().wall_now().ms; }

struct FeatureLevel {
  std::string_view name;
  int16_t level;
};
// What a new cluster begins with: the same as `kafka-storage format` of Kafka 4.3.
constexpr FeatureLevel kNewCluster[] = {{"metadata.version", kMetadataVersionMax},
                                        {"eligible.leader.replicas.version", 1},
                                        {"group.version", 1},
                                        {"share.version", 1},
                                        {"streams.version", 1},
                                        {"transaction.version", 2}};

}  // namespace

Controller::Controller(ControllerOptions options, Publish publish, std::unique_ptr<MetadataLog> log)
    : options_(std::move(options)),
      publish_(std::move(publish)),
      log_(std::move(log)),
      quorum_(quorum_config(*log_), log_->hard_state(), {log_->end(), log_->last_epoch()}),
      snapshot_at_(reactor::this_shard().now()) {}

Controller::~Controller() { CHECK(stopped_ || images_.empty()); }

Task<Result<std::unique_ptr<Controller>>> Controller::start(ControllerOptions options,
                                                            Publish publish) {
  options.log.now_ms = now_ms();
  CO_TRY_ASSIGN(auto log, co_await MetadataLog::open(options.log));
  auto controller =
      std::make_unique<Controller>(std::move(options), std::move(publish), std::move(log));
  Status status = co_await controller->recover();
  if (status) status = co_await controller->take_lead();
  if (status) status = co_await controller->register_self();
  if (!status) {
    // The first error is the one to tell.
    (void)co_await controller->stop();
    co_return fail(std::move(status).error());
  }
  co_await controller->publish_newest();
  co_return controller;
}

Task<Status> Controller::recover() {
  ImageBuilder builder;
  builder.set_cluster_id(options_.log.cluster_id);
  CO_TRY(co_await log_->replay(
      [&builder](const LoggedRecord& record) { return builder.apply(record); }));
  // Who led before died inside a transaction: nothing of it is to be seen.
  abort_first_ = builder.in_transaction();
  if (abort_first_) {
    RecordList abort;
    abort.add(AbortTransactionRecord{}, 0);
    CO_TRY(builder.apply(BytesView(abort.values()[0])));
  }
  images_.push_back(builder.finish());
  co_return Status{};
}

Task<Status> Controller::take_lead() {
  CO_TRY(co_await carry_out(quorum_.step(quorum::Start{})));
  if (abort_first_) {
    RecordList abort;
    abort.add(AbortTransactionRecord{}, 0);
    const std::vector<RecordList> alone{std::move(abort)};
    CO_TRY(co_await append_all(alone, now_ms()));
  }
  if (image().feature_level("metadata.version") == 0) CO_TRY(co_await bootstrap());
  co_return Status{};
}

// Effects come in order, and each may lead to further ones.
Task<Status> Controller::carry_out(quorum::Effects effects) {
  for (const quorum::Effect& effect : effects) {
    if (const auto* save = std::get_if<quorum::SaveState>(&effect)) {
      CO_TRY(co_await log_->save(save->state));
      CO_TRY(co_await carry_out(quorum_.step(quorum::StateSaved{save->state.epoch})));
    } else if (const auto* lead = std::get_if<quorum::Lead>(&effect)) {
      CO_TRY(co_await begin_epoch(*lead));
    } else if (const auto* commit = std::get_if<quorum::Commit>(&effect)) {
      CHECK(commit->end > committed_, commit->end, committed_);
      committed_ = commit->end;
    }
    // Resign needs nothing here: enter() asks the quorum before every request.
  }
  co_return Status{};
}

Task<Status> Controller::begin_epoch(quorum::Lead lead) {
  const Status appended = co_await log_->append_leader_change(std::move(lead), now_ms());
  if (!appended) {
    CO_TRY(co_await carry_out(quorum_.step(quorum::Failed{})));
    co_return appended;
  }
  CO_TRY(co_await carry_out(quorum_.step(quorum::Appended{log_->end()})));
  co_return co_await carry_out(quorum_.step(quorum::Durable{log_->end()}));
}

// Feature levels of a new cluster, in one batch, framed as Kafka's controller frames them. What a
// directory was formatted with stands in bootstrap.checkpoint.
Task<Status> Controller::bootstrap() {
  RecordList records;
  BeginTransactionRecord begin;
  begin.name = "Bootstrap records";
  records.add(begin, 0);
  CO_TRY_ASSIGN(const RecordList formatted, co_await read_bootstrap(options_.log.directory));
  for (const auto& value : formatted.values()) records.add_encoded(value);
  if (formatted.empty()) {
    for (const FeatureLevel& feature : kNewCluster) {
      FeatureLevelRecord record;
      record.name = feature.name;
      record.feature_level = feature.level;
      records.add(record, 0);
    }
  }
  // With eligible leader replicas the minimum is the cluster's, and Kafka wants it to stand there.
  ConfigRecord minimum;
  minimum.resource_type = static_cast<int8_t>(ResourceType::broker);
  minimum.name = "min.insync.replicas";
  const std::string value =
      effective_value(*find_topic_config("min.insync.replicas"), nullptr, options_.topic_defaults);
  minimum.value = value;
  records.add(minimum, 0);
  records.add(EndTransactionRecord{}, 0);
  co_return co_await commit(std::move(records));
}

// Kafka's brokers register fenced and are unfenced when they have caught up with their
// registration; this one has, since the image it serves is published before it serves.
Task<Status> Controller::register_self() {
  const RecordVersions versions = record_versions(image().feature_level("metadata.version"));
  RecordList records;
  ControllerNode node;
  node.id = options_.log.node_id;
  node.incarnation = reactor::this_shard().random_uuid();
  node.endpoints = options_.controller_endpoints;
  node.features = supported_features();
  const bool controllers = image().feature_level("metadata.version") >= kControllersFrom;
  if (controllers) records.add(registration_record(node), 0);

  Broker broker;
  broker.id = options_.log.node_id;
  broker.epoch = log_->end().value + static_cast<int64_t>(records.size());
  broker.incarnation = reactor::this_shard().random_uuid();
  broker.endpoints = options_.broker_endpoints;
  broker.features = supported_features();
  broker.rack = options_.rack;
  if (versions.register_broker >= 3) broker.log_directories = options_.log_directory_ids;
  records.add(registration_record(broker), versions.register_broker);

  BrokerRegistrationChangeRecord unfence;
  unfence.broker_id = broker.id.value;
  unfence.broker_epoch = broker.epoch;
  unfence.fenced = -1;
  records.add(unfence, 0);
  broker_epoch_ = broker.epoch;
  const RecordList elected = plan_leader_epochs(image(), broker.id, true);
  for (const auto& value : elected.values()) records.add_encoded(value);
  co_return co_await commit(std::move(records));
}

Task<Status> Controller::append_durably(std::vector<uint8_t> batch) {
  const log::Offset end = log::BatchHeader::parse(BytesView(batch)).next_offset();
  CO_TRY(co_await carry_out(quorum_.step(quorum::Appended{end})));
  const Status appended = co_await log_->append(std::move(batch));
  if (!appended) {
    CO_TRY(co_await carry_out(quorum_.step(quorum::Failed{})));
    co_return appended;
  }
  CO_TRY(co_await carry_out(quorum_.step(quorum::Durable{end})));
  CHECK(committed_ == end, committed_, end);
  co_return Status{};
}

// Room for all of it first: a disk that is full in the middle would leave half a transaction.
Task<Status> Controller::append_all(const std::vector<RecordList>& batches, int64_t time_ms) {
  std::vector<std::vector<uint8_t>> encoded;
  log::Offset next = log_->end();
  uint64_t bytes = 0;
  for (const RecordList& batch : batches) {
    CO_TRY_ASSIGN(auto one, data_batch(batch.values(), next, quorum_.epoch(), time_ms));
    next = next + static_cast<int64_t>(batch.size());
    bytes += one.size();
    encoded.push_back(std::move(one));
  }
  CO_TRY(co_await log_->reserve(bytes));
  for (auto& batch : encoded) CO_TRY(co_await append_durably(std::move(batch)));
  co_return Status{};
}

// Applied before it is appended, so that what cannot be applied is not appended; seen after it is
// committed. Records over one batch's size become a transaction of several.
Task<Status> Controller::commit(RecordList records) {
  const int64_t time_ms = now_ms();
  ImageBuilder builder(image());
  const std::vector<RecordList> batches = split_into_batches(std::move(records));
  log::Offset next = log_->end();
  for (const RecordList& batch : batches) {
    for (const auto& value : batch.values()) {
      LoggedRecord record;
      record.offset = next;
      record.epoch = quorum_.epoch();
      record.timestamp_ms = time_ms;
      record.value = BytesView(value);
      CO_TRY(builder.apply(record));
      next = next + 1;
      if (next.value % kRecordsPerTurn == 0) co_await reactor::yield();
    }
  }
  CO_TRY(co_await append_all(batches, time_ms));
  images_.push_back(builder.finish());
  co_return Status{};
}

Task<KafkaCode> Controller::commit_and_publish(RecordList records) {
  if (records.empty()) co_return KafkaCode::none;
  const Status committed = co_await commit(std::move(records));
  if (!committed) {
    // Records that contradict the image are a mistake of the plan; anything else is the disk.
    const bool refused = committed.error().code == Errc::invalid;
    co_return refused ? KafkaCode::unknown_server_error : KafkaCode::kafka_storage_error;
  }
  co_await publish_newest();
  // A snapshot that fails leaves a log that fails, which the next request meets.
  if (snapshot_due()) (void)co_await snapshot();
  co_return KafkaCode::none;
}

Task<void> Controller::publish_newest() {
  const log::Offset used = co_await publish_(images_.back().get());
  CHECK(used <= images_.back()->number(), used, images_.back()->number());
  while (images_.front()->number() < used) images_.pop_front();
}

bool Controller::snapshot_due() const {
  if (log_->bytes() >= options_.snapshot_every_bytes) return true;
  const Duration age = reactor::this_shard().now() - snapshot_at_;
  return options_.snapshot_every_ms > 0 &&
         age >= std::chrono::milliseconds(options_.snapshot_every_ms);
}

Task<Status> Controller::snapshot() {
  CHECK(image().number() + 1 == log_->end(), image().number(), log_->end());
  snapshot_at_ = reactor::this_shard().now();
  co_return co_await log_->write_snapshot(records_of(image()), image().timestamp_ms(), now_ms());
}

Task<KafkaCode> Controller::enter() {
  if (stopped_ || !leading()) co_return KafkaCode::not_controller;
  if (waiting_ >= kControllerRequestsMax) co_return KafkaCode::request_timed_out;
  ++waiting_;
  const bool entered = co_await turn_.acquire(1);
  --waiting_;
  CHECK(entered);
  if (!stopped_ && leading()) co_return KafkaCode::none;
  leave();
  co_return KafkaCode::not_controller;
}

PlanContext Controller::plan_context(MayMutate may_mutate) const {
  return {options_.partitions_default,  options_.replication_factor_default,
          &options_.topic_defaults,     [] { return reactor::this_shard().random(); },
          std::move(may_mutate),        options_.group_fault,
          options_.client_metrics_fault};
}

Task<Status> Controller::write_snapshot() {
  if (co_await enter() != KafkaCode::none) co_return fail(Errc::closed, "the controller");
  const Status written = co_await snapshot();
  leave();
  co_return written;
}

Task<Status> Controller::stop() {
  if (stopped_) co_return Status{};
  const bool entered = co_await turn_.acquire(1);
  CHECK(entered);
  // A start that failed half-way has no image of all that stands in the log.
  if (leading() && !images_.empty() && image().number() + 1 == log_->end()) {
    const Status written = co_await snapshot();
    if (!written) reactor::log_warning("no metadata snapshot: {}", written.error().to_string());
  }
  stopped_ = true;
  leave();
  (void)quorum_.step(quorum::Stopping{});
  co_return co_await log_->close();
}

}  // namespace odradek::metadata
