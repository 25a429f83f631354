// Produces records of 100 bytes at a steady rate through librdkafka, and tells how long they took.
// A record's time counts from when it was due, whether or not the client could take it then (open
// loop), to its delivery report. Ends after `seconds`, or with SIGTERM.
//   paced_load <bootstrap> <topic> <partitions> <records a second; 0: as fast as it goes> <seconds>
// Prints: records a second, then the latencies p50, p99 and p99.9 in milliseconds, without those of
// the first second.
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr size_t kRecordBytes = 100;
constexpr int kQueuedMax = 500'000;
constexpr int64_t kBucketUs = 10;
constexpr size_t kBuckets = 1'000'000;  // up to 10 s

volatile std::sig_atomic_t ended = 0;

struct Latencies {
  std::vector<uint32_t> buckets = std::vector<uint32_t>(kBuckets);
  uint64_t count = 0;
  uint64_t delivered = 0;
  uint64_t failed = 0;
  int64_t from_us = 0;  // what was due before is not counted

  void note(int64_t due_us, int64_t now_us) {
    ++delivered;
    if (due_us < from_us) return;
    ++buckets[static_cast<size_t>(
        std::clamp<int64_t>((now_us - due_us) / kBucketUs, 0, kBuckets - 1))];
    ++count;
  }
  double quantile_ms(double q) const {
    auto left = static_cast<uint64_t>(static_cast<double>(count) * q);
    size_t at = 0;
    while (at + 1 < kBuckets && buckets[at] <= left) left -= buckets[at++];
    return static_cast<double>(at * kBucketUs) / 1000;
  }
};

int64_t now_us() {
  return std::chrono::duration_cast<microseconds>(Clock::now().time_since_epoch()).count();
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& latencies = *static_cast<Latencies*>(opaque);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++latencies.failed;
    return;
  }
  latencies.note(static_cast<int64_t>(reinterpret_cast<intptr_t>(message->_private)), now_us());
}

rd_kafka_t* make_client(const std::string& bootstrap, Latencies& latencies) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[256];
  const std::string queued = std::to_string(kQueuedMax);
  const char* const settings[][2] = {{"bootstrap.servers", bootstrap.c_str()},
                                     {"linger.ms", "5"},
                                     {"acks", "-1"},
                                     {"queue.buffering.max.messages", queued.c_str()}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
      fmt::print(stderr, "paced_load: {}={}: {}\n", name, value, error);
      std::exit(2);
    }
  }
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_conf_set_opaque(conf, &latencies);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!client) {
    fmt::print(stderr, "paced_load: {}\n", error);
    std::exit(2);
  }
  return client;
}

struct Plan {
  std::string topic;
  int32_t partitions = 1;
  double rate = 0;  // records a second; 0: as fast as it goes
  double seconds = 1;
};

// How many records were due; each is handed to the client when it is, or as soon as it has room.
uint64_t produce(rd_kafka_t* client, const Plan& plan, int64_t began_us) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, plan.topic.c_str(), nullptr);
  std::string record(kRecordBytes, 'x');
  uint64_t sent = 0;
  for (;;) {
    const int64_t now = now_us();
    const double at = static_cast<double>(now - began_us) / 1e6;
    if (ended || at >= plan.seconds) break;
    const uint64_t due = plan.rate > 0 ? static_cast<uint64_t>(plan.rate * at) : sent + 1000;
    while (sent < due) {
      const int64_t due_us =
          plan.rate > 0
              ? began_us + static_cast<int64_t>(static_cast<double>(sent) / plan.rate * 1e6)
              : now;
      const auto partition = static_cast<int32_t>(sent % static_cast<uint64_t>(plan.partitions));
      if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, record.data(), record.size(),
                           nullptr, 0,
                           reinterpret_cast<void*>(static_cast<intptr_t>(due_us))) == 0) {
        ++sent;
      } else if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(client, 1);
        if (ended) break;
      } else {
        fmt::print(stderr, "paced_load: {}\n", rd_kafka_err2str(rd_kafka_last_error()));
        std::exit(1);
      }
    }
    rd_kafka_poll(client, plan.rate > 0 ? 1 : 0);
  }
  rd_kafka_flush(client, 60'000);
  rd_kafka_topic_destroy(topic);
  return sent;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr,
               "usage: paced_load <bootstrap> <topic> <partitions> <records a second> <seconds>\n");
    return 2;
  }
  (void)std::signal(SIGTERM, [](int) { ended = 1; });
  Latencies latencies;
  rd_kafka_t* client = make_client(argv[1], latencies);
  const Plan plan{argv[2], std::atoi(argv[3]), std::atof(argv[4]), std::atof(argv[5])};
  const int64_t began = now_us();
  latencies.from_us = began + 1'000'000;
  const uint64_t sent = produce(client, plan, began);
  const double took = static_cast<double>(now_us() - began) / 1e6;
  rd_kafka_destroy(client);
  fmt::print("{:.0f} {:.2f} {:.2f} {:.2f}\n", static_cast<double>(latencies.delivered) / took,
             latencies.quantile_ms(0.5), latencies.quantile_ms(0.99), latencies.quantile_ms(0.999));
  if (latencies.failed == 0 && latencies.delivered == sent) return 0;
  fmt::print(stderr, "paced_load: {} of {} records delivered, {} failed\n", latencies.delivered,
             sent, latencies.failed);
  return 1;
}
