// A pointer that several owners on one shard share.
#pragma once

#include <cstdint>
#include <utility>

#include "reactor/base/check.h"

namespace odradek::metadata {

// A counted pointer to a value that is immutable while it has several owners. The count is a plain
// integer: only the owning shard copies and destroys; other shards may read through it.
template <class T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T value) : box_(new Box{std::move(value)}) {}
  Shared(const Shared& other) : box_(other.box_) {
    if (box_) ++box_->owners;
  }
  Shared(Shared&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~Shared() {
    if (box_ && --box_->owners == 0) delete box_;
  }

  explicit operator bool() const { return box_ != nullptr; }
  const T& operator*() const { return box_->value; }
  const T* operator->() const { return &box_->value; }
  bool same(const Shared& other) const { return box_ == other.box_; }
  // The value to be changed: copied first when anybody else owns it. REQUIRES: not empty.
  T& mutate() {
    CHECK(box_ != nullptr);
    if (box_->owners > 1) *this = Shared(box_->value);
    return box_->value;
  }

 private:
  struct Box {
    T value;
    uint32_t owners = 1;
  };
  Box* box_ = nullptr;
};

}  // namespace odradek::metadata
