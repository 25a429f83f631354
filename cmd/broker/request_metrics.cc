#include "cmd/broker/request_metrics.h"

#include <algorithm>
#include <string>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handler_table.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/serve_api.h"
#include "net/kafka/api.h"
#include "net/kafka/messages/produce_request.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::broker {

namespace {

using enum reactor::MetricKind;
using reactor::MetricInfo;
using Unit = reactor::MetricUnit;

constexpr MetricInfo kRequests{counter, "odradek_requests_total", "Requests answered, by API"};
constexpr MetricInfo kErrors{counter, "odradek_request_errors_total",
                             "Errors in answers, by API and Kafka's error number"};
constexpr MetricInfo kSeconds{
    histogram, "odradek_request_duration_seconds",
    "From a request's first byte to the last of its answer, without what a fetch waited for data",
    Unit::seconds};
constexpr MetricInfo kSlow{counter, "odradek_slow_requests_total",
                           "Requests that took odradek.slow.request.ms or longer"};
constexpr MetricInfo kRequestBytes{counter, "odradek_request_bytes_total",
                                   "Bytes of requests, by API", Unit::bytes};
constexpr MetricInfo kResponseBytes{counter, "odradek_response_bytes_total",
                                    "Bytes of answers, by API", Unit::bytes};
constexpr MetricInfo kProducedBytes{counter, "odradek_produced_bytes_total",
                                    "Bytes of record batches that producers appended", Unit::bytes};
constexpr MetricInfo kProducedRecords{counter, "odradek_produced_records_total",
                                      "Records that producers appended"};
constexpr MetricInfo kFetchedBytes{counter, "odradek_fetched_bytes_total",
                                   "Bytes of record batches sent to consumers", Unit::bytes};
constexpr MetricInfo kFetchedRecords{counter, "odradek_fetched_records_total",
                                     "Offsets that the batches sent to consumers span"};

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// A client may call itself anything: what would break a line is shown as '?'.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kSlowRequestNameMax));
  for (char& c : out) c = c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

}  // namespace

RequestMetrics::RequestMetrics(reactor::Metrics& metrics, Duration slow)
    : produced_bytes(metrics.counter(kProducedBytes)),
      produced_records(metrics.counter(kProducedRecords)),
      fetched_bytes(metrics.counter(kFetchedBytes)),
      fetched_records(metrics.counter(kFetchedRecords)),
      metrics_(metrics),
      slow_(slow),
      slow_lines_(kSlowRequestLogInterval) {
  metrics.declare(kErrors);
  apis_.resize(static_cast<size_t>(handler_table().back().key) + 1);
  for (const HandlerEntry& entry : handler_table()) {
    const std::string_view name = kafka::find_api(entry.key)->name;
    const std::string labels = reactor::metric_labels({{"api", name}});
    apis_[static_cast<size_t>(entry.key)] = std::make_unique<Api>(
        name, metrics.counter(kRequests, labels), metrics.counter(kRequestBytes, labels),
        metrics.counter(kResponseBytes, labels), metrics.counter(kSlow, labels),
        metrics.histogram(kSeconds, labels));
  }
}

void RequestMetrics::answered(const RequestRecord& record, uint64_t response_bytes,
                              const RequestSource& source) {
  Api& api = *apis_[static_cast<size_t>(record.api_key)];
  const MonoTime now = reactor::this_shard().now();
  const Duration took = now - record.begun - record.waited;
  api.requests.add();
  api.request_bytes.add(record.request_bytes);
  api.response_bytes.add(response_bytes);
  api.seconds.record(static_cast<uint64_t>(std::max<int64_t>(0, took.count())));
  if (took < slow_ || slow_ < Duration{}) return;
  api.slow.add();
  tell_slow(api, record, response_bytes, source, now);
}

void RequestMetrics::tell_slow(const Api& api, const RequestRecord& record, uint64_t response_bytes,
                               const RequestSource& source, MonoTime now) {
  const auto held_back = slow_lines_.allow(now);
  if (!held_back) return;
  std::string stages = fmt::format("read {:.1f}", milliseconds(record.read - record.begun));
  if (record.api_key == kafka::ProduceRequest::api_key) {
    stages += fmt::format(", queue and append {:.1f}, durable {:.1f}",
                          milliseconds(record.staged - record.read),
                          milliseconds(record.ready - record.staged));
  } else {
    stages +=
        fmt::format(", serve {:.1f}", milliseconds(record.ready - record.read - record.waited));
  }
  reactor::log_info(
      "slow request: {} v{} of client '{}' at {}:{} through {}, {} bytes, answer {} bytes: "
      "{:.1f} ms: {}, send {:.1f}; waited as asked {:.1f} ({} more slow ones before)",
      api.name, record.api_version, printable(source.client_id), source.host, source.port,
      source.listener, record.request_bytes, response_bytes,
      milliseconds(now - record.begun - record.waited), stages, milliseconds(now - record.ready),
      milliseconds(record.waited), *held_back);
}

void RequestMetrics::error(int16_t api_key, int16_t code) {
  const uint32_t key =
      static_cast<uint32_t>(static_cast<uint16_t>(api_key)) << 16 | static_cast<uint16_t>(code);
  reactor::Counter*& counter = errors_[key];
  if (!counter) {
    const kafka::ApiInfo* api = kafka::find_api(api_key);
    counter = &metrics_.counter(
        kErrors, reactor::metric_labels({{"api", api ? api->name : std::string_view("?")},
                                         {"error", std::to_string(code)}}));
  }
  counter->add();
}

void count_error(const RequestContext& context, int16_t code) {
  context.shard.requests().error(context.api_key, code);
}

}  // namespace odradek::broker
