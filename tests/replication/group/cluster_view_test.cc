#include "replication/group/cluster_view.h"

#include "replication/group/topic_regex.h"
#include "tests/test.h"

namespace odradek::group {
namespace {

// As a Kafka 4.3.1 had them that wrote the hashes below.
class View : public ClusterView {
 public:
  std::optional<TopicFacts> find(std::string_view name) const override {
    for (const auto& topic : topics_) {
      if (topic.name == name) return topic;
    }
    return std::nullopt;
  }
  std::optional<TopicFacts> find(const Uuid& id) const override {
    for (const auto& topic : topics_) {
      if (topic.id == id) return topic;
    }
    return std::nullopt;
  }
  void for_each_name(const std::function<void(std::string_view)>& visit) const override {
    for (const auto& topic : topics_) visit(topic.name);
  }
  std::vector<std::string> racks(const Uuid&, int32_t) const override { return {"r1"}; }
  int64_t version() const override { return 1; }

 private:
  std::vector<TopicFacts> topics_{{"topic-a", *Uuid::parse("X1UfkDp4S7KPfOEUEmpIEg"), 3},
                                  {"topic-b", *Uuid::parse("4iDHhGfzTk6GYH9bijSQHQ"), 40}};
};

TEST_CASE("the hash of a group's topics is Kafka's") {
  const View view;
  EXPECT_EQ(metadata_hash(view, {"topic-a"}), 2315059157065419292);
  EXPECT_EQ(metadata_hash(view, {"topic-a", "topic-b"}), -4386000442347591470);
  EXPECT_EQ(metadata_hash(view, {"topic-a", "topic-aa", "topic-b"}), -4386000442347591470);
  EXPECT_EQ(metadata_hash(view, {}), 0);
  EXPECT_EQ(metadata_hash(view, {"nothing"}), 0);
}

TEST_CASE("regular expressions match whole names, and what is none says why") {
  const View view;
  const RegexTopics found = match_topics({"topic-.", "opic-a", "(", "topic-[bc]|x"}, view);
  EXPECT_EQ(found.at("topic-.").size(), 2u);
  EXPECT(found.at("opic-a").empty());
  EXPECT(found.at("(").empty());
  EXPECT_EQ(*found.at("topic-[bc]|x").begin(), "topic-b");
  EXPECT_FALSE(regex_fault("a*b").has_value());
  EXPECT(regex_fault("a(").has_value());
  EXPECT(regex_fault("(?<name").has_value());
}

}  // namespace
}  // namespace odradek::group
