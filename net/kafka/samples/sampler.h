// Makes the values of random messages: for tests, fuzz seeds and benchmarks. Every field that a
// version has gets a value; fields it does not have keep their default, so that a sample survives
// the round trip.
//
// For every message type there is, in the generated header <folder>/<set>_samples.h,
//   void fill(Sampler&, int16_t version, T& out);
// Views point into the Sampler, which outlives `out`.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/kafka/message.h"
#include "net/wire/scratch.h"
#include "net/wire/writer.h"
#include "reactor/base/chain.h"
#include "reactor/base/prng.h"
#include "reactor/base/uuid.h"

namespace odradek::kafka {

class Sampler {
 public:
  // The same seed gives the same messages.
  // Without `private_fields` the messages are ones that Kafka knows to the last field.
  explicit Sampler(uint64_t seed, bool private_fields = true)
      : random_(seed), private_fields_(private_fields) {}

  bool private_fields() const { return private_fields_; }

  template <std::integral T>
  T integer() {
    const auto value = static_cast<T>(random_.next());
    return random_.chance(1, 2) ? value : static_cast<T>(value & 0x7f);
  }
  bool boolean() { return random_.chance(1, 2); }
  double float64() { return static_cast<double>(integer<int32_t>()) / 8; }
  Uuid uuid();
  // Up to 12 letters, rarely 200.
  std::string_view string();
  BytesView bytes();
  // One to three parts.
  Chain records();
  // The number of elements of an array: 0 to 3.
  size_t count() { return random_.below(4); }
  // Whether a value that may be null is null.
  bool null() { return random_.chance(1, 4); }

 private:
  Prng random_;
  bool private_fields_;
  wire::Scratch scratch_;
};

// One message type, by name.
struct SampleInfo {
  std::string_view name;
  VersionRange versions;
  // Encodes a random message of `version`.
  void (*encode)(Sampler& sampler, int16_t version, wire::Writer& writer);
};

template <class T>
constexpr SampleInfo sample_info() {
  return {.name = T::message_name,
          .versions = T::versions,
          .encode = [](Sampler& sampler, int16_t version, wire::Writer& writer) {
            T message;
            fill(sampler, version, message);
            encode(writer, version, message);
          }};
}

// All messages of net/kafka/messages, by name. REQUIRES: linked with odradek_kafka_samples.
std::span<const SampleInfo> all_messages_samples();

}  // namespace odradek::kafka
