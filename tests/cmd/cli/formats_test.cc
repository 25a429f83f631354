// What the tools print: tables, records, times.
#include "cmd/cli/record_format.h"
#include "cmd/cli/table.h"
#include "cmd/cli/times.h"
#include "tests/test.h"

namespace odradek::cli {
namespace {

Table example() {
  Table table({"topic", "partitions", "in sync"});
  table.add({"orders", 12, std::vector<int>{1, 2}});
  table.add({"x", 3, nullptr});
  return table;
}

TEST_CASE("a table is aligned for people: numbers to the right, text to the left") {
  EXPECT_EQ(example().text(Format::table),
            "TOPIC   PARTITIONS  IN SYNC\n"
            "orders          12  1,2\n"
            "x                3  -\n");
  Table wide({"name", "n"});
  wide.add({"\xc3\xa4\xc3\xb6", 1});
  EXPECT_EQ(wide.text(Format::table), "NAME  N\n\xc3\xa4\xc3\xb6    1\n");
  EXPECT_EQ(Table({"a", "b"}).text(Format::table), "A  B\n");
}

TEST_CASE("a table is tabs for scripts and objects for programs") {
  EXPECT_EQ(example().text(Format::tabs), "orders\t12\t1,2\nx\t3\t-\n");
  const Cell json = Cell::parse(example().text(Format::json));
  EXPECT_EQ(json.dump(), R"([{"topic":"orders","partitions":12,"in_sync":[1,2]},)"
                         R"({"topic":"x","partitions":3,"in_sync":null}])");
  EXPECT_EQ(Table({"a"}).text(Format::json), "[]\n");
}

TEST_CASE("names that are not UTF-8 are replaced in JSON and kept for people and scripts") {
  EXPECT_EQ(json_text(Cell{{"group", "caf\xe9"}}), "{\"group\":\"caf\xef\xbf\xbd\"}");
  EXPECT_EQ(json_text(Cell{{"\xff", {"\xc3\xa9", 1}}}, 1),
            "{\n \"\xef\xbf\xbd\": [\n  \"\xc3\xa9\",\n  1\n ]\n}");
  Table table({"client id"});
  table.add({"caf\xe9"});
  EXPECT_EQ(table.text(Format::json), "[\n  {\n    \"client_id\": \"caf\xef\xbf\xbd\"\n  }\n]\n");
  EXPECT_EQ(table.text(Format::tabs), "caf\xe9\n");
}

TEST_CASE("sizes and times are readable") {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(uint64_t{3} << 40), "3.0 TiB");
  EXPECT_EQ(time_text(-1), "-");
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time_text(1'769'860'800'123), "2026-01-31T12:00:00.123Z");
}

TEST_CASE("a time is milliseconds, a date, or an age") {
  const auto at = [](std::string_view text) { return parse_time("--time", text, 10'000'000); };
  EXPECT(at("5") == 5);
  EXPECT(at("2026-01-31T12:00:00.123Z") == 1'769'860'800'123);
  EXPECT(at("2026-01-31 12:00") == 1'769'860'800'000);
  EXPECT(at("2026-01-31") == 1'769'817'600'000);
  EXPECT(at("-90s") == 9'910'000);
  EXPECT(at("-2h") == 2'800'000);
  EXPECT(at("-7d") == 0);
  for (const char* wrong : {"", "x", "-5", "-5y", "2026-02-30", "2026-1-1", "2026-01-31T25:00",
                            "2026-01-31T12", "2026-01-31T12:00:00Zx"}) {
    CAPTURE(wrong);
    EXPECT_FALSE(at(wrong).has_value());
  }
}

struct Example {
  Example() {
    headers[0] = {as_bytes("a"), as_bytes("1")};
    headers[1] = {as_bytes("b"), std::nullopt};
    printed.topic = "t";
    printed.partition = 2;
    printed.offset = 7;
    printed.record.timestamp = 1234;
    printed.record.key = as_bytes("k");
    printed.record.value = as_bytes("v");
    printed.record.headers = headers;
  }
  std::string in(const RecordFormat& format) const {
    std::string out;
    format.append(printed, out);
    return out;
  }
  log::RecordHeader headers[2];
  PrintedRecord printed;
};

TEST_CASE("a format string prints every part of a record") {
  const Example example;
  const auto format = RecordFormat::parse("%t %p %o %T %k=%s %K/%S [%h] 100%%\\n", "-");
  REQUIRE(format.has_value());
  EXPECT_EQ(example.in(*format), "t 2 7 1234 k=v 1/1 [a=1,b=-] 100%\n");
  EXPECT_FALSE(RecordFormat::parse("%x", "").has_value());
  EXPECT_FALSE(RecordFormat::parse("5%", "").has_value());
}

TEST_CASE("Kafka's print properties give what Kafka's console consumer prints") {
  Example example;
  RecordFormat::Parts parts;
  EXPECT_EQ(example.in(RecordFormat::from_parts(parts)), "v\n");
  parts.timestamp = parts.partition = parts.offset = parts.headers = parts.key = true;
  EXPECT_EQ(example.in(RecordFormat::from_parts(parts)),
            "CreateTime:1234\tPartition:2\tOffset:7\ta:1,b:null\tk\tv\n");
  example.printed.record.headers = {};
  example.printed.record.value = std::nullopt;
  EXPECT_EQ(example.in(RecordFormat::from_parts(parts)),
            "CreateTime:1234\tPartition:2\tOffset:7\tNO_HEADERS\tk\tnull\n");
}

TEST_CASE("a record is one line of JSON, in base64 where it is no text") {
  Example example;
  EXPECT_EQ(example.in(RecordFormat::json()),
            R"({"topic":"t","partition":2,"offset":7,"timestamp":1234,"timestamp_type":"create",)"
            R"("key":"k","value":"v","headers":[{"key":"a","value":"1"},{"key":"b","value":null}]})"
            "\n");
  const std::vector<std::pair<std::string, bool>> values{
      {"\xff\x00", false},     {"\xc3\xa4", true},         {"\xc3", false},
      {"\xc0\x80", false},     {"\xed\xa0\x80", false},    {"\xf0\x9f\x98\x80", true},
      {"\xe0\x80\x80", false}, {"\xf4\x90\x80\x80", false}};
  for (const auto& [value, is_text] : values) {
    example.printed.record.value = as_bytes(value);
    CAPTURE(example.in(RecordFormat::json()));
    EXPECT((example.in(RecordFormat::json()).find("value_base64") == std::string::npos) == is_text);
  }
  example.printed.topic = "\xff";
  EXPECT(example.in(RecordFormat::json()).starts_with("{\"topic\":\"\xef\xbf\xbd\","));
  example.printed.record.value = as_bytes("\xff\xfe");
  EXPECT(example.in(RecordFormat::json()).find(R"("value_base64":"//4=")") != std::string::npos);
}

}  // namespace
}  // namespace odradek::cli
