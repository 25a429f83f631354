// The records of `__cluster_metadata-0` and of its snapshots as JSON, in the words of Kafka's
// kafka-dump-log.sh --cluster-metadata-decoder. Pure.
#pragma once

#include <string>

#include "log/batch/batch.h"
#include "log/batch/record.h"
#include "reactor/base/result.h"

namespace odradek::cli {

// What one record says: `payload: {"type":"TOPIC_RECORD",...}`, or a control record's own words.
// Errc::corrupt for bytes that are no such record, Errc::unsupported for a type that is not known.
Result<std::string> metadata_text(const log::BatchHeader& batch, const log::Record& record);

}  // namespace odradek::cli
