#include "cmd/broker/limits.h"
#include "net/kafka/messages/api_versions_request.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/list_offsets_request.h"
#include "net/kafka/messages/list_offsets_response.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

Bytes head_of(int32_t size) {
  Bytes out(4);
  store_be(out.data(), size);
  return out;
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

kafka::ApiVersionsRequest asking_versions() {
  kafka::ApiVersionsRequest request;
  request.client_software_name = "tester";
  request.client_software_version = "1.0";
  return request;
}

// Trap 3.
TEST_CASE("ApiVersions of a version from the future is answered with version 0 and our own range") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    Bytes bytes = c.encoded(4, asking_versions());
    store_be<int16_t>(bytes.data() + 6, 99);
    co_await c.send(std::move(bytes));
    const auto reply = co_await c.next<kafka::ApiVersionsResponse>(0);
    EXPECT_EQ(reply->correlation_id, c.last_correlation());
    EXPECT_EQ(reply->message.error_code, 35);
    REQUIRE_EQ(reply->message.api_keys.size(), 1u);
    EXPECT_EQ(reply->message.api_keys[0].api_key, 18);
    EXPECT_EQ(reply->message.api_keys[0].max_version, 5);
    // The connection goes on.
    const auto again = co_await c.call<kafka::ApiVersionsResponse>(3, asking_versions());
    EXPECT_EQ(again->message.error_code, 0);
    EXPECT(again->message.api_keys.size() > 10);
  });
}

// Trap 4.
TEST_CASE("ApiVersions with a bad software name is answered with INVALID_REQUEST") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    for (const char* name : {"", "-x", "x.", "a b", "\xff"}) {
      kafka::ApiVersionsRequest request = asking_versions();
      request.client_software_name = name;
      const auto reply = co_await c.call<kafka::ApiVersionsResponse>(3, std::move(request));
      EXPECT_EQ(reply->message.error_code, 42);
    }
  });
}

// Trap 5.
TEST_CASE("features with minimum 0 are told from version 4 on only") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    const auto old = co_await c.call<kafka::ApiVersionsResponse>(3, asking_versions());
    for (const auto& feature : old->message.supported_features) EXPECT(feature.min_version > 0);
    kafka::ApiVersionsRequest request = asking_versions();
    request.cluster_id = "another";
    const auto other = co_await c.call<kafka::ApiVersionsResponse>(5, std::move(request));
    EXPECT_EQ(other->message.error_code, 129);
  });
}

// Trap 3.
TEST_CASE("an API or version that is not served closes the connection") {
  for (const int key : {-1, 58, 999, 3}) {
    CAPTURE(key);
    Cluster cluster;
    // A story takes nothing from outside: one for each.
    const Story story = key == -1    ? Story([](Client& c) -> Task<void> {
      Bytes bytes = c.encoded(3, asking_versions());
      store_be<int16_t>(bytes.data() + 4, -1);
      co_await c.send(std::move(bytes));
      EXPECT(co_await c.closed());
    })
                        : key == 58  ? Story([](Client& c) -> Task<void> {
                            Bytes bytes = c.encoded(3, asking_versions());
                            store_be<int16_t>(bytes.data() + 4, 58);
                            co_await c.send(std::move(bytes));
                            EXPECT(co_await c.closed());
                          })
                        : key == 999 ? Story([](Client& c) -> Task<void> {
                            Bytes bytes = c.encoded(3, asking_versions());
                            store_be<int16_t>(bytes.data() + 4, 999);
                            co_await c.send(std::move(bytes));
                            EXPECT(co_await c.closed());
                          })
                                     : Story([](Client& c) -> Task<void> {
                                         Bytes bytes = c.encoded(12, kafka::MetadataRequest{});
                                         store_be<int16_t>(bytes.data() + 6, 99);
                                         co_await c.send(std::move(bytes));
                                         EXPECT(co_await c.closed());
                                       });
    cluster.tell(story);
    EXPECT(cluster.logged("which is not served"));
  }
}

// Trap 7.
TEST_CASE("frames of impossible size, TLS and HTTP close the connection and are named") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await c.send(head_of(-1));
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("a frame of -1 bytes"));
  cluster.tell([](Client& c) -> Task<void> {
    co_await c.send(head_of(104'857'601));
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("more than socket.request.max.bytes"));
  cluster.tell([](Client& c) -> Task<void> {
    co_await c.send({0x16, 0x03, 0x01, 0x02, 0x00, 0x01});
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("TLS handshake"));
  cluster.tell([](Client& c) -> Task<void> {
    const std::string_view get = "GET / HTTP/1.1\r\n\r\n";
    co_await c.send(Bytes(get.begin(), get.end()));
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("HTTP request"));
}

TEST_CASE("a body that is not what the header says closes the connection") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    Bytes bytes = c.encoded(12, kafka::MetadataRequest{});
    bytes.pop_back();
    store_be<int32_t>(bytes.data(), static_cast<int32_t>(bytes.size() - 4));
    co_await c.send(std::move(bytes));
    EXPECT(co_await c.closed());
  });
  EXPECT(cluster.logged("MetadataRequest"));
}

// As Kafka answers.
TEST_CASE("bytes after a body change nothing") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    Bytes bytes = c.encoded(12, kafka::MetadataRequest{});
    bytes.push_back(7);
    store_be<int32_t>(bytes.data(), static_cast<int32_t>(bytes.size() - 4));
    co_await c.send(std::move(bytes));
    const auto reply = co_await c.next<kafka::MetadataResponse>(12);
    EXPECT_EQ(reply->message.brokers.size(), 1u);
  });
}

// Trap 8.
TEST_CASE("answers leave in the order of the requests although produce requests overlap") {
  Cluster cluster({}, 2);
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t", 2);
    const Bytes records = batch();
    const int32_t first = c.last_correlation() + 1;
    for (int i = 0; i < 50; ++i) {
      if (i % 7 == 3) {
        co_await c.post(12, kafka::MetadataRequest{});
      } else {
        co_await c.post(9, producing("t", i % 2, records));
      }
    }
    for (int32_t i = 0; i < 50; ++i) {
      const auto frame = co_await c.frame();
      CHECK(frame.has_value());
      EXPECT_EQ(load_be<int32_t>(frame->data()), first + i);
    }
  });
}

TEST_CASE("requests may come in pieces of any size, and many in one piece") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    Bytes all;
    for (int i = 0; i < 20; ++i)
      all = joined(std::move(all), c.encoded(12, kafka::MetadataRequest{}));
    for (size_t at = 0, step = 1; at < all.size(); at += step, step = step * 3 + 1) {
      const size_t n = std::min(step, all.size() - at);
      co_await c.send(Bytes(all.begin() + static_cast<ptrdiff_t>(at),
                            all.begin() + static_cast<ptrdiff_t>(at + n)));
    }
    for (int i = 0; i < 20; ++i) EXPECT((co_await c.frame()).has_value());
  });
}

TEST_CASE("a body that stops coming closes its connection, and an idle one lives on") {
  Cluster cluster;
  cluster.tell([](Client& c) -> Task<void> {
    co_await reactor::sleep_for(120s);
    const auto reply = co_await c.call<kafka::MetadataResponse>(12, kafka::MetadataRequest{});
    EXPECT_EQ(reply->message.brokers.size(), 1u);
    co_await c.send(head_of(100'000));
    EXPECT(co_await c.closed(60s));
  });
  EXPECT(cluster.logged("too slowly"));
}

TEST_CASE("a connection that is idle for connections.max.idle.ms is closed") {
  Cluster cluster({{"connections.max.idle.ms", "20000"}});
  cluster.tell([](Client& c) -> Task<void> {
    const MonoTime begin = reactor::this_shard().precise_now();
    EXPECT(co_await c.closed(60s));
    const Duration took = reactor::this_shard().precise_now() - begin;
    EXPECT(took >= 19s);
    EXPECT(took <= 30s);
  });
}

TEST_CASE("a request that arrives slowly is no idle connection") {
  Cluster cluster({{"connections.max.idle.ms", "1000"}});
  cluster.tell([](Client& c) -> Task<void> {
    const Bytes bytes = c.encoded(12, kafka::MetadataRequest{});
    co_await c.send(Bytes(bytes.begin(), bytes.begin() + 8));
    co_await reactor::sleep_for(5s);
    co_await c.send(Bytes(bytes.begin() + 8, bytes.end()));
    EXPECT((co_await c.frame()).has_value());
  });
}

TEST_CASE("a request that can never fit the memory for requests is refused at once") {
  Cluster cluster;  // 64 MiB of memory: 16 MiB for requests
  cluster.tell([](Client& c) -> Task<void> {
    const MonoTime begin = reactor::this_shard().precise_now();
    co_await c.send(head_of(60 << 20));
    EXPECT(co_await c.closed());
    EXPECT(reactor::this_shard().precise_now() - begin < 1s);
  });
  EXPECT(cluster.logged("odradek.memory"));
}

TEST_CASE("a large request that fits is taken in blocks and its batch comes back whole") {
  Cluster cluster({{"message.max.bytes", "8000000"}});
  cluster.tell([](Client& c) -> Task<void> {
    co_await create_topic(c, "t");
    const Bytes records = batch({.records = 7, .value_bytes = 300'001});
    const auto done = co_await produce(c, "t", 0, records);
    EXPECT_EQ(done.error, 0);
    const auto reply = co_await fetch(c, {.topic = "t", .partition_bytes_max = 8 << 20});
    REQUIRE_EQ(bytes_of(reply), records.size());
    Bytes got(records.size());
    only(reply).records->copy_out(0, got);
    EXPECT(
        std::equal(got.begin() + 16, got.end(), records.begin() + 16));  // behind the leader epoch
  });
}

}  // namespace
}  // namespace odradek::broker
