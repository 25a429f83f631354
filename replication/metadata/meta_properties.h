// `meta.properties`: what says whose a log directory is. Kafka's file, version 1 (KIP-631,
// KIP-858).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/base/result.h"
#include "reactor/base/uuid.h"
#include "reactor/task.h"
#include "replication/quorum/types.h"

namespace odradek::metadata {

struct MetaProperties {
  std::string cluster_id;  // a Uuid as Kafka prints it, but any text is accepted
  NodeId node_id{-1};
  Uuid directory_id;  // zero: the file has none (a directory of Kafka before 3.7)
  bool operator==(const MetaProperties&) const = default;

  // java.util.Properties text. Errc::unsupported for a version that is not 1, Errc::invalid for a
  // missing or impossible value.
  static Result<MetaProperties> parse(std::string_view text);
  std::string to_text() const;
};

// One log directory, as it is to be used.
struct FormattedDirectory {
  std::string path;
  MetaProperties properties;
  bool formatted_now = false;
};
struct FormatOptions {
  std::vector<std::string> directories;  // metadata.log.dir first; they exist
  NodeId node_id{1};
  std::optional<std::string>
      cluster_id;  // what the operator asked for; absent: random when all are new
};
// Reads meta.properties of each directory and writes it where there is none, so that no `format` is
// needed. Refuses, before anything is written, directories that belong to another node or to
// different clusters, and two with the same directory id; the error says which file to look at.
// Durable when this ends.
reactor::Task<Result<std::vector<FormattedDirectory>>> format_directories(FormatOptions options);

}  // namespace odradek::metadata
