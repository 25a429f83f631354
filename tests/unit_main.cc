#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

// A simulated process that is killed leaves its memory behind, as a real one leaves it to the
// kernel: leaks are looked for in the real broker (tests/integration, tests/fuzz), not here.
#if __has_feature(address_sanitizer)
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif
