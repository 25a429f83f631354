// `odradek produce`: lines or files to records.
#include "cmd/cli/produce.h"

#include <fmt/format.h>

#include <map>

#include "cmd/cli/input.h"
#include "cmd/cli/progress.h"
#include "cmd/cli/session.h"
#include "cmd/cli/table.h"
#include "cmd/cli/verbs.h"
#include "reactor/shard.h"

namespace odradek::cli {

using client::Client;
using client::Delivery;
using client::Producer;
using reactor::Task;

namespace {

constexpr size_t kRecordBytesMax = size_t{100} << 20;
constexpr VerbHelp kHelp = {
    "produce", "--topic NAME [options] [FILE ...]",
    "Writes each line of standard input, or of the files, as one record.\n",
    "  seq 1000 | odradek produce --topic numbers\n"
    "  odradek produce --topic orders --key-separator : --file orders.txt -z zstd\n"
    "  odradek produce --topic images --whole --header type=png *.png\n"
    "  echo 'trace:7\\tcustomer-1\\thello' | odradek produce --topic t \\\n"
    "      --property parse.headers=true --property parse.key=true\n"};

struct Written {
  uint64_t records = 0;
  int64_t first = -1;
  int64_t last = -1;
};

// One run: the producer, where the next record without a key goes, and what came of it.
class Run {
 public:
  Run(Client& client, const ProduceRequest& request)
      : client_(client),
        request_(request),
        producer_(client, request.producer, [this](const Delivery& done) { take(done); }),
        progress_(!request.common.quiet, "written", 0) {}
  Task<Status> run();

 private:
  void take(const Delivery& delivery);
  Status choose_partitions();
  size_t lane_of(const log::Record& record);
  Task<Status> write_all();
  Task<Status> write_lines(std::string path);
  Task<Status> write_whole(std::string path);
  Task<Status> read_lines(Input& input, const std::string& path);
  Task<Status> write_line(std::string_view line, const std::string& path, uint64_t number);
  Task<Status> write(ParsedLine& parsed);
  void report(Duration time);

  Client& client_;
  const ProduceRequest& request_;
  Producer producer_;
  Progress progress_;
  std::vector<size_t> lanes_;  // by partition
  size_t current_ = 0;         // for records without a key, until a batch is full
  uint64_t current_bytes_ = 0;
  uint64_t sent_records_ = 0;
  uint64_t sent_bytes_ = 0;
  std::map<int32_t, Written> written_;
  uint64_t acknowledged_ = 0;
};

void Run::take(const Delivery& delivery) {
  if (delivery.error) return;
  Written& written = written_[delivery.partition];
  written.records += delivery.records;
  acknowledged_ += delivery.records;
  if (delivery.base_offset < 0) return;
  if (written.first < 0) written.first = delivery.base_offset;
  written.last = delivery.base_offset + delivery.records - 1;
}

Status Run::choose_partitions() {
  const client::Topic& topic = *client_.metadata().topic(request_.topic);
  for (const auto& partition : topic.partitions) {
    lanes_.push_back(producer_.lane(request_.topic, partition.index));
  }
  if (request_.partition && static_cast<size_t>(*request_.partition) >= lanes_.size()) {
    return fail(Errc::not_found,
                fmt::format("topic {} has the partitions 0 to {}, not {}", request_.topic,
                            lanes_.size() - 1, *request_.partition));
  }
  current_ = reactor::this_shard().random() % lanes_.size();
  return {};
}

size_t Run::lane_of(const log::Record& record) {
  if (request_.partition) return lanes_[static_cast<size_t>(*request_.partition)];
  if (record.key) return lanes_[key_hash(*record.key) % lanes_.size()];
  current_bytes_ += record.value ? record.value->size() : 0;
  if (current_bytes_ >= request_.producer.batch_bytes) {
    current_bytes_ = 0;
    current_ = (current_ + 1) % lanes_.size();
  }
  return lanes_[current_];
}

Task<Status> Run::write(ParsedLine& parsed) {
  for (const auto& [key, value] : request_.headers) {
    parsed.headers.push_back({as_bytes(key), as_bytes(value)});
  }
  log::Record record;
  record.timestamp = request_.timestamp.value_or(reactor::this_shard().wall_now().ms);
  record.key = request_.key ? std::optional(as_bytes(*request_.key)) : parsed.key;
  record.value = parsed.value;
  record.headers = parsed.headers;
  const size_t lane = lane_of(record);
  while (!producer_.try_send(lane, record)) CO_TRY(co_await producer_.wait_for_room());
  ++sent_records_;
  sent_bytes_ += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  progress_.update(sent_records_, sent_bytes_, reactor::this_shard().now());
  co_return Status{};
}

Task<Status> Run::write_line(std::string_view line, const std::string& path, uint64_t number) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  ParsedLine parsed;
  if (Status good = parse_line(request_.format, line, parsed); !good) {
    co_return fail(good.error().code, fmt::format("{}, line {}: {}", path == "-" ? "input" : path,
                                                  number, good.error().context));
  }
  co_return co_await write(parsed);
}

Task<Status> Run::read_lines(Input& input, const std::string& path) {
  LineCutter cutter;
  uint64_t number = 0;
  for (;;) {
    CO_TRY_ASSIGN(const BytesView piece, co_await input.read());
    if (piece.empty()) break;
    cutter.feed(piece);
    while (const auto line = cutter.next()) CO_TRY(co_await write_line(*line, path, ++number));
    if (cutter.held_bytes() > kRecordBytesMax) {
      co_return fail(Errc::too_large, fmt::format("{}, line {}: longer than {}", path, number + 1,
                                                  bytes_text(kRecordBytesMax)));
    }
  }
  const auto line = cutter.last();
  if (line) CO_TRY(co_await write_line(*line, path, ++number));
  co_return Status{};
}

Task<Status> Run::write_lines(std::string path) {
  Input input;
  Status done = co_await input.open(path);
  if (done) done = co_await read_lines(input, path);
  co_await input.close();
  co_return done;
}

Task<Status> Run::write_whole(std::string path) {
  Input input;
  std::vector<uint8_t> all;
  Status done = co_await input.open(path);
  while (done) {
    const auto piece = co_await input.read();
    if (!piece) done = fail(piece.error());
    if (!piece || piece->empty()) break;
    all.insert(all.end(), piece->begin(), piece->end());
    if (all.size() > kRecordBytesMax) {
      done = fail(Errc::too_large, path + ": larger than " + bytes_text(kRecordBytesMax));
    }
  }
  co_await input.close();
  if (!done) co_return done;
  ParsedLine parsed;
  parsed.value = BytesView(all);
  co_return co_await write(parsed);
}

Task<Status> Run::write_all() {
  for (const std::string& path : request_.files) {
    if (request_.whole) {
      CO_TRY(co_await write_whole(path));
    } else {
      CO_TRY(co_await write_lines(path));
    }
  }
  co_return Status{};
}

void Run::report(Duration time) {
  if (request_.common.json) {
    Cell json = Cell::object();
    json["topic"] = request_.topic;
    json["records"] = acknowledged_;
    json["bytes"] = sent_bytes_;
    json["seconds"] = static_cast<double>(time.count()) / 1e9;
    json["partitions"] = Cell::array();
    for (const auto& [partition, written] : written_) {
      json["partitions"].push_back({{"partition", partition},
                                    {"records", written.records},
                                    {"first_offset", written.first},
                                    {"last_offset", written.last}});
    }
    print_out(json_text(json, 2) + "\n");
  } else if (!request_.common.quiet) {
    fmt::print(stderr, "wrote to {}: {}\n", request_.topic,
               amount_text(acknowledged_, sent_bytes_, time));
  }
}

Task<Status> Run::run() {
  const MonoTime began = reactor::this_shard().now();
  CO_TRY(co_await client_.need_topic(request_.topic, deadline_of(request_.common), true));
  CO_TRY(choose_partitions());
  Status done = co_await producer_.start(deadline_of(request_.common));
  if (done) {
    done = co_await write_all();
    // What could be read is written, also when a later line cannot be.
    const Status flushed = co_await producer_.flush(deadline_of(request_.common));
    if (!flushed) done = flushed;
  }
  co_await producer_.stop();
  progress_.clear();
  if (!done && acknowledged_ < sent_records_) {
    co_return fail(done.error().code,
                   fmt::format("{} ({} of {} records are acknowledged)", done.error().context,
                               acknowledged_, sent_records_));
  }
  if (done) report(reactor::this_shard().now() - began);
  co_return done;
}

Task<Status> produce(Client& client, const ProduceRequest& request) {
  Run run(client, request);
  co_return co_await run.run();
}

}  // namespace

int run_produce(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare_produce(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_produce_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return produce(client, *request); });
}

}  // namespace odradek::cli
