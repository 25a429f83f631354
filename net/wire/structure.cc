#include "net/wire/structure.h"

namespace odradek::wire {

bool TaggedFields::next() {
  if (outer_) {
    if (reader_.remaining() != 0) reader_.fail("tagged field", "it is longer than its value");
    reader_.pop_limit(*outer_);
    outer_.reset();
  }
  if (left_ == 0 || !reader_.ok()) return false;
  --left_;
  const int64_t tag = reader_.uvarint("tag");
  if (tag <= tag_) reader_.fail("tag", "tags do not ascend");
  tag_ = tag;
  const uint32_t size = reader_.uvarint("tagged field");
  outer_ = reader_.push_limit(size, "tagged field");
  return reader_.ok();
}

}  // namespace odradek::wire
