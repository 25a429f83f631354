#include "cmd/cli/arguments.h"

#include "cmd/cli/command_config.h"
#include "cmd/cli/session.h"
#include "tests/test.h"

namespace odradek::cli {
namespace {

constexpr VerbHelp kHelp = {"test", "[options]", "Tests.\n", "  odradek test\n"};

struct Parsed {
  Parsed(std::vector<std::string> words) : arguments(kHelp) {
    arguments.connection()
        .value("t,topic", "NAME", "a topic")
        .values("config", "K=V", "configurations")
        .flag("list", "list")
        .flag("delete", "delete");
    status = arguments.parse(words);
  }
  Arguments arguments;
  Status status;
};

TEST_CASE("values come with = and without, short and long, and with commas in them") {
  const Parsed parsed({"--topic=a", "--config", "x=1,2", "--config", "y=3", "-q", "word"});
  REQUIRE(parsed.status.has_value());
  EXPECT_EQ(parsed.arguments.text("topic"), "a");
  EXPECT(parsed.arguments.texts("config") == std::vector<std::string>{"x=1,2", "y=3"});
  EXPECT(parsed.arguments.split("config") == std::vector<std::string>{"x=1", "2", "y=3"});
  EXPECT(parsed.arguments.has("quiet"));
  EXPECT_FALSE(parsed.arguments.has("json"));
  EXPECT(parsed.arguments.words() == std::vector<std::string>{"word"});
  EXPECT_EQ(Parsed({"-t", "b"}).arguments.text("topic"), "b");
  EXPECT_EQ(Parsed({"--topic", "a", "--topic", "b"}).arguments.text("topic"), "b");
}

TEST_CASE("an option that is not there, or lacks its value, is named with where to look") {
  for (const auto& words : {std::vector<std::string>{"--nonsense"}, {"--topic"}}) {
    const Parsed parsed(words);
    REQUIRE_FALSE(parsed.status.has_value());
    EXPECT(parsed.status.error().code == Errc::invalid);
    EXPECT(parsed.status.error().context.find(words[0].substr(2)) != std::string::npos);
    EXPECT(parsed.status.error().context.find("odradek test --help") != std::string::npos);
  }
}

TEST_CASE("help wins over everything, and shows usage, options and examples") {
  const Parsed parsed({"--nonsense", "--help"});
  REQUIRE(parsed.status.has_value());
  EXPECT(parsed.arguments.help_wanted());
  const std::string help = parsed.arguments.help();
  for (const char* part : {"Tests.", "odradek test [options]", "--bootstrap-server", "-t, --topic",
                           "Examples:", "Exit code: 0"}) {
    CAPTURE(part);
    EXPECT(help.find(part) != std::string::npos);
  }
}

TEST_CASE("numbers are whole and within their bounds") {
  const Parsed parsed({"--topic", "12", "--timeout", "0"});
  EXPECT_EQ(parsed.arguments.number("topic", 1, 12)->value_or(0), 12);
  EXPECT_FALSE(parsed.arguments.number("topic", 1, 11).has_value());
  EXPECT_FALSE(Parsed({}).arguments.number("topic", 1, 2)->has_value());
  EXPECT_FALSE(parse_number("--x", "1x", 0, 9).has_value());
  EXPECT_FALSE(parse_number("--x", "", 0, 9).has_value());
  const auto common = parsed.arguments.common();
  REQUIRE_FALSE(common.has_value());
  EXPECT(common.error().context.find("--timeout 0") != std::string::npos);
}

TEST_CASE("what all verbs share has its defaults") {
  const auto common = Parsed({}).arguments.common();
  REQUIRE(common.has_value());
  REQUIRE_EQ(common->client.bootstrap.size(), 1);
  EXPECT_EQ(common->client.bootstrap[0].to_string(), "localhost:9092");
  EXPECT(common->timeout == 30s);
  const auto other = Parsed({"-b", "a:1,b", "--timeout", "2", "--json"}).arguments.common();
  REQUIRE(other.has_value());
  EXPECT_EQ(other->client.bootstrap.size(), 2);
  EXPECT(other->client.request_timeout == 2s);
  EXPECT(other->json);
}

TEST_CASE("an action is a word or a flag, one, and a near one is suggested") {
  constexpr std::string_view kActions[] = {"list", "delete"};
  const auto chosen = [&](std::vector<std::string> words) {
    return choose_action(Parsed(std::move(words)).arguments, kActions);
  };
  EXPECT(chosen({"list"}) == std::string("list"));
  EXPECT(chosen({"--delete"}) == std::string("delete"));
  EXPECT_FALSE(chosen({}).has_value());
  EXPECT_FALSE(chosen({"--list", "--delete"}).has_value());
  EXPECT_FALSE(chosen({"list", "orders"}).has_value());
  const auto wrong = chosen({"lits"});
  REQUIRE_FALSE(wrong.has_value());
  EXPECT(wrong.error().context.find("did you mean list?") != std::string::npos);
}

TEST_CASE("the nearest word is found only when it is near") {
  constexpr std::string_view kVerbs[] = {"topic", "produce", "consume", "cluster"};
  EXPECT_EQ(nearest("topics", kVerbs), "topic");
  EXPECT_EQ(nearest("prodcue", kVerbs), "produce");
  EXPECT_EQ(nearest("cons", kVerbs), "consume");
  EXPECT_EQ(nearest("xyz", kVerbs), "");
}

TEST_CASE("a command config is taken as far as it is plain") {
  const auto config = parse_command_config(
      "# mine\nbootstrap.servers=a:1\nclient.id=me\nrequest.timeout.ms=500\nretries=3\n"
      "security.protocol=PLAINTEXT\n");
  REQUIRE(config.has_value());
  EXPECT_EQ(config->bootstrap, "a:1");
  EXPECT_EQ(config->client_id, "me");
  EXPECT(config->request_timeout == 500ms);
  for (const char* secured : {"security.protocol=SASL_SSL", "security.protocol=SSL",
                              "sasl.mechanism=PLAIN", "ssl.truststore.location=/x"}) {
    const auto refused = parse_command_config(secured);
    REQUIRE_FALSE(refused.has_value());
    EXPECT(refused.error().context.find("PLAINTEXT") != std::string::npos);
  }
}

}  // namespace
}  // namespace odradek::cli
