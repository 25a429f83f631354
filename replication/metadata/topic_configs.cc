#include "replication/metadata/topic_configs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "replication/metadata/topic_config_table.h"

namespace odradek::metadata {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  text = trimmed(text);
  while (!text.empty()) {
    const size_t comma = text.find(',');
    items.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) items.emplace_back();
  }
  return items;
}

std::unexpected<Error> refuse(std::string_view name, std::string_view value, std::string_view why) {
  return fail(Errc::invalid,
              fmt::format("Invalid value {} for configuration {}: {}", value, name, why));
}

std::string_view type_name(ConfigType type) {
  switch (type) {
    case ConfigType::int32: return "INT";
    case ConfigType::int16: return "SHORT";
    case ConfigType::int64: return "LONG";
    case ConfigType::real: return "DOUBLE";
    case ConfigType::boolean: return "BOOLEAN";
    case ConfigType::string: return "STRING";
    case ConfigType::list: return "LIST";
  }
  return "";
}

// A bound or a value as Java prints it in Kafka's messages.
std::string number_text(const TopicConfigDef& def, double value, bool is_bound) {
  const bool integral = std::floor(value) == value && std::abs(value) < 1e15;
  if (!integral) return fmt::format("{}", value);
  return fmt::format("{:.0f}{}", value, def.type == ConfigType::real && !is_bound ? ".0" : "");
}

Status check_range(const TopicConfigDef& def, double value, const std::string& shown) {
  // The one definition that is not a range: gzip's levels 1 to 9, or -1 for its own default.
  if (def.name == "compression.gzip.level") {
    if (value == -1 || (value >= 1 && value <= 9)) return {};
    return refuse(def.name, shown, "Value must be between 1 and 9 or equal to -1");
  }
  if (value < def.min) {
    return refuse(def.name, shown, "Value must be at least " + number_text(def, def.min, true));
  }
  if (value > def.max) {
    return refuse(def.name, shown, "Value must be no more than " + number_text(def, def.max, true));
  }
  return {};
}

Status check_number(const TopicConfigDef& def, std::string_view value) {
  std::optional<double> number;
  if (def.type == ConfigType::int32) {
    if (const auto n = parse_number<int32_t>(value)) number = *n;
  } else if (def.type == ConfigType::int64) {
    // The bounds in use are far below 2^53, so the comparison as double is exact where it matters.
    if (const auto n = parse_number<int64_t>(value)) number = static_cast<double>(*n);
  } else {
    number = parse_number<double>(value);
  }
  if (!number) {
    return refuse(def.name, value, "Not a number of type " + std::string(type_name(def.type)));
  }
  const bool real = def.type == ConfigType::real;
  return check_range(def, *number,
                     real ? number_text(def, *number, false) : std::string(trimmed(value)));
}

Status check_allowed(const TopicConfigDef& def, std::string_view item) {
  if (def.allowed.empty() || std::ranges::find(def.allowed, item) != def.allowed.end()) return {};
  return refuse(def.name, item,
                fmt::format("String must be one of: {}", fmt::join(def.allowed, ", ")));
}

// "*", or partition:broker pairs.
bool is_throttled_list(const std::vector<std::string_view>& items) {
  if (items.size() == 1 && items[0] == "*") return true;
  return std::ranges::all_of(items, [](std::string_view item) {
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos) return false;
    return parse_number<uint32_t>(item.substr(0, colon)) &&
           parse_number<uint32_t>(item.substr(colon + 1));
  });
}

Status check_list(const TopicConfigDef& def, std::string_view value) {
  const auto items = split_list(value);
  if (!def.allowed.empty()) {
    for (const auto item : items) TRY(check_allowed(def, item));
    return {};
  }
  if (is_throttled_list(items)) return {};
  return refuse(def.name, fmt::format("[{}]", fmt::join(items, ", ")),
                std::string(def.name) +
                    " must be the literal '*' or a list of replicas in the following "
                    "format: [partitionId]:[brokerId],[partitionId]:[brokerId],...");
}

Status check_value(const TopicConfigDef& def, std::string_view value) {
  switch (def.type) {
    case ConfigType::boolean: {
      const std::string text = lower(trimmed(value));
      if (text == "true" || text == "false") return {};
      return refuse(def.name, value, "Expected value to be either true or false");
    }
    case ConfigType::string: return check_allowed(def, value);
    case ConfigType::list: return check_list(def, value);
    case ConfigType::int16:
    case ConfigType::int32:
    case ConfigType::int64:
    case ConfigType::real: return check_number(def, value);
  }
  return {};
}

// Reads values in force, as types. REQUIRES of the getters: a known name.
class Reader {
 public:
  Reader(const ConfigMap* configs, const TopicDefaults& defaults)
      : configs_(configs), defaults_(defaults) {}
  std::string text(std::string_view name) const {
    const TopicConfigDef* def = find_topic_config(name);
    CHECK(def != nullptr, name);
    return effective_value(*def, configs_, defaults_);
  }
  bool flag(std::string_view name) const { return lower(trimmed(text(name))) == "true"; }
  int64_t number(std::string_view name) const {
    const auto value = parse_number<int64_t>(text(name));
    CHECK(value.has_value(), name, text(name));
    return *value;
  }
  double real(std::string_view name) const {
    const auto value = parse_number<double>(text(name));
    CHECK(value.has_value(), name, text(name));
    return *value;
  }
  bool lists(std::string_view name, std::string_view item) const {
    const std::string value = text(name);
    const auto items = split_list(value);
    return std::ranges::find(items, item) != items.end();
  }

 private:
  const ConfigMap* configs_;
  const TopicDefaults& defaults_;
};

log::LogConfig log_config(const Reader& in) {
  log::LogConfig out;
  out.durability = in.text("odradek.durability") == "written" ? log::Durability::written
                                                              : log::Durability::flushed;
  out.segment_bytes = static_cast<uint32_t>(in.number("segment.bytes"));
  out.segment_ms = in.number("segment.ms");
  out.segment_jitter_ms = in.number("segment.jitter.ms");
  out.segment_index_bytes = static_cast<uint32_t>(in.number("segment.index.bytes"));
  out.index_interval_bytes = static_cast<uint32_t>(in.number("index.interval.bytes"));
  out.retention_ms = in.number("retention.ms");
  // Kafka takes any number here; all below zero mean the same.
  out.retention_bytes = std::max<int64_t>(in.number("retention.bytes"), -1);
  out.file_delete_delay_ms = in.number("file.delete.delay.ms");
  out.delete_policy = in.lists("cleanup.policy", "delete");
  out.compact_policy = in.lists("cleanup.policy", "compact");
  out.min_cleanable_ratio = in.real("min.cleanable.dirty.ratio");
  out.min_compaction_lag_ms = in.number("min.compaction.lag.ms");
  out.max_compaction_lag_ms = in.number("max.compaction.lag.ms");
  out.delete_retention_ms = in.number("delete.retention.ms");
  return out;
}

ProduceRules produce_rules(const Reader& in) {
  ProduceRules out;
  out.message_bytes_max = static_cast<uint32_t>(in.number("max.message.bytes"));
  out.compression = in.text("compression.type");
  if (out.compression == "gzip" || out.compression == "lz4" || out.compression == "zstd") {
    out.compression_level =
        static_cast<int32_t>(in.number("compression." + out.compression + ".level"));
  }
  out.timestamp_kind = in.text("message.timestamp.type") == "LogAppendTime"
                           ? TimestampKind::log_append_time
                           : TimestampKind::create_time;
  out.timestamp_before_max_ms = in.number("message.timestamp.before.max.ms");
  out.timestamp_after_max_ms = in.number("message.timestamp.after.max.ms");
  out.min_insync_replicas = static_cast<int32_t>(in.number("min.insync.replicas"));
  out.compacted = in.lists("cleanup.policy", "compact");
  return out;
}

// What one unit of a broker's property is in units of the topic's.
int64_t unit_of(std::string_view property) {
  if (property.ends_with(".hours")) return 3'600'000;
  if (property.ends_with(".minutes")) return 60'000;
  return 1;
}

Result<std::string> converted(const TopicConfigDef& def, std::string_view property,
                              const std::string& value) {
  const int64_t unit = unit_of(property);
  if (unit == 1) return value;
  const auto number = parse_number<int32_t>(value);
  if (!number) return refuse(property, value, "Not a number of type INT");
  // log.retention.hours=-1 is forever, as log.retention.ms=-1 is.
  return std::to_string(*number < 0 && def.name == "retention.ms" ? -1 : *number * unit);
}

}  // namespace

const TopicConfigDef* find_topic_config(std::string_view name) {
  const auto defs = topic_config_defs();
  const auto found = std::ranges::lower_bound(defs, name, {}, &TopicConfigDef::name);
  return found != defs.end() && found->name == name ? &*found : nullptr;
}

bool is_retired_topic_config(std::string_view name) {
  return name == "message.format.version" || name == "message.downconversion.enable" ||
         name == "message.timestamp.difference.max.ms";
}

Result<TopicDefaults> topic_defaults(
    const std::map<std::string, std::string, std::less<>>& properties) {
  TopicDefaults out;
  for (const TopicConfigDef& def : topic_config_defs()) {
    for (const std::string_view property : def.synonyms) {
      const auto found = properties.find(property);
      if (found == properties.end()) continue;
      TRY_ASSIGN(std::string value, converted(def, property, found->second));
      if (const Status checked = check_value(def, value); !checked) {
        return fail(Errc::invalid, fmt::format("{}: {}", property, checked.error().context));
      }
      out.emplace(def.name, std::move(value));
      break;
    }
  }
  return out;
}

TopicDefaults with_dynamic_defaults(const TopicDefaults& defaults, const ConfigMap* all_brokers,
                                    const ConfigMap* broker) {
  TopicDefaults out = defaults;
  for (const ConfigMap* properties : {all_brokers, broker}) {
    if (properties == nullptr) continue;
    for (const TopicConfigDef& def : topic_config_defs()) {
      for (const std::string_view property : def.synonyms) {
        const auto found = properties->find(property);
        if (found == properties->end()) continue;
        const auto value = converted(def, property, found->second);
        if (!value || !check_value(def, *value)) continue;
        out[std::string(def.name)] = *value;
        break;
      }
    }
  }
  return out;
}

Status validate_topic_config(std::string_view name, std::string_view value) {
  const TopicConfigDef* def = find_topic_config(name);
  if (def == nullptr) return fail(Errc::invalid, "Unknown topic config name: " + std::string(name));
  return check_value(*def, value);
}

Status validate_topic_configs(const ConfigMap& configs, const TopicDefaults& defaults) {
  for (const auto& [name, value] : configs) {
    if (find_topic_config(name) == nullptr) {
      return fail(Errc::invalid, "Unknown topic config name: " + name);
    }
  }
  for (const auto& [name, value] : configs) TRY(validate_topic_config(name, value));
  const Reader in(&configs, defaults);
  if (in.flag("remote.storage.enable")) {
    return fail(
        Errc::invalid,
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with "
        "remote log storage.");
  }
  const int64_t lag_min = in.number("min.compaction.lag.ms");
  const int64_t lag_max = in.number("max.compaction.lag.ms");
  if (lag_min > lag_max) {
    return fail(Errc::invalid,
                fmt::format("conflict topic config setting min.compaction.lag.ms ({}) > "
                            "max.compaction.lag.ms ({})",
                            lag_min, lag_max));
  }
  return {};
}

std::string effective_value(const TopicConfigDef& def, const ConfigMap* configs,
                            const TopicDefaults& defaults) {
  if (configs != nullptr) {
    const auto set = configs->find(def.name);
    if (set != configs->end() && check_value(def, set->second)) return set->second;
  }
  const auto found = defaults.find(def.name);
  return found != defaults.end() ? found->second : std::string(def.default_value);
}

// Double.toString: shortest digits, at least one behind the point; an exponent below 1e-3 and from
// 1e7 on.
static std::string java_text(double number) {
  const double size = std::abs(number);
  if (number == 0 || (size >= 1e-3 && size < 1e7)) {
    std::string text = fmt::format("{}", number);
    if (!text.contains('.')) text += ".0";
    return text;
  }
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof(digits), number, std::chars_format::scientific);
  std::string text(digits, end.ptr);
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;  // not a number, or infinite
  const int exponent = std::stoi(text.substr(e + 1));
  text.resize(e);
  if (!text.contains('.')) text += ".0";
  return text + "E" + std::to_string(exponent);
}

std::string shown_value(const TopicConfigDef& def, const std::string& value) {
  switch (def.type) {
    case ConfigType::boolean: return lower(trimmed(value));
    case ConfigType::list: return fmt::format("{}", fmt::join(split_list(value), ","));
    case ConfigType::int16:
    case ConfigType::int32:
    case ConfigType::int64: {
      const auto number = parse_number<int64_t>(value);
      return number ? std::to_string(*number) : value;
    }
    case ConfigType::real: {
      const auto number = parse_number<double>(value);
      return number ? java_text(*number) : value;
    }
    case ConfigType::string: break;
  }
  return value;
}

EffectiveTopicConfig effective_topic_config(const ConfigMap* configs,
                                            const TopicDefaults& defaults) {
  const Reader in(configs, defaults);
  return {log_config(in), produce_rules(in)};
}

}  // namespace odradek::metadata
