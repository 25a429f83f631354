#include "reactor/base/crc32c.h"

#include <array>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace odradek {
namespace {

// Polynomials over GF(2) modulo the Castagnoli polynomial, bit-reflected: bit 31 is x^0.
constexpr uint32_t kPolynomial = 0x82f63b78;
constexpr uint32_t kOne = 0x80000000;

constexpr uint32_t times_x(uint32_t a) { return (a >> 1) ^ ((a & 1) ? kPolynomial : 0); }

constexpr uint32_t times(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; b != 0; b <<= 1) {
    if (b & kOne) product ^= a;
    a = times_x(a);
  }
  return product;
}

// kPowers[k] is x^(2^k).
constexpr std::array<uint32_t, 67> kPowers = [] {
  std::array<uint32_t, 67> powers{};
  powers[0] = times_x(kOne);
  for (size_t k = 1; k < powers.size(); ++k) powers[k] = times(powers[k - 1], powers[k - 1]);
  return powers;
}();

// x^(n * 2^shift)
constexpr uint32_t x_to_the(uint64_t n, unsigned shift = 0) {
  uint32_t result = kOne;
  for (unsigned k = shift; n != 0; n >>= 1, ++k) {
    if (n & 1) result = times(result, kPowers[k]);
  }
  return result;
}

// kTable[k][b]: what byte b contributes when k more bytes follow it.
using Table = std::array<std::array<uint32_t, 256>, 8>;
constexpr Table kTable = [] {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    table[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = table[k - 1][byte];
      table[k][byte] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}();

#if defined(__x86_64__)
#define ODR_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

// `crc` moved past N bytes of zeros. The carry-less product of two reflected 32-bit values and the
// CRC32 instruction's own x^32 make x^33 more than the factor, hence the exponent.
template <uint64_t N>
ODR_CRC_TARGET inline uint64_t skip_zeros(uint64_t crc) {
  constexpr uint32_t kFactor = x_to_the(8 * N - 33);
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(crc)),
                                               _mm_cvtsi32_si128(static_cast<int>(kFactor)), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

// Takes as many runs of three blocks of N bytes as there are: the instruction has a latency of
// three cycles and a throughput of one.
template <uint64_t N>
ODR_CRC_TARGET inline uint64_t three_at_a_time(uint64_t crc, const uint8_t*& p, size_t& n) {
  static_assert(N % 8 == 0);
  while (n >= 3 * N) {
    uint64_t b = 0;
    uint64_t c = 0;
    for (const uint8_t* end = p + N; p != end; p += 8) {
      crc = _mm_crc32_u64(crc, load_le<uint64_t>(p));
      b = _mm_crc32_u64(b, load_le<uint64_t>(p + N));
      c = _mm_crc32_u64(c, load_le<uint64_t>(p + 2 * N));
    }
    crc = skip_zeros<2 * N>(crc) ^ skip_zeros<N>(b) ^ c;
    p += 2 * N;
    n -= 3 * N;
  }
  return crc;
}

// Moves the register `crc` (inverted, as between two instructions) over `n` bytes at `p`.
ODR_CRC_TARGET uint32_t advance_by_instruction(uint64_t crc, const uint8_t* p, size_t n) {
  crc = three_at_a_time<2048>(crc, p, n);
  crc = three_at_a_time<256>(crc, p, n);
  crc = three_at_a_time<32>(crc, p, n);
  for (; n >= 8; n -= 8, p += 8) crc = _mm_crc32_u64(crc, load_le<uint64_t>(p));
  auto crc32 = static_cast<uint32_t>(crc);
  for (; n > 0; --n, ++p) crc32 = _mm_crc32_u8(crc32, *p);
  return crc32;
}

#define ODR_WIDE_TARGET __attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.2")))
// Shorter inputs do not pay for the folding at the end.
constexpr size_t kWideBytesMin = 512;

// Factors that move a block of 128 bits over kBits bits that follow: for its first eight bytes,
// which stand 64 bits further from the end, and for its last eight. x^33 as in skip_zeros().
template <uint64_t kBits>
struct Fold {
  static constexpr uint32_t kFirst = x_to_the(kBits + 64 - 33);
  static constexpr uint32_t kLast = x_to_the(kBits - 33);
};

template <uint64_t kBits>
ODR_WIDE_TARGET inline __m512i fold_four(__m512i blocks, __m512i next) {
  const __m512i factors = _mm512_set4_epi64(static_cast<int64_t>(uint64_t{Fold<kBits>::kLast}),
                                            static_cast<int64_t>(uint64_t{Fold<kBits>::kFirst}),
                                            static_cast<int64_t>(uint64_t{Fold<kBits>::kLast}),
                                            static_cast<int64_t>(uint64_t{Fold<kBits>::kFirst}));
  const __m512i first = _mm512_clmulepi64_epi128(blocks, factors, 0x00);
  const __m512i last = _mm512_clmulepi64_epi128(blocks, factors, 0x11);
  return _mm512_ternarylogic_epi64(first, last, next, 0x96);  // the three, xored
}

ODR_WIDE_TARGET inline __m128i fold_one(__m128i block, __m128i next) {
  const __m128i factors = _mm_set_epi64x(static_cast<int64_t>(uint64_t{Fold<128>::kLast}),
                                         static_cast<int64_t>(uint64_t{Fold<128>::kFirst}));
  const __m128i first = _mm_clmulepi64_si128(block, factors, 0x00);
  const __m128i last = _mm_clmulepi64_si128(block, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, last), next);
}

// Folds 256 bytes at a time until one block of 128 bits stands for all of them ("Fast CRC
// Computation Using PCLMULQDQ Instruction", Intel 2009). REQUIRES: at least 256 bytes.
ODR_WIDE_TARGET uint32_t crc32c_wide(uint32_t seed_crc, BytesView bytes) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  __m512i sums[4];
  for (int i = 0; i < 4; ++i) sums[i] = _mm512_loadu_si512(p + 64 * i);
  const __m128i seed = _mm_cvtsi32_si128(static_cast<int>(~seed_crc));
  sums[0] = _mm512_xor_si512(sums[0], _mm512_zextsi128_si512(seed));
  for (p += 256, n -= 256; n >= 256; p += 256, n -= 256) {
    for (int i = 0; i < 4; ++i) {
      sums[i] = fold_four<2048>(sums[i], _mm512_loadu_si512(p + 64 * i));
    }
  }
  __m512i sum = sums[0];
  for (int i = 1; i < 4; ++i) sum = fold_four<512>(sum, sums[i]);
  for (; n >= 64; p += 64, n -= 64) sum = fold_four<512>(sum, _mm512_loadu_si512(p));
  __m128i block = _mm512_extracti32x4_epi32(sum, 0);
  block = fold_one(block, _mm512_extracti32x4_epi32(sum, 1));
  block = fold_one(block, _mm512_extracti32x4_epi32(sum, 2));
  block = fold_one(block, _mm512_extracti32x4_epi32(sum, 3));
  uint64_t crc = _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(block)));
  crc = _mm_crc32_u64(crc, static_cast<uint64_t>(_mm_extract_epi64(block, 1)));
  return ~advance_by_instruction(crc, p, n);
}

bool wide_supported() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq") &&
         __builtin_cpu_supports("pclmul");
}
#endif

}  // namespace

namespace detail {

uint32_t crc32c_by_table(uint32_t seed_crc, BytesView bytes) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  uint32_t crc = ~seed_crc;
  for (; n >= 8; n -= 8, p += 8) {
    const uint64_t word = load_le<uint64_t>(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTable[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ *p) & 0xff];
  return ~crc;
}

uint32_t crc32c_narrow(uint32_t seed_crc, BytesView bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) [[likely]] {
    return ~advance_by_instruction(uint32_t{~seed_crc}, bytes.data(), bytes.size());
  }
#endif
  return crc32c_by_table(seed_crc, bytes);
}

}  // namespace detail

uint32_t crc32c(uint32_t seed_crc, BytesView bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kWideBytesMin && wide_supported()) return crc32c_wide(seed_crc, bytes);
#endif
  return detail::crc32c_narrow(seed_crc, bytes);
}

uint32_t crc32c(uint32_t seed_crc, const Chain& bytes) {
  for (size_t i = 0; i < bytes.part_count(); ++i) seed_crc = crc32c(seed_crc, bytes.part(i));
  return seed_crc;
}

uint32_t crc32c_shift(uint32_t crc_difference, uint64_t length) {
  return times(crc_difference, x_to_the(length, 3));
}

uint32_t crc32c_without_back(uint32_t crc_whole, uint32_t crc_b, uint64_t length_b) {
  // x^kOrder is 1 and kOrder is prime: going back over n bytes is going on over kOrder - n.
  constexpr uint64_t kOrder = (1ULL << 31) - 1;
  static_assert(x_to_the(kOrder) == kOne);
  return crc32c_shift(crc_whole ^ crc_b, kOrder - length_b % kOrder);
}

}  // namespace odradek
