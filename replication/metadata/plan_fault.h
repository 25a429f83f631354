// What the plans share: how they refuse, and the record that sets a config.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "replication/kafka_code.h"
#include "replication/metadata/image.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/record_list.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

template <class T>
using Checked = std::expected<T, Fault>;
inline std::unexpected<Fault> refuse(KafkaCode code, std::string message) {
  return std::unexpected<Fault>({code, std::move(message)});
}

// Whether the sender may make or take away so many partitions now (KIP-599).
inline Checked<void> check_mutation(const PlanContext& context, int32_t partitions) {
  if (!context.may_mutate || context.may_mutate(partitions)) return {};
  return refuse(KafkaCode::throttling_quota_exceeded, "");  // Kafka tells the code only
}

// No value: the config is removed.
inline void add_config(RecordList& out, ResourceType type, std::string_view resource,
                       std::string_view name, std::optional<std::string_view> value) {
  records::ConfigRecord record;
  record.resource_type = static_cast<int8_t>(type);
  record.resource_name = resource;
  record.name = name;
  record.value = value;
  out.add(record, 0);
}

}  // namespace odradek::metadata
