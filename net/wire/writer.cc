#include "net/wire/writer.h"

#include <algorithm>

namespace odradek::wire {

// The first reservation is taken exactly: encoders know their size. Later growth doubles.
void Writer::grow(size_t capacity_min) {
  const size_t capacity = capacity_ == 0 ? capacity_min : std::max(capacity_min, capacity_ * 2);
  auto data = std::make_unique_for_overwrite<uint8_t[]>(capacity);
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

Chain Writer::chain() const {
  Chain out;
  size_t done = 0;
  for (const Splice& splice : splices_) {
    out.append(buffer().subspan(done, splice.position - done));
    done = splice.position;
    for (size_t i = 0; i < splice.chain.part_count(); ++i) out.append(splice.chain.part(i));
  }
  out.append(buffer().subspan(done));
  return out;
}

std::vector<uint8_t> Writer::copy() const {
  std::vector<uint8_t> out(size());
  chain().copy_out(0, out);
  return out;
}

void Writer::clear() {
  size_ = 0;
  spliced_ = 0;
  splices_.clear();
}

}  // namespace odradek::wire
