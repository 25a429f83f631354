// The plan for client quotas. What Kafka 4.3 lets pass passes here, too: a value that is not a
// number is kept and bounds nothing.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "replication/metadata/client_quotas.h"
#include "replication/metadata/plan.h"
#include "replication/metadata/plan_fault.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;

namespace {

enum class Number : uint8_t { real, int64, int32 };
struct QuotaKey {
  std::string_view name;
  Number number;
  bool of_ip;
};
constexpr QuotaKey kKeys[] = {
    {kProducerByteRate, Number::int64, false},      {kConsumerByteRate, Number::int64, false},
    {kRequestPercentage, Number::real, false},      {kControllerMutationRate, Number::real, false},
    {kConnectionCreationRate, Number::int32, true},
};

std::unexpected<Fault> invalid(std::string message) {
  return refuse(KafkaCode::invalid_request, std::move(message));
}

// Kafka's order: first each part, then what the parts make together.
Checked<void> check_entity(const QuotaAlteration& alteration) {
  constexpr const char* kEmpty = "Invalid empty client quota entity";
  const QuotaEntity& entity = alteration.entity;
  if (entity.empty()) return invalid(kEmpty);
  for (const auto& [type, name] : entity) {
    if (type != kQuotaUser && type != kQuotaClientId && type != kQuotaIp) {
      return invalid("Unhandled client quota entity type: " + type);
    }
    if (name && name->empty()) return invalid(fmt::format("Empty {} not supported", type));
  }
  const auto ip = entity.find(kQuotaIp);
  if (ip == entity.end()) return {};
  if (entity.size() > 1) {
    return invalid(
        "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId");
  }
  if (!ip->second || alteration.ip_resolves || canonical_ip(*ip->second)) return {};
  return invalid(*ip->second + " is not a valid IP or resolvable host.");
}

// Comparisons as Kafka writes them: what is not a number passes.
Checked<void> check_value(bool of_ip, std::string_view name, double value) {
  const auto* const key = std::ranges::find_if(
      kKeys, [&](const QuotaKey& k) { return k.name == name && k.of_ip == of_ip; });
  if (key == std::end(kKeys)) return invalid(fmt::format("Invalid configuration key {}", name));
  if (value <= 0) return invalid(fmt::format("Quota {} must be greater than 0", name));
  if (key->number == Number::real) return {};
  const double max = key->number == Number::int64 ? 9.223372036854776e18 : 2147483647.0;
  if (value > max) {
    return invalid(fmt::format("Proposed value for {} is too large for {}.", name,
                               key->number == Number::int64 ? "a LONG" : "an INT"));
  }
  if (std::fabs(std::fmod(value, 1.0)) > 1e-6) {
    return invalid(fmt::format("{} cannot be a fractional value.", name));
  }
  return {};
}

void add_quota(const QuotaEntity& entity, const QuotaChange& change, RecordList& out) {
  ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    auto& part = record.entity.emplace_back();
    part.entity_type = type;
    part.entity_name.reset();
    if (name) part.entity_name = *name;
  }
  record.key = change.key;
  record.value = change.value.value_or(0);
  record.remove = !change.value;
  out.add(record, 0);
}

// What differs from what is set, as records; all of the entity's or none.
Checked<void> alter_one(const Image& image, const QuotaAlteration& alteration, RecordList& out) {
  if (auto checked = check_entity(alteration); !checked) return checked;
  const bool of_ip = alteration.entity.contains(kQuotaIp);
  const QuotaValues* set = image.find_quotas(alteration.entity);
  RecordList records;
  for (const QuotaChange& change : alteration.changes) {
    const auto was = set ? std::optional(set->find(change.key)) : std::nullopt;
    const bool there = was && *was != set->end();
    if (change.value) {
      if (auto checked = check_value(of_ip, change.key, *change.value); !checked) return checked;
      if (there && (*was)->second == *change.value) continue;
    } else if (!there) {
      continue;
    }
    add_quota(alteration.entity, change, records);
  }
  for (const auto& value : records.values()) out.add_encoded(value);
  return {};
}

bool names_key_twice(const QuotaAlteration& alteration) {
  std::set<std::string_view> keys;
  for (const QuotaChange& change : alteration.changes) {
    if (!keys.insert(change.key).second) return true;
  }
  return false;
}

}  // namespace

Plan<QuotaResult> plan_alter_quotas(const Image& image,
                                    const std::vector<QuotaAlteration>& alterations) {
  Plan<QuotaResult> plan;
  std::map<QuotaEntity, size_t> places;
  for (const QuotaAlteration& alteration : alterations) {
    const auto [place, fresh] = places.try_emplace(alteration.entity, plan.answers.size());
    if (fresh) plan.answers.push_back({alteration.entity, KafkaCode::none, {}});
    // As with Kafka, what came first is carried out, and the answer tells of what came again.
    Checked<void> checked;
    if (!fresh || names_key_twice(alteration)) {
      checked = invalid("Ignoring duplicate entity " + entity_text(alteration.entity));
    } else {
      checked = alter_one(image, alteration, plan.records);
    }
    if (checked) continue;
    plan.answers[place->second].code = checked.error().code;
    plan.answers[place->second].message = checked.error().message;
  }
  return plan;
}

}  // namespace odradek::metadata
