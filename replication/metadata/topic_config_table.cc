#include "replication/metadata/topic_config_table.h"

#include <limits>

namespace odradek::metadata {
namespace {

using Names = std::span<const std::string_view>;
constexpr double kNone = std::numeric_limits<double>::infinity();

constexpr std::string_view kPolicies[] = {"compact", "delete"};
constexpr std::string_view kCodecs[] = {"uncompressed", "zstd", "lz4",
                                        "snappy",       "gzip", "producer"};
constexpr std::string_view kTimestamps[] = {"CreateTime", "LogAppendTime"};
constexpr std::string_view kDurabilities[] = {"flushed", "written"};

constexpr std::string_view kCleanupPolicy[] = {"log.cleanup.policy"};
constexpr std::string_view kCompressionGzipLevel[] = {"compression.gzip.level"};
constexpr std::string_view kCompressionLz4Level[] = {"compression.lz4.level"};
constexpr std::string_view kCompressionType[] = {"compression.type"};
constexpr std::string_view kCompressionZstdLevel[] = {"compression.zstd.level"};
constexpr std::string_view kDeleteRetentionMs[] = {"log.cleaner.delete.retention.ms"};
constexpr std::string_view kFileDeleteDelayMs[] = {"log.segment.delete.delay.ms"};
constexpr std::string_view kFlushMessages[] = {"log.flush.interval.messages"};
constexpr std::string_view kFlushMs[] = {"log.flush.interval.ms",
                                         "log.flush.scheduler.interval.ms"};
constexpr std::string_view kIndexIntervalBytes[] = {"log.index.interval.bytes"};
constexpr std::string_view kLocalRetentionBytes[] = {"log.local.retention.bytes"};
constexpr std::string_view kLocalRetentionMs[] = {"log.local.retention.ms"};
constexpr std::string_view kMaxCompactionLagMs[] = {"log.cleaner.max.compaction.lag.ms"};
constexpr std::string_view kMaxMessageBytes[] = {"message.max.bytes"};
constexpr std::string_view kMessageTimestampAfterMaxMs[] = {"log.message.timestamp.after.max.ms"};
constexpr std::string_view kMessageTimestampBeforeMaxMs[] = {"log.message.timestamp.before.max.ms"};
constexpr std::string_view kMessageTimestampType[] = {"log.message.timestamp.type"};
constexpr std::string_view kMinCleanableDirtyRatio[] = {"log.cleaner.min.cleanable.ratio"};
constexpr std::string_view kMinCompactionLagMs[] = {"log.cleaner.min.compaction.lag.ms"};
constexpr std::string_view kMinInsyncReplicas[] = {"min.insync.replicas"};
constexpr std::string_view kOdradekDurability[] = {"odradek.durability"};
constexpr std::string_view kPreallocate[] = {"log.preallocate"};
constexpr std::string_view kRetentionBytes[] = {"log.retention.bytes"};
constexpr std::string_view kRetentionMs[] = {"log.retention.ms", "log.retention.minutes",
                                             "log.retention.hours"};
constexpr std::string_view kSegmentBytes[] = {"log.segment.bytes"};
constexpr std::string_view kSegmentIndexBytes[] = {"log.index.size.max.bytes"};
constexpr std::string_view kSegmentJitterMs[] = {"log.roll.jitter.ms", "log.roll.jitter.hours"};
constexpr std::string_view kSegmentMs[] = {"log.roll.ms", "log.roll.hours"};
constexpr std::string_view kUncleanLeaderElectionEnable[] = {"unclean.leader.election.enable"};

// name, type, default, min, max, allowed, the broker's properties, for people
constexpr TopicConfigDef kTopicConfigs[] = {
    {"cleanup.policy", ConfigType::list, "delete", -kNone, kNone, kPolicies, kCleanupPolicy,
     "What happens to old segments: delete them, compact them, both, or (empty) neither."},
    {"compression.gzip.level", ConfigType::int32, "-1", -kNone, kNone, Names{},
     kCompressionGzipLevel,
     "The level used when compression.type is gzip: 1 to 9, or -1 for gzip's own default."},
    {"compression.lz4.level", ConfigType::int32, "9", 1, 17, Names{}, kCompressionLz4Level,
     "The level used when compression.type is lz4."},
    {"compression.type", ConfigType::string, "producer", -kNone, kNone, kCodecs, kCompressionType,
     "How batches are stored: with the named codec, or as the producer sent them."},
    {"compression.zstd.level", ConfigType::int32, "3", -131072, 22, Names{}, kCompressionZstdLevel,
     "The level used when compression.type is zstd."},
    {"delete.retention.ms", ConfigType::int64, "86400000", 0, kNone, Names{}, kDeleteRetentionMs,
     "How long a tombstone of a compacted topic is kept after it was first cleaned."},
    {"file.delete.delay.ms", ConfigType::int64, "60000", 0, kNone, Names{}, kFileDeleteDelayMs,
     "How long the file of a deleted segment stays before it is removed."},
    {"flush.messages", ConfigType::int64, kNever, 1, kNone, Names{}, kFlushMessages,
     "Accepted for compatibility: durability is set by odradek.durability."},
    {"flush.ms", ConfigType::int64, kNever, 0, kNone, Names{}, kFlushMs,
     "Accepted for compatibility: durability is set by odradek.durability."},
    {"follower.replication.throttled.replicas", ConfigType::list, "", -kNone, kNone, Names{},
     Names{},
     "Replicas whose replication is throttled on the follower: partition:broker pairs, or *."},
    {"index.interval.bytes", ConfigType::int32, "4096", 0, kNone, Names{}, kIndexIntervalBytes,
     "How many bytes of data lie between two entries of the offset index."},
    {"leader.replication.throttled.replicas", ConfigType::list, "", -kNone, kNone, Names{}, Names{},
     "Replicas whose replication is throttled on the leader: partition:broker pairs, or *."},
    {"local.retention.bytes", ConfigType::int64, "-2", -2, kNone, Names{}, kLocalRetentionBytes,
     "Bytes of a tiered topic's partition that stay local; -2: as retention.bytes."},
    {"local.retention.ms", ConfigType::int64, "-2", -2, kNone, Names{}, kLocalRetentionMs,
     "How long a tiered topic's segments stay local; -2: as retention.ms."},
    {"max.compaction.lag.ms", ConfigType::int64, kNever, 1, kNone, Names{}, kMaxCompactionLagMs,
     "How long a record of a compacted topic may stay out of compaction."},
    {"max.message.bytes", ConfigType::int32, "1048588", 0, kNone, Names{}, kMaxMessageBytes,
     "The largest record batch that is accepted, as it is stored."},
    {"message.timestamp.after.max.ms", ConfigType::int64, "3600000", 0, kNone, Names{},
     kMessageTimestampAfterMaxMs, "How far a record's timestamp may lie after the broker's clock."},
    {"message.timestamp.before.max.ms", ConfigType::int64, kNever, 0, kNone, Names{},
     kMessageTimestampBeforeMaxMs,
     "How far a record's timestamp may lie before the broker's clock."},
    {"message.timestamp.type", ConfigType::string, "CreateTime", -kNone, kNone, kTimestamps,
     kMessageTimestampType, "Whether records carry the producer's time or the broker's."},
    {"min.cleanable.dirty.ratio", ConfigType::real, "0.5", 0, 1, Names{}, kMinCleanableDirtyRatio,
     "The share of a log that must be dirty before it is compacted."},
    {"min.compaction.lag.ms", ConfigType::int64, "0", 0, kNone, Names{}, kMinCompactionLagMs,
     "How long a record of a compacted topic stays out of compaction."},
    {"min.insync.replicas", ConfigType::int32, "1", 1, kNone, Names{}, kMinInsyncReplicas,
     "How many replicas must be in sync for a write with acks=all to be accepted."},
    {"odradek.durability", ConfigType::string, "flushed", -kNone, kNone, kDurabilities,
     kOdradekDurability,
     "flushed: acknowledged and visible when on stable storage. written: when the write completed; "
     "flushed soon after."},
    {"preallocate", ConfigType::boolean, "false", -kNone, kNone, Names{}, kPreallocate,
     "Accepted for compatibility: segment space is always allocated ahead."},
    {"remote.log.copy.disable", ConfigType::boolean, "false", -kNone, kNone, Names{}, Names{},
     "Stops uploading to tiered storage."},
    {"remote.log.delete.on.disable", ConfigType::boolean, "false", -kNone, kNone, Names{}, Names{},
     "Whether turning tiered storage off deletes what it holds."},
    {"remote.storage.enable", ConfigType::boolean, "false", -kNone, kNone, Names{}, Names{},
     "Tiered storage."},
    {"retention.bytes", ConfigType::int64, "-1", -kNone, kNone, Names{}, kRetentionBytes,
     "The size above which a partition's oldest segments are deleted; -1: no limit."},
    {"retention.ms", ConfigType::int64, "604800000", -1, kNone, Names{}, kRetentionMs,
     "The age above which segments are deleted; -1: never."},
    {"segment.bytes", ConfigType::int32, "1073741824", 1048576, kNone, Names{}, kSegmentBytes,
     "The size of a segment file."},
    {"segment.index.bytes", ConfigType::int32, "10485760", 4, kNone, Names{}, kSegmentIndexBytes,
     "The size of a segment's offset index."},
    {"segment.jitter.ms", ConfigType::int64, "0", 0, kNone, Names{}, kSegmentJitterMs,
     "The most that is subtracted, at random, from segment.ms."},
    {"segment.ms", ConfigType::int64, "604800000", 1, kNone, Names{}, kSegmentMs,
     "The age at which a segment is closed even if it is not full."},
    {"unclean.leader.election.enable", ConfigType::boolean, "false", -kNone, kNone, Names{},
     kUncleanLeaderElectionEnable,
     "Whether a replica out of sync may lead when no other is left, losing records."},
};

constexpr bool sorted_by_name() {
  for (size_t i = 1; i < std::size(kTopicConfigs); ++i) {
    if (kTopicConfigs[i - 1].name >= kTopicConfigs[i].name) return false;
  }
  return true;
}
static_assert(sorted_by_name());

}  // namespace

std::span<const TopicConfigDef> topic_config_defs() { return kTopicConfigs; }

}  // namespace odradek::metadata
