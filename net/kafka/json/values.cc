#include "net/kafka/json/values.h"

#include <algorithm>
#include <array>

#include "net/wire/limits.h"

namespace odradek::kafka {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> digit_values = [] {
  std::array<int8_t, 256> out;
  out.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    out[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return out;
}();

std::string encode_base64(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k) {
      out += k <= n ? alphabet[word >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

// The bytes of base64 `text` with its padding, in `scratch`; absent if it is none.
std::optional<BytesView> decode_base64(std::string_view text, wire::Scratch& scratch) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  const MutableBytes out = scratch.allocate(text.size() * 3 / 4);
  uint32_t word = 0;
  int bits = 0;
  size_t done = 0;
  for (const char c : text) {
    const int8_t value = digit_values[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    word = word << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[done++] = static_cast<uint8_t>(word >> bits);
    }
  }
  return out;
}

}  // namespace

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  Json out = Json::parse(text, nullptr, false);
  if (out.is_discarded()) return fail(Errc::invalid, "not JSON");
  return out;
}

std::string base64(const Chain& bytes) {
  if (bytes.contiguous()) return encode_base64(bytes.view());
  std::vector<uint8_t> copy(bytes.size());
  bytes.copy_out(0, copy);
  return encode_base64(copy);
}

void set_records(Json& object, const char* name, const std::optional<Chain>& value,
                 JsonRecords how) {
  if (!value) {
    object[name] = nullptr;
  } else if (how == JsonRecords::content) {
    object[name] = base64(*value);
  } else {
    object[std::string(name) + "SizeInBytes"] = value->size();
  }
}

void JsonInput::fail(const char* field, std::string_view what) {
  if (ok()) problem_ = std::string(field) + " " + std::string(what);
}

Status JsonInput::status(std::string_view message) const {
  if (ok()) return {};
  return odradek::fail(Errc::invalid, std::string(message) + ": " + problem_);
}

const Json* JsonInput::member(const Json& object, const char* name, bool required) {
  if (!object.is_object()) {
    fail(name, "is looked for in what is not an object");
    return nullptr;
  }
  const auto found = object.find(name);
  if (found != object.end()) return &*found;
  if (required) fail(name, "is missing");
  return nullptr;
}

void JsonInput::load(const Json& json, const char* field, bool& out) {
  if (!json.is_boolean()) return fail(field, "is neither true nor false");
  out = json.get<bool>();
}

void JsonInput::load(const Json& json, const char* field, double& out) {
  if (!json.is_number()) return fail(field, "is not a number");
  out = json.get<double>();
}

void JsonInput::load(const Json& json, const char* field, std::string_view& out) {
  if (!json.is_string()) return fail(field, "is not text");
  out = scratch_.store(std::string_view(json.get_ref<const std::string&>()));
  if (out.size() > wire::string_size_max) fail(field, "is longer than 32767 bytes");
}

void JsonInput::load(const Json& json, const char* field, Uuid& out) {
  const auto id = json.is_string() ? Uuid::parse(json.get_ref<const std::string&>()) : std::nullopt;
  if (!id) return fail(field, "is not a uuid");
  out = *id;
}

void JsonInput::load(const Json& json, const char* field, BytesView& out) {
  const auto bytes =
      json.is_string() ? decode_base64(json.get_ref<const std::string&>(), scratch_) : std::nullopt;
  if (!bytes) return fail(field, "is not base64 text");
  out = *bytes;
}

void JsonInput::load(const Json& json, const char* field, Chain& out) {
  BytesView bytes;
  load(json, field, bytes);
  out = Chain(bytes);
}

}  // namespace odradek::kafka
