#include "cmd/broker/handler_table.h"

#include <algorithm>
#include <iterator>

#include "cmd/broker/handlers/handlers.h"
#include "net/kafka/api.h"

namespace odradek::broker {

namespace {

using enum Operation;

// key, served low..high, advertised low, operation, resource, handler[, on controllers[, ...]]
constexpr HandlerEntry kTable[] = {
    {0, 3, 13, 0, write, Resource::topic, nullptr},  // Produce: Connection::serve_produce
    {1, 4, 18, 4, read, Resource::topic, &serve_fetch},
    {2, 1, 11, 1, describe, Resource::topic, &serve_list_offsets},
    {3, 0, 13, 0, describe, Resource::topic, &serve_metadata},
    {8, 1, 10, 1, read, Resource::group, &serve_offset_commit},
    {9, 1, 10, 1, describe, Resource::group, &serve_offset_fetch},
    {10, 0, 6, 0, describe, Resource::group, &serve_find_coordinator},
    {11, 0, 9, 0, read, Resource::group, &serve_join_group},
    {12, 0, 4, 0, read, Resource::group, &serve_heartbeat},
    {13, 0, 5, 0, read, Resource::group, &serve_leave_group},
    {14, 0, 5, 0, read, Resource::group, &serve_sync_group},
    {15, 0, 6, 0, describe, Resource::group, &serve_describe_groups},
    {16, 0, 5, 0, describe, Resource::cluster, &serve_list_groups},
    {18, 0, 5, 0, none, Resource::none, &serve_api_versions, true, true},
    {19, 0, 7, 0, create, Resource::cluster, &serve_create_topics, true},
    {20, 0, 6, 0, remove, Resource::topic, &serve_delete_topics, true},
    {21, 0, 2, 0, remove, Resource::topic, &serve_delete_records},
    {22, 0, 5, 0, idempotent_write, Resource::cluster, &serve_init_producer_id},
    {23, 2, 4, 2, describe, Resource::topic, &serve_offset_for_leader_epoch},
    {29, 1, 3, 1, describe, Resource::cluster, &serve_describe_acls, true},
    {30, 1, 3, 1, alter, Resource::cluster, &serve_create_acls, true},
    {31, 1, 3, 1, alter, Resource::cluster, &serve_delete_acls, true},
    {32, 0, 4, 0, describe_configs, Resource::topic, &serve_describe_configs, true},
    {33, 0, 2, 0, alter_configs, Resource::topic, &serve_alter_configs, true},
    {34, 1, 2, 1, alter, Resource::cluster, &serve_alter_replica_log_dirs},
    {35, 1, 5, 1, describe, Resource::cluster, &serve_describe_log_dirs},
    {37, 0, 3, 0, alter, Resource::topic, &serve_create_partitions, true},
    {42, 0, 3, 0, remove, Resource::group, &serve_delete_groups},
    {43, 0, 2, 0, alter, Resource::cluster, &serve_elect_leaders, true},
    {44, 0, 1, 0, alter_configs, Resource::topic, &serve_incremental_alter_configs, true},
    {45, 0, 1, 0, alter, Resource::cluster, &serve_alter_partition_reassignments, true},
    {46, 0, 0, 0, describe, Resource::cluster, &serve_list_partition_reassignments, true},
    {47, 0, 0, 0, remove, Resource::group, &serve_offset_delete},
    {48, 0, 1, 0, describe_configs, Resource::cluster, &serve_describe_client_quotas},
    {49, 0, 1, 0, alter_configs, Resource::cluster, &serve_alter_client_quotas, true},
    {50, 0, 0, 0, describe, Resource::cluster, &serve_describe_user_scram_credentials},
    {55, 0, 2, 0, describe, Resource::cluster, &serve_describe_quorum, true},
    {57, 0, 2, 0, alter, Resource::cluster, &serve_update_features, true},
    {60, 0, 2, 0, describe, Resource::cluster, &serve_describe_cluster, true},
    {61, 0, 0, 0, read, Resource::topic, &serve_describe_producers},
    {64, 0, 0, 0, alter, Resource::cluster, &serve_unregister_broker, true},
    {68, 0, 1, 0, read, Resource::group, &serve_consumer_group_heartbeat},
    {69, 0, 1, 0, describe, Resource::group, &serve_consumer_group_describe},
    {74, 0, 1, 0, describe_configs, Resource::cluster, &serve_list_config_resources},
    {75, 0, 0, 0, describe, Resource::topic, &serve_describe_topic_partitions},
};

constexpr bool table_is_sound() {
  int16_t last = -1;
  for (const auto& entry : kTable) {
    const kafka::ApiInfo* api = kafka::find_api(entry.key);
    if (!api || entry.key <= last || entry.low < api->described.low) return false;
    if (entry.high > api->newest_final || entry.advertised_low > entry.low) return false;
    last = entry.key;
  }
  return true;
}
static_assert(table_is_sound(), "each line: a described API, ascending keys, versions that exist");

}  // namespace

std::span<const HandlerEntry> handler_table() { return kTable; }

const HandlerEntry* find_handler(int16_t key) {
  const auto* found = std::ranges::find(kTable, key, &HandlerEntry::key);
  return found == std::end(kTable) ? nullptr : found;
}

}  // namespace odradek::broker
