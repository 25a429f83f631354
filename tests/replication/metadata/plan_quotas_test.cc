// What Kafka 4.3.1 answered to the same requests stands here as the expectation.
#include <cmath>
#include <limits>

#include "replication/metadata/client_quotas.h"
#include "replication/metadata/plan.h"
#include "tests/replication/metadata/support.h"

namespace odradek::metadata {
namespace {

constexpr auto kInvalid = KafkaCode::invalid_request;
const QuotaEntity kClient{{"client-id", "c"}};

struct Quotas {
  // Carries it out; what it answers.
  std::vector<QuotaResult> alter(const std::vector<QuotaAlteration>& alterations) {
    const auto plan = plan_alter_quotas(log.image(), alterations);
    records = plan.records.size();
    for (const auto& value : plan.records.values()) must(log.builder().apply(BytesView(value)));
    return plan.answers;
  }
  void refuses(QuotaEntity entity, std::vector<QuotaChange> changes, std::string_view message) {
    const auto answers = alter({{std::move(entity), std::move(changes)}});
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, kInvalid);
    EXPECT_EQ(answers[0].message.value_or(""), message);
    EXPECT_EQ(records, 0u);
  }
  void accepts(QuotaEntity entity, std::vector<QuotaChange> changes, size_t made = 1) {
    const auto answers = alter({{std::move(entity), std::move(changes)}});
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, KafkaCode::none);
    EXPECT_EQ(answers[0].message.value_or(""), "");
    EXPECT_EQ(records, made);
  }
  std::vector<std::string> found(std::vector<QuotaFilterPart> filter, bool strict = false) {
    const FoundQuotas quotas = find_quotas(log.image(), filter, strict);
    EXPECT_EQ(quotas.code, KafkaCode::none);
    std::vector<std::string> out;
    for (const auto& entry : quotas.entries) out.push_back(entity_text(entry.entity));
    return out;
  }
  Records log;
  size_t records = 0;
};

TEST_CASE("entities are checked as Kafka checks them") {
  Quotas q;
  q.refuses({}, {{"producer_byte_rate", 1}}, "Invalid empty client quota entity");
  q.refuses({{"group", "g"}}, {}, "Unhandled client quota entity type: group");
  q.refuses({{"user", ""}}, {}, "Empty user not supported");
  q.refuses({{"ip", "1.2.3.4"}, {"user", "u"}}, {},
            "Invalid quota entity combination, IP entity shouldnot be combined with User or "
            "ClientId");
  q.refuses({{"ip", "256.1.1.1"}}, {}, "256.1.1.1 is not a valid IP or resolvable host.");
  q.accepts({{"ip", std::nullopt}}, {{"connection_creation_rate", 1}});
  q.accepts({{"ip", "::1"}}, {{"connection_creation_rate", 1}});
  q.accepts({{"client-id", std::nullopt}, {"user", "u"}}, {{"request_percentage", 0.5}});
}

TEST_CASE("an ip may be the name of a host that has an address") {
  Quotas q;
  q.refuses({{"ip", "db.local"}}, {}, "db.local is not a valid IP or resolvable host.");
  QuotaAlteration host{{{"ip", "db.local"}}, {{"connection_creation_rate", 3}}};
  host.ip_resolves = true;
  EXPECT_EQ(q.alter({host}).at(0).code, KafkaCode::none);
  EXPECT_EQ(q.records, 1u);
}

TEST_CASE("keys and values are checked as Kafka checks them") {
  Quotas q;
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  q.refuses(kClient, {{"no_such_rate", 1}}, "Invalid configuration key no_such_rate");
  q.refuses(kClient, {{"connection_creation_rate", 1}},
            "Invalid configuration key connection_creation_rate");
  q.refuses({{"ip", "1.2.3.4"}}, {{"producer_byte_rate", 1}},
            "Invalid configuration key producer_byte_rate");
  q.refuses(kClient, {{"producer_byte_rate", 0}},
            "Quota producer_byte_rate must be greater than 0");
  q.refuses(kClient, {{"request_percentage", -kInfinite}},
            "Quota request_percentage must be greater than 0");
  q.refuses(kClient, {{"consumer_byte_rate", 1.5}},
            "consumer_byte_rate cannot be a fractional value.");
  q.refuses(kClient, {{"producer_byte_rate", kInfinite}},
            "Proposed value for producer_byte_rate is too large for a LONG.");
  q.refuses({{"ip", "1.2.3.4"}}, {{"connection_creation_rate", 3e9}},
            "Proposed value for connection_creation_rate is too large for an INT.");
  q.accepts(kClient, {{"producer_byte_rate", 9.223372036854776e18}});
  q.accepts(kClient, {{"request_percentage", kInfinite}});
  q.accepts(kClient, {{"controller_mutation_rate", 0.1}});
  q.accepts(kClient, {{"consumer_byte_rate", std::nan("")}});
}

TEST_CASE("an entity is altered as a whole, and only by what differs") {
  Quotas q;
  q.accepts(kClient, {{"producer_byte_rate", 10}, {"consumer_byte_rate", 20}}, 2);
  q.accepts(kClient, {{"producer_byte_rate", 10}, {"consumer_byte_rate", 21}}, 1);
  q.accepts(kClient, {{"request_percentage", std::nullopt}}, 0);
  q.accepts(kClient, {{"no_such_rate", std::nullopt}}, 0);
  q.refuses(kClient, {{"producer_byte_rate", 11}, {"consumer_byte_rate", 0.5}},
            "consumer_byte_rate cannot be a fractional value.");
  EXPECT(*q.log.image().find_quotas(kClient) ==
         QuotaValues{{"consumer_byte_rate", 21}, {"producer_byte_rate", 10}});
  q.accepts(kClient, {{"producer_byte_rate", std::nullopt}, {"consumer_byte_rate", std::nullopt}},
            2);
  EXPECT(q.log.image().find_quotas(kClient) == nullptr);
}

TEST_CASE(
    "of an entity that comes twice the first is carried out, and the answer tells of the other") {
  Quotas q;
  constexpr auto kMessage = "Ignoring duplicate entity ClientQuotaEntity(entries={client-id=c})";
  const auto answers = q.alter({{kClient, {{"producer_byte_rate", 1}}},
                                {{{"user", std::nullopt}}, {{"producer_byte_rate", 2}}},
                                {kClient, {{"producer_byte_rate", 3}}}});
  CHECK(answers.size() == 2);
  EXPECT_EQ(answers[0].code, kInvalid);
  EXPECT_EQ(answers[0].message.value_or(""), kMessage);
  EXPECT_EQ(answers[1].code, KafkaCode::none);
  EXPECT_EQ(q.log.image().find_quotas(kClient)->at("producer_byte_rate"), 1);
  q.refuses(kClient, {{"producer_byte_rate", 4}, {"producer_byte_rate", 5}}, kMessage);
}

TEST_CASE("a filter means entities by name, by default, by type, and strictly") {
  using enum QuotaMatchType;
  Quotas q;
  const std::vector<QuotaChange> any{{"producer_byte_rate", 1}};
  const QuotaEntity default_user{{"user", std::nullopt}};
  const QuotaEntity both{{"client-id", "c"}, {"user", "u"}};
  q.accepts(kClient, any);
  q.accepts(default_user, any);
  q.accepts(both, any);
  using Texts = std::vector<std::string>;
  const std::string c = entity_text(kClient);
  const std::string d = entity_text(default_user);
  const std::string b = "ClientQuotaEntity(entries={client-id=c, user=u})";
  EXPECT(q.found({}) == Texts{c, b, d});
  EXPECT(q.found({}, true).empty());
  EXPECT(q.found({{"client-id", exact, "c"}}) == Texts{c, b});
  EXPECT(q.found({{"client-id", exact, "c"}}, true) == Texts{c});
  EXPECT(q.found({{"client-id", exact, "x"}}).empty());
  EXPECT(q.found({{"user", fallback, std::nullopt}}) == Texts{d});
  EXPECT(q.found({{"user", specified, std::nullopt}}) == Texts{b, d});
  EXPECT(q.found({{"user", specified, std::nullopt}, {"client-id", specified, std::nullopt}}) ==
         Texts{b});
  EXPECT(q.found({{"ip", specified, std::nullopt}}).empty());
}

TEST_CASE("filters that mean nothing are refused with Kafka's messages") {
  using enum QuotaMatchType;
  Quotas q;
  const auto refuses = [&](std::vector<QuotaFilterPart> filter, std::string_view message,
                           KafkaCode code = kInvalid) {
    const FoundQuotas found = find_quotas(q.log.image(), filter, false);
    EXPECT_EQ(found.code, code);
    EXPECT_EQ(found.message.value_or(""), message);
  };
  refuses({{"", exact, "a"}}, "Invalid empty entity type.");
  refuses({{"user", exact, "a"}, {"user", exact, "b"}},
          "Entity type user cannot appear more than once in the filter.");
  refuses({{"group", exact, "a"}}, "Unsupported entity type group", KafkaCode::unsupported_version);
  refuses({{"user", exact, std::nullopt}},
          "Request specified MATCH_TYPE_EXACT, but set match string to null.");
  refuses({{"user", fallback, "a"}},
          "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.");
  refuses({{"user", specified, "a"}},
          "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.");
  refuses({{"user", static_cast<QuotaMatchType>(3), "a"}}, "Unknown match type 3");
  refuses({{"user", exact, "a"}, {"ip", exact, "1.2.3.4"}},
          "Invalid entity filter component combination. IP filter component should not be used "
          "with user or clientId filter component.");
}

TEST_CASE("addresses have one form") {
  EXPECT_EQ(canonical_ip("127.0.0.1").value_or(""), "127.0.0.1");
  EXPECT_EQ(canonical_ip("127.1").value_or(""), "127.0.0.1");
  EXPECT_EQ(canonical_ip("1").value_or(""), "0.0.0.1");
  EXPECT_EQ(canonical_ip("1.2.3").value_or(""), "1.2.0.3");
  EXPECT_EQ(canonical_ip("01.02.03.04").value_or(""), "1.2.3.4");
  EXPECT_EQ(canonical_ip("0:0::1").value_or(""), "::1");
  EXPECT_EQ(canonical_ip("[::1]").value_or(""), "::1");
  EXPECT_EQ(canonical_ip("::ffff:1.2.3.4").value_or(""), "1.2.3.4");
  for (const char* none : {"", ".", "1.", "256.1.1.1", "1.2.3.4.5", "1.2.65536", "localhost",
                           "0x7f.1", " 1.2.3.4", "4294967296", ":", "::g"}) {
    EXPECT_FALSE(canonical_ip(none).has_value());
  }
}

TEST_CASE("a plan asks once for each topic that is in order whether its partitions may be") {
  Records log;
  must(log.apply(feature("metadata.version", 30)));
  must(log.apply(broker_record(1)));
  must(log.apply(topic_record("t", 1)));
  must(log.apply(one_partition(1, 0)));
  TopicDefaults defaults;
  std::vector<int32_t> asked;
  PlanContext context;
  context.topic_defaults = &defaults;
  context.random = [prng = std::make_shared<Prng>(1)] { return prng->next(); };
  context.may_mutate = [&](int32_t partitions) {
    asked.push_back(partitions);
    return asked.size() != 2;
  };
  const auto plan = plan_create_topics(
      log.image(), context, {new_topic("a", 3, 1), new_topic("t", 1, 1), new_topic("b", 2, 1)});
  EXPECT(asked == std::vector<int32_t>{3, 2});
  EXPECT_EQ(plan.answers.at(0).code, KafkaCode::none);
  EXPECT_EQ(plan.answers.at(1).code, KafkaCode::topic_already_exists);
  EXPECT_EQ(plan.answers.at(2).code, KafkaCode::throttling_quota_exceeded);
  EXPECT_FALSE(plan.answers.at(2).message.has_value());
  const auto gone = plan_delete_topics(log.image(), context, {{"t", {}}, {"x", {}}});
  EXPECT_EQ(gone.records.size(), 1u);
  asked = {1};
  const auto grown = plan_create_partitions(log.image(), context, {{"t", 4, {}}});
  EXPECT(asked == std::vector<int32_t>{1, 3});
  EXPECT_EQ(grown.answers.at(0).code, KafkaCode::throttling_quota_exceeded);
  EXPECT(grown.records.empty());
}

}  // namespace
}  // namespace odradek::metadata
