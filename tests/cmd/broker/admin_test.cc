// What the broker shows over HTTP.
#include <fstream>
#include <sstream>

#include "cmd/broker/admin/admin_server.h"
#include "cmd/broker/admin/prometheus_text.h"
#include "reactor/base/utf8.h"
#include "tests/cmd/broker/group_verbs.h"
#include "tests/cmd/broker/verbs.h"

namespace odradek::broker {
namespace {

constexpr uint16_t kHttpPort = 9644;

Task<int> ask(std::string request, std::string& heard) {
  auto socket = co_await reactor::Socket::connect({Client::kHost, kHttpPort}, {}, kMonoMax);
  CHECK(socket.has_value(), socket.error());
  const Status sent = co_await socket->send(as_bytes(request));
  CHECK(sent.has_value());
  for (;;) {
    const auto got = co_await socket->receive();
    if (!got || got->bytes().empty()) break;
    heard.append(as_text(got->bytes()));
  }
  CHECK((co_await socket->close()).has_value());
  co_return 0;
}

// A cluster that listens for HTTP, and what it says there.
class Watched : public Cluster {
 public:
  explicit Watched(Properties properties = {}, uint32_t shards = 1)
      : Cluster(with_http(std::move(properties)), shards) {}
  std::string request(const std::string& method, const std::string& path) {
    std::string heard;
    const std::string text =
        method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    const auto node = world().start({.name = "watcher" + std::to_string(++watchers_)},
                                    [&] { return ask(text, heard); });
    REQUIRE_EQ(world().run_until_exit(node), reactor::sim::Run::done);
    return heard;
  }
  std::string get(const std::string& path) { return request("GET", path); }

 private:
  static Properties with_http(Properties properties) {
    properties["odradek.http.listeners"] = "http://10.0.0.1:9644";
    return properties;
  }
  int watchers_ = 0;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Task<void> some_traffic(Client& c) {
  co_await create_topic(c, "t", 3);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ((co_await produce(c, "t", 1, batch({.records = 4}))).error, 0);
  }
  EXPECT_EQ((co_await produce(c, "nowhere", 0, batch())).error, 3);
  const auto reply = co_await fetch(c, {.topic = "t", .partitions = {1}, .offset = 0});
  EXPECT(bytes_of(reply) > 0);
}

TEST_CASE(
    "metrics count what was produced and fetched, and the errors, with any number of shards") {
  for (const uint32_t shards : {1u, 3u}) {
    Watched cluster({}, shards);
    cluster.tell(&some_traffic);
    const std::string page = cluster.get("/metrics");
    EXPECT(has(page, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    EXPECT(has(page, "\nodradek_requests_total{api=\"Produce\"} 6\n"));
    EXPECT(has(page, "\nodradek_request_duration_seconds_count{api=\"Produce\"} 6\n"));
    EXPECT(has(page, "\nodradek_request_duration_seconds_bucket{api=\"Produce\",le=\"+Inf\"} 6\n"));
    EXPECT(has(page, "\nodradek_request_errors_total{api=\"Produce\",error=\"3\"} 1\n"));
    EXPECT(has(page, "\nodradek_produced_records_total 20\n"));
    EXPECT(has(page, "\nodradek_fetched_records_total 20\n"));
    EXPECT(has(page, "\nodradek_partitions{directory=\"/data\"} 3\n"));
    EXPECT(has(page, "\nodradek_log_offsets{directory=\"/data\"} 20\n"));
    EXPECT(has(page, "\nodradek_log_unacknowledged_offsets{directory=\"/data\"} 0\n"));
    EXPECT(has(page, "\nodradek_log_directory_fenced{directory=\"/data\"} 0\n"));
    EXPECT(has(page, "\nodradek_connections_accepted_total 1\n"));
    EXPECT(has(page, "\nodradek_connections 0\n"));
    EXPECT(has(page, "\nodradek_durability_info{mode=\"flushed\"} 1\n"));
    EXPECT(
        has(page, "\nodradek_reactor_turns_total{shard=\"" + std::to_string(shards - 1) + "\"} "));
    EXPECT_FALSE(has(page, "\nodradek_wal_groups_total{directory=\"/data\"} 0\n"));
    EXPECT_FALSE(has(page, "\nodradek_wal_flush_duration_seconds_count{directory=\"/data\"} 0\n"));
  }
}

// A group of one that commits 5 and 3 of 20 and 0 records, and the offset of one without members.
Task<void> some_groups(Client& c) {
  co_await some_traffic(c);
  for (const char* group : {"g", "alone"}) EXPECT_EQ(co_await find_coordinator(c, group), 0);
  const Joined me = co_await join(c, "g");
  REQUIRE_EQ(me.error, 0);
  EXPECT_EQ((co_await sync(c, "g", me, {{me.member, "mine"}})).error, 0);
  EXPECT_EQ(co_await commit(c, "g", 5, me, "t", 1), 0);
  EXPECT_EQ(co_await commit(c, "g", 0, me, "t", 2), 0);
  EXPECT_EQ(co_await commit(c, "alone", 20, {}, "t", 1), 0);
}

TEST_CASE("groups are counted by state, their lag is told by partition, on any number of shards") {
  for (const uint32_t shards : {1u, 3u}) {
    Watched cluster({{"group.initial.rebalance.delay.ms", "0"}}, shards);
    EXPECT(
        has(cluster.get("/metrics"), "\nodradek_groups{type=\"consumer\",state=\"Stable\"} 0\n"));
    cluster.tell(&some_groups);
    const std::string page = cluster.get("/metrics");
    EXPECT(has(page, "\nodradek_groups{type=\"classic\",state=\"Stable\"} 1\n"));
    EXPECT(has(page, "\nodradek_groups{type=\"classic\",state=\"Empty\"} 1\n"));
    EXPECT(has(page, "\nodradek_group_members{group=\"g\"} 1\n"));
    EXPECT(has(page, "\nodradek_group_members{group=\"alone\"} 0\n"));
    const std::string first = "{group=\"g\",topic=\"t\",partition=\"1\"} ";
    EXPECT(has(page, "\nodradek_group_committed_offset" + first + "5\n"));
    EXPECT(has(page, "\nodradek_group_lag" + first + "15\n"));
    EXPECT(has(page, "\nodradek_group_lag{group=\"g\",topic=\"t\",partition=\"2\"} 0\n"));
    EXPECT(has(page, "\nodradek_group_lag{group=\"alone\",topic=\"t\",partition=\"1\"} 0\n"));
    EXPECT(has(page, "\nodradek_group_offset_commits_total 3\n"));
    EXPECT(has(page, "\nodradek_group_rebalances_total{type=\"classic\"} 1\n"));
    EXPECT(has(page, "\nodradek_group_series_left_out 0\n"));
  }
}

TEST_CASE("what a client calls itself and its group need not be text, and the pages still are") {
  Watched cluster;
  cluster.tell([](Client& c) -> Task<void> {
    c.client_id = "caf\xe9";
    co_await some_traffic(c);
    EXPECT_EQ(co_await find_coordinator(c, "gr\xfcn"), 0);
    EXPECT_EQ(co_await commit(c, "gr\xfcn", 5, {}, "t", 1), 0);
    std::string heard;
    std::string request =
        "GET /api/v1/connections HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n";
    EXPECT_EQ(co_await ask(std::move(request), heard), 0);
    EXPECT(has(heard, "\"client_id\": \"caf\xef\xbf\xbd\""));
  });
  const std::string page = cluster.get("/metrics");
  EXPECT(has(page, "\nodradek_group_members{group=\"gr\xef\xbf\xbdn\"} 0\n"));
  EXPECT(has(page, "{group=\"gr\xef\xbf\xbdn\",topic=\"t\",partition=\"1\"} 5\n"));
  EXPECT(is_utf8(page));
}

// name -> "type help", of a scraped page.
std::map<std::string, std::string> families_of(const std::string& page) {
  std::map<std::string, std::string> help;
  std::map<std::string, std::string> out;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string what;
    std::string name;
    std::string rest;
    words >> hash >> what >> name;
    std::getline(words, rest);
    if (hash != "#") continue;
    if (what == "HELP") help[name] = rest.substr(1);
    if (what == "TYPE") out[name] = rest.substr(1) + " " + help[name];
  }
  return out;
}

// The same of docs/METRICS.md: rows "| `name` | type | labels | help |".
std::map<std::string, std::string> documented() {
  std::map<std::string, std::string> out;
  std::ifstream file(ODRADEK_TESTDATA "/../../docs/METRICS.md");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) {
      const size_t from = cell.find_first_not_of(" `");
      const size_t to = cell.find_last_not_of(" `");
      cells.push_back(from == std::string::npos ? "" : cell.substr(from, to - from + 1));
    }
    if (cells.size() >= 4 && !cells[0].starts_with("/")) out[cells[0]] = cells[1] + " " + cells[3];
  }
  return out;
}

TEST_CASE("docs/METRICS.md lists exactly the metrics that there are, with type and help") {
  Watched cluster;
  const auto there = families_of(cluster.get("/metrics"));
  const auto told = documented();
  for (const auto& [name, text] : there) {
    CAPTURE(name);
    const auto found = told.find(name);
    EXPECT_EQ(found == told.end() ? "(not in docs/METRICS.md)" : found->second, text);
  }
  for (const auto& [name, text] : told) {
    CAPTURE(name);
    EXPECT(there.contains(name));
  }
}

TEST_CASE("health says live and ready of a broker that serves") {
  Watched cluster;
  EXPECT(has(cluster.get("/health/live"), "\"status\": \"live\""));
  const std::string ready = cluster.get("/health/ready");
  EXPECT(ready.starts_with("HTTP/1.1 200 "));
  EXPECT(has(ready, "\"status\": \"ready\""));
}

TEST_CASE("the JSON view shows cluster, brokers, topics, logs, memory and requests") {
  Watched cluster({}, 2);
  cluster.tell(&some_traffic);
  const std::string whole = cluster.get("/api/v1/cluster");
  EXPECT(has(whole, "\"node_id\": 1"));
  EXPECT(has(whole, "\"partitions\": 3"));
  EXPECT(has(cluster.get("/api/v1/brokers"), "\"port\": 9092"));
  EXPECT(has(cluster.get("/api/v1/topics"), "\"name\": \"t\""));
  const std::string topic = cluster.get("/api/v1/topics/t");
  EXPECT(has(topic, "\"high_watermark\": 20"));
  EXPECT(has(topic, "\"partition\": 2"));
  EXPECT(has(topic, "\"retention.ms\""));
  EXPECT(has(cluster.get("/api/v1/log-dirs"), "\"partitions\": 3"));
  EXPECT(has(cluster.get("/api/v1/memory"), "\"shard\": 1"));
  EXPECT(has(cluster.get("/api/v1/connections"), "\"open\": 0"));
  EXPECT(has(cluster.get("/api/v1/requests"), "\"p99.99\""));
  EXPECT(has(cluster.get("/api/v1/config"), "\"log.dirs\": \"/data\""));
  EXPECT(has(cluster.get("/"), "\"/metrics\""));
}

TEST_CASE("what is not served is 404, other methods are 405, HEAD has no body") {
  Watched cluster;
  EXPECT(cluster.get("/nothing").starts_with("HTTP/1.1 404 "));
  EXPECT(cluster.get("/api/v1/topics/nowhere").starts_with("HTTP/1.1 404 "));
  EXPECT(cluster.get("/metrics/x").starts_with("HTTP/1.1 404 "));
  const std::string posted = cluster.request("POST", "/metrics");
  EXPECT(posted.starts_with("HTTP/1.1 405 "));
  EXPECT(has(posted, "Allow: GET, HEAD\r\n"));
  EXPECT(cluster.request("HEAD", "/metrics").ends_with("\r\n\r\n"));
}

TEST_CASE("topics come in pages, in the order of their names") {
  Watched cluster;
  cluster.tell([](Client& c) -> Task<void> {
    for (const char* name : {"c", "a", "d", "b"}) co_await create_topic(c, name);
  });
  const std::string first = cluster.get("/api/v1/topics?limit=3");
  EXPECT(has(first, "\"next\": \"c\""));
  EXPECT(first.find("\"a\"") < first.find("\"b\""));
  const std::string rest = cluster.get("/api/v1/topics?limit=3&after=c");
  EXPECT(has(rest, "\"name\": \"d\""));
  EXPECT_FALSE(has(rest, "\"name\": \"c\""));
  EXPECT_FALSE(has(rest, "\"next\""));
  for (const char* limit : {"0", "1001", "x", "-1", ""}) {
    EXPECT(cluster.get(std::string("/api/v1/topics?limit=") + limit).starts_with("HTTP/1.1 400 "));
  }
}

TEST_CASE("a slow request is logged with its sender and the time of each stage, once a second") {
  Cluster cluster({{"odradek.slow.request.ms", "0"}});
  cluster.tell([](Client& c) -> Task<void> {
    c.client_id = "late\n";
    co_await create_topic(c, "t");
    co_await reactor::sleep_for(2s);
    for (int i = 0; i < 3; ++i) (void)co_await produce(c, "t", 0, batch());
    co_await reactor::sleep_for(2s);
    (void)co_await fetch(c, {.topic = "t", .partitions = {0}, .offset = 3, .max_wait_ms = 300});
  });
  EXPECT(cluster.logged("slow request: Produce v9 of client 'late?' at 10.0.0."));
  EXPECT(cluster.logged(" durable "));
  EXPECT(cluster.logged("(2 more slow ones before)"));
  EXPECT(cluster.logged("slow request: Fetch v12"));
  EXPECT(cluster.logged("waited as asked 30"));
}

TEST_CASE("a long poll is not a slow request, and nothing is when -1 says so") {
  for (const char* limit : {"200", "-1"}) {
    Cluster cluster({{"odradek.slow.request.ms", limit}});
    cluster.tell([](Client& c) -> Task<void> {
      co_await create_topic(c, "t");
      (void)co_await fetch(c, {.topic = "t", .partitions = {0}, .offset = 0, .max_wait_ms = 2000});
    });
    EXPECT_FALSE(cluster.logged("slow request: Fetch"));
    if (std::string_view(limit) == "-1") EXPECT_FALSE(cluster.logged("slow request"));
  }
}

TEST_CASE("the text format has base units, cumulative buckets and escaped labels") {
  using reactor::MetricKind;
  static constexpr reactor::MetricInfo kTook{MetricKind::histogram, "x_seconds", "Took",
                                             reactor::MetricUnit::seconds};
  static constexpr reactor::MetricInfo kBusy{MetricKind::counter, "y_seconds_total", "Busy",
                                             reactor::MetricUnit::seconds};
  reactor::Metrics metrics;
  for (const uint64_t ns : {40'000u, 70'000u, 3'000'000u}) metrics.histogram(kTook).record(ns);
  metrics.counter(kBusy, reactor::metric_labels({{"a", "\""}})).add(1'500'000'000);
  const std::string text = admin::prometheus_text(metrics.snapshot());
  EXPECT(
      text.starts_with("# HELP x_seconds Took\n# TYPE x_seconds histogram\n"
                       "x_seconds_bucket{le=\"5e-05\"} 1\nx_seconds_bucket{le=\"0.0001\"} 2\n"));
  EXPECT(has(text, "x_seconds_bucket{le=\"0.0025\"} 2\nx_seconds_bucket{le=\"0.005\"} 3\n"));
  EXPECT(has(text, "x_seconds_bucket{le=\"+Inf\"} 3\nx_seconds_sum 0.00311\nx_seconds_count 3\n"));
  EXPECT(
      text.ends_with("# HELP y_seconds_total Busy\n# TYPE y_seconds_total counter\n"
                     "y_seconds_total{a=\"\\\"\"} 1.5\n"));
}

TEST_CASE("a query's value is found by its whole name") {
  EXPECT_EQ(admin::query_value("ab=1&a=2&c", "a"), std::optional<std::string_view>("2"));
  EXPECT_FALSE(admin::query_value("ab=1&c", "c").has_value());
  EXPECT_FALSE(admin::query_value("", "c").has_value());
}

}  // namespace
}  // namespace odradek::broker
