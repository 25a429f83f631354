// The options of `odradek consume`.
#include <fmt/format.h>

#include "cmd/cli/consume.h"
#include "cmd/cli/lines.h"
#include "cmd/cli/times.h"

namespace odradek::cli {

void declare_consume(Arguments& arguments) {
  arguments.connection()
      .value("t,topic", "NAME", "the topic")
      .value("p,partition", "LIST", "only these: 0,2-4 (default: all)")
      .flag("from-beginning", "from the first record there is")
      .value("o,offset", "WHERE", "earliest, latest (default), an offset, or -N: N before the end")
      .value("from-time", "TIME", "from here on: milliseconds, a UTC date, or an age like -2h")
      .flag("e,until-end", "stop at what is the end now")
      .value("c,max-messages", "N", "stop after so many records")
      .value("timeout-ms", "MS", "stop when nothing came for so long")
      .value("F,format", "TEXT",
             "%t topic %p partition %o offset %T time %k key %s value %h headers %K %S sizes \\n")
      .value("null-literal", "TEXT", "what is printed for null (default: null)")
      .flag("print-key", "the key and a tab before the value")
      .values("property,formatter-property", "KEY=VALUE",
              "Kafka's: print.key, print.value, print.timestamp, print.partition, print.offset, "
              "print.headers, key.separator, line.separator, headers.separator, null.literal");
}

Result<StartAt> parse_start(const std::string& text) {
  if (text == "earliest" || text == "beginning") return StartAt{StartAt::Kind::earliest, 0};
  if (text == "latest" || text == "end") return StartAt{StartAt::Kind::latest, 0};
  auto number = parse_number("--offset", text, -INT64_MAX, INT64_MAX);
  if (!number) {
    return fail(Errc::invalid, "--offset " + text +
                                   ": must be earliest, latest, an offset, or -N for N records "
                                   "before the end");
  }
  if (*number >= 0) return StartAt{StartAt::Kind::offset, *number};
  return StartAt{StartAt::Kind::before_end, -*number};
}

Result<std::vector<int32_t>> parse_partitions(const std::string& option, const std::string& text) {
  std::vector<int32_t> out;
  for (const std::string& part : split_at(text, ',')) {
    const size_t dash = part.find('-', 1);
    TRY_ASSIGN(const int64_t first, parse_number(option, part.substr(0, dash), 0, 1'000'000));
    int64_t last = first;
    if (dash != std::string::npos) {
      TRY_ASSIGN(last, parse_number(option, part.substr(dash + 1), first, 1'000'000));
    }
    for (int64_t p = first; p <= last; ++p) out.push_back(static_cast<int32_t>(p));
  }
  return out;
}

namespace {

Status take_property(const std::string& name, const std::string& value,
                     RecordFormat::Parts& parts) {
  const bool yes = value == "true";
  if (name == "print.key") {
    parts.key = yes;
  } else if (name == "print.value") {
    parts.value = yes;
  } else if (name == "print.timestamp") {
    parts.timestamp = yes;
  } else if (name == "print.partition") {
    parts.partition = yes;
  } else if (name == "print.offset") {
    parts.offset = yes;
  } else if (name == "print.headers") {
    parts.headers = yes;
  } else if (name == "key.separator") {
    parts.key_separator = unescape(value);
  } else if (name == "line.separator") {
    parts.line_separator = unescape(value);
  } else if (name == "headers.separator") {
    parts.headers_separator = unescape(value);
  } else if (name == "null.literal") {
    parts.null_literal = value;
  } else {
    return fail(Errc::invalid, "--property " + name + ": is not known here");
  }
  return {};
}

Result<RecordFormat> make_format(const Arguments& arguments, bool json) {
  RecordFormat::Parts parts;
  for (const std::string& text : arguments.texts("property")) {
    TRY_ASSIGN(const auto pair, key_and_value("--property", text));
    TRY(take_property(pair.first, pair.second, parts));
  }
  if (arguments.has("print-key")) parts.key = true;
  if (arguments.has("null-literal")) parts.null_literal = arguments.text("null-literal");
  if (json) return RecordFormat::json();
  if (!arguments.has("format")) return RecordFormat::from_parts(parts);
  return RecordFormat::parse(arguments.text("format"), parts.null_literal);
}

Status choose_start(const Arguments& arguments, ConsumeRequest& request) {
  const int ways = (arguments.has("from-beginning") ? 1 : 0) + (arguments.has("offset") ? 1 : 0) +
                   (arguments.has("from-time") ? 1 : 0);
  if (ways > 1) {
    return fail(Errc::invalid, "only one of --from-beginning, --offset and --from-time");
  }
  if (arguments.has("from-beginning")) request.start.kind = StartAt::Kind::earliest;
  if (arguments.has("offset")) {
    TRY_ASSIGN(request.start, parse_start(arguments.text("offset")));
  }
  if (arguments.has("from-time")) {
    request.from_time = arguments.text("from-time");
    TRY(parse_time("--from-time", *request.from_time, 0));
    request.start.kind = StartAt::Kind::time;
  }
  return {};
}

}  // namespace

Result<ConsumeRequest> make_consume_request(const Arguments& arguments) {
  ConsumeRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  request.topic = arguments.text("topic");
  if (request.topic.empty()) return fail(Errc::invalid, "--topic is missing");
  TRY_ASSIGN(request.partitions, parse_partitions("--partition", arguments.text("partition")));
  TRY(choose_start(arguments, request));
  request.until_end = arguments.has("until-end");
  TRY_ASSIGN(request.records_max, arguments.number("max-messages", 0, INT64_MAX));
  TRY_ASSIGN(const auto idle, arguments.number("timeout-ms", 1, 86'400'000));
  if (idle) request.idle_max = std::chrono::milliseconds(*idle);
  TRY_ASSIGN(request.format, make_format(arguments, request.common.json));
  if (!arguments.words().empty()) {
    return fail(Errc::invalid, "'" + arguments.words()[0] + "': the topic is named by --topic");
  }
  return request;
}

}  // namespace odradek::cli
