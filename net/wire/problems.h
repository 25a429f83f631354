// Collects what makes a message impossible to encode in a version: the first such field. Generated
// validate() functions fill it.
#pragma once

#include <string>
#include <string_view>

#include "net/wire/limits.h"
#include "reactor/base/result.h"

namespace odradek::wire {

class Problems {
 public:
  // The field has a value, and the version has no such field: the value would be lost.
  void absent(const char* field) {
    note(Errc::unsupported, field, "does not exist in this version");
  }
  // The field is null, and the version has no null there.
  void null(const char* field) { note(Errc::invalid, field, "must not be null in this version"); }
  void length(std::string_view value, const char* field) {
    if (value.size() > string_size_max) note(Errc::invalid, field, "is longer than 32767 bytes");
  }
  // "<message> v<version>: <field> <what>".
  Status status(std::string_view message, int16_t version) const {
    if (field_ == nullptr) return {};
    return fail(
        code_, std::string(message) + " v" + std::to_string(version) + ": " + field_ + " " + what_);
  }

 private:
  void note(Errc code, const char* field, const char* what) {
    if (field_ != nullptr) return;
    code_ = code;
    field_ = field;
    what_ = what;
  }

  Errc code_ = Errc::invalid;
  const char* field_ = nullptr;
  const char* what_ = nullptr;
};

}  // namespace odradek::wire
