#include "replication/group/record_codec.h"

#include "replication/group/consumer_record_codec.h"
#include "replication/group/record_framing.h"
#include "replication/group/records/group_metadata_key.h"
#include "replication/group/records/group_metadata_value.h"
#include "replication/group/records/legacy_offset_commit_key.h"
#include "replication/group/records/offset_commit_key.h"
#include "replication/group/records/offset_commit_value.h"

namespace odradek::group {

namespace {

constexpr int16_t kOffsetVersion = 4;
constexpr int16_t kExpiringOffsetVersion = 1;
constexpr int16_t kGroupVersion = 3;

EncodedRecord encode_one(const OffsetRecord& record) {
  records::OffsetCommitKey key;
  key.group = record.group;
  key.topic = record.topic;
  key.partition = record.partition;
  EncodedRecord out;
  out.key = framed(key.record_type, kKeyVersion, key);
  if (!record.value) return out;
  records::OffsetCommitValue value;
  value.offset = record.value->offset;
  value.leader_epoch = record.value->leader_epoch;
  value.metadata = record.value->metadata;
  value.commit_timestamp = record.value->commit_ms;
  value.expire_timestamp = record.value->expire_ms;
  value.topic_id = record.value->topic_id;
  const int16_t version = value.expire_timestamp == -1 ? kOffsetVersion : kExpiringOffsetVersion;
  out.value = framed(version, version, value);
  return out;
}

EncodedRecord encode_one(const GroupRecord& record) {
  records::GroupMetadataKey key;
  key.group = record.group;
  EncodedRecord out;
  out.key = framed(key.record_type, kKeyVersion, key);
  if (!record.value) return out;
  records::GroupMetadataValue value;
  value.protocol_type = record.value->protocol_type;
  value.generation = record.value->generation;
  value.protocol = record.value->protocol;
  value.leader = record.value->leader;
  value.current_state_timestamp = record.value->state_ms;
  for (const auto& m : record.value->members) {
    auto& member = value.members.emplace_back();
    member.member_id = m.id;
    member.group_instance_id = m.instance_id;
    member.client_id = m.client_id;
    member.client_host = m.client_host;
    member.rebalance_timeout = m.rebalance_timeout_ms;
    member.session_timeout = m.session_timeout_ms;
    member.subscription = m.subscription;
    member.assignment = m.assignment;
  }
  out.value = framed(kGroupVersion, kGroupVersion, value);
  return out;
}

Result<std::optional<LoggedRecord>> decode_offset(wire::Reader& reader,
                                                  std::optional<BytesView> value) {
  records::OffsetCommitKey key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  OffsetRecord out{std::string(key.group), std::string(key.topic), key.partition, std::nullopt};
  if (!value) return out;
  wire::Scratch scratch;
  records::OffsetCommitValue said;
  if (const Status read = read_value(*value, scratch, said); !read) return bad(read);
  out.value =
      CommittedOffset{said.offset,           said.leader_epoch,     std::string(said.metadata),
                      said.commit_timestamp, said.expire_timestamp, said.topic_id};
  return out;
}

Result<std::optional<LoggedRecord>> decode_group(wire::Reader& reader,
                                                 std::optional<BytesView> value) {
  records::GroupMetadataKey key;
  if (const Status read = decode(reader, kKeyVersion, key); !read) return bad(read);
  GroupRecord out{std::string(key.group), std::nullopt};
  if (!value) return out;
  wire::Scratch scratch;
  records::GroupMetadataValue said;
  if (const Status read = read_value(*value, scratch, said); !read) return bad(read);
  auto& group = out.value.emplace();
  group.protocol_type = said.protocol_type;
  group.generation = said.generation;
  group.protocol = owned(said.protocol);
  group.leader = owned(said.leader);
  group.state_ms = said.current_state_timestamp;
  for (const auto& m : said.members) {
    group.members.push_back({std::string(m.member_id), owned(m.group_instance_id),
                             std::string(m.client_id), std::string(m.client_host),
                             m.rebalance_timeout, m.session_timeout, owned(m.subscription),
                             owned(m.assignment)});
  }
  return out;
}

}  // namespace

EncodedRecord encode_record(const LoggedRecord& record) {
  return std::visit([](const auto& r) { return encode_one(r); }, record);
}

Result<std::optional<LoggedRecord>> decode_record(BytesView key, std::optional<BytesView> value) {
  wire::Scratch scratch;
  wire::Reader reader(key, scratch);
  const auto type = reader.integer<int16_t>("record type");
  if (!reader.ok()) return bad(reader.status("key"));
  switch (type) {
    case records::LegacyOffsetCommitKey::record_type:  // the same fields
    case records::OffsetCommitKey::record_type: return decode_offset(reader, value);
    case records::GroupMetadataKey::record_type: return decode_group(reader, value);
    default: return decode_consumer_record(type, reader, value);
  }
}

}  // namespace odradek::group
