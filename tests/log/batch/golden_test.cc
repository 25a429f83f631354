// What Apache Kafka 4.3.1 and its clients do, captured by tests/testdata/batch/capture.py.
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "log/batch/batch_walker.h"
#include "log/batch/codec.h"
#include "tests/log/batch/batch_fixture.h"

namespace odradek::log {
namespace {

std::vector<uint8_t> from_hex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  if (hex == "-") return bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::vector<std::string>> lines_of(const std::string& file) {
  std::ifstream in(std::string(ODRADEK_TESTDATA) + "/batch/" + file);
  REQUIRE(in);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    lines.emplace_back(std::istream_iterator<std::string>(words),
                       std::istream_iterator<std::string>());
  }
  return lines;
}

// The six records that capture.py has every client send.
std::vector<OwnedRecord> client_records() {
  std::vector<OwnedRecord> records;
  for (int32_t i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    OwnedRecord r{.timestamp = 1'700'000'000'000 + 10 * i, .offset_delta = i};
    if (i % 2 == 1) r.key = "key-" + n;
    if (i != 4) {
      r.value = "";
      for (int k = 0; k < 8; ++k) *r.value += "value-" + n + "-";
    }
    if (i == 2) r.headers = {{"h", "x"}, {"null", std::nullopt}};
    records.push_back(std::move(r));
  }
  return records;
}

ValidationOptions options_of(const std::vector<std::string>& line) {
  ValidationOptions options;
  options.produce_version = static_cast<int16_t>(std::stoi(line[2]));
  options.now = WallTime{std::stoll(line[3])};
  std::istringstream config(line[1]);
  for (std::string pair; std::getline(config, pair, ',');) {
    const std::string name = pair.substr(0, pair.find('='));
    const std::string value = pair.substr(pair.find('=') + 1);
    if (name == "cleanup.policy") options.compacted = value == "compact";
    if (name == "message.timestamp.type") options.timestamp_type = TimestampType::log_append_time;
    if (name == "message.timestamp.before.max.ms")
      options.timestamp_before_max_ms = std::stoll(value);
    if (name == "max.message.bytes")
      options.message_bytes_max = static_cast<uint32_t>(std::stoul(value));
    if (name == "compression.type") options.compression = Compression{*codec_by_name(value), {}};
  }
  return options;
}

// Where we answer otherwise than Kafka, and why.
enum class Differs {
  named,    // Kafka: UNKNOWN_SERVER_ERROR; we say what is wrong
  rebuilt,  // Kafka: fails, or stores offsets that its log does not have; we give the records their
            // offsets
  stricter,  // Kafka: stores a record that its own consumers cannot read
  elsewhere  // Kafka refuses for a reason outside the batch
};
std::optional<Differs> difference(const std::string& name) {
  if (name.ends_with("deltas-gap") || name.starts_with("deltas-")) return Differs::rebuilt;
  if (name.ends_with("-record-too-short") && name != "record-too-short") return Differs::stricter;
  if (name == "control-transactional") return Differs::elsewhere;
  if (name.starts_with("trailing-")) return std::nullopt;
  for (const char* end : {"-cut", "-half", "-garbage", "-empty", "codec-5", "codec-7"}) {
    if (name.ends_with(end)) return Differs::named;
  }
  if (name == "snappy-trailing" || name == "zstd-trailing") return Differs::named;
  return std::nullopt;
}

void expect_stored_as(BatchValidator& validator, const std::vector<uint8_t>& kafka) {
  const auto ours = stored(validator);
  const auto header = BatchHeader::parse(BytesView(ours));
  EXPECT_EQ(header.crc, batch_crc(BytesView(ours)));
  if (!validator.info().rebuilt || header.attributes.codec() == Codec::none) {
    EXPECT(ours == kafka);
    return;
  }
  // Two compressors may differ in bytes, never in what the header says nor in the records.
  auto theirs = BatchHeader::parse(BytesView(kafka));
  theirs.length = header.length;
  theirs.crc = header.crc;
  EXPECT(header == theirs);
  const auto a = read_all(Chain(ours));
  const auto b = read_all(Chain(kafka));
  REQUIRE(a);
  REQUIRE(b);
  EXPECT(*a == *b);
}

void expect_difference(const std::vector<std::string>& line, Differs differs, BatchValidator& v) {
  switch (differs) {
    case Differs::named:
      EXPECT((line[5] == "-1" || line[5] == "87"));
      EXPECT((kafka_error_code(v.fault()) == 87 || kafka_error_code(v.fault()) == 76));
      return;
    case Differs::rebuilt: {
      REQUIRE(v.fault() == BatchFault::none);
      EXPECT(v.info().rebuilt);
      const auto ours = stored(v);
      const auto records = read_all(Chain(ours));
      REQUIRE(records);
      for (int32_t i = 0; i < 3; ++i)
        EXPECT_EQ(records->at(static_cast<size_t>(i)).offset_delta, i);
      return;
    }
    case Differs::stricter: EXPECT(v.fault() == BatchFault::bad_record); return;
    case Differs::elsewhere: EXPECT(v.fault() == BatchFault::control_from_client); return;
  }
}

void expect_same(const std::vector<std::string>& line, BatchValidator& validator) {
  EXPECT_EQ(kafka_error_code(validator.fault()), std::stoi(line[5]));
  std::string refused;
  for (const RecordError& e : validator.record_errors()) {
    refused += (refused.empty() ? "" : ",") + std::to_string(e.batch_index);
  }
  EXPECT_EQ(refused.empty() ? "-" : refused, line[6]);
  EXPECT_EQ(validator.error_message().empty(), validator.fault() == BatchFault::none);
  if (validator.fault() == BatchFault::none) expect_stored_as(validator, from_hex(line[7]));
}

}  // namespace

TEST_CASE("validation agrees with a real broker on every captured batch, however it is cut") {
  const auto lines = lines_of("validation.txt");
  REQUIRE(lines.size() > 150);
  for (const auto& line : lines) {
    CAPTURE(line[0]);
    REQUIRE_EQ(line.size(), 8);
    const auto bytes = from_hex(line[4]);
    for (const size_t piece : {size_t{1}, size_t{64}, bytes.size() + 1}) {
      BatchValidator validator(in_pieces(bytes, piece), options_of(line));
      validator.run();
      if (const auto differs = difference(line[0])) {
        expect_difference(line, *differs, validator);
      } else {
        expect_same(line, validator);
      }
    }
  }
}

TEST_CASE("batches of librdkafka and of the Java client are read as they were meant") {
  const auto expected = client_records();
  std::map<std::string, std::vector<OwnedRecord>> seen;
  for (const auto& line : lines_of("clients.txt")) {
    CAPTURE(line[0]);
    const auto bytes = from_hex(line[1]);
    REQUIRE(look_at_batch(Chain(bytes), 0, CrcCheck::yes).kind == WalkStep::Kind::batch);
    const auto header = BatchHeader::parse(BytesView(bytes));
    for (const size_t piece : {size_t{1}, size_t{100}, bytes.size()}) {
      auto records = read_all(in_pieces(bytes, piece));
      REQUIRE(records);
      for (auto& r : *records) r.offset_delta += static_cast<int32_t>(header.base_offset.value);
      if (piece == 1) {
        auto& all = seen[line[0]];
        all.insert(all.end(), records->begin(), records->end());
      }
    }
  }
  EXPECT_EQ(seen.size(), 10);
  for (const auto& [client, records] : seen) {
    CAPTURE(client);
    EXPECT(records == expected);
  }
}

TEST_CASE("the builder writes the bytes that the Java client writes") {
  for (const auto& line : lines_of("clients.txt")) {
    if (line[0] != "java-none") continue;
    const auto bytes = from_hex(line[1]);
    const auto header = BatchHeader::parse(BytesView(bytes));
    const auto read = read_all(Chain(bytes));
    REQUIRE(read);
    EXPECT(build(*read, {.base_offset = header.base_offset,
                         .leader_epoch = header.leader_epoch,
                         .producer_id = header.producer_id,
                         .producer_epoch = header.producer_epoch,
                         .base_sequence = header.base_sequence}) == bytes);
  }
}

}  // namespace odradek::log
