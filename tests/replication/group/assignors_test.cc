#include "replication/group/assignors.h"

#include <algorithm>

#include "reactor/base/prng.h"
#include "tests/test.h"

namespace odradek::group {
namespace {

Uuid id_of(uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  return id;
}

// Members m0, m1, ...; topics 1, 2, ... with so many partitions.
class Group {
 public:
  explicit Group(std::vector<int32_t> partitions) {
    for (size_t i = 0; i < partitions.size(); ++i) {
      input_.partitions[id_of(static_cast<uint8_t>(i + 1))] = partitions[i];
    }
  }
  Group& member(const std::vector<uint8_t>& topics, std::optional<std::string> instance = {}) {
    AssignorInput::Member member;
    member.id = "m" + std::to_string(input_.members.size());
    member.instance_id = std::move(instance);
    for (const uint8_t topic : topics) member.topics.insert(id_of(topic));
    input_.members.push_back(std::move(member));
    return *this;
  }
  void had(size_t index, uint8_t topic, const std::set<int32_t>& partitions) {
    input_.members[index].before[id_of(topic)] = partitions;
  }
  void remove(size_t index) {
    input_.members.erase(input_.members.begin() + static_cast<ptrdiff_t>(index));
  }
  // Each member goes on from what it gets.
  Targets assign(std::string_view name) {
    Targets targets = assign_partitions(name, input_);
    for (auto& member : input_.members) member.before = targets.at(member.id);
    return targets;
  }
  const AssignorInput& input() const { return input_; }

 private:
  AssignorInput input_;
};

size_t count(const Partitions& partitions) {
  size_t sum = 0;
  for (const auto& [topic, indexes] : partitions) sum += indexes.size();
  return sum;
}

// Every partition that somebody wants has one owner, who wants it.
void expect_sound(const AssignorInput& input, const Targets& targets) {
  std::map<Uuid, std::set<int32_t>> seen;
  std::set<Uuid> wanted;
  for (const auto& member : input.members) {
    wanted.insert(member.topics.begin(), member.topics.end());
    for (const auto& [topic, indexes] : targets.at(member.id)) {
      EXPECT(member.topics.contains(topic));
      EXPECT_FALSE(indexes.empty());
      for (const int32_t index : indexes) EXPECT(seen[topic].insert(index).second);
    }
  }
  for (const auto& topic : wanted) {
    EXPECT_EQ(seen[topic].size(), static_cast<size_t>(input.partitions.at(topic)));
  }
}

TEST_CASE("uniform gives equal shares of equal wishes, and moves no more than it must") {
  Group group({7, 3});
  group.member({1, 2}).member({1, 2}).member({1, 2});
  const Targets first = group.assign(kUniform);
  expect_sound(group.input(), first);
  EXPECT_EQ(count(first.at("m0")), 3u);
  EXPECT_EQ(count(first.at("m1")), 3u);
  EXPECT_EQ(count(first.at("m2")), 4u);
  EXPECT(group.assign(kUniform) == first);
  group.member({1, 2});
  const Targets second = group.assign(kUniform);
  expect_sound(group.input(), second);
  EXPECT_EQ(count(second.at("m3")), 2u);
  size_t kept = 0;
  for (const auto& [member, partitions] : first) {
    for (const auto& [topic, indexes] : partitions) {
      for (const int32_t index : indexes) {
        const auto at = second.at(member).find(topic);
        kept += at != second.at(member).end() && at->second.contains(index);
      }
    }
  }
  EXPECT_EQ(kept, 8u);
  group.remove(1);
  expect_sound(group.input(), group.assign(kUniform));
}

TEST_CASE("uniform evens out what members with different wishes share") {
  Group group({4, 4});
  group.member({1}).member({1, 2}).member({2});
  const Targets targets = group.assign(kUniform);
  expect_sound(group.input(), targets);
  for (const auto& [member, partitions] : targets) {
    EXPECT(count(partitions) >= 2u);
    EXPECT(count(partitions) <= 3u);
  }
  EXPECT(group.assign(kUniform) == targets);
}

TEST_CASE("range gives each member a range of every topic, static members first") {
  Group group({5, 3});
  group.member({1, 2}).member({1, 2}, "b").member({1, 2}, "a");
  const Targets targets = group.assign(kRange);
  expect_sound(group.input(), targets);
  EXPECT(targets.at("m2").at(id_of(1)) == std::set<int32_t>{0, 1});
  EXPECT(targets.at("m1").at(id_of(1)) == std::set<int32_t>{2, 3});
  EXPECT(targets.at("m0").at(id_of(1)) == std::set<int32_t>{4});
  EXPECT(targets.at("m2").at(id_of(2)) == std::set<int32_t>{0});
}

TEST_CASE("both are sound for any group, and uniform settles") {
  Prng random(848);
  for (int round = 0; round < 200; ++round) {
    std::vector<int32_t> partitions;
    for (uint64_t i = random.below(5) + 1; i > 0; --i) {
      partitions.push_back(static_cast<int32_t>(random.below(9)) + 1);
    }
    Group group(partitions);
    const bool same = random.below(2) == 0;
    for (uint64_t i = random.below(6) + 1; i > 0; --i) {
      std::vector<uint8_t> topics;
      for (uint8_t t = 1; t <= partitions.size(); ++t) {
        if (same || random.below(2) == 0) topics.push_back(t);
      }
      group.member(topics);
    }
    expect_sound(group.input(), group.assign(kRange));
    const Targets uniform = group.assign(kUniform);
    expect_sound(group.input(), uniform);
    EXPECT(group.assign(kUniform) == uniform);
    group.remove(random.below(group.input().members.size()));
    if (!group.input().members.empty()) expect_sound(group.input(), group.assign(kUniform));
  }
}

TEST_CASE("uniform keeps only what exists, and for who had it first") {
  for (const bool same : {true, false}) {
    Group group({2, 1});
    group.member({1}).member({1}).member(same ? std::vector<uint8_t>{1} : std::vector<uint8_t>{2});
    group.had(0, 1, {-1, 0, 1, 5});
    group.had(0, 9, {0});
    group.had(1, 1, {0, 1, 7});
    const Targets targets = group.assign(kUniform);
    expect_sound(group.input(), targets);
    EXPECT(targets.at("m0").at(id_of(1)) == std::set<int32_t>{0});
  }
}

TEST_CASE("nobody gets nothing, and who wants nothing neither") {
  EXPECT(assign_partitions(kUniform, {}).empty());
  Group group({2});
  group.member({});
  EXPECT(group.assign(kUniform).at("m0").empty());
  EXPECT(group.assign(kRange).at("m0").empty());
}

}  // namespace
}  // namespace odradek::group
