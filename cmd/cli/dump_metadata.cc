#include "cmd/cli/dump_metadata.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include "log/batch/control_record.h"
#include "net/kafka/message_json.h"
#include "net/wire/reader.h"
#include "replication/metadata/record_list.h"
#include "replication/metadata/records/metadata_records_json.h"

namespace odradek::cli {

namespace {

using kafka::Json;
using kafka::JsonInfo;

struct ControlName {
  log::ControlType type;
  std::string_view words;    // before the JSON
  std::string_view message;  // its schema
};
constexpr std::array<ControlName, 5> kControlNames{{
    {log::ControlType::leader_change, "LeaderChange: ", "LeaderChangeMessage"},
    {log::ControlType::snapshot_header, "SnapshotHeader ", "SnapshotHeaderRecord"},
    {log::ControlType::snapshot_footer, "SnapshotFooter ", "SnapshotFooterRecord"},
    {log::ControlType::kraft_version, "KRaftVersion ", "KRaftVersionRecord"},
    {log::ControlType::kraft_voters, "KRaftVoters ", "VotersRecord"},
}};

// "TopicRecord" as "TOPIC_RECORD".
std::string upper_snake(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && !out.empty()) out += '_';
    out += capital || c < 'a' || c > 'z' ? c : static_cast<char>(c - 32);
  }
  return out;
}

Result<std::string> view_text(const JsonInfo& info, int16_t version, BytesView bytes) {
  if (!info.versions.contains(version)) {
    return fail(Errc::unsupported, fmt::format("{} version {}", info.name, version));
  }
  wire::Scratch scratch;
  wire::Reader reader(bytes, scratch);
  const auto json = info.view(reader, version, kafka::JsonRecords::size);
  if (!json) return fail(Errc::corrupt, json.error().context);
  if (reader.remaining() == 0) return kafka::json_text(*json);
  return fail(Errc::corrupt,
              fmt::format("{}: {} bytes after its end", info.name, reader.remaining()));
}

// Messages of the quorum say their version in their first field.
Result<std::string> control_text(const log::Record& record) {
  TRY_ASSIGN(const log::ControlType type, log::parse_control_key(record.key.value_or(BytesView{})));
  const auto* name = std::ranges::find(kControlNames, type, &ControlName::type);
  if (name == kControlNames.end()) {
    return fail(Errc::unsupported, fmt::format("control type {}", static_cast<int16_t>(type)));
  }
  const BytesView value = record.value.value_or(BytesView{});
  if (value.size() < 2) return fail(Errc::corrupt, std::string(name->message) + " without version");
  const auto infos = records::all_metadata_records_json();
  const auto info = std::ranges::find(infos, name->message, &JsonInfo::name);
  CHECK(info != infos.end(), name->message);
  TRY_ASSIGN(const std::string text, view_text(*info, load_be<int16_t>(value.data()), value));
  return std::string(name->words) + text;
}

}  // namespace

Result<std::string> metadata_text(const log::BatchHeader& batch, const log::Record& record) {
  if (batch.attributes.control()) return control_text(record);
  const auto front = metadata::parse_record_front(record.value.value_or(BytesView{}));
  if (!front) return fail(Errc::corrupt, front.error().context);
  const auto infos = records::all_metadata_records_json();
  const auto info = std::ranges::find_if(infos, [&front](const JsonInfo& i) {
    return i.kind == kafka::MessageKind::record && i.key >= 0 &&
           static_cast<uint32_t>(i.key) == front->type;
  });
  if (info == infos.end()) {
    return fail(Errc::unsupported, fmt::format("metadata record type {}", front->type));
  }
  TRY_ASSIGN(const std::string data, view_text(*info, front->version, front->body));
  return fmt::format(R"(payload: {{"type":"{}","version":{},"data":{}}})", upper_snake(info->name),
                     front->version, data);
}

}  // namespace odradek::cli
