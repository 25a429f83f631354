#include "reactor/base/uuid.h"

#include "tests/test.h"

using odradek::Uuid;

TEST_CASE("a uuid prints as Kafka prints it and parses back") {
  const auto id = Uuid::from_random(0x0123456789abcdef, 0xfedcba9876543210);
  REQUIRE(id);
  EXPECT_EQ(id->to_string().size(), 22);
  EXPECT_EQ(Uuid::parse(id->to_string()), id);
  EXPECT_EQ(Uuid{}.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_FALSE(Uuid::parse("short"));
  EXPECT_FALSE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAA!"));
}
