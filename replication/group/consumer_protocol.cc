#include "replication/group/consumer_protocol.h"

#include <algorithm>

#include "net/kafka/messages/consumer_protocol_assignment.h"
#include "net/kafka/messages/consumer_protocol_subscription.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace odradek::group {

namespace {

// The message behind its version; a version of the future is read as the newest that is known.
template <class Message>
bool read_message(const Bytes& bytes, wire::Scratch& scratch, Message& out) {
  wire::Reader reader(BytesView(bytes), scratch);
  const auto version = reader.integer<int16_t>("version");
  if (!reader.ok() || version < 0) return false;
  return decode(reader, std::min(version, Message::versions.high), out).has_value();
}

template <class List>
NamedPartitions named(const List& list) {
  NamedPartitions out;
  for (const auto& topic : list) {
    out[std::string(topic.topic)].insert(topic.partitions.begin(), topic.partitions.end());
  }
  return out;
}

}  // namespace

std::optional<ConsumerSubscription> parse_subscription(const Bytes& bytes) {
  wire::Scratch scratch;
  kafka::ConsumerProtocolSubscription message;
  if (!read_message(bytes, scratch, message)) return std::nullopt;
  ConsumerSubscription out;
  for (const auto topic : message.topics) out.topics.emplace(topic);
  out.owned = named(message.owned_partitions);
  if (message.rack_id && !message.rack_id->empty()) out.rack_id = std::string(*message.rack_id);
  return out;
}

std::optional<ConsumerAssignment> parse_assignment(const Bytes& bytes) {
  if (bytes.empty()) return ConsumerAssignment{};
  wire::Scratch scratch;
  kafka::ConsumerProtocolAssignment message;
  if (!read_message(bytes, scratch, message)) return std::nullopt;
  return ConsumerAssignment{named(message.assigned_partitions),
                            message.user_data && !message.user_data->empty()};
}

Partitions with_ids(const NamedPartitions& partitions, const ClusterView& view) {
  Partitions out;
  for (const auto& [name, indexes] : partitions) {
    const auto topic = view.find(std::string_view(name));
    if (topic && !indexes.empty()) out[topic->id] = indexes;
  }
  return out;
}

NamedPartitions with_names(const Partitions& partitions, const ClusterView& view) {
  NamedPartitions out;
  for (const auto& [id, indexes] : partitions) {
    if (const auto topic = view.find(id)) out[topic->name] = indexes;
  }
  return out;
}

Bytes make_assignment(const NamedPartitions& partitions, const Bytes& subscription) {
  kafka::ConsumerProtocolAssignment message;
  for (const auto& [name, indexes] : partitions) {
    auto& topic = message.assigned_partitions.emplace_back();
    topic.topic = name;
    topic.partitions.assign(indexes.begin(), indexes.end());
  }
  const int16_t newest = kafka::ConsumerProtocolAssignment::versions.high;
  const int16_t said = subscription.size() < 2 ? int16_t{0} : load_be<int16_t>(subscription.data());
  const int16_t version = std::clamp<int16_t>(said, 0, newest);
  wire::Writer writer;
  writer.integer(version);
  encode(writer, version, message);
  return writer.copy();
}

}  // namespace odradek::group
