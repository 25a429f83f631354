// The parts of a generated decoder that are more than one read: arrays and tagged fields.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "net/wire/reader.h"

namespace odradek::wire {

// Decodes an array into `out`, calling `read(element)` for each. Stops at the first failure.
template <class T, class Read>
void read_array(Reader& reader, bool compact, const char* field, std::vector<T>& out, Read read) {
  int32_t left = reader.array_length(compact, false, sizeof(T), field);
  out.clear();
  if (left > 0) out.reserve(static_cast<size_t>(std::min(left, array_reserve_max)));
  for (; left > 0 && reader.ok(); --left) read(out.emplace_back());
}

// The same for an array that may be null, if `nullable`.
template <class T, class Read>
void read_array(Reader& reader, bool compact, bool nullable, const char* field,
                std::optional<std::vector<T>>& out, Read read) {
  int32_t left = reader.array_length(compact, nullable, sizeof(T), field);
  if (left < 0) {
    out.reset();
    return;
  }
  out.emplace();
  out->reserve(static_cast<size_t>(std::min(left, array_reserve_max)));
  for (; left > 0 && reader.ok(); --left) read(out->emplace_back());
}

// Walks the tagged fields at the end of a struct. Tags ascend, duplicates are malformed; a tag that
// is not known must be passed over with skip(), and is not kept; a known one must be read to its
// last byte.
//   for (TaggedFields tags(reader); tags.next();)
//     switch (tags.tag()) { case 0: ...; break; default: tags.skip(); }
class TaggedFields {
 public:
  explicit TaggedFields(Reader& reader) : reader_(reader), left_(reader.uvarint("tagged fields")) {
    if (left_ > tagged_fields_max) reader.fail("tagged fields", "there are more than 10,000");
  }
  // Goes to the next field; false at the end or on a failure.
  bool next();
  uint32_t tag() const { return static_cast<uint32_t>(tag_); }
  void skip() { reader_.skip(reader_.remaining(), "tagged field"); }

 private:
  Reader& reader_;
  uint32_t left_;
  int64_t tag_ = -1;
  std::optional<size_t> outer_;
};

}  // namespace odradek::wire
