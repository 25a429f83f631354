#include "cmd/broker/answer_bounds.h"

#include <string_view>

#include "tests/test.h"

namespace odradek::broker {
namespace {

TEST_CASE("a resource is told of a few times, whatever else is named between them") {
  AnswerBounds<std::string_view> bounds;
  for (uint32_t i = 0; i < kAnswerRepeatsMax; ++i) {
    EXPECT(!bounds.fault("a").has_value());
    EXPECT(!bounds.fault("b").has_value());
  }
  EXPECT(bounds.fault("a").has_value());
  EXPECT(bounds.fault("b").has_value());
  EXPECT(!bounds.fault("c").has_value());
}

TEST_CASE("an answer that has its most entries takes no more") {
  AnswerBounds<std::string_view> bounds;
  bounds.told(kAnswerItemsMax - 1);
  EXPECT(!bounds.fault("a").has_value());
  EXPECT(bounds.fault("b").has_value());
}

}  // namespace
}  // namespace odradek::broker
