#include "replication/metadata/last_registration.h"

#include "reactor/file.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/meta_properties.h"
#include "replication/metadata/metadata_files.h"
#include "replication/metadata/metadata_log.h"

namespace odradek::metadata {

using reactor::Task;

static Task<Result<int64_t>> epoch_in(MetadataLog& log, NodeId node) {
  ImageBuilder builder;
  CO_TRY(co_await log.replay(
      [&builder](const LoggedRecord& record) { return builder.apply(record); }));
  const Broker* broker = builder.image().find_broker(node);
  co_return broker ? broker->epoch : -1;
}

Task<Result<int64_t>> last_broker_epoch(std::string directory) {
  const auto folder = co_await reactor::stat_file(directory + "/" + std::string(kMetadataFolder));
  if (!folder && folder.error().code == Errc::not_found) co_return -1;
  CO_TRY(folder);
  const std::string file = directory + "/meta.properties";
  CO_TRY_ASSIGN(const auto text, co_await reactor::read_file(file, kSmallFileBytesMax));
  CO_TRY_ASSIGN(const MetaProperties properties, MetaProperties::parse(as_text(text)));
  MetadataLogOptions options;
  options.directory = std::move(directory);
  options.node_id = properties.node_id;
  options.cluster_id = properties.cluster_id;
  options.directory_id = properties.directory_id;
  CO_TRY_ASSIGN(std::unique_ptr<MetadataLog> log, co_await MetadataLog::open(std::move(options)));
  const auto epoch = co_await epoch_in(*log, properties.node_id);
  const Status closed = co_await log->close();
  CO_TRY(epoch);
  CO_TRY(closed);
  co_return *epoch;
}

}  // namespace odradek::metadata
