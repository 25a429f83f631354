// `odradek consume`: records to standard output.
#include "cmd/cli/consume.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cmd/cli/progress.h"
#include "cmd/cli/session.h"
#include "cmd/cli/times.h"
#include "cmd/cli/verbs.h"
#include "log/batch/batch_walker.h"
#include "log/batch/record_reader.h"
#include "net/kafka/client/fetcher.h"
#include "net/kafka/client/list_offsets.h"
#include "reactor/shard.h"

namespace odradek::cli {

using client::Client;
using client::Fetched;
using client::Fetcher;
using client::OffsetQuery;
using reactor::Task;

namespace {

constexpr size_t kOutputBytes = 64 * 1024;  // printed at once
constexpr VerbHelp kHelp = {
    "consume", "--topic NAME [options]",
    "Reads records and prints one a line: new ones, until it is stopped; or what the options "
    "say.\n",
    "  odradek consume --topic orders --from-beginning --until-end\n"
    "  odradek consume --topic orders --partition 3 --offset -10 -e\n"
    "  odradek consume --topic orders --from-time -1h --max-messages 100 --json\n"
    "  odradek consume --topic orders --from-beginning -F '%p/%o %T %k=%s\\n'\n"};

class Run {
 public:
  Run(Client& client, const ConsumeRequest& request)
      : client_(client),
        request_(request),
        fetcher_(client, {}),
        progress_(!request.common.quiet && ::isatty(STDOUT_FILENO) == 0, "read", 0) {}
  Task<Status> run();

 private:
  Result<std::vector<int32_t>> partitions() const;
  Task<Result<std::vector<int64_t>>> ask(std::vector<int32_t> partitions, int64_t time,
                                         std::vector<int64_t> otherwise);
  Task<Result<std::vector<int64_t>>> find_starts(std::vector<int32_t> partitions,
                                                 std::vector<int64_t> ends);
  Task<Status> begin();
  Task<Status> read_all();
  Status take(const Fetched& fetched);
  Status take_batch(const Fetched& fetched, const Chain& bytes, const log::BatchHeader& header);
  bool enough() const;
  void finish_partition(size_t position);

  Client& client_;
  const ConsumeRequest& request_;
  Fetcher fetcher_;
  Progress progress_;
  std::vector<int64_t> ends_;  // by position; INT64_MAX: on and on
  size_t open_ = 0;            // partitions that are not read to their end
  int64_t records_ = 0;
  uint64_t bytes_ = 0;
  std::string out_;
};

Result<std::vector<int32_t>> Run::partitions() const {
  std::vector<int32_t> out = request_.partitions;
  const client::Topic& topic = *client_.metadata().topic(request_.topic);
  for (const int32_t wanted : out) {
    if (topic.partition(wanted)) continue;
    return fail(Errc::not_found, fmt::format("topic {} has the partitions 0 to {}, not {}",
                                             request_.topic, topic.partitions.size() - 1, wanted));
  }
  if (out.empty()) {
    for (const auto& partition : topic.partitions) out.push_back(partition.index);
  }
  return out;
}

// Offsets at `time`; where there is no such record, those of `otherwise`.
Task<Result<std::vector<int64_t>>> Run::ask(std::vector<int32_t> partitions, int64_t time,
                                            std::vector<int64_t> otherwise) {
  std::vector<OffsetQuery> queries;
  for (const int32_t partition : partitions) {
    queries.push_back({.topic = request_.topic, .partition = partition, .time = time});
  }
  CO_TRY_ASSIGN(const auto answers, co_await client::list_offsets(client_, std::move(queries),
                                                                  deadline_of(request_.common)));
  std::vector<int64_t> out;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].error) co_return fail(*answers[i].error);
    out.push_back(answers[i].offset.value_or(otherwise.empty() ? 0 : otherwise[i]));
  }
  co_return out;
}

Task<Result<std::vector<int64_t>>> Run::find_starts(std::vector<int32_t> partitions,
                                                    std::vector<int64_t> ends) {
  switch (request_.start.kind) {
    case StartAt::Kind::latest: co_return ends;
    case StartAt::Kind::offset:
      co_return std::vector<int64_t>(partitions.size(), request_.start.value);
    case StartAt::Kind::earliest: co_return co_await ask(partitions, client::kEarliest, {});
    case StartAt::Kind::time: {
      const int64_t now = reactor::this_shard().wall_now().ms;
      CO_TRY_ASSIGN(const int64_t time, parse_time("--from-time", *request_.from_time, now));
      co_return co_await ask(partitions, time, ends);
    }
    case StartAt::Kind::before_end: break;
  }
  CO_TRY_ASSIGN(auto starts, co_await ask(partitions, client::kEarliest, {}));
  for (size_t i = 0; i < starts.size(); ++i) {
    starts[i] = std::max(starts[i], ends[i] - request_.start.value);
  }
  co_return starts;
}

Task<Status> Run::begin() {
  CO_TRY(co_await client_.need_topic(request_.topic, deadline_of(request_.common)));
  CO_TRY_ASSIGN(const auto wanted, partitions());
  CO_TRY_ASSIGN(const auto ends, co_await ask(wanted, client::kLatest, {}));
  CO_TRY_ASSIGN(const auto starts, co_await find_starts(wanted, ends));
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (request_.until_end && starts[i] >= ends[i]) continue;
    (void)fetcher_.add(request_.topic, wanted[i], starts[i]);
    ends_.push_back(request_.until_end ? ends[i] : INT64_MAX);
  }
  open_ = ends_.size();
  co_return Status{};
}

bool Run::enough() const {
  return open_ == 0 || (request_.records_max && records_ >= *request_.records_max);
}

void Run::finish_partition(size_t position) {
  if (ends_[position] < 0) return;
  ends_[position] = -1;
  fetcher_.remove(position);
  --open_;
}

Status Run::take_batch(const Fetched& fetched, const Chain& bytes, const log::BatchHeader& header) {
  log::RecordReader reader(bytes, client::kExpansionBytesMax);
  PrintedRecord printed;
  printed.topic = request_.topic;
  printed.partition = fetcher_.partition_of(fetched.position);
  printed.timestamp_type = header.attributes.timestamp_type();
  while (!enough()) {
    TRY_ASSIGN(const auto record, reader.next());
    if (!record) break;
    printed.offset = reader.offset_of(*record).value;
    if (printed.offset < fetched.first_offset) continue;
    if (printed.offset >= ends_[fetched.position]) break;
    printed.record = *record;
    if (printed.timestamp_type == log::TimestampType::log_append_time) {
      printed.record.timestamp = header.max_timestamp;
    }
    request_.format.append(printed, out_);
    ++records_;
    bytes_ += (record->key ? record->key->size() : 0) + (record->value ? record->value->size() : 0);
    if (out_.size() >= kOutputBytes) {
      print_out(out_);
      out_.clear();
    }
  }
  return {};
}

Status Run::take(const Fetched& fetched) {
  if (fetched.error) return fail(*fetched.error);
  log::BatchWalker walker(fetched.records);
  for (;;) {
    const log::WalkStep step = walker.next();
    if (step.kind == log::WalkStep::Kind::corrupt) {
      return fail(
          Errc::corrupt,
          fmt::format("{}-{}: a batch behind offset {} is damaged: {}", request_.topic,
                      fetcher_.partition_of(fetched.position), fetched.first_offset, step.reason));
    }
    if (step.kind != log::WalkStep::Kind::batch || enough()) break;
    if (!step.header.attributes.control()) TRY(take_batch(fetched, step.bytes, step.header));
  }
  if (fetched.next_offset >= ends_[fetched.position]) finish_partition(fetched.position);
  return {};
}

Task<Status> Run::read_all() {
  while (!enough()) {
    const MonoTime now = reactor::this_shard().now();
    const auto answer =
        co_await fetcher_.next(request_.idle_max ? now + *request_.idle_max : kMonoMax);
    if (!answer && fetcher_.error()) co_return fail(*fetcher_.error());
    if (!answer) break;
    for (const Fetched& fetched : answer->partitions) {
      if (ends_[fetched.position] < 0) continue;
      CO_TRY(take(fetched));
    }
    if (!out_.empty()) print_out(out_);
    out_.clear();
    progress_.update(static_cast<uint64_t>(records_), bytes_, reactor::this_shard().now());
  }
  co_return Status{};
}

Task<Status> Run::run() {
  CO_TRY(co_await begin());
  const MonoTime began = reactor::this_shard().now();
  Status done{};
  if (!enough()) {
    fetcher_.start();
    done = co_await read_all();
    if (!out_.empty()) print_out(out_);
  }
  co_await fetcher_.stop();
  progress_.clear();
  if (done && !request_.common.quiet) {
    fmt::print(
        stderr, "read from {}: {}\n", request_.topic,
        amount_text(static_cast<uint64_t>(records_), bytes_, reactor::this_shard().now() - began));
  }
  co_return done;
}

Task<Status> consume(Client& client, const ConsumeRequest& request) {
  Run run(client, request);
  co_return co_await run.run();
}

}  // namespace

int run_consume(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  declare_consume(arguments);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const auto request = make_consume_request(arguments);
  if (!request) return usage_error(kHelp.verb, request.error());
  return run_with_client(kHelp.verb, request->common,
                         [&request](Client& client) { return consume(client, *request); });
}

}  // namespace odradek::cli
