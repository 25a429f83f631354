// Our side of the comparison with Kafka's message classes (KafkaMessages.java):
//   schema_peer list                 every message: "name low high"
//   schema_peer make COUNT SEED      COUNT random messages and one of defaults for every version:
//                                    "name version hex json"
//   schema_peer check FILE           decodes Kafka's messages from such lines; compares the JSON,
//   the bytes
//                                    of encoding again, and the bytes by way of JSON. Exits with 1
//                                    on a difference.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/kafka/message.h"
#include "net/kafka/message_json.h"
#include "net/kafka/samples/sampler.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "replication/group/records/all_group_records.h"
#include "replication/group/records/group_records_json.h"
#include "replication/group/records/group_records_samples.h"
#include "replication/metadata/records/all_metadata_records.h"
#include "replication/metadata/records/metadata_records_json.h"
#include "replication/metadata/records/metadata_records_samples.h"
#include "replication/txn/records/all_txn_records.h"
#include "replication/txn/records/txn_records_json.h"
#include "replication/txn/records/txn_records_samples.h"

namespace {

using namespace odradek;
using namespace odradek::kafka;
using Bytes = std::vector<uint8_t>;

struct Type {
  const MessageInfo* message;
  const JsonInfo* json;
  const SampleInfo* sample;
};

std::map<std::string_view, Type> all_types() {
  std::map<std::string_view, Type> out;
  const auto add = [&](std::span<const MessageInfo> messages, std::span<const JsonInfo> json,
                       std::span<const SampleInfo> samples) {
    for (size_t i = 0; i < messages.size(); ++i) {
      out[messages[i].name] = {&messages[i], &json[i], &samples[i]};
    }
  };
  add(all_messages(), all_messages_json(), all_messages_samples());
  add(records::all_metadata_records(), records::all_metadata_records_json(),
      records::all_metadata_records_samples());
  add(records::all_group_records(), records::all_group_records_json(),
      records::all_group_records_samples());
  add(records::all_txn_records(), records::all_txn_records_json(),
      records::all_txn_records_samples());
  return out;
}

std::string hex(const Bytes& bytes) {
  std::string out;
  for (const uint8_t byte : bytes) {
    char text[3];
    std::snprintf(text, sizeof(text), "%02x", byte);
    out += text;
  }
  return out;
}

Bytes unhex(std::string_view text) {
  Bytes out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

Result<Json> view(const Type& type, int16_t version, const Bytes& bytes, JsonRecords how) {
  wire::Scratch scratch;
  wire::Reader reader(BytesView(bytes), scratch);
  return type.json->view(reader, version, how);
}

void print(const Type& type, int16_t version, const Bytes& bytes) {
  std::cout << type.message->name << ' ' << version << ' ' << hex(bytes) << ' '
            << json_text(*view(type, version, bytes, JsonRecords::size)) << '\n';
}

int make(uint64_t count, uint64_t base) {
  for (const auto& [name, type] : all_types()) {
    for (int16_t v = type.message->versions.low; v <= type.message->versions.high; ++v) {
      wire::Writer blank;
      type.message->encode_default(v, blank);
      print(type, v, blank.copy());
      for (uint64_t seed = 1; seed <= count; ++seed) {
        Sampler sampler((base * 1'000'003 + seed) * 7919 + static_cast<uint64_t>(v), false);
        wire::Writer writer;
        type.sample->encode(sampler, v, writer);
        print(type, v, writer.copy());
      }
    }
  }
  return 0;
}

// What is wrong with Kafka's `bytes` and `text`, or nothing.
std::string problem(const Type& type, int16_t version, const Bytes& bytes,
                    const std::string& text) {
  wire::Scratch scratch;
  wire::Reader reader(BytesView(bytes), scratch);
  wire::Writer again;
  const Status status = type.message->reencode(reader, version, again);
  if (!status) return status.error().to_string();
  if (reader.remaining() != 0) return std::to_string(reader.remaining()) + " bytes left";
  if (again.copy() != bytes) return "encodes differently: " + hex(again.copy());
  const Json ours = *view(type, version, bytes, JsonRecords::size);
  const Result<Json> theirs = parse_json(text);
  if (!theirs || ours != *theirs) return "JSON differs: " + json_text(ours) + "\n  " + text;
  wire::Writer by_json;
  const Json whole = *view(type, version, bytes, JsonRecords::content);
  const Status parsed = type.json->parse(whole, version, by_json);
  if (!parsed) return "its JSON is refused: " + parsed.error().to_string();
  if (by_json.copy() != bytes) return "by way of JSON: " + hex(by_json.copy());
  return {};
}

// The message of defaults comes first for every version, and must be ours too.
std::string default_problem(const Type& type, int16_t version, const Bytes& bytes) {
  wire::Writer blank;
  type.message->encode_default(version, blank);
  return blank.copy() == bytes ? "" : "our defaults are " + hex(blank.copy());
}

int check(const char* path) {
  const std::map<std::string_view, Type> types = all_types();
  std::ifstream file(path);
  std::string line;
  std::string last;
  size_t messages = 0;
  size_t pairs = 0;
  size_t bad = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, version, digits, json;
    std::getline(words, name, ' ');
    std::getline(words, version, ' ');
    std::getline(words, digits, ' ');
    std::getline(words, json);
    const Type& type = types.at(name);
    const auto v = static_cast<int16_t>(std::stoi(version));
    const Bytes bytes = unhex(digits);
    std::string wrong = problem(type, v, bytes, json);
    if (last != name + version) {
      if (wrong.empty()) wrong = default_problem(type, v, bytes);
      last = name + version;
      ++pairs;
    }
    ++messages;
    if (!wrong.empty() && ++bad <= 20) {
      std::cout << name << " v" << version << ": " << wrong << "\n  " << digits << '\n';
    }
  }
  std::cout << "we read " << messages << " of Kafka's messages in " << pairs
            << " (message, version) pairs, " << bad << " differ\n";
  return bad == 0 && messages > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "list") {
    for (const auto& [name, type] : all_types()) {
      std::cout << name << ' ' << type.message->versions.low << ' ' << type.message->versions.high
                << '\n';
    }
    return 0;
  }
  if (verb == "make" && argc == 4) return make(std::stoull(argv[2]), std::stoull(argv[3]));
  if (verb == "check" && argc == 3) return check(argv[2]);
  std::cerr << "schema_peer: list | make COUNT SEED | check FILE\n";
  return 2;
}
