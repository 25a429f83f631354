// doctest under names that do not clash with CHECK of reactor/base/check.h:
//   TEST_CASE("claim"), SUBCASE("..."), EXPECT(x), EXPECT_EQ(a, b), REQUIRE(x), REQUIRE_EQ(a, b),
//   MESSAGE.
#pragma once

#define DOCTEST_CONFIG_NO_SHORT_MACRO_NAMES
#include <doctest/doctest.h>

#define TEST_CASE(name) DOCTEST_TEST_CASE(name)
#define SUBCASE(name) DOCTEST_SUBCASE(name)
#define EXPECT(...) DOCTEST_CHECK(__VA_ARGS__)
#define EXPECT_FALSE(...) DOCTEST_CHECK_FALSE(__VA_ARGS__)
#define EXPECT_EQ(...) DOCTEST_CHECK_EQ(__VA_ARGS__)
#define EXPECT_NE(...) DOCTEST_CHECK_NE(__VA_ARGS__)
#define REQUIRE(...) DOCTEST_REQUIRE(__VA_ARGS__)
#define REQUIRE_FALSE(...) DOCTEST_REQUIRE_FALSE(__VA_ARGS__)
#define REQUIRE_EQ(...) DOCTEST_REQUIRE_EQ(__VA_ARGS__)
#define FAIL(...) DOCTEST_FAIL(__VA_ARGS__)
#define INFO(...) DOCTEST_INFO(__VA_ARGS__)
#define CAPTURE(x) DOCTEST_CAPTURE(x)
#define MESSAGE(...) DOCTEST_MESSAGE(__VA_ARGS__)
