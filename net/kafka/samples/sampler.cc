#include "net/kafka/samples/sampler.h"

namespace odradek::kafka {

Uuid Sampler::uuid() {
  Uuid out;
  for (auto& byte : out.bytes) byte = static_cast<uint8_t>(random_.next());
  return out;
}

std::string_view Sampler::string() {
  const size_t size = random_.chance(1, 20) ? 200 : random_.below(13);
  const MutableBytes out = scratch_.allocate(size);
  for (auto& byte : out) byte = static_cast<uint8_t>('a' + random_.below(26));
  return as_text(out);
}

BytesView Sampler::bytes() {
  const MutableBytes out = scratch_.allocate(random_.below(40));
  for (auto& byte : out) byte = static_cast<uint8_t>(random_.next());
  return out;
}

Chain Sampler::records() {
  Chain out;
  for (uint64_t parts = random_.between(1, 3); parts > 0; --parts) out.append(bytes());
  return out;
}

}  // namespace odradek::kafka
