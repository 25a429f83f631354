// The handlers of handler_table.cc, one per file of this folder. Each decodes the body that
// `reader` stands at, acts, and encodes the answer.
#pragma once

#include "cmd/broker/request.h"
#include "net/wire/reader.h"
#include "reactor/task.h"

namespace odradek::broker {

using ServeResult = reactor::Task<Result<Response>>;

ServeResult serve_fetch(RequestContext& context, wire::Reader& reader);
ServeResult serve_list_offsets(RequestContext& context, wire::Reader& reader);
ServeResult serve_metadata(RequestContext& context, wire::Reader& reader);
ServeResult serve_find_coordinator(RequestContext& context, wire::Reader& reader);
ServeResult serve_api_versions(RequestContext& context, wire::Reader& reader);
ServeResult serve_create_topics(RequestContext& context, wire::Reader& reader);
ServeResult serve_delete_topics(RequestContext& context, wire::Reader& reader);
ServeResult serve_init_producer_id(RequestContext& context, wire::Reader& reader);
ServeResult serve_create_partitions(RequestContext& context, wire::Reader& reader);
ServeResult serve_delete_records(RequestContext& context, wire::Reader& reader);
ServeResult serve_offset_for_leader_epoch(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_configs(RequestContext& context, wire::Reader& reader);
ServeResult serve_alter_configs(RequestContext& context, wire::Reader& reader);
ServeResult serve_incremental_alter_configs(RequestContext& context, wire::Reader& reader);
ServeResult serve_join_group(RequestContext& context, wire::Reader& reader);
ServeResult serve_sync_group(RequestContext& context, wire::Reader& reader);
ServeResult serve_heartbeat(RequestContext& context, wire::Reader& reader);
ServeResult serve_leave_group(RequestContext& context, wire::Reader& reader);
ServeResult serve_offset_commit(RequestContext& context, wire::Reader& reader);
ServeResult serve_offset_fetch(RequestContext& context, wire::Reader& reader);
ServeResult serve_offset_delete(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_groups(RequestContext& context, wire::Reader& reader);
ServeResult serve_list_groups(RequestContext& context, wire::Reader& reader);
ServeResult serve_delete_groups(RequestContext& context, wire::Reader& reader);
ServeResult serve_consumer_group_heartbeat(RequestContext& context, wire::Reader& reader);
ServeResult serve_consumer_group_describe(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_acls(RequestContext& context, wire::Reader& reader);
ServeResult serve_create_acls(RequestContext& context, wire::Reader& reader);
ServeResult serve_delete_acls(RequestContext& context, wire::Reader& reader);
ServeResult serve_alter_replica_log_dirs(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_log_dirs(RequestContext& context, wire::Reader& reader);
ServeResult serve_elect_leaders(RequestContext& context, wire::Reader& reader);
ServeResult serve_alter_partition_reassignments(RequestContext& context, wire::Reader& reader);
ServeResult serve_list_partition_reassignments(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_user_scram_credentials(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_client_quotas(RequestContext& context, wire::Reader& reader);
ServeResult serve_alter_client_quotas(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_quorum(RequestContext& context, wire::Reader& reader);
ServeResult serve_update_features(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_producers(RequestContext& context, wire::Reader& reader);
ServeResult serve_unregister_broker(RequestContext& context, wire::Reader& reader);
ServeResult serve_list_config_resources(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_topic_partitions(RequestContext& context, wire::Reader& reader);
ServeResult serve_describe_cluster(RequestContext& context, wire::Reader& reader);

}  // namespace odradek::broker
