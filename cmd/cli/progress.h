// How far long work is: one line on standard error that is written over, a few times a second, on
// a terminal only.
#pragma once

#include <cstdint>
#include <string>

#include "reactor/base/time.h"

namespace odradek::cli {

class Progress {
 public:
  // `wanted`: not with --quiet. `total_bytes`: 0 when nobody knows.
  Progress(bool wanted, std::string what, uint64_t total_bytes);
  // Cheap: looks at the time as of this turn.
  void update(uint64_t records, uint64_t bytes, MonoTime now);
  // Takes the line away.
  void clear();

 private:
  bool shown_;  // there is a terminal, and it is wanted
  std::string what_;
  uint64_t total_bytes_;
  MonoTime began_{};
  MonoTime last_{};
  bool printed_ = false;
};

// "1000 records, 1.2 MiB, 0.51 s, 1961 records/s"
std::string amount_text(uint64_t records, uint64_t bytes, Duration time);

}  // namespace odradek::cli
