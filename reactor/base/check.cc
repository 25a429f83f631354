#include "reactor/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace odradek {

void check_failed(const char* condition, const char* file, int line, const char* names,
                  const std::string& values) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d", condition, file, line);
  if (!values.empty()) std::fprintf(stderr, ": (%s) = (%s)", names, values.c_str());
  std::fputc('\n', stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace odradek
