#include "replication/metadata/client_quotas.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>

#include "replication/metadata/image.h"
#include "replication/metadata/plan_fault.h"

namespace odradek::metadata {

namespace {

// Up to four numbers; the last one fills what the others leave of the 32 bits.
std::optional<std::string> canonical_ipv4(std::string_view text) {
  std::array<uint64_t, 4> parts{};
  size_t count = 0;
  for (;;) {
    const size_t dot = text.find('.');
    const std::string_view digits = text.substr(0, dot);
    if (count == parts.size() || digits.empty() || digits.size() > 10) return std::nullopt;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parts[count]);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    ++count;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  const uint64_t last_max = uint64_t{0xffffffff} >> (8 * (count - 1));
  if (parts[count - 1] > last_max) return std::nullopt;
  uint64_t address = parts[count - 1];
  for (size_t i = 0; i + 1 < count; ++i) {
    if (parts[i] > 255) return std::nullopt;
    address |= parts[i] << (24 - 8 * i);
  }
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

std::optional<std::string> canonical_ipv6(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const std::string copy(text);
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) != 1) return std::nullopt;
  constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  }
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (!inet_ntop(AF_INET6, bytes.data(), out.data(), out.size())) return std::nullopt;
  return std::string(out.data());
}

bool is_type(std::string_view type) {
  return type == kQuotaUser || type == kQuotaClientId || type == kQuotaIp;
}

Checked<void> check_part(const QuotaFilterPart& part) {
  switch (part.match) {
    case QuotaMatchType::exact:
      if (part.name) return {};
      return refuse(KafkaCode::invalid_request,
                    "Request specified MATCH_TYPE_EXACT, but set match string to null.");
    case QuotaMatchType::fallback:
      if (!part.name) return {};
      return refuse(KafkaCode::invalid_request,
                    "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.");
    case QuotaMatchType::specified:
      if (!part.name) return {};
      return refuse(KafkaCode::invalid_request,
                    "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.");
  }
  return refuse(KafkaCode::invalid_request,
                fmt::format("Unknown match type {}", static_cast<int>(part.match)));
}

Checked<void> check_filter(const std::vector<QuotaFilterPart>& filter) {
  std::set<std::string_view> types;
  for (const QuotaFilterPart& part : filter) {
    if (part.type.empty()) {
      return refuse(KafkaCode::invalid_request, "Invalid empty entity type.");
    }
    if (types.contains(part.type)) {
      return refuse(
          KafkaCode::invalid_request,
          fmt::format("Entity type {} cannot appear more than once in the filter.", part.type));
    }
    if (!is_type(part.type)) {
      return refuse(KafkaCode::unsupported_version, "Unsupported entity type " + part.type);
    }
    if (auto checked = check_part(part); !checked) return checked;
    types.insert(part.type);
  }
  if (types.contains(kQuotaIp) && types.size() > 1) {
    return refuse(KafkaCode::invalid_request,
                  "Invalid entity filter component combination. IP filter component should not be "
                  "used with user or clientId filter component.");
  }
  return {};
}

bool matches(const QuotaEntity& entity, const std::vector<QuotaFilterPart>& filter, bool strict) {
  if (strict && entity.size() != filter.size()) return false;
  return std::ranges::all_of(filter, [&](const QuotaFilterPart& part) {
    const auto found = entity.find(part.type);
    if (found == entity.end()) return false;
    return part.match == QuotaMatchType::specified || found->second == part.name;
  });
}

}  // namespace

std::string entity_text(const QuotaEntity& entity) {
  std::string parts;
  for (const auto& [type, name] : entity) {
    parts += fmt::format("{}{}={}", parts.empty() ? "" : ", ", type, name.value_or("null"));
  }
  return "ClientQuotaEntity(entries={" + parts + "})";
}

std::optional<std::string> canonical_ip(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return canonical_ipv6(text);
  return canonical_ipv4(text);
}

FoundQuotas find_quotas(const Image& image, const std::vector<QuotaFilterPart>& filter,
                        bool strict) {
  FoundQuotas found;
  if (const auto checked = check_filter(filter); !checked) {
    found.code = checked.error().code;
    found.message = checked.error().message;
    return found;
  }
  image.for_each_quota([&](const QuotaEntity& entity, const QuotaValues& values) {
    if (matches(entity, filter, strict)) found.entries.push_back({entity, values});
  });
  std::ranges::sort(found.entries, {}, &QuotaEntry::entity);
  return found;
}

}  // namespace odradek::metadata
