// The options of `odradek produce`.
#include <fmt/format.h>

#include "cmd/cli/produce.h"

namespace odradek::cli {

void declare_produce(Arguments& arguments) {
  arguments.connection()
      .value("t,topic", "NAME", "the topic; made when the broker makes topics by itself")
      .value("p,partition", "N", "the partition (default: by key as Kafka does, else in turns)")
      .values("f,file", "PATH", "read lines from here instead of standard input; may be repeated")
      .flag("whole", "each file (and standard input as a whole) is one record")
      .value("K,key-separator", "TEXT", "lines are KEY TEXT VALUE; \\t is a tab")
      .value("key", "KEY", "the key of every record")
      .values("H,header", "KEY=VALUE", "a header of every record; may be repeated")
      .value("timestamp", "MS", "the time of every record (default: now)")
      .value("null-marker", "TEXT", "a key or value that stands for null")
      .value("z,compression-codec", "CODEC", "none, gzip, snappy, lz4 or zstd (default: none)")
      .value("compression-level", "N", "of the codec")
      .value("acks", "0|1|all", "which acknowledgement to wait for (default: all)")
      .value("batch-size", "BYTES", "of one batch before compression (default: 262144)")
      .value("linger", "MS", "how long a batch waits to fill (default: 5)")
      .flag("no-idempotence", "do not ask for a producer id: a retry may store records twice")
      .values("property,reader-property", "KEY=VALUE",
              "Kafka's: parse.key, key.separator, parse.headers, headers.delimiter, "
              "headers.separator, headers.key.separator, null.marker, ignore.error");
}

namespace {

Status take_property(const std::string& name, const std::string& value, LineFormat& format) {
  const bool yes = value == "true";
  if (name == "parse.key") {
    format.has_key = yes;
  } else if (name == "parse.headers") {
    format.has_headers = yes;
  } else if (name == "ignore.error") {
    format.lenient = yes;
  } else if (name == "key.separator") {
    format.key_separator = unescape(value);
  } else if (name == "headers.delimiter") {
    format.headers_delimiter = unescape(value);
  } else if (name == "headers.separator") {
    format.headers_separator = unescape(value);
  } else if (name == "headers.key.separator") {
    format.header_key_separator = unescape(value);
  } else if (name == "null.marker") {
    format.null_marker = value;
  } else {
    return fail(Errc::invalid, "--property " + name + ": is not known here");
  }
  return {};
}

Result<LineFormat> make_format(const Arguments& arguments) {
  LineFormat format;
  for (const char* option : {"property"}) {
    for (const std::string& text : arguments.texts(option)) {
      TRY_ASSIGN(const auto pair, key_and_value("--property", text));
      TRY(take_property(pair.first, pair.second, format));
    }
  }
  if (arguments.has("key-separator")) {
    format.has_key = true;
    format.key_separator = unescape(arguments.text("key-separator"));
  }
  if (arguments.has("null-marker")) format.null_marker = arguments.text("null-marker");
  for (const auto* separator : {&format.key_separator, &format.headers_delimiter,
                                &format.headers_separator, &format.header_key_separator}) {
    if (separator->empty()) return fail(Errc::invalid, "a separator cannot be empty");
  }
  return format;
}

Result<int16_t> parse_acks(const std::string& text) {
  if (text.empty() || text == "all" || text == "-1") return int16_t{-1};
  if (text == "0" || text == "1") return static_cast<int16_t>(text[0] - '0');
  return fail(Errc::invalid, "--acks " + text + ": must be 0, 1 or all");
}

Result<client::ProducerOptions> make_producer(const Arguments& arguments) {
  client::ProducerOptions options;
  TRY_ASSIGN(options.acks, parse_acks(arguments.text("acks")));
  options.idempotent = !arguments.has("no-idempotence");
  if (arguments.has("compression-codec")) {
    const auto codec = log::codec_by_name(arguments.text("compression-codec"));
    if (!codec) {
      return fail(Errc::invalid, "--compression-codec " + arguments.text("compression-codec") +
                                     ": must be none, gzip, snappy, lz4 or zstd");
    }
    options.compression.codec = *codec;
  }
  TRY_ASSIGN(const auto level, arguments.number("compression-level", -131072, 22));
  if (level) options.compression.level = static_cast<int>(*level);
  TRY_ASSIGN(const auto batch, arguments.number("batch-size", 1, 100 << 20));
  if (batch) options.batch_bytes = static_cast<uint32_t>(*batch);
  TRY_ASSIGN(const auto linger, arguments.number("linger", 0, 60'000));
  if (linger) options.linger = std::chrono::milliseconds(*linger);
  return options;
}

}  // namespace

Result<ProduceRequest> make_produce_request(const Arguments& arguments) {
  ProduceRequest request;
  TRY_ASSIGN(request.common, arguments.common());
  request.topic = arguments.text("topic");
  if (request.topic.empty()) return fail(Errc::invalid, "--topic is missing");
  TRY_ASSIGN(const auto partition, arguments.number("partition", 0, INT32_MAX));
  if (partition) request.partition = static_cast<int32_t>(*partition);
  TRY_ASSIGN(request.timestamp, arguments.number("timestamp", 0, INT64_MAX));
  TRY_ASSIGN(request.format, make_format(arguments));
  TRY_ASSIGN(request.producer, make_producer(arguments));
  request.producer.delivery_timeout = request.common.timeout;
  if (arguments.has("key")) request.key = arguments.text("key");
  if (request.key && request.format.has_key) {
    return fail(Errc::invalid, "--key and --key-separator exclude each other");
  }
  for (const std::string& text : arguments.texts("header")) {
    TRY_ASSIGN(auto pair, key_and_value("--header", text));
    request.headers.push_back(std::move(pair));
  }
  request.files = arguments.texts("file");
  for (const std::string& word : arguments.words()) request.files.push_back(word);
  if (request.files.empty()) request.files.emplace_back("-");
  request.whole = arguments.has("whole");
  return request;
}

}  // namespace odradek::cli
