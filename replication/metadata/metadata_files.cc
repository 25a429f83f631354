#include "replication/metadata/metadata_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "log/batch/batch_builder.h"
#include "log/batch/control_record.h"
#include "replication/metadata/limits.h"
#include "replication/metadata/record_types.h"

namespace odradek::metadata {

using namespace records;
namespace {

std::optional<int64_t> parse_digits(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text of member `key` of a flat JSON object, up to the comma or brace behind it.
std::optional<std::string_view> json_member(std::string_view text, std::string_view key) {
  const std::string quoted = fmt::format("\"{}\"", key);
  const size_t at = text.find(quoted);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + quoted.size());
  const size_t colon = text.find_first_not_of(" \t\r\n");
  if (colon == std::string_view::npos || text[colon] != ':') return std::nullopt;
  text.remove_prefix(colon + 1);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  const size_t end = text.find_first_of(",}", begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, end - begin);
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.back())) text.remove_suffix(1);
  return text;
}

Result<int32_t> json_int(std::string_view text, std::string_view key) {
  const auto member = json_member(text, key);
  int32_t value = 0;
  if (member) {
    const auto [end, error] =
        std::from_chars(member->data(), member->data() + member->size(), value);
    if (error == std::errc() && end == member->data() + member->size()) return value;
  }
  return fail(Errc::corrupt, fmt::format("quorum-state has no number \"{}\"", key));
}

// Encodes a message of the quorum at the version that its own first field names.
template <class M>
std::vector<uint8_t> encoded(const M& message, int16_t version) {
  wire::Writer writer(encoded_size(version, message));
  encode(writer, version, message);
  return writer.copy();
}

void append_control(log::BatchBuilder& batch, log::ControlType type,
                    const std::vector<uint8_t>& value, int64_t timestamp_ms) {
  const auto key = log::control_key(type);
  log::Record record;
  record.timestamp = timestamp_ms;
  record.key = BytesView(key);
  record.value = BytesView(value);
  batch.append(record);
}

log::BatchOptions batch_options(log::Offset base, log::LeaderEpoch epoch, bool control) {
  log::BatchOptions options;
  options.base_offset = base;
  options.leader_epoch = epoch;
  options.control = control;
  return options;
}

VotersRecord voters_record(const VoterSet& set) {
  VotersRecord record;
  record.version = 0;
  for (const quorum::Voter& voter : set.voters) {
    auto& out = record.voters.emplace_back();
    out.voter_id = voter.id.value;
    out.voter_directory_id = voter.directory;
    for (const Endpoint& e : set.endpoints) {
      auto& point = out.endpoints.emplace_back();
      point.name = e.listener;
      point.host = e.host;
      point.port = e.port;
    }
    out.kraft_version_feature.min_supported_version = 0;
    out.kraft_version_feature.max_supported_version = 1;
  }
  return record;
}

// kraft.version and the voters, where they are not the configuration's.
void append_voters(log::BatchBuilder& batch, const VoterSet& voters, int64_t now_ms) {
  if (voters.kraft_version == 0) return;
  KRaftVersionRecord version;
  version.version = 0;
  version.kraft_version = voters.kraft_version;
  append_control(batch, log::ControlType::kraft_version, encoded(version, 0), now_ms);
  append_control(batch, log::ControlType::kraft_voters, encoded(voters_record(voters), 0), now_ms);
}

Result<std::vector<uint8_t>> snapshot_front(SnapshotId id, const VoterSet& voters,
                                            int64_t contained_ms, int64_t now_ms, int32_t* count) {
  log::BatchBuilder batch(batch_options(log::Offset(0), id.epoch, true));
  SnapshotHeaderRecord header;
  header.version = 0;
  header.last_contained_log_timestamp = contained_ms;
  append_control(batch, log::ControlType::snapshot_header, encoded(header, 0), now_ms);
  append_voters(batch, voters, now_ms);
  *count = batch.record_count();
  return batch.finish();
}

void append_bytes(std::vector<uint8_t>& to, const std::vector<uint8_t>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class M>
Status decode_control(BytesView value, const char* what, M& out) {
  wire::Scratch scratch;
  wire::Reader reader(value, scratch);
  if (const Status status = decode(reader, 0, out); !status) {
    return fail(Errc::corrupt, std::string(what) + ": " + status.error().context);
  }
  return {};
}

}  // namespace

std::string segment_name(log::Offset base) { return fmt::format("{:020}.log", base.value); }

std::optional<log::Offset> parse_segment_name(std::string_view name) {
  if (name.size() != 24 || !name.ends_with(".log")) return std::nullopt;
  const auto base = parse_digits(name.substr(0, 20));
  return base ? std::optional(log::Offset(*base)) : std::nullopt;
}

std::string snapshot_name(SnapshotId id) {
  return fmt::format("{:020}-{:010}.checkpoint", id.end.value, id.epoch.value);
}

std::optional<SnapshotId> parse_snapshot_name(std::string_view name) {
  if (name.size() != 42 || !name.ends_with(".checkpoint") || name[20] != '-') return std::nullopt;
  const auto end = parse_digits(name.substr(0, 20));
  const auto epoch = parse_digits(name.substr(21, 10));
  if (!end || !epoch || *epoch > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return SnapshotId{log::Offset(*end), log::LeaderEpoch(static_cast<int32_t>(*epoch))};
}

std::string quorum_state_text(const quorum::HardState& state, int16_t kraft_version,
                              const std::vector<quorum::Voter>& voters) {
  const std::string front =
      fmt::format(R"("leaderId":{},"leaderEpoch":{},"votedId":{})", state.leader.value,
                  state.epoch.value, state.voted.id.value);
  if (kraft_version > 0) {
    return fmt::format(R"({{{},"votedDirectoryId":"{}","data_version":1}})", front,
                       state.voted.directory.to_string());
  }
  std::string list;
  for (const quorum::Voter& voter : voters) {
    list += fmt::format(R"({}{{"voterId":{}}})", list.empty() ? "" : ",", voter.id.value);
  }
  return fmt::format(
      R"({{"clusterId":"",{},"appliedOffset":0,"currentVoters":[{}],"data_version":0}})", front,
      list);
}

Result<quorum::HardState> parse_quorum_state(std::string_view text) {
  quorum::HardState state;
  TRY_ASSIGN(const int32_t version, json_int(text, "data_version"));
  if (version < 0 || version > 1) {
    return fail(Errc::unsupported, fmt::format("quorum-state has data_version {}", version));
  }
  TRY_ASSIGN(const int32_t leader, json_int(text, "leaderId"));
  TRY_ASSIGN(const int32_t epoch, json_int(text, "leaderEpoch"));
  TRY_ASSIGN(const int32_t voted, json_int(text, "votedId"));
  if (epoch < 0) return fail(Errc::corrupt, fmt::format("quorum-state has leaderEpoch {}", epoch));
  state.leader = NodeId(leader);
  state.epoch = log::LeaderEpoch(epoch);
  state.voted.id = NodeId(voted);
  if (version == 1) {
    const auto member = json_member(text, "votedDirectoryId");
    const bool quoted =
        member && member->size() == 24 && member->front() == '"' && member->back() == '"';
    const auto directory = quoted ? Uuid::parse(member->substr(1, 22)) : std::nullopt;
    if (!directory) return fail(Errc::corrupt, "quorum-state has no id \"votedDirectoryId\"");
    state.voted.directory = *directory;
  }
  return state;
}

std::string leader_epochs_text(const std::vector<EpochStart>& epochs) {
  std::string text = fmt::format("0\n{}\n", epochs.size());
  for (const EpochStart& e : epochs) text += fmt::format("{} {}\n", e.epoch.value, e.start.value);
  return text;
}

std::string partition_metadata_text(const Uuid& topic_id) {
  return "version: 0\ntopic_id: " + topic_id.to_string();
}

Result<std::vector<uint8_t>> leader_change_batch(const quorum::Lead& lead,
                                                 const VoterSet* formatted, int64_t timestamp_ms) {
  LeaderChangeMessage message;
  message.version = 0;
  CHECK(!lead.granted.empty());
  message.leader_id = lead.granted[0].id.value;
  for (const auto& voter : lead.voters) {
    message.voters.emplace_back().voter_id = voter.id.value;
  }
  for (const auto& voter : lead.granted) {
    message.granting_voters.emplace_back().voter_id = voter.id.value;
  }
  log::BatchBuilder batch(batch_options(lead.at, lead.epoch, true));
  append_control(batch, log::ControlType::leader_change, encoded(message, 0), timestamp_ms);
  if (formatted) append_voters(batch, *formatted, timestamp_ms);
  return batch.finish();
}

Result<std::vector<uint8_t>> data_batch(const std::vector<std::vector<uint8_t>>& records,
                                        log::Offset base, log::LeaderEpoch epoch,
                                        int64_t timestamp_ms) {
  CHECK(!records.empty());
  log::BatchBuilder batch(batch_options(base, epoch, false));
  for (const auto& value : records) {
    log::Record record;
    record.timestamp = timestamp_ms;
    record.value = BytesView(value);
    batch.append(record);
  }
  return batch.finish();
}

Result<std::vector<uint8_t>> snapshot_bytes(SnapshotId id, const VoterSet& voters,
                                            const RecordList& records, int64_t contained_ms,
                                            int64_t now_ms) {
  int32_t control_count = 0;
  TRY_ASSIGN(std::vector<uint8_t> out,
             snapshot_front(id, voters, contained_ms, now_ms, &control_count));
  // Offsets inside a snapshot only count; they are not the log's.
  log::Offset next(control_count);
  std::vector<std::vector<uint8_t>> chunk;
  size_t chunk_bytes = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    chunk.push_back(records.values()[i]);
    chunk_bytes += chunk.back().size();
    if (chunk_bytes < kSnapshotBatchBytes && i + 1 < records.size()) continue;
    TRY_ASSIGN(const std::vector<uint8_t> batch, data_batch(chunk, next, id.epoch, now_ms));
    append_bytes(out, batch);
    next = next + static_cast<int64_t>(chunk.size());
    chunk.clear();
    chunk_bytes = 0;
  }
  log::BatchBuilder last(batch_options(next, id.epoch, true));
  append_control(last, log::ControlType::snapshot_footer, encoded(SnapshotFooterRecord{}, 0),
                 now_ms);
  TRY_ASSIGN(const std::vector<uint8_t> footer, last.finish());
  append_bytes(out, footer);
  return out;
}

std::vector<RecordList> split_into_batches(RecordList records) {
  std::vector<RecordList> out;
  if (records.empty()) return out;
  if (records.bytes() <= kAppendBytesMax) {
    out.push_back(std::move(records));
    return out;
  }
  out.emplace_back().add(BeginTransactionRecord{}, 0);
  for (const auto& value : records.values()) {
    if (out.back().bytes() + value.size() > kAppendBytesMax) out.emplace_back();
    out.back().add_encoded(value);
  }
  out.back().add(EndTransactionRecord{}, 0);
  return out;
}

Status read_voters(BytesView key, BytesView value, VoterSet& voters) {
  TRY_ASSIGN(const log::ControlType type, log::parse_control_key(key));
  if (type == log::ControlType::kraft_version) {
    KRaftVersionRecord record;
    TRY(decode_control(value, "kraft version record", record));
    if (record.kraft_version < 0 || record.kraft_version > 1) {
      return fail(Errc::unsupported, fmt::format("kraft.version {}", record.kraft_version));
    }
    voters.kraft_version = record.kraft_version;
  } else if (type == log::ControlType::kraft_voters) {
    VotersRecord record;
    TRY(decode_control(value, "voters record", record));
    voters.voters.clear();
    for (const auto& v : record.voters)
      voters.voters.push_back({NodeId(v.voter_id), v.voter_directory_id});
  }
  return {};
}

Result<std::optional<int64_t>> read_snapshot_header(BytesView key, BytesView value) {
  TRY_ASSIGN(const log::ControlType type, log::parse_control_key(key));
  if (type != log::ControlType::snapshot_header) return std::optional<int64_t>{};
  SnapshotHeaderRecord record;
  TRY(decode_control(value, "snapshot header", record));
  return std::optional(record.last_contained_log_timestamp);
}

bool is_snapshot_footer(BytesView key) {
  const auto type = log::parse_control_key(key);
  return type && *type == log::ControlType::snapshot_footer;
}

}  // namespace odradek::metadata
