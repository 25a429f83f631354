#include "reactor/base/stream_copy.h"

#include <algorithm>

#include "reactor/base/check.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace odradek {

void stream_copy(MutableBytes to, BytesView from) {
  CHECK(from.size() <= to.size(), from.size(), to.size());
  uint8_t* out = to.data();
  const uint8_t* in = from.data();
  size_t left = from.size();
#if defined(__x86_64__)
  // Streaming stores want whole lines: what a line has before the first and behind the last is
  // copied as usual.
  constexpr size_t kLine = 64;
  const size_t before = std::min<size_t>(left, -reinterpret_cast<uintptr_t>(out) % kLine);
  if (before > 0) std::memcpy(out, in, before);
  out += before;
  in += before;
  left -= before;
  for (; left >= kLine; out += kLine, in += kLine, left -= kLine) {
    __m128i parts[4];
    for (int i = 0; i < 4; ++i) {
      parts[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in) + i);
    }
    for (int i = 0; i < 4; ++i) _mm_stream_si128(reinterpret_cast<__m128i*>(out) + i, parts[i]);
  }
  _mm_sfence();  // they are ordered with nothing else
#endif
  if (left > 0) std::memcpy(out, in, left);
}

}  // namespace odradek
