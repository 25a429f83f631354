#include "cmd/broker/quotas/throttle.h"

#include <algorithm>

#include "cmd/broker/broker.h"
#include "cmd/broker/broker_shard.h"
#include "cmd/broker/serve_api.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

namespace {

// What this shard was busy for, up to now.
Duration busy() {
  auto& here = reactor::this_shard();
  return here.stats().busy + (here.driver().mono_now() - here.now());
}

bool has_request_quota(const RequestContext& context) {
  return context.quotas && context.quotas->request;
}

// Percent of one thread, times seconds: the shard's busy time since the request began, shared with
// the others that ran then.
double thread_share(const RequestContext& context) {
  const auto took = std::max(busy() - context.busy_at_begin, Duration{});
  const uint32_t running =
      std::max({context.running_at_begin, context.shard.quotas().running, uint32_t{1}});
  return 100 * std::chrono::duration<double>(took).count() / running;
}

Task<int32_t> charge_request(RequestContext& context) {
  if (!has_request_quota(context) || context.time_settled) co_return 0;
  context.time_settled = true;
  QuotaCharge charge{QuotaKind::request, *context.quotas->request, thread_share(context),
                     ChargeMode::keep};
  const int32_t throttle = co_await context.shard.quotas().charge(std::move(charge));
  context.throttle(QuotaKind::request, throttle);
  co_return throttle;
}

}  // namespace

void Running::measure(RequestContext& context) const {
  if (!has_request_quota(context)) return;
  context.busy_at_begin = busy();
  context.running_at_begin = quotas_.running;
}

Waiting::Waiting(RequestContext& context) : context_(context), begun_(reactor::this_shard().now()) {
  --context_.shard.quotas().running;
  if (has_request_quota(context_)) busy_begun_ = busy();
}

Waiting::~Waiting() {
  ++context_.shard.quotas().running;
  context_.waited += reactor::this_shard().now() - begun_;
  if (has_request_quota(context_)) context_.busy_at_begin += busy() - busy_begun_;
}

Task<void> settle_throttle(RequestContext& context) {
  // The answer is made already and views the image; a newer one may come while the account is asked
  // on another shard.
  if (has_request_quota(context)) context.keep_value(context.shard.image().pin());
  co_await charge_request(context);
}

Task<void> settle_produce(RequestContext& context, size_t bytes, bool silent) {
  if (!context.quotas) co_return;
  if (!silent) co_await charge_request(context);
  if (!context.quotas->produce) co_return;
  QuotaCharge charge{QuotaKind::produce, *context.quotas->produce, static_cast<double>(bytes),
                     ChargeMode::keep};
  context.throttle(QuotaKind::produce, co_await context.shard.quotas().charge(std::move(charge)));
}

Task<bool> settle_fetch(RequestContext& context, uint64_t bytes) {
  if (!context.quotas) co_return false;
  const bool held = co_await charge_request(context) > 0;
  if (!context.quotas->fetch) co_return held;
  QuotaCharge charge{QuotaKind::fetch, *context.quotas->fetch, static_cast<double>(bytes),
                     held ? ChargeMode::probe : ChargeMode::if_within};
  const int32_t throttle = co_await context.shard.quotas().charge(std::move(charge));
  context.throttle(QuotaKind::fetch, throttle);
  co_return held || throttle > 0;
}

uint64_t fetch_bytes_max(const RequestContext& context) {
  if (!context.quotas || !context.quotas->fetch) return UINT64_MAX;
  return context.shard.quotas().fetch_bytes_max(*context.quotas->fetch);
}

MutationQuota mutation_quota(const RequestContext& context, int16_t strict_from) {
  if (!context.quotas) return {};
  return {context.quotas->mutation, context.api_version >= strict_from};
}

std::function<bool(int32_t)> may_mutate(Broker& broker, const MutationQuota& quota,
                                        int32_t* throttle_ms) {
  if (!quota.match) return {};
  return [&broker, quota, throttle_ms](int32_t partitions) {
    return broker.local().quotas().mutate(*quota.match, partitions, quota.strict, throttle_ms);
  };
}

}  // namespace odradek::broker
