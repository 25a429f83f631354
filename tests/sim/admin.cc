#include "tests/sim/admin.h"

#include <fmt/format.h>

#include "net/kafka/messages/create_topics_request.h"
#include "net/kafka/messages/create_topics_response.h"
#include "net/kafka/messages/delete_topics_request.h"
#include "net/kafka/messages/delete_topics_response.h"
#include "net/kafka/messages/metadata_request.h"
#include "net/kafka/messages/metadata_response.h"
#include "tests/sim/changes.h"
#include "tests/sim/client.h"
#include "tests/sim/member.h"
#include "tests/sim/quotas.h"
#include "tests/sim/reader.h"
#include "tests/sim/watcher.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr int16_t kTopicExists = 36;
constexpr int16_t kUnknownTopicId = 100;
constexpr int16_t kMetadataVersion = 12;
constexpr int16_t kCreateVersion = 7;
constexpr int16_t kDeleteVersion = 6;

MonoTime soon() { return reactor::this_shard().now() + 10s; }

Task<void> nap(Prng& prng) {
  co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, 200)));
}

// All topics, as {name, id}; absent without an answer.
using Names = std::map<std::string, log::TopicId>;
Task<std::optional<Names>> list_topics(Stage& stage, Connection& connection) {
  kafka::MetadataRequest request;
  request.topics = std::nullopt;
  request.allow_auto_topic_creation = false;
  const auto reply =
      co_await connection.call<kafka::MetadataResponse>(kMetadataVersion, request, soon());
  if (!reply) co_return std::nullopt;
  Names names;
  for (const auto& topic : reply->message.topics) {
    stage.oracle.expect(topic.error_code == 0, "protocol", "Metadata lists a topic with an error");
    names.emplace(topic.name.value_or(""), topic.topic_id);
  }
  co_return names;
}

Task<std::optional<int16_t>> ask_to_create(Connection& connection, const TopicFacts& topic,
                                           const TopicConfigs& configs) {
  kafka::CreateTopicsRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions;
  wanted.replication_factor = 1;
  for (const auto& [name, value] : configs) {
    auto& config = wanted.configs.emplace_back();
    config.name = name;
    config.value = value;
  }
  const auto reply =
      co_await connection.call<kafka::CreateTopicsResponse>(kCreateVersion, request, soon());
  if (!reply || reply->message.topics.size() != 1) co_return std::nullopt;
  co_return reply->message.topics[0].error_code;
}

Task<std::optional<int16_t>> ask_to_delete(Connection& connection, const TopicFacts& topic) {
  kafka::DeleteTopicsRequest request;
  auto& gone = request.topics.emplace_back();
  gone.name = std::nullopt;
  gone.topic_id = topic.id;
  const auto reply =
      co_await connection.call<kafka::DeleteTopicsResponse>(kDeleteVersion, request, soon());
  if (!reply || reply->message.responses.size() != 1) co_return std::nullopt;
  co_return reply->message.responses[0].error_code;
}

// One connection; on failure it is closed and the caller comes again.
Task<bool> with_connection(Stage& stage, TopicFacts& topic, const TopicConfigs* configs) {
  while (stage.hold) co_await reactor::sleep_for(5ms);
  Connection connection("admin");
  bool done = false;
  stage.say([&] { return (configs ? "create " : "delete ") + topic.name; });
  if (co_await connection.open(stage.broker, reactor::this_shard().now() + 5s)) {
    while (stage.hold) co_await reactor::sleep_for(5ms);
    const auto code = configs ? co_await ask_to_create(connection, topic, *configs)
                              : co_await ask_to_delete(connection, topic);
    const bool again = !code || (configs ? *code == kTopicExists : *code == kUnknownTopicId);
    if (code && *code != 0 && !again && *code != 7 && *code != 41 && *code != 56) {
      stage.oracle.fail("protocol", fmt::format("topic {}: answered {}", topic.name, *code));
    }
    const auto names = code && (*code == 0 || again) ? co_await list_topics(stage, connection)
                                                     : std::optional<Names>();
    if (names) {
      const auto there = names->find(topic.name);
      done = (there != names->end()) == (configs != nullptr);
      stage.oracle.expect(done, "I1", "topic " + topic.name + ": acknowledged, and not so");
      if (done && configs) topic.id = there->second;
      if (done && configs && topic.compacted) stage.oracle.compacted(topic.id);
      if (done && configs && topic.written_mode) stage.oracle.written_mode(topic.id);
    }
  }
  co_await connection.close();
  co_return done;
}

}  // namespace

Task<void> create_topic(Stage& stage, TopicFacts& topic, TopicConfigs configs, Prng prng) {
  while (!stage.oracle.violation() && !co_await with_connection(stage, topic, &configs)) {
    co_await nap(prng);
  }
  topic.state = TopicFacts::State::alive;
}

Task<void> delete_topic(Stage& stage, TopicFacts& topic, Prng prng) {
  topic.state = TopicFacts::State::deleting;
  while (!stage.oracle.violation() && !co_await with_connection(stage, topic, nullptr)) {
    co_await nap(prng);
  }
  topic.state = TopicFacts::State::deleted;
}

static TopicFacts& add_topic(Stage& stage, const TopicPlan& plan) {
  TopicFacts& topic = stage.topics.emplace_back();
  topic.name = plan.name;
  topic.partitions = plan.partitions;
  topic.written_mode = plan.written_mode;
  topic.retention_bytes = plan.retention_bytes;
  topic.compacted = plan.compacted;
  topic.delete_retention = plan.delete_retention;
  return topic;
}

Task<int> admin_main(Stage& stage, AdminOptions options) {
  Prng prng(options.seed);
  if (options.produce_rate > 0) {
    co_await set_client_quota(stage, "p0", "producer_byte_rate", options.produce_rate,
                              prng.split());
  }
  if (options.fetch_rate > 0) {
    co_await set_client_quota(stage, "c0", "consumer_byte_rate", options.fetch_rate, prng.split());
  }
  if (options.watch_percent > 0) {
    co_await set_client_quota(stage, kWatcher, "request_percentage", options.watch_percent,
                              prng.split());
  }
  for (const TopicPlan& plan : options.topics) {
    co_await create_topic(stage, add_topic(stage, plan), plan.configs, prng.split());
  }
  const auto pause = static_cast<uint64_t>(options.pause.count()) + 1;
  for (const TopicPlan& plan : options.coming) {
    co_await reactor::sleep_for(Duration(static_cast<int64_t>(prng.below(pause))));
    TopicFacts& topic = add_topic(stage, plan);
    co_await create_topic(stage, topic, plan.configs, prng.split());
    co_await reactor::sleep_for(Duration(static_cast<int64_t>(prng.below(pause))));
    if (prng.chance(2, 3)) co_await delete_topic(stage, topic, prng.split());
  }
  for (uint64_t i = 0; i < options.changes && !stage.oracle.violation(); ++i) {
    co_await reactor::sleep_for(Duration(static_cast<int64_t>(prng.below(pause))));
    co_await make_change(stage, options.topics.size(), prng.split());
  }
  stage.churn_done = true;
  co_return 0;
}

namespace {

// Acknowledged topics are there under their ids, deleted ones are not.
void check_topics(Stage& stage, const Names& names) {
  for (const TopicFacts& topic : stage.topics) {
    const auto there = names.find(topic.name);
    if (topic.state == TopicFacts::State::alive) {
      stage.oracle.expect(there != names.end() && there->second == topic.id, "I1",
                          "topic " + topic.name + " is gone");
    } else if (topic.state == TopicFacts::State::deleted) {
      stage.oracle.expect(there == names.end() || there->second != topic.id, "I1",
                          "topic " + topic.name + " came back");
    }
  }
}

// The first batch with a timestamp of at least what was asked for.
Task<void> check_time(Stage& stage, Reader& reader, Position& position,
                      const Oracle::Content& content, Prng& prng) {
  if (content.batches.empty()) co_return;
  const int64_t wanted =
      content.batches[prng.below(content.batches.size())].max_timestamp - prng.below(2);
  int64_t expected = -1;
  for (const auto& header : content.batches) {
    if (header.max_timestamp < wanted) continue;
    expected = header.base_offset.value;
    break;
  }
  stage.say([&] {
    std::string text = fmt::format("{}: batches around time {}:", position.id.to_string(), wanted);
    for (const auto& header : content.batches) {
      if (std::abs(header.base_offset.value - expected) > 12) continue;
      text += fmt::format(" {}..{} base {} max {};", header.base_offset.value,
                          header.last_offset().value, header.base_timestamp, header.max_timestamp);
    }
    return text;
  });
  const auto answer = co_await reader.list_offset(position, wanted);
  // Retention may have taken something since it was read.
  const auto earliest = co_await reader.list_offset(position, -2);
  if (!answer || !earliest || *earliest != content.log_start) co_return;
  stage.oracle.expect(*answer == expected, "ListOffsets",
                      fmt::format("{}: time {} is at offset {}, answered {}",
                                  position.id.to_string(), wanted, expected, *answer));
}

Task<bool> verify_partition(Stage& stage, TopicFacts& topic, int32_t index, Prng& prng,
                            Oracle::Content& content) {
  ConsumerOptions options;
  options.name = "verify";
  options.sessions = false;
  options.version = prng.chance(1, 2) ? 12 : 17;
  options.bytes_max = static_cast<int32_t>(prng.between(20'000, 4'000'000));
  options.partition_bytes_max = options.bytes_max;
  Reader reader(stage, options);
  Position& position = reader.add(topic, index);
  position.keep = &content.batches;
  if (topic.compacted) position.keep_records = &content.records;
  bool complete = false;
  for (int tries = 0; tries < 20 && !stage.oracle.violation(); ++tries) {
    content.batches.clear();
    content.records.clear();
    if (!co_await reader.connect()) continue;
    const auto earliest = co_await reader.list_offset(position, -2);
    const auto latest = co_await reader.list_offset(position, -1);
    if (!earliest || !latest) {
      co_await nap(prng);
      continue;
    }
    position.offset = *earliest;
    position.lost = false;
    while (position.offset < *latest && !position.lost && !stage.oracle.violation()) {
      if (!co_await reader.poll(100ms)) break;
    }
    complete = position.offset >= *latest;
    content.log_start = *earliest;
    content.end = *latest;
    stage.say([&] {
      return fmt::format("verify {}: reached {} of [{}, {})", position.id.to_string(),
                         position.offset, *earliest, *latest);
    });
    if (complete) break;
  }
  // Compaction may take what is looked for between the two questions.
  if (complete && !topic.compacted) co_await check_time(stage, reader, position, content, prng);
  co_await reader.close();
  co_return complete;
}

}  // namespace

Task<int> verify_main(Stage& stage, VerifyOptions options) {
  Prng prng(options.seed);
  std::optional<Names> names;
  for (int tries = 0; tries < 50 && !names; ++tries) {
    Connection connection("verify");
    if (co_await connection.open(stage.broker, reactor::this_shard().now() + 5s)) {
      names = co_await list_topics(stage, connection);
    }
    co_await connection.close();
    if (!names) co_await nap(prng);
  }
  if (!names) co_return 1;
  check_topics(stage, *names);
  for (int tries = 0; tries < 20 && !co_await check_changes(stage); ++tries) co_await nap(prng);
  for (int tries = 0; tries < 20 && !co_await check_quotas(stage); ++tries) co_await nap(prng);
  if (!co_await verify_groups(stage, prng)) co_return 3;
  for (TopicFacts& topic : stage.topics) {
    for (int32_t p = 0; topic.alive() && p < topic.partitions; ++p) {
      Oracle::Content content;
      if (!co_await verify_partition(stage, topic, p, prng, content)) co_return 2;
      const log::TopicPartition id{topic.id, log::PartitionId(p)};
      stage.oracle.whole(topic, id, content);
      if (options.contents) (*options.contents)[id] = std::move(content);
    }
  }
  co_return 0;
}

}  // namespace odradek::simulation
