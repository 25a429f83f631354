// A copy past the caches: for bytes that the CPU does not read again soon, such as what a disk
// fetches next. It does not read the lines it overwrites, which is most of what a copy into memory
// that is not cached costs: measured 17 to 22 GB/s against 7.5 of memcpy, in pieces of 256 KiB into
// 512 MiB.
#pragma once

#include "reactor/base/bytes.h"

namespace odradek {

// Copies `from` to the beginning of `to`, any length and alignment. Other threads and devices see
// the bytes as they see those of memcpy. REQUIRES: room, no overlap.
void stream_copy(MutableBytes to, BytesView from);

}  // namespace odradek
