// The controller's requests: a plan, its records, the answers.
#include "replication/metadata/controller.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;
using reactor::Task;

namespace {

// A failure of the whole strikes every part that would have been done.
template <class Answer>
void strike(std::vector<Answer>& answers, KafkaCode code) {
  for (Answer& answer : answers) {
    if (answer.code != KafkaCode::none) continue;
    answer.code = code;
    answer.message.reset();
  }
}

TopicResult named(const NewTopic& topic) {
  TopicResult out;
  out.name = topic.name;
  return out;
}
TopicResult named(const MorePartitions& wanted) {
  TopicResult out;
  out.name = wanted.name;
  return out;
}
TopicResult named(const TopicToDelete& topic) {
  TopicResult out;
  out.name = topic.name.value_or("");
  out.id = topic.id;
  return out;
}
QuotaResult named(const QuotaAlteration& alteration) { return {alteration.entity, {}, {}}; }
AlterResult named(const ConfigAlteration& alteration) {
  AlterResult out;
  out.resource = alteration.resource;
  return out;
}

template <class Answer, class Request>
std::vector<Answer> refused(const std::vector<Request>& requests, KafkaCode code) {
  std::vector<Answer> answers;
  for (const Request& request : requests) answers.push_back(named(request));
  strike(answers, code);
  return answers;
}

}  // namespace

Task<std::vector<TopicResult>> Controller::create_topics(std::vector<NewTopic> topics,
                                                         bool validate_only, MayMutate may_mutate) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) {
    co_return refused<TopicResult>(topics, code);
  }
  auto plan = plan_create_topics(image(), plan_context(std::move(may_mutate)), topics);
  if (!validate_only) strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers);
}

Task<std::vector<TopicResult>> Controller::delete_topics(std::vector<TopicToDelete> topics,
                                                         MayMutate may_mutate) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) {
    co_return refused<TopicResult>(topics, code);
  }
  auto plan = plan_delete_topics(image(), plan_context(std::move(may_mutate)), topics);
  strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers);
}

Task<std::vector<TopicResult>> Controller::create_partitions(std::vector<MorePartitions> topics,
                                                             bool validate_only,
                                                             MayMutate may_mutate) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) {
    co_return refused<TopicResult>(topics, code);
  }
  auto plan = plan_create_partitions(image(), plan_context(std::move(may_mutate)), topics);
  if (!validate_only) strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers);
}

Task<std::vector<AlterResult>> Controller::alter_configs(std::vector<ConfigAlteration> alterations,
                                                         bool validate_only) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) {
    co_return refused<AlterResult>(alterations, code);
  }
  auto plan = plan_alter_configs(image(), plan_context(), alterations);
  if (!validate_only) strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers);
}

Task<std::vector<QuotaResult>> Controller::alter_quotas(std::vector<QuotaAlteration> alterations,
                                                        bool validate_only) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) {
    co_return refused<QuotaResult>(alterations, code);
  }
  auto plan = plan_alter_quotas(image(), alterations);
  if (!validate_only) strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers);
}

Task<Outcome> Controller::update_features(std::vector<FeatureUpdate> updates, bool validate_only) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) co_return Outcome{code, {}};
  auto plan = plan_update_features(image(), plan_context(), options_.log.node_id,
                                   log_->voters().kraft_version, updates);
  if (!validate_only) strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers.at(0));
}

Task<Outcome> Controller::unregister_broker(NodeId id) {
  if (const KafkaCode code = co_await enter(); code != KafkaCode::none) co_return Outcome{code, {}};
  auto plan = plan_unregister_broker(image(), options_.log.node_id, id);
  strike(plan.answers, co_await commit_and_publish(std::move(plan.records)));
  leave();
  co_return std::move(plan.answers.at(0));
}

Task<ProducerIdBlock> Controller::allocate_producer_ids() {
  ProducerIdBlock block;
  block.code = co_await enter();
  if (block.code != KafkaCode::none) co_return block;
  const int64_t first = image().next_producer_id();
  ProducerIdsRecord record;
  record.broker_id = options_.log.node_id.value;
  record.broker_epoch = broker_epoch_;
  record.next_producer_id = first + kProducerIdBlock;
  RecordList records;
  records.add(record, 0);
  block.code = co_await commit_and_publish(std::move(records));
  leave();
  if (block.code == KafkaCode::none) {
    block.first = first;
    block.count = kProducerIdBlock;
  }
  co_return block;
}

Task<KafkaCode> Controller::bump_leader_epochs() {
  const KafkaCode code = co_await enter();
  if (code != KafkaCode::none) co_return code;
  RecordList records = plan_leader_epochs(image(), options_.log.node_id, false);
  const KafkaCode committed = co_await commit_and_publish(std::move(records));
  leave();
  co_return committed;
}

}  // namespace odradek::metadata
