// The bounds of decoding: what a peer can make us hold by what it writes into a length field.
#pragma once

#include <cstddef>
#include <cstdint>

namespace odradek::wire {

// Elements of one array, and tagged fields of one struct. More is malformed, as in Kafka 4.4.
inline constexpr int32_t array_length_max = 1'000'000;
inline constexpr uint32_t tagged_fields_max = 10'000;
// Elements reserved ahead of their decoding; beyond that an array grows as its bytes prove to be
// there.
inline constexpr int32_t array_reserve_max = 1'000;
// A string's length fits an int16 in every encoding.
inline constexpr size_t string_size_max = 32'767;
// Memory that the array elements of one message may take. An element takes more memory than bytes
// on the wire (a nested struct some 30 times as much); this keeps a full frame from becoming
// gigabytes.
inline constexpr size_t decoded_arrays_bytes_max = size_t{512} << 20;

}  // namespace odradek::wire
