// What AlterConfigs and IncrementalAlterConfigs share: which resources can be altered, what a
// broker's property may be set to, and the way to the controller and back.
#pragma once

#include <optional>
#include <string>
#include <utility>
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

// All that a handler of either API does but its own `to_alteration(resource)`.
template <class Request, class Reply, auto to_alteration>
reactor::Task<void> serve_alterations(RequestContext& context, const Request& request, Reply& reply,
                                      Response&) {
  std::vector<metadata::ConfigAlteration> asked;
  for (const auto& resource : request.resources) asked.push_back(to_alteration(resource));
  const auto answers = co_await alter_resources(context, std::move(asked), request.validate_only);
  for (size_t i = 0; i < answers.size(); ++i) {
    auto& out = reply.responses.emplace_back();
    out.error_code = static_cast<int16_t>(answers[i].code);
    out.error_message.reset();
    if (answers[i].message) out.error_message = context.keep(*answers[i].message);
    out.resource_type = request.resources[i].resource_type;
    out.resource_name = request.resources[i].resource_name;
  }
  reply.throttle_time_ms = context.throttle_ms;
}

// Kafka's message when `value` is none for the broker's property, or absent. The property may be
// one that nobody knows: then any value goes.
std::optional<std::string> broker_value_fault(std::string_view property, std::string_view value);

}  // namespace odradek::broker
