// What a handler gets with a request, and what it gives back.
#pragma once

#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/broker/broker_config.h"
#include "cmd/broker/kafka_error.h"
#include "cmd/broker/limits.h"
#include "log/partition_log.h"
#include "net/wire/limits.h"
#include "net/wire/writer.h"
#include "reactor/base/time.h"

namespace odradek::broker {

class BrokerShard;
struct ClientQuotas;
enum class QuotaKind : uint8_t;

// Kafka's AclOperation and ResourceType numbers; what every handler asks before it acts.
enum class Operation : int8_t {
  none = 1,
  read = 3,
  write = 4,
  create = 5,
  remove = 6,
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
};
enum class Resource : int8_t { none = 1, topic = 2, group = 3, cluster = 4, transactional_id = 5 };

// One request's surroundings. Owned by the connection for as long as the request runs; the handlers
// of one shard use it.
struct RequestContext {
  RequestContext(BrokerShard& owner, const Listener& through) : shard(owner), listener(through) {}
  BrokerShard& shard;
  const Listener& listener;
  std::string_view principal = "User:ANONYMOUS";
  std::string_view host;       // the peer's numeric address
  std::string_view client_id;  // views the frame; empty for null
  int16_t api_key = 0;
  int16_t api_version = 0;
  int32_t correlation_id = 0;
  MonoTime deadline = kMonoMax;
  // The quotas that its client meets; null: none at all.
  const ClientQuotas* quotas = nullptr;
  int32_t throttle_ms = 0;   // how long the connection reads nothing after the answer
  QuotaKind throttled_by{};  // the quota that holds it back longest
  // Of the request quota: cmd/broker/quotas/throttle.h.
  Duration busy_at_begin{};
  uint32_t running_at_begin = 0;
  bool time_settled = false;
  Duration waited{};         // set by a handler: time that its sender asked it to wait
  bool close_after = false;  // set by a handler: no more requests are read after this response

  void throttle(QuotaKind kind, int32_t ms) {
    if (ms <= throttle_ms) return;
    throttle_ms = ms;
    throttled_by = kind;
  }
  // Keeps text that a response views until it is encoded.
  // What is longer than a string of the protocol may be is cut.
  std::string_view keep(std::string text) {
    if (text.size() > wire::string_size_max) text.resize(wire::string_size_max);
    return kept_.emplace_front(std::move(text));
  }
  // The same for why something was refused; empty once the answer has kErrorTextBytesMax of it: a
  // name of 32 KB may stand in the text of each of a million partitions.
  std::string_view explain(std::string_view text) {
    if (text.size() > error_text_left_) return {};
    error_text_left_ -= text.size();
    return keep(std::string(text));
  }
  // The same for a value of any kind.
  template <class T>
  const T& keep_value(T value) {
    auto kept = std::make_shared<const T>(std::move(value));
    kept_values_.push_front(kept);
    return *kept;
  }
  // Whether the principal may do this. Everybody may, until authorizers exist.
  bool authorize(Operation operation, Resource resource, std::string_view name) const {
    (void)operation, (void)resource, (void)name;
    return true;
  }

 private:
  size_t error_text_left_ = kErrorTextBytesMax;
  std::forward_list<std::string> kept_;
  std::forward_list<std::shared_ptr<const void>> kept_values_;
};

// Bytes to send, in order with the connection's other responses, and what keeps spliced bytes
// alive.
struct Response {
  wire::Writer out;
  std::vector<log::LogSlice::Piece> held;
  bool none = false;  // acks=0: nothing is sent
};

}  // namespace odradek::broker
