// Memory for O_DIRECT: 4 KiB aligned, a multiple of 4 KiB long, owned.
#pragma once

#include <cstdlib>
#include <memory>

#include "reactor/base/bytes.h"
#include "reactor/base/check.h"
#include "reactor/limits.h"

namespace odradek::log {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // At least `bytes`, rounded up to 4 KiB. The contents are undefined.
  explicit AlignedBuffer(size_t bytes)
      : bytes_(align_up(bytes, reactor::kIoAlignment)),
        data_(static_cast<uint8_t*>(std::aligned_alloc(reactor::kIoAlignment, bytes_))) {
    CHECK(data_ != nullptr, bytes_);
  }
  uint8_t* data() { return data_.get(); }
  const uint8_t* data() const { return data_.get(); }
  size_t size() const { return bytes_; }
  MutableBytes span() { return {data_.get(), bytes_}; }

 private:
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  size_t bytes_ = 0;
  std::unique_ptr<uint8_t, Free> data_;
};

}  // namespace odradek::log
