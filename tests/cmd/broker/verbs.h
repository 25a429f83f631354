// What stories are told in: topics made and deleted, batches produced and fetched, one call each.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/batch/batch_builder.h"
#include "net/kafka/messages/create_topics_request.h"
#include "net/kafka/messages/create_topics_response.h"
#include "net/kafka/messages/delete_topics_request.h"
#include "net/kafka/messages/delete_topics_response.h"
#include "net/kafka/messages/fetch_request.h"
#include "net/kafka/messages/fetch_response.h"
#include "net/kafka/messages/metadata_request.h"
#include "net/kafka/messages/metadata_response.h"
#include "net/kafka/messages/produce_request.h"
#include "net/kafka/messages/produce_response.h"
#include "tests/cmd/broker/cluster.h"

namespace odradek::broker {

using Configs = std::vector<std::pair<std::string_view, std::string_view>>;

inline kafka::CreateTopicsRequest creating(std::string_view name, int32_t partitions,
                                           const Configs& configs = {}) {
  kafka::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = -1;
  for (const auto& [key, value] : configs) topic.configs.push_back({key, value});
  return request;
}

// The topic's id.
inline Task<Uuid> create_topic(Client& client, std::string_view name, int32_t partitions = 1,
                               Configs configs = {}) {
  const auto reply =
      co_await client.call<kafka::CreateTopicsResponse>(7, creating(name, partitions, configs));
  const auto& topic = reply->message.topics.at(0);
  CHECK(topic.error_code == 0, topic.error_code, topic.error_message.value_or(""));
  co_return topic.topic_id;
}

inline Task<int16_t> delete_topic(Client& client, std::string_view name) {
  kafka::DeleteTopicsRequest request;
  request.topics.emplace_back().name = name;
  const auto reply = co_await client.call<kafka::DeleteTopicsResponse>(6, std::move(request));
  co_return reply->message.responses.at(0).error_code;
}

struct BatchSpec {
  int records = 1;
  size_t value_bytes = 10;
  int64_t timestamp = 1'767'225'600'000;  // of the first; the world's first moment
  log::BatchOptions options;
};

inline Bytes batch(const BatchSpec& spec = {}) {
  log::BatchBuilder builder(spec.options);
  const Bytes value(spec.value_bytes, 'v');
  for (int i = 0; i < spec.records; ++i) {
    log::Record record;
    record.timestamp = spec.timestamp + i;
    record.key = as_bytes("key");
    record.value = BytesView(value);
    builder.append(record);
  }
  auto bytes = builder.finish();
  CHECK(bytes.has_value());
  return std::move(*bytes);
}

// REQUIRES: `records` outlives the request's encoding.
inline kafka::ProduceRequest producing(std::string_view topic, int32_t partition, BytesView records,
                                       int16_t acks = -1) {
  kafka::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  auto& t = request.topic_data.emplace_back();
  t.name = topic;
  t.partition_data.push_back({partition, Chain(records)});
  return request;
}

struct Produced {
  int16_t error = 0;
  int64_t base = -1;
  int64_t log_append_time = -1;
  std::string message;
};

inline Task<Produced> produce(Client& client, std::string_view topic, int32_t partition,
                              Bytes records, int16_t acks = -1, int16_t version = 9) {
  const auto reply = co_await client.call<kafka::ProduceResponse>(
      version, producing(topic, partition, records, acks));
  const auto& p = reply->message.responses.at(0).partition_responses.at(0);
  co_return Produced{p.error_code, p.base_offset, p.log_append_time_ms,
                     std::string(p.error_message.value_or(""))};
}

struct FetchSpec {
  std::string_view topic;  // by name; the version must be 12 or less
  Uuid topic_id;
  std::vector<int32_t> partitions{0};
  int64_t offset = 0;
  int32_t partition_bytes_max = 1 << 20;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 1;
  int32_t bytes_max = 50 << 20;
  int32_t session_id = 0;
  int32_t session_epoch = -1;
  int8_t isolation = 0;
  int32_t leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
};

inline kafka::FetchRequest fetching(const FetchSpec& spec) {
  kafka::FetchRequest request;
  request.max_wait_ms = spec.max_wait_ms;
  request.min_bytes = spec.min_bytes;
  request.max_bytes = spec.bytes_max;
  request.session_id = spec.session_id;
  request.session_epoch = spec.session_epoch;
  request.isolation_level = spec.isolation;
  if (spec.partitions.empty()) return request;
  auto& topic = request.topics.emplace_back();
  topic.topic = spec.topic;
  topic.topic_id = spec.topic_id;
  for (const int32_t index : spec.partitions) {
    auto& p = topic.partitions.emplace_back();
    p.partition = index;
    p.fetch_offset = spec.offset;
    p.partition_max_bytes = spec.partition_bytes_max;
    p.current_leader_epoch = spec.leader_epoch;
    p.last_fetched_epoch = spec.last_fetched_epoch;
  }
  return request;
}

inline Task<Answered<kafka::FetchResponse>> fetch(Client& client, FetchSpec spec,
                                                  int16_t version = 12) {
  co_return co_await client.call<kafka::FetchResponse>(version, fetching(spec));
}

// The only partition of an answer; a default one with error -1 when there is not exactly one.
inline kafka::FetchResponse::PartitionData only(const Answered<kafka::FetchResponse>& reply) {
  kafka::FetchResponse::PartitionData none;
  none.error_code = -1;
  const auto& topics = reply->message.responses;
  if (topics.size() != 1 || topics[0].partitions.size() != 1) return none;
  return topics[0].partitions[0];
}

inline size_t bytes_of(const kafka::FetchResponse::PartitionData& p) {
  return p.records ? p.records->size() : 0;
}

inline size_t bytes_of(const Answered<kafka::FetchResponse>& reply) {
  size_t bytes = 0;
  for (const auto& topic : reply->message.responses) {
    for (const auto& p : topic.partitions) bytes += bytes_of(p);
  }
  return bytes;
}

}  // namespace odradek::broker
