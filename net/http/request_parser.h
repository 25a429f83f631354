// Requests out of the bytes of one connection: Boost.Beast's parser of HTTP/1 (decision 0007), and
// around it what we want of a request. Knows no socket. Bounds: limits.h.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "net/http/message.h"
#include "reactor/base/bytes.h"

namespace odradek::http {

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes as they come. What follows a whole request is kept for the next.
  void feed(BytesView bytes);
  // The next whole request; absent while bytes are missing or after an error.
  std::optional<Request> next();
  // The response to bytes that are no request that we take; after it nothing more is parsed.
  const std::optional<Response>& error() const { return error_; }
  // Whether a part of a request is here.
  bool begun() const { return !buffer_.empty() || parsing_; }

 private:
  class Parser;
  void parse();
  void begin();
  void refuse(int status, std::string_view message);
  std::optional<Request> take();

  std::string buffer_;  // not parsed yet: at most the header's limit and one feed
  std::unique_ptr<Parser> parser_;
  bool parsing_ = false;  // the parser has taken something of this request
  std::optional<Response> error_;
};

// Percent-decodes the path of a target ("/a%20b?c" has the path "/a b"), which may also be in
// absolute form (RFC 9112, 3.2.2). Absent when it is none.
std::optional<std::string> decoded_path(std::string_view target);

}  // namespace odradek::http
