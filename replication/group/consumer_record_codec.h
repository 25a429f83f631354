// The bytes of the records of the consumer protocol: one overload a kind, for record_codec.h only.
#pragma once

#include <optional>

#include "net/wire/reader.h"
#include "replication/group/record_codec.h"

namespace odradek::group {

EncodedRecord encode_one(const SubscriptionRecord& record);
EncodedRecord encode_one(const EpochRecord& record);
EncodedRecord encode_one(const TopicsRecord& record);
EncodedRecord encode_one(const TargetEpochRecord& record);
EncodedRecord encode_one(const TargetRecord& record);
EncodedRecord encode_one(const CurrentRecord& record);
EncodedRecord encode_one(const RegexRecord& record);

// `key` stands behind the record type. Absent for a kind that is none of these.
Result<std::optional<LoggedRecord>> decode_consumer_record(int16_t type, wire::Reader& key,
                                                           std::optional<BytesView> value);

}  // namespace odradek::group
