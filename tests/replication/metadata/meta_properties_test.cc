#include "replication/metadata/meta_properties.h"

#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

using reactor::Task;
using reactor::sim::World;

std::vector<uint8_t> text(std::string_view s) { return {s.begin(), s.end()}; }

TEST_CASE("Kafka's file is read, and what is written is read again") {
  const auto bytes = golden("meta.properties");
  const MetaProperties kafka = must(MetaProperties::parse(as_text(BytesView(bytes))));
  EXPECT_EQ(kafka.cluster_id, "6XKzVG_yRy6KQd3EQJUaSQ");
  EXPECT_EQ(kafka.node_id.value, 1);
  EXPECT_EQ(kafka.directory_id.to_string(), "RiPBmj2hRc3rhcj3Qx72vA");
  EXPECT(must(MetaProperties::parse(kafka.to_text())) == kafka);
}

TEST_CASE("files that do not say whose the directory is are refused") {
  EXPECT_EQ(MetaProperties::parse("version=0\nbroker.id=1\n").error().code, Errc::unsupported);
  EXPECT_EQ(MetaProperties::parse("version=1\nnode.id=1\n").error().code, Errc::invalid);
  EXPECT_EQ(MetaProperties::parse("version=1\ncluster.id=x\n").error().code, Errc::invalid);
  EXPECT_EQ(MetaProperties::parse("version=1\ncluster.id=x\nnode.id=-1\n").error().code,
            Errc::invalid);
  EXPECT_EQ(
      MetaProperties::parse("version=1\ncluster.id=x\nnode.id=1\ndirectory.id=y").error().code,
      Errc::invalid);
  EXPECT_EQ(MetaProperties::parse("").error().code, Errc::invalid);
}

struct Directories {
  Directories() {
    for (const char* path : {"/a/.here", "/b/.here"}) world.disk("node").put(path, {});
  }
  Result<std::vector<FormattedDirectory>> format(
      std::optional<std::string> cluster = std::nullopt) {
    FormatOptions options;
    options.directories = {"/a", "/b"};
    options.cluster_id = std::move(cluster);
    std::optional<Result<std::vector<FormattedDirectory>>> out;
    world.run([&]() -> Task<void> { return run(options, out); }, {.name = "node"});
    return std::move(*out);
  }
  static Task<void> run(FormatOptions options,
                        std::optional<Result<std::vector<FormattedDirectory>>>& out) {
    out.emplace(co_await format_directories(std::move(options)));
  }
  World world{1};
};

TEST_CASE("new directories are formatted with one cluster and an id each, once") {
  Directories d;
  const auto first = must(d.format());
  REQUIRE_EQ(first.size(), 2u);
  EXPECT(first[0].formatted_now);
  EXPECT_EQ(first[0].properties.cluster_id, first[1].properties.cluster_id);
  EXPECT(first[0].properties.directory_id != first[1].properties.directory_id);
  const auto second = must(d.format());
  EXPECT_FALSE(second[1].formatted_now);
  EXPECT(second[1].properties == first[1].properties);
}

TEST_CASE("a directory added later joins the cluster of the first") {
  Directories d;
  d.world.disk("node").put("/b/meta.properties", golden("meta.properties"));
  const auto formatted = must(d.format());
  EXPECT_EQ(formatted[0].properties.cluster_id, "6XKzVG_yRy6KQd3EQJUaSQ");
  EXPECT(formatted[0].formatted_now);
  EXPECT_FALSE(formatted[1].formatted_now);
}

TEST_CASE(
    "directories of another node, another cluster, or copied are refused, and nothing is written") {
  for (const char* other :
       {"node.id=2\nversion=1\ncluster.id=c\n", "node.id=1\nversion=1\ncluster.id=d\n"}) {
    Directories d;
    d.world.disk("node").put("/b/meta.properties", text(other));
    EXPECT_EQ(d.format("c").error().code, Errc::invalid);
    EXPECT_FALSE(d.world.disk("node").contents("/a/meta.properties"));
  }
  Directories d;
  d.world.disk("node").put("/a/meta.properties", golden("meta.properties"));
  d.world.disk("node").put("/b/meta.properties", golden("meta.properties"));
  EXPECT_EQ(d.format().error().code, Errc::invalid);
}

TEST_CASE("a directory with partitions and without the file is not taken") {
  Directories d;
  d.world.disk("node").put("/b/topic-0/00000000000000000000.log", {});
  EXPECT_EQ(d.format().error().code, Errc::invalid);
  EXPECT_FALSE(d.world.disk("node").contents("/a/meta.properties"));
}

}  // namespace
}  // namespace odradek::metadata
