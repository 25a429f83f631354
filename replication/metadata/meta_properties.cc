#include "replication/metadata/meta_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "reactor/file.h"
#include "reactor/shard.h"
#include "replication/metadata/limits.h"

namespace odradek::metadata {

using reactor::Task;

namespace {

constexpr std::string_view kFileName = "meta.properties";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\f").contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

// java.util.Properties as far as ids and numbers need it: no line joins, and a backslash keeps what
// follows.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::map<std::string, std::string> parse_properties(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    const size_t split = line.find_first_of("=:");
    std::string_view key = line.substr(0, split);
    while (!key.empty() && (key.back() == ' ' || key.back() == '\t')) key.remove_suffix(1);
    const std::string_view value =
        split == std::string_view::npos ? std::string_view{} : trimmed(line.substr(split + 1));
    out[unescaped(key)] = unescaped(value);
  }
  return out;
}

Result<int32_t> parse_id(const std::string& text) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size() && id >= 0) return id;
  return fail(Errc::invalid, fmt::format("node.id is '{}': expected a number from 0 up", text));
}

// Whether a directory holds partitions: then it has an owner, even without the file that says who.
bool holds_partitions(const std::vector<reactor::DirEntry>& entries) {
  return std::ranges::any_of(entries, [](const reactor::DirEntry& entry) {
    const size_t dash = entry.name.rfind('-');
    if (!entry.directory || dash == std::string::npos || dash + 1 == entry.name.size())
      return false;
    return entry.name.find_first_not_of("0123456789", dash + 1) == std::string::npos;
  });
}

Task<Result<std::optional<MetaProperties>>> read_one(std::string directory) {
  const std::string file = directory + "/" + std::string(kFileName);
  const auto bytes = co_await reactor::read_file(file, kSmallFileBytesMax);
  if (bytes) {
    auto properties = MetaProperties::parse(as_text(*bytes));
    if (!properties)
      co_return fail(properties.error().code, file + ": " + properties.error().context);
    co_return std::optional(std::move(*properties));
  }
  if (bytes.error().code != Errc::not_found) co_return fail(bytes.error());
  CO_TRY_ASSIGN(const auto entries, co_await reactor::list_directory(directory));
  if (holds_partitions(entries)) {
    co_return fail(Errc::invalid, directory +
                                      " holds partitions but no meta.properties: whose they are is "
                                      "not known. Restore the file, or use another directory");
  }
  co_return std::optional<MetaProperties>{};
}

// All that must agree before anything is written.
Status verify(const FormatOptions& options, const std::vector<FormattedDirectory>& directories) {
  std::optional<std::string> cluster = options.cluster_id;
  std::set<Uuid> ids;
  for (const FormattedDirectory& directory : directories) {
    if (directory.formatted_now) continue;
    const MetaProperties& p = directory.properties;
    const std::string file = directory.path + "/" + std::string(kFileName);
    if (p.node_id != options.node_id) {
      return fail(Errc::invalid,
                  fmt::format("{}: the directory belongs to node.id {}, this node is {}. Set "
                              "node.id, or use another directory",
                              file, p.node_id.value, options.node_id.value));
    }
    if (cluster && *cluster != p.cluster_id) {
      return fail(Errc::invalid, fmt::format("{}: the directory belongs to cluster {}, not to {}",
                                             file, p.cluster_id, *cluster));
    }
    cluster = p.cluster_id;
    if (!p.directory_id.is_zero() && !ids.insert(p.directory_id).second) {
      return fail(Errc::invalid,
                  fmt::format("{}: another directory has directory.id {} too; one of them is "
                              "a copy",
                              file, p.directory_id.to_string()));
    }
  }
  return {};
}

Task<Status> write_one(const FormattedDirectory& directory) {
  const std::string text = directory.properties.to_text();
  return reactor::replace_file(directory.path + "/" + std::string(kFileName),
                               {text.begin(), text.end()});
}

std::string cluster_of(const FormatOptions& options,
                       const std::vector<FormattedDirectory>& directories) {
  if (options.cluster_id) return *options.cluster_id;
  for (const FormattedDirectory& directory : directories) {
    if (!directory.formatted_now) return directory.properties.cluster_id;
  }
  return reactor::this_shard().random_uuid().to_string();
}

}  // namespace

Result<MetaProperties> MetaProperties::parse(std::string_view text) {
  const auto properties = parse_properties(text);
  const auto value = [&](const char* name) -> Result<std::string> {
    const auto found = properties.find(name);
    if (found != properties.end() && !found->second.empty()) return found->second;
    return fail(Errc::invalid, fmt::format("{} is missing", name));
  };
  TRY_ASSIGN(const std::string version, value("version"));
  if (version != "1") {
    return fail(Errc::unsupported,
                fmt::format("version={}: only version 1 (KRaft) is supported", version));
  }
  MetaProperties out;
  TRY_ASSIGN(out.cluster_id, value("cluster.id"));
  if (!std::ranges::all_of(out.cluster_id,
                           [](char c) { return c > ' ' && c < 127 && c != '\\'; })) {
    return fail(Errc::invalid,
                fmt::format("cluster.id is '{}': expected visible ASCII", out.cluster_id));
  }
  TRY_ASSIGN(const std::string node, value("node.id"));
  TRY_ASSIGN(const int32_t id, parse_id(node));
  out.node_id = NodeId(id);
  const auto directory = value("directory.id");
  if (!directory) return out;
  const auto parsed = Uuid::parse(*directory);
  if (!parsed)
    return fail(Errc::invalid, fmt::format("directory.id is '{}': expected a uuid", *directory));
  out.directory_id = *parsed;
  return out;
}

std::string MetaProperties::to_text() const {
  std::string text = fmt::format("#\nnode.id={}\n", node_id.value);
  if (!directory_id.is_zero()) text += fmt::format("directory.id={}\n", directory_id.to_string());
  return text + fmt::format("version=1\ncluster.id={}\n", cluster_id);
}

Task<Result<std::vector<FormattedDirectory>>> format_directories(FormatOptions options) {
  std::vector<FormattedDirectory> out;
  for (const std::string& path : options.directories) {
    CO_TRY_ASSIGN(auto properties, co_await read_one(path));
    FormattedDirectory directory;
    directory.path = path;
    directory.formatted_now = !properties.has_value();
    if (properties) directory.properties = std::move(*properties);
    out.push_back(std::move(directory));
  }
  CO_TRY(verify(options, out));
  const std::string cluster = cluster_of(options, out);
  for (FormattedDirectory& directory : out) {
    // A directory of Kafka before 3.7 has no id yet: it gets one, as Kafka gives it one.
    const bool needs_id = directory.properties.directory_id.is_zero();
    if (!directory.formatted_now && !needs_id) continue;
    directory.properties.node_id = options.node_id;
    directory.properties.cluster_id = cluster;
    if (needs_id) directory.properties.directory_id = reactor::this_shard().random_uuid();
    CO_TRY(co_await write_one(directory));
  }
  co_return out;
}

}  // namespace odradek::metadata
