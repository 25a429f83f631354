#include "log/key_map.h"

#include <string>
#include <vector>

#include "tests/test.h"

namespace odradek::log {
namespace {

struct Memory {
  Memory(size_t chunks, size_t bytes) : chunks_(chunks, std::vector<uint8_t>(bytes)) {}
  std::vector<MutableBytes> views() {
    std::vector<MutableBytes> out;
    for (auto& chunk : chunks_) out.emplace_back(chunk);
    return out;
  }
  std::vector<std::vector<uint8_t>> chunks_;
};

std::string nth(int i) { return "key-" + std::to_string(i); }

TEST_CASE("the hash of a key is SipHash-2-4 with 128 bits of output") {
  // The reference implementation's vectors: key 00..0f, message 00, 01, ... of that length.
  const KeyHasher hasher(0x0706050403020100u, 0x0f0e0d0c0b0a0908u);
  std::vector<uint8_t> message;
  EXPECT_EQ(hasher(message).low, 0xe6a825ba047f81a3u);
  EXPECT_EQ(hasher(message).high, 0x930255c71472f66du);
  message.push_back(0);
  EXPECT_EQ(hasher(message).low, 0x44af996bd8c187dau);
  EXPECT_EQ(hasher(message).high, 0x45fc229b11597634u);
}

TEST_CASE("a map of keys finds the last offset of each, over several chunks") {
  Memory memory(3, 4096);
  KeyMap map(memory.views(), 0.9, KeyHasher(1, 2));
  EXPECT_EQ(map.capacity(), 459);
  for (int i = 0; i < 400; ++i) EXPECT(map.try_put(map.hash_ahead(as_bytes(nth(i))), Offset(i)));
  for (int i = 0; i < 400; i += 3)
    EXPECT(map.try_put(map.hash_ahead(as_bytes(nth(i))), Offset(1'000 + i)));
  EXPECT_EQ(map.size(), 400);
  for (int i = 0; i < 400; ++i) {
    EXPECT_EQ(map.find(map.hash_ahead(as_bytes(nth(i))))->value, i % 3 == 0 ? 1'000 + i : i);
  }
  EXPECT_FALSE(map.find(map.hash_ahead(as_bytes(std::string("other")))).has_value());
  EXPECT_EQ(map.latest().value, 1'399);
}

TEST_CASE("a full map takes no new key, but later offsets of those it has") {
  Memory memory(1, 4096);
  KeyMap map(memory.views(), 0.5, KeyHasher(3, 4));
  int taken = 0;
  while (map.try_put(map.hash_ahead(as_bytes(nth(taken))), Offset(taken))) ++taken;
  EXPECT_EQ(taken, 85);
  EXPECT_EQ(map.latest().value, 84);
  EXPECT(map.try_put(map.hash_ahead(as_bytes(nth(0))), Offset(200)));
  EXPECT_FALSE(map.try_put(map.hash_ahead(as_bytes(nth(99))), Offset(201)));
  EXPECT_EQ(map.latest().value, 200);
}

TEST_CASE("the smallest map takes one key") {
  Memory memory(1, KeyMap::kEntryBytes);
  KeyMap map(memory.views(), 0.0, KeyHasher(5, 6));
  EXPECT(map.try_put(map.hash_ahead(as_bytes(std::string("a"))), Offset(7)));
  EXPECT_FALSE(map.try_put(map.hash_ahead(as_bytes(std::string("b"))), Offset(8)));
  EXPECT_EQ(map.find(map.hash_ahead(as_bytes(std::string("a"))))->value, 7);
  EXPECT_FALSE(map.find(map.hash_ahead(as_bytes(std::string("b")))).has_value());
}

}  // namespace
}  // namespace odradek::log
