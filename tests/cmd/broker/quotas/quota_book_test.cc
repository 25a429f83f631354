#include "cmd/broker/quotas/quota_book.h"

#include "tests/test.h"

namespace odradek::broker {
namespace {

constexpr int64_t kStart = 1'000'000;

QuotaCharge charge(double amount, double limit, QuotaKind kind = QuotaKind::produce,
                   ChargeMode mode = ChargeMode::keep) {
  return {kind, {"account", limit}, amount, mode};
}

TEST_CASE("whoever used more than all windows allow is held back until it is made up for") {
  QuotaBook book({11, 1000}, 10);
  EXPECT_EQ(book.charge(charge(10'000, 1000), kStart), 0);
  // 11,000 in a span of 10 s: 100 a second too much, for 1 s.
  EXPECT_EQ(book.charge(charge(1'000, 1000), kStart), 1000);
  EXPECT(book.charge(charge(0, 1000), kStart + 900) < 200);
  EXPECT_EQ(book.charge(charge(0, 1000), kStart + 12'000), 0);
}

TEST_CASE("what goes over and is not used does not count, what is only asked for never does") {
  QuotaBook book({11, 1000}, 10);
  constexpr auto within = ChargeMode::if_within;
  EXPECT_EQ(book.charge(charge(1'000, 1000, QuotaKind::fetch, within), kStart), 0);
  EXPECT_EQ(book.charge(charge(19'000, 1000, QuotaKind::fetch, within), kStart), 10'000);
  EXPECT_EQ(book.charge(charge(9'000, 1000, QuotaKind::fetch, ChargeMode::probe), kStart), 0);
  EXPECT_EQ(book.charge(charge(9'000, 1000, QuotaKind::fetch, within), kStart), 0);
  EXPECT(book.charge(charge(1'000, 1000, QuotaKind::fetch, within), kStart) > 0);
}

TEST_CASE("a batch that is more than all windows allow is delivered when nothing was before") {
  QuotaBook book({11, 1000}, 10);
  constexpr auto within = ChargeMode::if_within;
  EXPECT_EQ(book.charge(charge(25'000, 1000, QuotaKind::fetch, within), kStart), 0);
  EXPECT(book.charge(charge(25'000, 1000, QuotaKind::fetch, within), kStart + 5000) > 0);
  EXPECT_EQ(book.charge(charge(25'000, 1000, QuotaKind::fetch, within), kStart + 17'000), 0);
}

TEST_CASE("time on a thread holds back for one window at most, connections for all") {
  QuotaBook book({11, 1000}, 10);
  EXPECT_EQ(book.charge(charge(1e6, 1, QuotaKind::request), kStart), 1000);
  QuotaBook other({11, 1000}, 10);
  EXPECT_EQ(other.charge(charge(1e6, 1, QuotaKind::connection), kStart), 11'000);
  QuotaBook third({11, 1000}, 10);
  EXPECT_EQ(third.charge(charge(1e15, 1), kStart), INT32_MAX);
}

TEST_CASE("a strict mutation needs credit before it, a permissive one only pays for it") {
  QuotaBook book({11, 1000}, 10);
  const QuotaMatch match{"account", 2};
  int32_t throttle = 0;
  EXPECT(book.mutate(match, 30, true, kStart, &throttle));
  EXPECT_EQ(throttle, 0);
  EXPECT_FALSE(book.mutate(match, 1, true, kStart, &throttle));
  EXPECT_EQ(throttle, 4000);
  throttle = 0;
  EXPECT(book.mutate(match, 2, false, kStart, &throttle));
  EXPECT_EQ(throttle, 5000);
  throttle = 0;
  EXPECT(book.mutate(match, 1, true, kStart + 5000, &throttle));
  EXPECT_EQ(throttle, 0);
}

TEST_CASE("the account that was used longest ago is forgotten for a new one") {
  QuotaBook book({11, 1000}, 2);
  const auto use = [&](const char* account, double amount) {
    return book.charge({QuotaKind::produce, {account, 1}, amount, ChargeMode::keep}, kStart);
  };
  EXPECT(use("a", 100) > 0);
  EXPECT(use("b", 100) > 0);
  EXPECT(use("a", 0) > 0);
  EXPECT_EQ(use("c", 0), 0);
  EXPECT_EQ(book.size(), 2u);
  EXPECT(use("a", 0) > 0);
  EXPECT_EQ(use("b", 0), 0);
}

}  // namespace
}  // namespace odradek::broker
