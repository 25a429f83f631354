#include "cmd/broker/quotas/quota_table.h"

#include "cmd/broker/limits.h"
#include "replication/metadata/image_builder.h"
#include "replication/metadata/record_types.h"
#include "tests/test.h"

namespace odradek::broker {
namespace {

using Parts = std::vector<std::pair<std::string_view, std::optional<std::string_view>>>;

struct Table {
  void set(const Parts& parts, double value, std::string_view key = "producer_byte_rate") {
    records::ClientQuotaRecord record;
    for (const auto& [type, name] : parts) record.entity.push_back({type, name});
    record.key = key;
    record.value = value;
    metadata::RecordList list;
    list.add(record, 0);
    CHECK(builder.apply(BytesView(list.values()[0])).has_value());
    table = QuotaTable::of(builder.image(), log::KeyHasher(1, 2));
  }
  std::optional<QuotaMatch> match(std::string_view user, std::string_view client,
                                  QuotaKind kind = QuotaKind::produce) const {
    return table.match(kind, user, client);
  }
  double limit(std::string_view user, std::string_view client) const {
    const auto found = match(user, client);
    return found ? found->limit : -1;
  }
  metadata::ImageBuilder builder;
  QuotaTable table;
};

constexpr std::nullopt_t kDefault = std::nullopt;

TEST_CASE("the most exact quota decides, in Kafka's order") {
  Table t;
  t.set({{"client-id", kDefault}}, 8);
  EXPECT_EQ(t.limit("u", "c"), 8);
  t.set({{"client-id", "c"}}, 7);
  EXPECT_EQ(t.limit("u", "c"), 7);
  t.set({{"user", kDefault}}, 6);
  EXPECT_EQ(t.limit("u", "c"), 6);
  t.set({{"user", kDefault}, {"client-id", kDefault}}, 5);
  EXPECT_EQ(t.limit("u", "c"), 5);
  t.set({{"user", kDefault}, {"client-id", "c"}}, 4);
  EXPECT_EQ(t.limit("u", "c"), 4);
  t.set({{"user", "u"}}, 3);
  EXPECT_EQ(t.limit("u", "c"), 3);
  t.set({{"user", "u"}, {"client-id", kDefault}}, 2);
  EXPECT_EQ(t.limit("u", "c"), 2);
  t.set({{"user", "u"}, {"client-id", "c"}}, 1);
  EXPECT_EQ(t.limit("u", "c"), 1);
  EXPECT_EQ(t.limit("u", "x"), 2);
  EXPECT_EQ(t.limit("x", "c"), 4);
  EXPECT_EQ(t.limit("x", "x"), 5);
}

TEST_CASE("a long name makes no long account, and one that only its own bearer has") {
  Table t;
  t.set({{"user", kDefault}, {"client-id", kDefault}}, 5);
  const std::string name(32'000, 'n');
  const std::string account = t.match("u", name)->account;
  EXPECT(account.size() <= kQuotaAccountNameMax);
  EXPECT_EQ(t.match("u", name)->account, account);
  EXPECT_NE(t.match("u", name + "n")->account, account);
  EXPECT_NE(t.match("v", name)->account, account);
  const std::string longest(kQuotaAccountNameMax - 6, 'n');
  EXPECT(t.match("u", longest)->account.ends_with(longest));
}

TEST_CASE("an account is shared by whom the quota means, and by nobody else") {
  Table users;
  users.set({{"user", "u"}}, 1);
  EXPECT_EQ(users.match("u", "c")->account, users.match("u", "d")->account);
  EXPECT_FALSE(users.match("v", "c").has_value());
  Table clients;
  clients.set({{"client-id", kDefault}}, 1);
  EXPECT_EQ(clients.match("u", "c")->account, clients.match("v", "c")->account);
  EXPECT(clients.match("u", "c")->account != clients.match("u", "d")->account);
  Table both;
  both.set({{"user", "u"}, {"client-id", kDefault}}, 1);
  EXPECT(both.match("u", "c")->account != both.match("u", "d")->account);
  // A name may hold anything.
  Table odd;
  odd.set({{"user", kDefault}, {"client-id", kDefault}}, 1);
  EXPECT(odd.match("a:b", "c")->account != odd.match("a", "b:c")->account);
}

TEST_CASE("a client without an id meets quotas of users only") {
  Table clients;
  clients.set({{"client-id", kDefault}}, 1);
  EXPECT_FALSE(clients.match("u", "").has_value());
  Table users;
  users.set({{"user", kDefault}}, 2);
  EXPECT_EQ(users.limit("u", ""), 2);
}

TEST_CASE("kinds do not know of each other, and unknown keys bound nothing") {
  Table t;
  EXPECT_FALSE(t.table.any_of_requests());
  t.set({{"user", "u"}}, 1, "no_such_rate");
  EXPECT_FALSE(t.table.any_of_requests());
  t.set({{"user", "u"}}, 5, "request_percentage");
  EXPECT(t.table.any(QuotaKind::request));
  EXPECT_FALSE(t.table.any(QuotaKind::produce));
  EXPECT_FALSE(t.match("u", "c").has_value());
  EXPECT_EQ(t.match("u", "c", QuotaKind::request)->limit, 5);
}

TEST_CASE("ips have one form, a default, and names of hosts when these are looked up") {
  Table t;
  t.set({{"ip", "127.1"}}, 1, "connection_creation_rate");
  EXPECT_EQ(t.table.connections("127.0.0.1").value_or(-1), 1);
  EXPECT_FALSE(t.table.connections("10.0.0.1").has_value());
  EXPECT_FALSE(t.table.any_of_requests());
  t.set({{"ip", kDefault}}, 2, "connection_creation_rate");
  EXPECT_EQ(t.table.connections("10.0.0.1").value_or(-1), 2);
  t.set({{"ip", "db"}}, 3, "connection_creation_rate");
  EXPECT(t.table.hosts() == std::vector<std::string>{"db"});
  t.table.name_host("db", "10.0.0.9");
  EXPECT_EQ(t.table.connections("10.0.0.9").value_or(-1), 3);
}

}  // namespace
}  // namespace odradek::broker
