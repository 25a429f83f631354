// What a metadata directory holds, damaged.
//
//   byte 0   0: the value of a record, applied to an image; 1: quorum-state; 2: meta.properties;
//            3: a control record's key (4 bytes) and value
//   rest     the bytes
//
// Claims beyond "does not crash": an image that a record made, written as a snapshot's records,
// makes the same image again; a state that was read is written and read as the same.
#include "log/batch/control_record.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/meta_properties.h"
#include "replication/metadata/metadata_files.h"
#include "replication/metadata/record_types.h"

namespace {

using namespace odradek;
using namespace odradek::metadata;

template <class R>
void apply(ImageBuilder& builder, const R& record, int16_t version) {
  RecordList list;
  list.add(record, version);
  const Status applied = builder.apply(BytesView(list.values()[0]));
  CHECK(applied.has_value());
}

// A broker, a topic and a partition for records to refer to.
const Image& base() {
  static const Image image = [] {
    ImageBuilder builder;
    records::FeatureLevelRecord feature;
    feature.name = "metadata.version";
    feature.feature_level = kMetadataVersionMax;
    apply(builder, feature, 0);
    records::RegisterBrokerRecord broker;
    broker.broker_id = 1;
    apply(builder, broker, 4);
    apply(builder, records::TopicRecord{}, 0);
    records::PartitionRecord partition;
    partition.partition_id = 0;
    apply(builder, partition, 2);
    return Image(builder.image());
  }();
  return image;
}

void fuzz_record(BytesView value) {
  ImageBuilder builder(base());
  if (!builder.apply(value) || builder.in_transaction()) return;
  // At older levels a snapshot's records cannot hold all of it.
  if (builder.image().feature_level("metadata.version") != kMetadataVersionMax) return;
  const RecordList written = records_of(builder.image());
  ImageBuilder again;
  for (const auto& record : written.values()) {
    const Status applied = again.apply(BytesView(record));
    CHECK(applied.has_value());
  }
  CHECK(records_of(again.image()).values() == written.values());
}

void fuzz_quorum_state(std::string_view text) {
  const auto state = parse_quorum_state(text);
  if (!state) return;
  const auto again = parse_quorum_state(quorum_state_text(*state, 1, {}));
  CHECK(again && *again == *state);
}

void fuzz_meta_properties(std::string_view text) {
  const auto properties = MetaProperties::parse(text);
  if (properties) CHECK(MetaProperties::parse(properties->to_text()).has_value());
}

void fuzz_control(BytesView bytes) {
  if (bytes.size() < log::kControlKeyBytes) return;
  const BytesView key = bytes.first(log::kControlKeyBytes);
  const BytesView value = bytes.subspan(log::kControlKeyBytes);
  VoterSet voters;
  (void)read_voters(key, value, voters);
  (void)read_snapshot_header(key, value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const BytesView rest{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0: fuzz_record(rest); break;
    case 1: fuzz_quorum_state(as_text(rest)); break;
    case 2: fuzz_meta_properties(as_text(rest)); break;
    default: fuzz_control(rest); break;
  }
  return 0;
}
