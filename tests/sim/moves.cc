#include "tests/sim/moves.h"

#include <fmt/format.h>

#include "net/kafka/messages/alter_replica_log_dirs_request.h"
#include "net/kafka/messages/alter_replica_log_dirs_response.h"
#include "net/kafka/messages/describe_log_dirs_request.h"
#include "net/kafka/messages/describe_log_dirs_response.h"
#include "tests/sim/ask.h"

namespace odradek::simulation {

using reactor::Task;

namespace {

constexpr std::string_view kOffsets = "__consumer_offsets";
// The partition is not there (any more, or yet), is being handed over, or a directory is not well.
bool may_be(int16_t code) { return code == 0 || code == 3 || code == 9 || code == 56; }

}  // namespace

Task<std::optional<std::string>> directory_of(Stage& stage, Connection& connection,
                                              std::string topic, int32_t partition) {
  kafka::DescribeLogDirsRequest request;
  auto& wanted = request.topics.emplace().emplace_back();
  wanted.topic = topic;
  wanted.partitions = {partition};
  const auto reply =
      co_await ask<kafka::DescribeLogDirsResponse>(stage, connection, 4, std::move(request));
  if (!reply) co_return std::nullopt;
  std::string found;
  for (const auto& directory : reply->message.results) {
    for (const auto& t : directory.topics) {
      for (const auto& p : t.partitions) {
        if (p.is_future_key) continue;
        stage.oracle.expect(found.empty(), "I1",
                            fmt::format("{}-{} is in two directories", topic, partition));
        found = directory.log_dir;
      }
    }
  }
  co_return found;
}

Task<std::optional<int16_t>> ask_to_move(Stage& stage, Connection& connection, std::string topic,
                                         int32_t partition, std::string directory) {
  kafka::AlterReplicaLogDirsRequest request;
  auto& target = request.dirs.emplace_back();
  target.path = directory;
  auto& t = target.topics.emplace_back();
  t.name = topic;
  t.partitions = {partition};
  const auto reply = co_await ask<kafka::AlterReplicaLogDirsResponse>(stage, connection, 2,
                                                                      std::move(request), 10s);
  if (!reply || reply->message.results.size() != 1) co_return std::nullopt;
  const int16_t code = reply->message.results[0].partitions.at(0).error_code;
  if (!may_be(code)) {
    stage.oracle.fail("protocol", fmt::format("move of {}-{} to {}: answered {}", topic, partition,
                                              directory, code));
  }
  co_return code;
}

Task<int> mover_main(Stage& stage, MoverOptions options) {
  Prng prng(options.seed);
  const auto pause = static_cast<uint64_t>(options.pause / 1ms) + 1;
  while (!stage.producing_done && !stage.oracle.violation()) {
    co_await reactor::sleep_for(std::chrono::milliseconds(prng.between(1, pause)));
    if (stage.topics.empty()) continue;
    const TopicFacts& any = stage.topics[prng.below(stage.topics.size())];
    const bool offsets = prng.chance(1, 4);
    const std::string topic(offsets ? kOffsets : std::string_view(any.name));
    const auto partition =
        static_cast<int32_t>(prng.below(offsets ? 2 : static_cast<uint64_t>(any.partitions)));
    const std::string target = prng.chance(1, 2) ? "/data0" : "/data1";
    Connection connection("mover");
    if (co_await connection.open(stage.broker, in(5s))) {
      const auto before = co_await directory_of(stage, connection, topic, partition);
      const auto code = co_await ask_to_move(stage, connection, topic, partition, target);
      stage.say([&] {
        return fmt::format("mover: {}-{} to {}: {}", topic, partition, target, code.value_or(-2));
      });
      if (code == 0 && before && *before != target) ++stage.relocations;
    }
    co_await connection.close();
  }
  co_return 0;
}

}  // namespace odradek::simulation
