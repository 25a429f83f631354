#include "cmd/cli/group_coordinators.h"

#include <fmt/format.h>

#include "net/kafka/messages/find_coordinator_request.h"
#include "net/kafka/messages/find_coordinator_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

std::string group_text(std::string_view group) { return fmt::format("group {}", group); }

Error no_coordinator(const Coordinators& found) {
  return client::broker_error(found.code, "the coordinator of " + group_text(found.open.front()));
}

Task<Result<Coordinators>> find_coordinators(Client& client, GroupNames groups, MonoTime deadline) {
  kafka::FindCoordinatorRequest question;
  question.key_type = 0;
  question.coordinator_keys.assign(groups.begin(), groups.end());
  CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::FindCoordinatorResponse>(
                                      {}, std::move(question), deadline));
  Coordinators found;
  for (const auto& answer : reply.message.coordinators) {
    if (answer.error_code == 0) {
      found.by_node[answer.node_id].emplace_back(answer.key);
    } else if (client::is_retriable(answer.error_code)) {
      found.open.emplace_back(answer.key);
      found.code = answer.error_code;
    } else {
      co_return fail(client::broker_error(
          answer.error_code, "the coordinator of " + group_text(answer.key), answer.error_message));
    }
  }
  co_return found;
}

}  // namespace odradek::cli
