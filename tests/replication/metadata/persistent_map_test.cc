#include "replication/metadata/persistent_map.h"

#include <map>
#include <string>

#include "reactor/base/prng.h"
#include "tests/test.h"

namespace odradek::metadata {
namespace {

using Map = PersistentMap<uint64_t, std::string>;
// Few hash values, which differ in the high bits only: deep tries and chains.
struct BadHash {
  size_t operator()(uint64_t key) const { return (key % 7) << 58; }
};
using BadMap = PersistentMap<uint64_t, std::string, BadHash>;

template <class M>
std::map<uint64_t, std::string> contents(const M& map) {
  std::map<uint64_t, std::string> out;
  map.for_each([&](uint64_t key, const std::string& value) { out[key] = value; });
  return out;
}

template <class M>
void same_as_model(uint64_t seed, uint64_t keys) {
  Prng prng(seed);
  M map;
  std::map<uint64_t, std::string> model;
  std::vector<std::pair<M, std::map<uint64_t, std::string>>> kept;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t key = prng.below(keys);
    if (prng.chance(1, 3)) {
      EXPECT_EQ(map.erase(key), model.erase(key) == 1);
    } else if (std::string* value = prng.chance(1, 4) ? map.mutate(key) : nullptr) {
      *value += "+";
      model[key] += "+";
    } else {
      map.set(key, std::to_string(i));
      model[key] = std::to_string(i);
    }
    if (prng.chance(1, 100)) kept.emplace_back(map, model);
  }
  EXPECT(contents(map) == model);
  EXPECT_EQ(map.size(), model.size());
  for (const auto& [old_map, old_model] : kept) EXPECT(contents(old_map) == old_model);
}

template <class M>
void diff_is_exact(uint64_t seed, uint64_t keys) {
  Prng prng(seed);
  M before;
  for (int i = 0; i < 500; ++i) before.set(prng.below(keys), std::to_string(i));
  M after = before;
  for (int i = 0; i < 40; ++i) {
    if (prng.chance(1, 2)) after.erase(prng.below(keys));
    after.set(prng.below(keys), "new" + std::to_string(i));
  }
  std::map<uint64_t, std::string> patched = contents(before);
  size_t visits = 0;
  M::diff(before, after, [&](uint64_t key, const std::string* was, const std::string* is) {
    ++visits;
    EXPECT_EQ(was == nullptr, !patched.contains(key));
    if (was) EXPECT_EQ(*was, patched[key]);
    if (is) {
      patched[key] = *is;
    } else {
      patched.erase(key);
    }
  });
  EXPECT(patched == contents(after));
  EXPECT(visits <= 80);
}

TEST_CASE("a map equals its model, and copies keep what they held") {
  for (uint64_t seed = 1; seed <= 5; ++seed) same_as_model<Map>(seed, 400);
}

TEST_CASE("a map whose hashes collide equals its model") {
  for (uint64_t seed = 1; seed <= 5; ++seed) same_as_model<BadMap>(seed, 60);
}

TEST_CASE("the difference of two maps turns one into the other") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    diff_is_exact<Map>(seed, 400);
    diff_is_exact<BadMap>(seed, 60);
  }
}

TEST_CASE("equal maps that share everything are not walked") {
  Map map;
  for (uint64_t key = 0; key < 100; ++key) map.set(key, "x");
  const Map copy = map;
  Map::diff(map, copy, [](uint64_t, const std::string*, const std::string*) { FAIL("visited"); });
}

}  // namespace
}  // namespace odradek::metadata
