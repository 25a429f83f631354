// What one shard counts of requests, by API, and its record of slow ones. Owned by the BrokerShard;
// only its shard calls it. answered() is on the path of every request: some additions to integers
// and one to a histogram, no clock, no memory.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cmd/broker/request_record.h"
#include "reactor/base/time.h"
#include "reactor/log_limit.h"
#include "reactor/metrics.h"

namespace odradek::broker {

class RequestMetrics {
 public:
  // Requests that took `slow` or longer, but for what they waited as they were asked to, are
  // counted, and logged at most once in kSlowRequestLogInterval; negative: none are.
  RequestMetrics(reactor::Metrics& metrics, Duration slow);

  // The answer of `record` left, as `response_bytes`; now is this turn's begin.
  void answered(const RequestRecord& record, uint64_t response_bytes, const RequestSource& source);
  // An answer has this error code (not 0), for one of its parts or as a whole.
  void error(int16_t api_key, int16_t code);

  // Written by the handlers.
  reactor::Counter& produced_bytes;    // of batches that have their place in the log
  reactor::Counter& produced_records;  // likewise
  reactor::Counter& fetched_bytes;     // of record batches in answers
  reactor::Counter& fetched_records;   // offsets that those span

 private:
  struct Api {
    std::string_view name;
    reactor::Counter& requests;
    reactor::Counter& request_bytes;
    reactor::Counter& response_bytes;
    reactor::Counter& slow;
    reactor::Histogram& seconds;
  };
  void tell_slow(const Api& api, const RequestRecord& record, uint64_t response_bytes,
                 const RequestSource& source, MonoTime now);

  // Fixed at construction.
  reactor::Metrics& metrics_;
  Duration slow_;
  std::vector<std::unique_ptr<Api>> apis_;  // by key; null where none is served
  // Written by error(): by key and code.
  std::unordered_map<uint32_t, reactor::Counter*> errors_;
  reactor::LogLimit slow_lines_;
};

}  // namespace odradek::broker
