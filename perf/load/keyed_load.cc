// Fills a topic with keyed records of 100 bytes, each key many times, over one connection as fast
// as the broker takes them: what compaction is measured on. The topic must be there.
//   keyed_load <port> <topic> <partitions> <records> <distinct keys>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "log/batch/batch_builder.h"
#include "reactor/base/bytes.h"

namespace odradek {
namespace {

constexpr uint64_t kRecordsPerBatch = 10'000;
constexpr int kInFlightMax = 8;
constexpr size_t kValueBytes = 80;

struct Load {
  uint16_t port = 0;
  std::string topic;
  uint64_t partitions = 1;
  uint64_t records = 0;
  uint64_t keys = 1;
  int fd = -1;
};

std::vector<uint8_t> make_batch(const Load& load, uint64_t first) {
  log::BatchBuilder builder({});
  const std::vector<uint8_t> value(kValueBytes, 'v');
  const uint64_t count = std::min(kRecordsPerBatch, load.records - first);
  for (uint64_t i = first; i < first + count; ++i) {
    const std::string key = fmt::format("{:012}", i % load.keys);
    log::Record record;
    record.key = as_bytes(key);
    record.value = BytesView(value);
    builder.append(record);
  }
  return *builder.finish();
}

template <class T>
void put(std::vector<uint8_t>& out, T value) {
  out.resize(out.size() + sizeof value);
  store_be(out.data() + out.size() - sizeof value, value);
}

void put_text(std::vector<uint8_t>& out, const std::string& text) {
  put(out, static_cast<int16_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

// A Produce request of version 7 with one batch.
std::vector<uint8_t> make_frame(const Load& load, int32_t number, uint64_t first,
                                const std::vector<uint8_t>& batch) {
  std::vector<uint8_t> out;
  put(out, int32_t{0});
  put(out, int16_t{0});
  put(out, int16_t{7});
  put(out, number);
  put_text(out, "keyed_load");
  put(out, int16_t{-1});  // no transactional id
  put(out, int16_t{-1});  // acks
  put(out, int32_t{60'000});
  put(out, int32_t{1});
  put_text(out, load.topic);
  put(out, int32_t{1});
  // A key always goes to the same partition.
  put(out, static_cast<int32_t>(first % load.keys / kRecordsPerBatch % load.partitions));
  put(out, static_cast<int32_t>(batch.size()));
  out.insert(out.end(), batch.begin(), batch.end());
  store_be(out.data(), static_cast<int32_t>(out.size() - 4));
  return out;
}

bool send_all(const Load& load, const std::vector<uint8_t>& frame) {
  for (size_t at = 0; at < frame.size();) {
    const ssize_t n = ::send(load.fd, frame.data() + at, frame.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
}

// The error code of the next answer; -1 when the connection is gone.
int take_answer(const Load& load) {
  uint8_t size[4];
  if (::recv(load.fd, size, sizeof size, MSG_WAITALL) != sizeof size) return -1;
  std::vector<uint8_t> body(static_cast<size_t>(load_be<int32_t>(size)));
  const ssize_t n = ::recv(load.fd, body.data(), body.size(), MSG_WAITALL);
  if (n < 0 || static_cast<size_t>(n) != body.size()) return -1;
  // Correlation id, one topic and its name, one partition and its index.
  return load_be<int16_t>(body.data() + 4 + 4 + 2 + load.topic.size() + 4 + 4);
}

int run(const Load& load) {
  int32_t number = 0;
  int in_flight = 0;
  for (uint64_t first = 0; first < load.records || in_flight > 0;) {
    if (first < load.records && in_flight < kInFlightMax) {
      if (!send_all(load, make_frame(load, number++, first, make_batch(load, first)))) return 1;
      first += kRecordsPerBatch;
      ++in_flight;
      continue;
    }
    const int error = take_answer(load);
    if (error != 0) {
      fmt::print(stderr, "answer with error {}\n", error);
      return 1;
    }
    --in_flight;
  }
  return 0;
}

}  // namespace
}  // namespace odradek

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: keyed_load <port> <topic> <partitions> <records> <distinct keys>\n");
    return 2;
  }
  odradek::Load load{.port = static_cast<uint16_t>(std::atoi(argv[1])),
                     .topic = argv[2],
                     .partitions = std::strtoull(argv[3], nullptr, 10),
                     .records = std::strtoull(argv[4], nullptr, 10),
                     .keys = std::strtoull(argv[5], nullptr, 10)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(load.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  load.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(load.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fmt::print(stderr, "no connection to port {}\n", load.port);
    return 1;
  }
  const int code = odradek::run(load);
  ::close(load.fd);
  return code;
}
