// CRC-32C (Castagnoli, RFC 3720): the checksum of Kafka's batches and of all private files.
//
// Incremental: crc32c(crc32c(0, a), b) == crc32c(0, a + b). Three paths: where the CPU has AVX-512
// and VPCLMULQDQ, 256 bytes at a time are folded by carry-less products; on other x86-64 with
// SSE4.2 and PCLMULQDQ, and for short inputs, three streams of the CRC32 instruction run side by
// side (V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel
// 2011); elsewhere a table of eight rows.
#pragma once

#include <cstdint>

#include "reactor/base/bytes.h"
#include "reactor/base/chain.h"

namespace odradek {

// The checksum of what gave `seed_crc` followed by `bytes`. Start with 0.
uint32_t crc32c(uint32_t seed_crc, BytesView bytes);
uint32_t crc32c(uint32_t seed_crc, const Chain& bytes);

// How a difference between two checksums looks `length` bytes later: for equal `tail`s,
//   crc(b + tail) == crc(a + tail) ^ crc32c_shift(crc(a) ^ crc(b), tail.size())
// so that a changed header costs no second pass over what follows it.
uint32_t crc32c_shift(uint32_t crc_difference, uint64_t length);

// The checksum of a + b from those of its parts, `length_b` being the size of b.
inline uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b) {
  return crc32c_shift(crc_a, length_b) ^ crc_b;
}

// The other way round: the checksum of b from those of a + b and of a, `length_b` being the size of
// b; and the checksum of a from those of a + b and of b. So the middle of a batch costs no pass.
inline uint32_t crc32c_without_front(uint32_t crc_whole, uint32_t crc_a, uint64_t length_b) {
  return crc_whole ^ crc32c_shift(crc_a, length_b);
}
uint32_t crc32c_without_back(uint32_t crc_whole, uint32_t crc_b, uint64_t length_b);

namespace detail {
// The paths by name, so that tests hold them against each other: the portable one, and what is
// taken without wide vectors.
uint32_t crc32c_by_table(uint32_t seed_crc, BytesView bytes);
uint32_t crc32c_narrow(uint32_t seed_crc, BytesView bytes);
}  // namespace detail

}  // namespace odradek
