// Makes the next image from one image and the records that follow it: the one place where a record
// becomes state, on a leader, on a follower and at recovery alike. Pure: no clock, no randomness,
// no I/O.
//
// Owner: the metadata shard. Several builders may start from one image.
#pragma once

#include <memory>
#include <optional>

#include "replication/metadata/image.h"
#include "replication/metadata/logged_record.h"
#include "replication/metadata/record_list.h"

namespace odradek::records {
struct AbortTransactionRecord;
struct BeginTransactionRecord;
struct BrokerRegistrationChangeRecord;
struct ClearElrRecord;
struct ClientQuotaRecord;
struct ConfigRecord;
struct EndTransactionRecord;
struct FeatureLevelRecord;
struct FenceBrokerRecord;
struct NoOpRecord;
struct PartitionChangeRecord;
struct PartitionRecord;
struct ProducerIdsRecord;
struct RegisterBrokerRecord;
struct RegisterControllerRecord;
struct RemoveTopicRecord;
struct TopicRecord;
struct UnfenceBrokerRecord;
struct UnregisterBrokerRecord;
struct UnregisterControllerRecord;
struct ZkMigrationStateRecord;
}  // namespace odradek::records

namespace odradek::metadata {

class ImageBuilder {
 public:
  ImageBuilder() = default;  // an empty cluster
  explicit ImageBuilder(const Image& base) : image_(base) {}

  void set_cluster_id(std::string id) { image_.cluster_id_ = std::move(id); }

  // Applies one data record (control records only move the number). Errc::unsupported for a record
  // of a type or version that is not known: going on without it would show a cluster that is not
  // there. Errc::invalid for a record that contradicts the image. After an error the builder is
  // spent.
  Status apply(const LoggedRecord& record);
  // The same for a value that has no place in a log yet.
  Status apply(BytesView value);

  // Between a BeginTransactionRecord and its end: what is applied is not to be seen yet.
  bool in_transaction() const { return before_transaction_ != nullptr; }
  const Image& image() const { return image_; }
  // The image so far. The builder is spent. REQUIRES: not in a transaction.
  std::unique_ptr<const Image> finish();

 private:
  Status dispatch(const RecordFront& front);
  template <class R>
  Status decode_and_apply(const RecordFront& front);
  Status apply_carried(const RecordFront& front);

  Status on(const records::RegisterBrokerRecord& record);
  Status on(const records::UnregisterBrokerRecord& record);
  Status on(const records::BrokerRegistrationChangeRecord& record);
  Status on(const records::FenceBrokerRecord& record);
  Status on(const records::UnfenceBrokerRecord& record);
  Status on(const records::TopicRecord& record);
  Status on(const records::PartitionRecord& record);
  Status on(const records::PartitionChangeRecord& record);
  Status on(const records::RemoveTopicRecord& record);
  Status on(const records::ConfigRecord& record);
  Status on(const records::ClientQuotaRecord& record);
  Status on(const records::FeatureLevelRecord& record);
  Status on(const records::ProducerIdsRecord& record);
  Status on(const records::RegisterControllerRecord& record);
  Status on(const records::UnregisterControllerRecord& record);
  Status on(const records::ClearElrRecord& record);
  Status on(const records::BeginTransactionRecord& record);
  Status on(const records::EndTransactionRecord& record);
  Status on(const records::AbortTransactionRecord& record);
  Status on(const records::NoOpRecord& record);
  Status on(const records::ZkMigrationStateRecord& record);
  Result<Broker*> broker(int32_t id, int64_t epoch);

  Image image_;
  std::unique_ptr<Image> before_transaction_;
  BytesView value_;  // of the record being applied
};

// Everything an image holds, as records that make it from nothing: what a snapshot consists of. The
// order is Kafka's: features, brokers, controllers, topics, configs, client quotas, producer ids,
// then what is only carried.
RecordList records_of(const Image& image);

// One object as its record; what it views is the object.
records::PartitionRecord partition_record(const log::TopicId& topic, int32_t id,
                                          const Partition& partition);
records::RegisterBrokerRecord registration_record(const Broker& broker);
records::RegisterControllerRecord registration_record(const ControllerNode& node);

// Versions in which records are written at a level of metadata.version, and the lowest and highest
// level that this program can lead and follow.
struct RecordVersions {
  int16_t register_broker = 0;
  int16_t registration_change = 0;
  int16_t partition = 0;
  int16_t partition_change = 0;
};
RecordVersions record_versions(int16_t metadata_version);
inline constexpr int16_t kMetadataVersionMin = 7;    // 3.3-IV3
inline constexpr int16_t kMetadataVersionMax = 30;   // 4.3-IV0
inline constexpr int16_t kControllersFrom = 15;      // 3.7-IV0: RegisterControllerRecord
inline constexpr int16_t kEligibleLeadersFrom = 23;  // 4.0-IV1

}  // namespace odradek::metadata
