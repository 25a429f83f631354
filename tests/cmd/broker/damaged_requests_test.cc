#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/delete_groups_request.h"
#include "net/kafka/messages/delete_records_request.h"
#include "net/kafka/messages/describe_cluster_request.h"
#include "net/kafka/messages/describe_configs_request.h"
#include "net/kafka/messages/describe_groups_request.h"
#include "net/kafka/messages/incremental_alter_configs_request.h"
#include "net/kafka/messages/init_producer_id_request.h"
#include "net/kafka/messages/leave_group_request.h"
#include "net/kafka/messages/list_groups_request.h"
#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/offset_delete_request.h"
#include "net/kafka/messages/offset_for_leader_epoch_request.h"
#include "reactor/base/prng.h"
#include "tests/cmd/broker/group_verbs.h"

namespace odradek::broker {
namespace {

constexpr std::string_view kTopic = "kept-topic";

// Requests about groups: a group of the topic's name.
template <class Add>
void add_group_requests(Add& add) {
  static const Bytes metadata = subscription_to(kTopic);
  kafka::JoinGroupRequest join = joining(kTopic, metadata);
  add(join, 0, 9);
  kafka::SyncGroupRequest sync;
  sync.group_id = kTopic;
  sync.member_id = "m";
  sync.assignments.push_back({"m", BytesView(metadata)});
  add(sync, 0, 5);
  kafka::HeartbeatRequest heartbeat;
  heartbeat.group_id = kTopic;
  add(heartbeat, 0, 4);
  kafka::LeaveGroupRequest leave;
  leave.group_id = kTopic;
  leave.members.emplace_back().member_id = "m";
  add(leave, 0, 5);
  kafka::OffsetCommitRequest commit;
  commit.group_id = kTopic;
  commit.topics.emplace_back().name = kTopic;
  commit.topics[0].partitions.push_back({0, 5});
  add(commit, 1, 10);
  kafka::OffsetFetchRequest fetch;
  fetch.group_id = kTopic;
  fetch.topics->push_back({kTopic, {0}});
  fetch.groups.emplace_back().group_id = kTopic;
  fetch.groups[0].topics->emplace_back().name = kTopic;
  fetch.groups[0].topics->at(0).partition_indexes = {0};
  add(fetch, 1, 10);
  kafka::OffsetDeleteRequest removal;
  removal.group_id = kTopic;
  removal.topics.push_back({kTopic, {{0}}});
  add(removal, 0, 0);
  kafka::DescribeGroupsRequest describe;
  describe.groups = {kTopic};
  add(describe, 0, 6);
  kafka::ListGroupsRequest list;
  list.states_filter = {"Empty"};
  add(list, 0, 5);
  kafka::DeleteGroupsRequest gone;
  gone.groups_names = {kTopic};
  add(gone, 0, 3);
}

// One good request of each API, in an old and in a new version.
std::vector<Bytes> good_requests(Client& c, BytesView records) {
  std::vector<Bytes> out;
  const auto add = [&](auto request, int16_t low, int16_t high) {
    out.push_back(c.encoded(low, request));
    out.push_back(c.encoded(high, request));
  };
  add(producing(kTopic, 0, records), 3, 12);
  add(fetching({.topic = kTopic, .session_epoch = 0}), 7, 12);
  kafka::MetadataRequest asking;
  asking.topics->emplace_back().name = kTopic;
  add(asking, 0, 13);
  add(kafka::ApiVersionsRequest{}, 0, 5);
  add(creating("u", 2, {{"retention.ms", "5"}}), 0, 7);
  kafka::DeleteTopicsRequest deleting;
  deleting.topics.emplace_back().name = "u";
  deleting.topic_names = {"u"};
  add(deleting, 1, 6);
  kafka::ListOffsetsRequest listing;
  listing.topics.push_back({kTopic, {{0, -1, -1}}});
  add(listing, 1, 11);
  kafka::DeleteRecordsRequest trimming;
  trimming.topics.push_back({kTopic, {{0, 0}}});
  add(trimming, 0, 2);
  kafka::OffsetForLeaderEpochRequest epochs;
  epochs.topics.push_back({kTopic, {{0, -1, 0}}});
  add(epochs, 2, 4);
  kafka::DescribeConfigsRequest describing;
  describing.resources.emplace_back().resource_type = 2;
  describing.resources[0].resource_name = kTopic;
  add(describing, 1, 4);
  kafka::IncrementalAlterConfigsRequest altering;
  altering.resources.push_back({2, kTopic, {{"retention.ms", 0, "9"}}});
  add(altering, 0, 1);
  add(kafka::InitProducerIdRequest{}, 0, 5);
  kafka::FindCoordinatorRequest finding;
  finding.key = kTopic;
  finding.coordinator_keys = {kTopic};
  add(finding, 0, 6);
  add_group_requests(add);
  add(kafka::DescribeClusterRequest{}, 0, 2);
  return out;
}

// A few changes anywhere behind the API's key and version; sometimes a cut, with the size made
// right.
void damage(Bytes& bytes, Prng& prng) {
  constexpr uint8_t kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  for (uint64_t changes = 1 + prng.below(4); changes > 0; --changes) {
    const size_t at = 8 + prng.below(bytes.size() - 8);
    bytes[at] = prng.below(2) ? kNasty[prng.below(5)] : static_cast<uint8_t>(prng.below(256));
  }
  if (prng.below(4) == 0) bytes.resize(12 + prng.below(bytes.size() - 12));
  store_be<int32_t>(bytes.data(), static_cast<int32_t>(bytes.size() - 4));
}

Task<void> send_damaged(uint64_t seed) {
  Prng prng(seed);
  for (int i = 0; i < 500; ++i) {
    Client c;
    co_await c.connect();
    const Bytes records = batch({.records = 3});
    auto requests = good_requests(c, records);
    Bytes bytes = std::move(requests[prng.below(requests.size())]);
    damage(bytes, prng);
    if (co_await c.send(std::move(bytes))) (void)co_await c.frame(200ms);
    co_await c.close();
  }
}

TEST_CASE("no request, however damaged, ends the broker or another's connection") {
  static uint64_t seed;
  for (seed = 1; seed <= 6; ++seed) {
    Cluster cluster({}, seed % 2 == 0 ? 2 : 1, seed);
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, kTopic, 2);
      co_await send_damaged(seed);
      EXPECT_EQ((co_await produce(c, kTopic, 1, batch())).error, 0);
    });
  }
}

}  // namespace
}  // namespace odradek::broker
