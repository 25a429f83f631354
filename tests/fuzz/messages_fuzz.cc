// Fuzzes the decoder of every message: requests as a broker meets them, responses as a client does,
// and the records of the internal logs.
//
//   messages_fuzz [--message=FetchRequest] [libFuzzer's options] [corpus]
//   messages_fuzz --seeds=DIR        writes a corpus of random messages and ends
//
// Input: message index (uint16, modulo the number of messages; not with --message), version (uint8,
// modulo), block size (uint8; 0: one block), the frame. Claims: no decoder reads outside its frame;
// what is decoded encodes; and encoding is a fixed point: decoding that again gives the same bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "net/kafka/message.h"
#include "net/kafka/samples/sampler.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/base/check.h"
#include "replication/group/records/all_group_records.h"
#include "replication/group/records/group_records_samples.h"
#include "replication/metadata/records/all_metadata_records.h"
#include "replication/metadata/records/metadata_records_samples.h"
#include "replication/txn/records/all_txn_records.h"
#include "replication/txn/records/txn_records_samples.h"

namespace {

using namespace odradek;
using kafka::MessageInfo;
using kafka::SampleInfo;

struct Type {
  const MessageInfo* message;
  const SampleInfo* sample;
};

std::vector<Type> all_types() {
  std::vector<Type> out;
  const auto add = [&](std::span<const MessageInfo> messages, std::span<const SampleInfo> samples) {
    for (size_t i = 0; i < messages.size(); ++i) out.push_back({&messages[i], &samples[i]});
  };
  add(kafka::all_messages(), kafka::all_messages_samples());
  add(records::all_metadata_records(), records::all_metadata_records_samples());
  add(records::all_group_records(), records::all_group_records_samples());
  add(records::all_txn_records(), records::all_txn_records_samples());
  return out;
}

const std::vector<Type> types = all_types();
const MessageInfo* only = nullptr;  // set by --message

// `frame` in blocks of `size` bytes, each its own allocation, so that a read past its end is seen.
struct Blocks {
  std::vector<std::vector<uint8_t>> blocks;
  Chain chain;

  Blocks(BytesView frame, size_t size) {
    if (size == 0) size = frame.size();
    for (size_t at = 0; at < frame.size(); at += size) {
      const BytesView part = frame.subspan(at, std::min(size, frame.size() - at));
      blocks.emplace_back(part.begin(), part.end());
    }
    for (const auto& block : blocks) chain.append(BytesView(block));
  }
};

void fuzz(const MessageInfo& message, int16_t version, size_t block_size, BytesView frame) {
  const Blocks input(frame, block_size);
  wire::Scratch scratch;
  wire::Reader reader(input.chain, scratch);
  wire::Writer once;
  if (!message.reencode(reader, version, once)) return;
  const std::vector<uint8_t> bytes = once.copy();
  wire::Scratch scratch2;
  wire::Reader reader2(BytesView(bytes), scratch2);
  wire::Writer twice;
  CHECK(message.reencode(reader2, version, twice).has_value(), message.name, version);
  CHECK(reader2.remaining() == 0, message.name, version);
  CHECK(twice.copy() == bytes, message.name, version);
}

int write_seeds(const std::string& folder) {
  size_t written = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    const MessageInfo& message = *types[i].message;
    for (int16_t v = message.versions.low; v <= message.versions.high; ++v) {
      kafka::Sampler sampler(i * 100 + static_cast<size_t>(v));
      wire::Writer writer;
      writer.integer(static_cast<uint16_t>(i));
      writer.integer(static_cast<uint8_t>(v - message.versions.low));
      writer.integer(uint8_t{0});
      types[i].sample->encode(sampler, v, writer);
      const std::vector<uint8_t> bytes = writer.copy();
      std::ofstream file(folder + "/" + std::string(message.name) + "_" + std::to_string(v),
                         std::ios::binary);
      file << as_text(bytes);
      written += file.good() ? 1 : 0;
    }
  }
  std::printf("%zu seeds in %s\n", written, folder.c_str());
  return written > 0 ? 0 : 1;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument.starts_with("--seeds=")) std::exit(write_seeds(std::string(argument.substr(8))));
    if (!argument.starts_with("--message=")) continue;
    for (const Type& type : types) {
      if (type.message->name == argument.substr(10)) only = type.message;
    }
    if (only == nullptr) {
      std::fprintf(stderr, "messages_fuzz: no message '%s'\n", argument.substr(10).data());
      std::exit(2);
    }
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const MessageInfo& message =
      only != nullptr ? *only : *types[load_be<uint16_t>(data) % types.size()].message;
  const int count = message.versions.high - message.versions.low + 1;
  const auto version = static_cast<int16_t>(message.versions.low + data[2] % count);
  fuzz(message, version, data[3], {data + 4, size - 4});
  return 0;
}
