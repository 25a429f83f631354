// What the generated JSON views call: values to JSON and back. The shape is Kafka's own
// (XxxJsonConverter): uuids as base64url text, bytes as base64 text, names in camelCase, tagged
// fields only when they differ from their default.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/kafka/message_json.h"
#include "net/wire/scratch.h"
#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"
#include "reactor/base/result.h"
#include "reactor/base/uuid.h"

namespace odradek::kafka {

// ---- to JSON ----

std::string base64(const Chain& bytes);

inline Json to_value(std::integral auto value) { return value; }
inline Json to_value(double value) { return value; }
inline Json to_value(std::string_view value) { return std::string(value); }
inline Json to_value(const Uuid& value) { return value.to_string(); }
inline Json to_value(BytesView value) { return base64(Chain(value)); }

// An array, `element(x)` of each.
template <class T, class Element>
Json to_array(const std::vector<T>& values, Element element) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(element(value));
  return out;
}
template <class T, class Element>
Json to_array(const std::optional<std::vector<T>>& values, Element element) {
  return values ? to_array(*values, element) : Json();
}
template <class T>
Json to_value(const std::optional<T>& value) {
  return value ? to_value(*value) : Json();
}
// Sets `name`, or `name`SizeInBytes, in `object`.
void set_records(Json& object, const char* name, const std::optional<Chain>& value,
                 JsonRecords how);

// ---- from JSON ----

// Where values go and what went wrong first; sticky as wire::Reader.
class JsonInput {
 public:
  explicit JsonInput(wire::Scratch& scratch) : scratch_(scratch) {}

  bool ok() const { return problem_.empty(); }
  void fail(const char* field, std::string_view what);
  Status status(std::string_view message) const;
  // The member `name` of `object`, or nullptr; a missing one is a failure if `required`.
  const Json* member(const Json& object, const char* name, bool required);

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void load(const Json& json, const char* field, T& out) {
    if (!json.is_number_integer()) return fail(field, "is not a whole number");
    if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{INT64_MAX}) {
      return fail(field, "is out of range");
    }
    const auto value = json.get<int64_t>();
    if (!std::in_range<T>(value)) return fail(field, "is out of range");
    out = static_cast<T>(value);
  }
  void load(const Json& json, const char* field, bool& out);
  void load(const Json& json, const char* field, double& out);
  void load(const Json& json, const char* field, std::string_view& out);
  void load(const Json& json, const char* field, Uuid& out);
  void load(const Json& json, const char* field, BytesView& out);
  void load(const Json& json, const char* field, Chain& out);

 private:
  wire::Scratch& scratch_;
  std::string problem_;
};

template <class T, class Element>
void load_array(JsonInput& in, const Json& json, const char* field, std::vector<T>& out,
                Element element) {
  if (!json.is_array()) return in.fail(field, "is not an array");
  out.clear();
  for (const Json& item : json) {
    if (!in.ok()) return;
    element(item, out.emplace_back());
  }
}

// Null becomes absent if `nullable`, else a failure; anything else goes to `value(json,
// out.emplace())`.
template <class T, class Value>
void load_nullable(JsonInput& in, const Json& json, const char* field, bool nullable,
                   std::optional<T>& out, Value value) {
  if (json.is_null()) {
    if (!nullable) return in.fail(field, "is null, which this version does not allow");
    out.reset();
    return;
  }
  value(json, out.emplace());
}

}  // namespace odradek::kafka
