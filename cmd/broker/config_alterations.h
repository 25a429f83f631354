// What AlterConfigs and IncrementalAlterConfigs share: which resources can be altered, what a
// broker's property may be set to, and the way to the controller and back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/broker/request.h"
#include "reactor/task.h"
#include "replication/kafka_code.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

// The answer for one resource of a request.
struct Altered {
  KafkaCode code = KafkaCode::none;
  std::optional<std::string> message;
};

// Alters what can be altered, each resource as a whole; in force on every shard when this ends. The
// answers stand in the order of `asked`. Resource types are as they came and may be anything.
reactor::Task<std::vector<Altered>> alter_resources(RequestContext& context,
                                                    std::vector<metadata::ConfigAlteration> asked,
                                                    bool validate_only);

// Kafka's message when `value` is none for the broker's property, or absent. The property may be
// one that nobody knows: then any value goes.
std::optional<std::string> broker_value_fault(std::string_view property, std::string_view value);

}  // namespace odradek::broker
