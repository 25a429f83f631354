#include "replication/metadata/metadata_files.h"

#include "log/batch/batch_walker.h"
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

std::string golden_text(const std::string& name) {
  const auto bytes = golden(name);
  return {bytes.begin(), bytes.end()};
}

TEST_CASE("file names are Kafka's, both ways") {
  EXPECT_EQ(segment_name(log::Offset(245)), "00000000000000000245.log");
  EXPECT(parse_segment_name("00000000000000000245.log") == log::Offset(245));
  EXPECT_FALSE(parse_segment_name("00000000000000000245.index"));
  EXPECT_FALSE(parse_segment_name("0000000000000000x245.log"));
  const SnapshotId id{log::Offset(284), log::LeaderEpoch(2)};
  EXPECT_EQ(snapshot_name(id), "00000000000000000284-0000000002.checkpoint");
  EXPECT(parse_snapshot_name("00000000000000000284-0000000002.checkpoint") == id);
  EXPECT_FALSE(parse_snapshot_name("00000000000000000284-0000000002.checkpoint.part"));
  EXPECT_FALSE(parse_snapshot_name("00000000000000000284-9999999999.checkpoint"));
}

TEST_CASE("the small files have Kafka's bytes") {
  quorum::HardState state;
  state.epoch = log::LeaderEpoch(1);
  state.leader = NodeId(1);
  EXPECT_EQ(quorum_state_text(state, 0, {{NodeId(1), {}}}), golden_text("quorum-state-v0"));
  state.epoch = log::LeaderEpoch(4);
  EXPECT_EQ(quorum_state_text(state, 1, {{NodeId(1), {}}}), golden_text("quorum-state-v1"));
  EXPECT(must(parse_quorum_state(golden_text("quorum-state-v1"))) == state);
  EXPECT_EQ(must(parse_quorum_state(golden_text("quorum-state-v0"))).epoch.value, 1);
  EXPECT_EQ(leader_epochs_text({{log::LeaderEpoch(1), log::Offset(0)}}),
            golden_text("leader-epoch-checkpoint"));
  EXPECT_EQ(partition_metadata_text(kMetadataTopicId), golden_text("partition.metadata"));
}

TEST_CASE("a quorum-state that is cut or of a newer version is refused") {
  const std::string whole = golden_text("quorum-state-v1");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_quorum_state(whole.substr(0, size)).has_value());
  }
  const auto newer =
      parse_quorum_state(R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":2})");
  REQUIRE_FALSE(newer.has_value());
  EXPECT_EQ(newer.error().code, Errc::unsupported);
}

TEST_CASE("the batch that begins an epoch has Kafka's bytes, with and without formatted voters") {
  VoterSet formatted;
  formatted.kraft_version = 1;
  formatted.voters = {{NodeId(1), *Uuid::parse("EPX1Q2YVQtGiKcsRJD3slg")}};
  formatted.endpoints = {{"CONTROLLER", "127.0.0.1", 29893, 0}};
  const VoterSet configured;
  for (const VoterSet* voters : {&std::as_const(formatted), &configured}) {
    auto kafka = golden(voters == &formatted ? "standalone-first-batch" : "kafka-4.3.1.log");
    const auto step = log::look_at_batch(Chain(BytesView(kafka)), 0, log::CrcCheck::yes);
    REQUIRE(step.kind == log::WalkStep::Kind::batch);
    kafka.resize(step.size_bytes);
    const quorum::Lead lead{log::LeaderEpoch(1), log::Offset(0), formatted.voters,
                            formatted.voters};
    EXPECT(must(leader_change_batch(lead, voters, step.header.base_timestamp)) == kafka);
  }
}

TEST_CASE("the snapshot that formats a new log begins with the bytes that Kafka's format writes") {
  const auto kafka = golden("standalone-0-0.checkpoint");
  const auto step = log::look_at_batch(Chain(BytesView(kafka)), 0, log::CrcCheck::yes);
  REQUIRE(step.kind == log::WalkStep::Kind::batch);
  VoterSet voters;
  voters.kraft_version = 1;
  voters.voters = {{NodeId(1), *Uuid::parse("w6rsvKuqSlaDq-qUDcWq9w")}};
  voters.endpoints = {{"CONTROLLER", "127.0.0.1", 50092, 0}};
  const auto ours = must(snapshot_bytes({}, voters, {}, 1795230206310, step.header.base_timestamp));
  REQUIRE_EQ(ours.size(), kafka.size());
  const auto front = static_cast<std::ptrdiff_t>(step.size_bytes);
  EXPECT(std::equal(ours.begin(), ours.begin() + front, kafka.begin()));
}

TEST_CASE("the batch that begins an epoch has the bytes that Kafka writes") {
  const auto kafka = golden("kafka-4.3.1.log");
  const auto step = log::look_at_batch(Chain(BytesView(kafka)), 0, log::CrcCheck::yes);
  REQUIRE(step.kind == log::WalkStep::Kind::batch);
  const quorum::Voter self{NodeId(1), id_of(7)};
  const auto ours = must(leader_change_batch({log::LeaderEpoch(1), log::Offset(0), {self}, {self}},
                                             nullptr, step.header.base_timestamp));
  const auto size = static_cast<std::ptrdiff_t>(step.size_bytes);
  EXPECT(ours == std::vector<uint8_t>(kafka.begin(), kafka.begin() + size));
}

TEST_CASE("records over one append become a transaction of several batches") {
  RecordList records;
  const std::vector<uint8_t> value(1 << 20, 0);
  for (int i = 0; i < 20; ++i) records.add_encoded(value);
  const auto batches = split_into_batches(std::move(records));
  EXPECT_EQ(batches.size(), 3u);
  size_t count = 0;
  for (const RecordList& batch : batches) {
    EXPECT(batch.bytes() <= (8u << 20) + 64);
    count += batch.size();
  }
  EXPECT_EQ(count, 22u);
  EXPECT_EQ(must(parse_record_front(BytesView(batches.front().values().front()))).type, 23u);
  EXPECT_EQ(must(parse_record_front(BytesView(batches.back().values().back()))).type, 24u);
}

}  // namespace
}  // namespace odradek::metadata
