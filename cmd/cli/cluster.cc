// `odradek cluster`: who is in the cluster and who leads it; what Kafka's kafka-cluster.sh,
// kafka-metadata-quorum.sh and kafka-features.sh describe.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "net/kafka/client/client.h"
#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/describe_quorum_request.h"
#include "net/kafka/messages/describe_quorum_response.h"

namespace odradek::cli {

using client::Client;
using reactor::Task;

namespace {

using Quorum = kafka::DescribeQuorumResponse;

constexpr VerbHelp kHelp = {
    "cluster", "id|brokers|quorum|features [options]",
    "Tells of the cluster: its id, its brokers, the quorum that keeps its metadata, its "
    "features.\n",
    "  odradek cluster id\n"
    "  odradek cluster brokers --bootstrap-server kafka-1:9092,kafka-2:9092\n"
    "  odradek cluster quorum --json\n"
    "  odradek cluster features\n"};

// The words of Kafka's tools for the same stand behind ours.
constexpr std::string_view kActions[] = {"id",       "brokers",    "quorum",
                                         "features", "cluster-id", "list-endpoints"};

struct ClusterRequest {
  Common common;
  std::string action;
};

void print_table(const Common& common, const Table& table) {
  print_out(table.text(format_of(common.json, common.quiet)));
}

void show_id(const Client& client, const Common& common) {
  const std::string& id = client.metadata().cluster_id();
  if (common.json) {
    print_out(json_text(Cell{{"cluster_id", id}}, 2) + "\n");
  } else {
    print_out(common.quiet ? id + "\n" : fmt::format("Cluster ID: {}\n", id));
  }
}

void show_brokers(const Client& client, const Common& common) {
  Table table({"broker", "host", "port", "rack"});
  for (const auto& [node, broker] : client.metadata().brokers()) {
    table.add({node, broker.endpoint.host, broker.endpoint.port,
               broker.rack.empty() ? Cell(nullptr) : Cell(broker.rack)});
  }
  print_table(common, table);
}

void add_replicas(Table& table, const Quorum::PartitionData& partition,
                  const std::vector<Quorum::ReplicaState>& replicas, std::string_view role) {
  int64_t end = 0;
  for (const auto& replica : partition.current_voters) {
    if (replica.replica_id == partition.leader_id) end = replica.log_end_offset;
  }
  const auto time = [](int64_t ms) { return ms < 0 ? Cell(nullptr) : Cell(time_text(ms)); };
  for (const auto& replica : replicas) {
    const bool leads = replica.replica_id == partition.leader_id;
    table.add({replica.replica_id,
               replica.replica_directory_id.is_zero()
                   ? Cell(nullptr)
                   : Cell(replica.replica_directory_id.to_string()),
               std::string(leads ? "leader" : role), replica.log_end_offset,
               std::max<int64_t>(0, end - replica.log_end_offset),
               time(replica.last_fetch_timestamp), time(replica.last_caught_up_timestamp)});
  }
}

void print_quorum(const Common& common, const Quorum::PartitionData& partition) {
  Table table(
      {"node", "directory id", "role", "log end offset", "lag", "last fetch", "last caught up"});
  add_replicas(table, partition, partition.current_voters, "voter");
  add_replicas(table, partition, partition.observers, "observer");
  if (common.json) {
    Cell json = Cell::object();
    json["leader"] = partition.leader_id;
    json["epoch"] = partition.leader_epoch;
    json["high_watermark"] = partition.high_watermark;
    json["replicas"] = table.json();
    print_out(json_text(json, 2) + "\n");
    return;
  }
  if (!common.quiet) {
    print_out(fmt::format("leader {}  epoch {}  high watermark {}\n", partition.leader_id,
                          partition.leader_epoch, partition.high_watermark));
  }
  print_table(common, table);
}

Task<Status> show_quorum(Client& client, const Common& common) {
  kafka::DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back().partition_index = 0;
  CO_TRY_ASSIGN(const auto reply, co_await client.call<kafka::DescribeQuorumResponse>(
                                      {}, std::move(request), deadline_of(common)));
  const auto& answer = reply.message;
  if (answer.error_code != 0) {
    co_return fail(client::broker_error(answer.error_code, "the quorum", answer.error_message));
  }
  if (answer.topics.size() != 1 || answer.topics[0].partitions.size() != 1) {
    co_return fail(Errc::malformed, "DescribeQuorum: an answer to something else");
  }
  const auto& partition = answer.topics[0].partitions[0];
  if (partition.error_code != 0) {
    co_return fail(
        client::broker_error(partition.error_code, "the quorum", partition.error_message));
  }
  print_quorum(common, partition);
  co_return Status{};
}

void print_features(const Common& common, const kafka::ApiVersionsResponse& answer) {
  std::map<std::string, int16_t> finalized;
  for (const auto& feature : answer.finalized_features) {
    finalized[std::string(feature.name)] = feature.max_version_level;
  }
  Table table({"feature", "supported from", "supported to", "finalized level"});
  std::map<std::string, std::pair<int16_t, int16_t>> supported;
  for (const auto& feature : answer.supported_features) {
    supported[std::string(feature.name)] = {feature.min_version, feature.max_version};
  }
  for (const auto& [name, range] : supported) {
    const auto level = finalized.find(name);
    table.add({name, range.first, range.second,
               level == finalized.end() ? Cell(0) : Cell(level->second)});
  }
  if (common.json) {
    Cell json = Cell::object();
    json["epoch"] = answer.finalized_features_epoch;
    json["features"] = table.json();
    print_out(json_text(json, 2) + "\n");
  } else {
    print_table(common, table);
  }
}

Task<Status> show_features(Client& client, const Common& common) {
  kafka::ApiVersionsRequest request;
  request.client_software_name = "odradek";
  request.client_software_version = "1";
  CO_TRY_ASSIGN(const auto reply,
                co_await client.call<kafka::ApiVersionsResponse>({}, request, deadline_of(common)));
  if (reply.message.error_code != 0) {
    co_return fail(client::broker_error(reply.message.error_code, "features"));
  }
  print_features(common, reply.message);
  co_return Status{};
}

Task<Status> show(Client& client, const ClusterRequest& request) {
  if (request.action == "quorum") co_return co_await show_quorum(client, request.common);
  if (request.action == "features") co_return co_await show_features(client, request.common);
  if (request.action == "brokers" || request.action == "list-endpoints") {
    show_brokers(client, request.common);
  } else {
    show_id(client, request.common);
  }
  co_return Status{};
}

Result<ClusterRequest> make_request(const Arguments& arguments) {
  ClusterRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  TRY_ASSIGN(request.action, choose_action(arguments, kActions));
  return request;
}

}  // namespace

int run_cluster(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  arguments.connection();
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return show(client, *request); });
}

}  // namespace odradek::cli
