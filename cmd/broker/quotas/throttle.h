// What a request does about the quotas that it meets: it is charged when its answer is made, and
// the longest of the times it is to be held back for goes into the answer; the connection then
// reads nothing for so long (KIP-219).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "cmd/broker/quotas/quotas.h"
#include "cmd/broker/request.h"
#include "reactor/task.h"
#include "replication/metadata/plan.h"

namespace odradek::broker {

// Counts a request among those that run on its shard, and begins to measure what it takes of the
// shard's time when its client has a quota of that.
class Running {
 public:
  explicit Running(Quotas& quotas) : quotas_(quotas) { ++quotas_.running; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { --quotas_.running; }
  void measure(RequestContext& context) const;

 private:
  Quotas& quotas_;
};

// While it lives a request waits as its sender asked it to: it takes none of the shard's time.
class Waiting {
 public:
  explicit Waiting(RequestContext& context);
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

 private:
  RequestContext& context_;
  MonoTime begun_;
  Duration busy_begun_{};
};

// A produce of `bytes` that was appended. With acks=0 its time is not counted, as with Kafka.
reactor::Task<void> settle_produce(RequestContext& context, size_t bytes, bool silent);
// A fetch that found `bytes`. True: it goes over a quota and is to be answered empty; the bytes do
// not count then.
reactor::Task<bool> settle_fetch(RequestContext& context, uint64_t bytes);
// How many bytes a fetch may find; UINT64_MAX without a quota.
uint64_t fetch_bytes_max(const RequestContext& context);

// The quota of a request that makes or takes away partitions (KIP-599).
struct MutationQuota {
  std::optional<QuotaMatch> match;
  bool strict = false;  // see QuotaBook::mutate
};
// `strict_from`: the version of the API from which its clients know the refusal.
MutationQuota mutation_quota(const RequestContext& context, int16_t strict_from);
// The same as a PlanContext has it, on shard 0; the longest time that it holds its sender back goes
// to *throttle_ms, which outlives it.
std::function<bool(int32_t)> may_mutate(Broker& broker, const MutationQuota& quota,
                                        int32_t* throttle_ms);
// What the controller answered, and how long the sender is to be held back.
struct Mutated {
  std::vector<metadata::TopicResult> results;
  int32_t throttle_ms = 0;
};

}  // namespace odradek::broker
