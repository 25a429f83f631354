#include "cmd/broker/broker_config.h"

#include "cmd/broker/known_properties.h"
#include "tests/test.h"

namespace odradek::broker {
namespace {

constexpr uint64_t kMemory = uint64_t{16} << 30;

Result<BrokerConfig> config_of(std::string_view text, uint32_t cores = 4) {
  auto properties = parse_properties(text);
  REQUIRE(properties.has_value());
  return make_config(std::move(*properties), cores, kMemory);
}

std::string fault_of(std::string_view text) {
  const auto config = config_of(text);
  return config ? "" : config.error().context;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// What config/server.properties of Kafka 4 sets.
constexpr std::string_view kKafkaSample =
    "process.roles=broker,controller\n"
    "node.id=1\n"
    "controller.quorum.bootstrap.servers=localhost:9093\n"
    "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
    "inter.broker.listener.name=PLAINTEXT\n"
    "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
    "controller.listener.names=CONTROLLER\n"
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,"
    "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n"
    "num.network.threads=3\n"
    "num.io.threads=8\n"
    "socket.send.buffer.bytes=102400\n"
    "socket.receive.buffer.bytes=102400\n"
    "socket.request.max.bytes=104857600\n"
    "log.dirs=/tmp/kraft-combined-logs\n"
    "num.partitions=1\n"
    "num.recovery.threads.per.data.dir=1\n"
    "offsets.topic.replication.factor=1\n"
    "share.coordinator.state.topic.replication.factor=1\n"
    "share.coordinator.state.topic.min.isr=1\n"
    "transaction.state.log.replication.factor=1\n"
    "transaction.state.log.min.isr=1\n"
    "log.retention.hours=168\n"
    "log.segment.bytes=1073741824\n"
    "log.retention.check.interval.ms=300000\n";

TEST_CASE("Kafka's own server.properties starts a broker unchanged") {
  for (const std::string_view more : {"", "controller.quorum.voters=1@localhost:9093\n"}) {
    const auto config = config_of(std::string(kKafkaSample) + std::string(more));
    REQUIRE(config.has_value());
    REQUIRE_EQ(config->listeners.size(), 2u);
    EXPECT_EQ(config->listeners[0].name, "PLAINTEXT");
    EXPECT_EQ(config->listeners[0].host, "");
    EXPECT_EQ(config->listeners[0].port, 9092);
    EXPECT_EQ(config->listeners[0].advertised_host, "localhost");
    EXPECT_FALSE(config->listeners[0].controller);
    EXPECT(config->listeners[1].controller);
    EXPECT(config->log_directories == std::vector<std::string>{"/tmp/kraft-combined-logs"});
    EXPECT_EQ(config->metadata_directory, "/tmp/kraft-combined-logs");
    EXPECT_EQ(config->send_buffer_bytes, 0u);
    EXPECT(config->unknown.empty());
    EXPECT(std::ranges::find(config->ignored, "num.network.threads") != config->ignored.end());
  }
}

TEST_CASE("nothing at all is a working configuration") {
  const auto config = config_of("", 2);
  REQUIRE(config.has_value());
  REQUIRE_EQ(config->listeners.size(), 1u);
  EXPECT_EQ(config->listeners[0].host, "127.0.0.1");
  EXPECT_EQ(config->listeners[0].advertised_host, "127.0.0.1");
  EXPECT_EQ(config->shards, 1u);
  EXPECT(config->durability == log::Durability::flushed);
  EXPECT_EQ(config_of("", 8)->shards, 8u);
}

TEST_CASE("properties are read as java.util.Properties does") {
  const auto p = parse_properties(
      "# comment\n! comment\n\n  a = 1 \nb:2\nc 3\nd\\ e=4\nf=one,\\\n   "
      "two\ng=x\\ty\r\na=5\nh=\n");
  REQUIRE(p.has_value());
  EXPECT_EQ(p->at("a"), "5");
  EXPECT_EQ(p->at("b"), "2");
  EXPECT_EQ(p->at("c"), "3");
  EXPECT_EQ(p->at("d e"), "4");
  EXPECT_EQ(p->at("f"), "one,two");
  EXPECT_EQ(p->at("g"), "x\ty");
  EXPECT_EQ(p->at("h"), "");
  EXPECT_EQ(p->size(), 7u);
  EXPECT_EQ(parse_properties("a=\\u0041\\u00e9")->at("a"), "A\xc3\xa9");
  EXPECT_FALSE(parse_properties(std::string_view("a=\0b", 4)).has_value());
}

TEST_CASE("listeners may be many, on IPv6 too, each with its own advertised address") {
  const auto config = config_of(
      "listeners=PLAINTEXT://[::1]:9092, EXTERNAL://0.0.0.0:9094\n"
      "listener.security.protocol.map=EXTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
      "advertised.listeners=EXTERNAL://kafka.example:19094\n");
  REQUIRE(config.has_value());
  REQUIRE_EQ(config->listeners.size(), 2u);
  EXPECT_EQ(config->listeners[0].host, "::1");
  EXPECT_EQ(config->listeners[0].advertised_host, "::1");
  EXPECT_EQ(config->listeners[1].host, "0.0.0.0");
  EXPECT_EQ(config->listeners[1].advertised_host, "kafka.example");
  EXPECT_EQ(config->listeners[1].advertised_port, 19094);
}

TEST_CASE("a listener without a host is advertised under the machine's name") {
  auto config = config_of(
      "listeners=PLAINTEXT://:9092,OTHER://a:9094,CONTROLLER://0.0.0.0:9093\n"
      "listener.security.protocol.map=OTHER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
      "controller.listener.names=CONTROLLER\n");
  REQUIRE(config.has_value());
  name_host(*config, "node.example");
  EXPECT_EQ(config->listeners[0].advertised_host, "node.example");
  EXPECT_EQ(config->listeners[1].advertised_host, "a");
  EXPECT_EQ(config->listeners[2].advertised_host, "node.example");
}

TEST_CASE("listeners that cannot be are refused by name") {
  for (const std::string_view bad :
       {"listeners=nonsense", "listeners=PLAINTEXT://:", "listeners=PLAINTEXT://:65536",
        "listeners=PLAINTEXT://:9092,PLAINTEXT://:9093", "listeners=", "listeners=PLAINTEXT://a:-1",
        "listeners=PLAINTEXT://:9092\nlistener.security.protocol.map=PLAINTEXT:SASL_SSL",
        "listeners=A://:9092", "listeners=SSL://:9092", "listeners=SASL_PLAINTEXT://:9092",
        "listeners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER",
        "listeners=A://:1,B://:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT"}) {
    CAPTURE(bad);
    EXPECT(has(fault_of(bad), "listener"));
  }
  for (const std::string_view bad :
       {"listeners=PLAINTEXT://0.0.0.0:9092", "listeners=PLAINTEXT://[::]:9092",
        "advertised.listeners=PLAINTEXT://0.0.0.0:9092", "advertised.listeners=OTHER://a:9092",
        "advertised.listeners=PLAINTEXT://:9092", "advertised.listeners=PLAINTEXT://[::]:9092"}) {
    CAPTURE(bad);
    EXPECT(has(fault_of(bad), "advertised.listeners"));
  }
  EXPECT(has(fault_of("inter.broker.listener.name=NOWHERE"), "inter.broker.listener.name"));
}

TEST_CASE("what would expose or lose data if it were ignored stops the start") {
  for (const std::string_view bad :
       {"ssl.keystore.location=/x", "sasl.mechanism.inter.broker.protocol=PLAIN",
        "listener.name.plaintext.sasl.enabled.mechanisms=PLAIN", "authorizer.class.name=a.B",
        "super.users=User:a", "create.topic.policy.class.name=a.B",
        "client.quota.callback.class=a.B", "remote.log.storage.system.enable=true",
        "principal.builder.class=a.B", "controller.quorum.voters=1@a:1,2@b:1",
        "controller.quorum.voters=2@a:1", "controller.quorum.bootstrap.servers=a:9093,b:9093",
        "process.roles=broker", "process.roles=controller", "process.roles=broker,broker",
        "process.roles=broker,zookeeper", "default.replication.factor=3",
        "min.insync.replicas=2"}) {
    CAPTURE(bad);
    const std::string fault = fault_of(bad);
    EXPECT(has(fault, bad.substr(0, bad.find('='))));
  }
}

TEST_CASE("numbers, booleans and sizes that are none are refused with their name and value") {
  for (const std::string_view bad :
       {"num.partitions=0", "num.partitions=many", "node.id=-5", "node.id=1x",
        "node.id=", "auto.create.topics.enable=yes", "socket.request.max.bytes=99999999999",
        "odradek.shards=0", "odradek.shards=65", "odradek.durability=maybe", "odradek.memory=1M",
        "odradek.memory=64Q", "odradek.memory=99999G", "odradek.memory=99999999999999999999",
        "odradek.memory=36028797018963968K", "log.dirs=a,a", "log.dirs=,", "max.connections=0"}) {
    CAPTURE(bad);
    EXPECT(has(fault_of(bad), bad.substr(0, bad.find('='))));
  }
  EXPECT_EQ(config_of("odradek.memory=256M")->memory_bytes, uint64_t{256} << 20);
  EXPECT_EQ(config_of("broker.id=3")->node_id, 3);
  EXPECT_EQ(config_of("broker.id=3\nnode.id=4")->node_id, 4);
  EXPECT(config_of("connections.max.idle.ms=-1").has_value());
  EXPECT_EQ(config_of("max.connections=10")->connections_max, 10u);
}

TEST_CASE("unknown names are warned about, known idle ones too, and both start") {
  const auto config = config_of("no.such.property=1\nlog.cleaner.threads=2\nlog.retention.ms=5\n");
  REQUIRE(config.has_value());
  EXPECT(config->unknown == std::vector<std::string>{"no.such.property"});
  EXPECT(config->ignored == std::vector<std::string>{"log.cleaner.threads"});
}

TEST_CASE("several log directories, blanks and slashes at their ends") {
  const auto config = config_of("log.dirs= /a/ , /b//\nlog.dir=/c\nmetadata.log.dir=/m");
  REQUIRE(config.has_value());
  EXPECT(config->log_directories == std::vector<std::string>{"/a", "/b"});
  EXPECT_EQ(config->metadata_directory, "/m");
}

}  // namespace
}  // namespace odradek::broker
