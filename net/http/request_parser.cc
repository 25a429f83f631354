#include "net/http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>

#include "net/http/limits.h"
#include "reactor/base/check.h"

// Built without exceptions, Boost calls this instead: only for misuse of its interface.
namespace boost {
void throw_exception(const std::exception&) {
  CHECK(false && "misuse of Boost");
  __builtin_unreachable();
}
void throw_exception(const std::exception& error, const source_location&) {
  throw_exception(error);
}
}  // namespace boost

namespace odradek::http {

namespace beast = boost::beast;

// Collects what Beast tells of one request.
class RequestParser::Parser : public beast::http::basic_parser<true> {
 public:
  Parser() {
    header_limit(kHeaderBytesMax);
    body_limit(kBodyBytesMax);
    eager(true);
  }
  std::string method;
  std::string target;
  std::string body;
  int version = 0;  // 10 or 11
  size_t hosts = 0;

 private:
  using Text = beast::string_view;
  using Code = beast::error_code;
  void on_request_impl(beast::http::verb, Text name, Text text, int number, Code& code) override {
    method.assign(name.data(), name.size());
    target.assign(text.data(), text.size());
    version = number;
    code = {};
  }
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(beast::http::field name, Text, Text, Code&) override {
    if (name == beast::http::field::host) ++hosts;
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  size_t on_body_impl(Text part, Code&) override {
    body.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, Text part, Code&) override {
    body.append(part.data(), part.size());
    return part.size();
  }
  void on_finish_impl(Code&) override {}
};

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded_path(std::string_view target) {
  if (target.starts_with("http://")) {
    const size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) return std::nullopt;
  target = target.substr(0, target.find('?'));
  std::string path;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != '%') {
      path += target[i];
      continue;
    }
    if (i + 2 >= target.size()) return std::nullopt;
    const int high = hex_digit(target[i + 1]);
    const int low = hex_digit(target[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return path;
}

RequestParser::RequestParser() { begin(); }
RequestParser::~RequestParser() = default;

void RequestParser::begin() {
  parser_ = std::make_unique<Parser>();
  parsing_ = false;
}

void RequestParser::refuse(int status, std::string_view message) {
  error_ = error_response(status, message);
  buffer_.clear();
}

void RequestParser::feed(BytesView bytes) {
  if (error_) return;
  buffer_.append(as_text(bytes));
  parse();
}

void RequestParser::parse() {
  while (!error_ && !parser_->is_done() && !buffer_.empty()) {
    beast::error_code code;
    const size_t taken = parser_->put(boost::asio::buffer(buffer_), code);
    buffer_.erase(0, taken);
    parsing_ = parsing_ || taken > 0;
    if (code == beast::http::error::need_more) {
      if (taken == 0) return;
      continue;
    }
    if (!code) continue;
    if (code == beast::http::error::header_limit) {
      return refuse(431, "the request's line and headers are more than 8 KiB");
    }
    if (code == beast::http::error::body_limit) {
      return refuse(413, "the request's body is more than 64 KiB");
    }
    if (code == beast::http::error::bad_version) {
      return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    return refuse(400, "not an HTTP request: " + code.message());
  }
}

std::optional<Request> RequestParser::next() {
  if (error_ || !parser_->is_done()) return std::nullopt;
  auto request = take();
  begin();
  parse();
  return request;
}

std::optional<Request> RequestParser::take() {
  if (parser_->hosts > 1 || (parser_->version >= 11 && parser_->hosts == 0)) {
    refuse(400, "a request of HTTP/1.1 has one Host header");
    return std::nullopt;
  }
  auto path = decoded_path(parser_->target);
  if (!path) {
    refuse(400, "the request's target is not a path");
    return std::nullopt;
  }
  Request request;
  request.method = std::move(parser_->method);
  request.path = std::move(*path);
  const size_t question = parser_->target.find('?');
  if (question != std::string::npos) request.query = parser_->target.substr(question + 1);
  request.body = std::move(parser_->body);
  request.keep_alive = parser_->keep_alive();
  return request;
}

}  // namespace odradek::http
