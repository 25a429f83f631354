#include "log/checkpoint_files.h"

#include <algorithm>
#include <charconv>

namespace odradek::log {

namespace detail {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::optional<int64_t> number_of(std::string_view word) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

Result<std::vector<std::string_view>> checkpoint_entries(std::string_view text,
                                                         std::string_view file) {
  const std::string name(file);
  std::vector<std::string_view> lines = lines_of(text);
  if (lines.size() < 2) return fail(Errc::corrupt, name + ": shorter than its two header lines");
  if (lines[0] != "0") {
    return fail(Errc::unsupported, name + ": version '" + std::string(lines[0]) + "', not 0");
  }
  const auto count = number_of(lines[1]);
  if (!count || *count < 0 || static_cast<uint64_t>(*count) != lines.size() - 2) {
    return fail(Errc::corrupt, name + ": count '" + std::string(lines[1]) + "' but " +
                                   std::to_string(lines.size() - 2) + " entries");
  }
  lines.erase(lines.begin(), lines.begin() + 2);
  return lines;
}

}  // namespace detail

std::string encode_offset_checkpoint(const std::vector<PartitionOffset>& entries) {
  std::string out = "0\n" + std::to_string(entries.size()) + "\n";
  for (const PartitionOffset& e : entries) {
    out += e.topic + " " + e.partition.to_string() + " " + e.offset.to_string() + "\n";
  }
  return out;
}

Result<std::vector<PartitionOffset>> decode_offset_checkpoint(std::string_view text) {
  TRY_ASSIGN(const auto lines, detail::checkpoint_entries(text, "offset checkpoint"));
  std::vector<PartitionOffset> entries;
  entries.reserve(lines.size());
  for (const std::string_view line : lines) {
    const auto words = detail::words_of(line);
    const auto partition = words.size() == 3 ? detail::number_of(words[1]) : std::nullopt;
    const auto offset = words.size() == 3 ? detail::number_of(words[2]) : std::nullopt;
    if (!partition || !offset || *partition < 0 || *partition > INT32_MAX) {
      return fail(Errc::corrupt, "offset checkpoint: line '" + std::string(line) + "'");
    }
    entries.push_back(
        {std::string(words[0]), PartitionId(static_cast<int32_t>(*partition)), Offset(*offset)});
  }
  return entries;
}

std::string encode_partition_metadata(const TopicId& topic) {
  return "version: 0\ntopic_id: " + topic.to_string() + "\n";
}

Result<TopicId> decode_partition_metadata(std::string_view text) {
  const auto lines = detail::lines_of(text);
  static constexpr std::string_view kVersion = "version:";
  static constexpr std::string_view kTopicId = "topic_id:";
  if (lines.size() < 2 || !lines[0].starts_with(kVersion) || !lines[1].starts_with(kTopicId)) {
    return fail(Errc::corrupt, "partition.metadata: expected 'version:' and 'topic_id:' lines");
  }
  const auto version = detail::words_of(lines[0].substr(kVersion.size()));
  if (version.size() != 1 || version[0] != "0") {
    return fail(Errc::unsupported, "partition.metadata: '" + std::string(lines[0]) + "'");
  }
  const auto words = detail::words_of(lines[1].substr(kTopicId.size()));
  const auto topic = words.size() == 1 ? Uuid::parse(words[0]) : std::nullopt;
  if (!topic || topic->is_zero()) {
    return fail(Errc::corrupt, "partition.metadata: '" + std::string(lines[1]) + "'");
  }
  return *topic;
}

static constexpr std::string_view kDeleteDirectorySuffix = "-delete";
static constexpr std::string_view kFutureDirectorySuffix = "-future";
static constexpr size_t kUniqueDigits = 32;
static constexpr size_t kNameBytesMax = 255;

std::string partition_directory_name(std::string_view topic, PartitionId partition) {
  return std::string(topic) + "-" + partition.to_string();
}

static std::string unique_suffix(PartitionId partition, const Uuid& unique,
                                 std::string_view purpose) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string suffix = "-" + partition.to_string() + ".";
  for (const uint8_t byte : unique.bytes) {
    suffix += kHex[byte >> 4];
    suffix += kHex[byte & 15];
  }
  return suffix.append(purpose);
}

std::string deleted_directory_name(std::string_view topic, PartitionId partition,
                                   const Uuid& unique) {
  const std::string suffix = unique_suffix(partition, unique, kDeleteDirectorySuffix);
  return std::string(topic.substr(0, kNameBytesMax - suffix.size())) + suffix;
}

std::string future_directory_name(std::string_view topic, PartitionId partition,
                                  const Uuid& unique) {
  return std::string(topic) + unique_suffix(partition, unique, kFutureDirectorySuffix);
}

std::optional<PartitionDirectory> parse_partition_directory(std::string_view name) {
  PartitionDirectory directory;
  directory.deleted = name.ends_with(kDeleteDirectorySuffix);
  directory.future = name.ends_with(kFutureDirectorySuffix);
  if (directory.deleted || directory.future) {
    static_assert(kDeleteDirectorySuffix.size() == kFutureDirectorySuffix.size());
    const std::string_view front = name.substr(0, name.size() - kDeleteDirectorySuffix.size());
    const size_t dot = front.rfind('.');
    if (dot == std::string_view::npos || front.size() - dot - 1 != kUniqueDigits)
      return std::nullopt;
    name = front.substr(0, dot);
  }
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const auto partition = detail::number_of(name.substr(dash + 1));
  if (!partition || *partition < 0 || *partition > INT32_MAX) return std::nullopt;
  directory.topic = std::string(name.substr(0, dash));
  directory.partition = PartitionId(static_cast<int32_t>(*partition));
  return directory;
}

}  // namespace odradek::log
