#include "net/http/request_parser.h"

#include "net/http/limits.h"
#include "tests/test.h"

namespace odradek::http {
namespace {

// The status that `text` is refused with; 0 when it is not.
int refused(std::string_view text) {
  RequestParser parser;
  parser.feed(as_bytes(text));
  while (parser.next()) continue;
  return parser.error() ? parser.error()->status : 0;
}

constexpr std::string_view kGet = "GET /a%20b/c?x=1&y HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n";

TEST_CASE("a request is the same wherever its bytes are cut") {
  for (size_t cut = 0; cut <= kGet.size(); ++cut) {
    RequestParser parser;
    parser.feed(as_bytes(kGet.substr(0, cut)));
    if (cut < kGet.size()) EXPECT_FALSE(parser.next().has_value());
    EXPECT_EQ(parser.begun(), cut > 0);
    parser.feed(as_bytes(kGet.substr(cut)));
    const auto request = parser.next();
    REQUIRE(request.has_value());
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->path, "/a b/c");
    EXPECT_EQ(request->query, "x=1&y");
    EXPECT(request->keep_alive);
    EXPECT_FALSE(parser.begun());
  }
}

TEST_CASE("pipelined requests come one by one, with their bodies") {
  RequestParser parser;
  std::string text(kGet);
  text += "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  text += "PUT /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  text += "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  text += "GET / HTTP/1.0\r\n\r\n";
  parser.feed(as_bytes(text));
  EXPECT_EQ(parser.next()->path, "/a b/c");
  EXPECT_EQ(parser.next()->body, "hello");
  EXPECT_EQ(parser.next()->body, "abcde");
  const auto last = parser.next();
  REQUIRE(last.has_value());
  EXPECT_FALSE(last->keep_alive);
  EXPECT_FALSE(parser.next().has_value());
  EXPECT_FALSE(parser.error().has_value());
}

TEST_CASE("bytes that are no request are refused with 400") {
  for (const std::string_view text : {
           std::string_view("hello\r\n\r\n"),
           std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
           std::string_view("GET / HTTP/1.1\r\n\r\n"),
           std::string_view("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
           std::string_view("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
           std::string_view("GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("GET /% HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                            "Content-Length: 2\r\n\r\nab"),
           std::string_view("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz"
                            "\r\n"),
       }) {
    CAPTURE(text);
    EXPECT_EQ(refused(text), 400);
  }
}

TEST_CASE("another version of HTTP is refused with 505") {
  EXPECT_EQ(refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
}

TEST_CASE("headers over their bound are refused with 431, whether they end or not") {
  const std::string fits(kHeaderBytesMax - 200, 'a');
  const std::string large(kHeaderBytesMax, 'a');
  const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  EXPECT_EQ(refused(begin + fits + "\r\n\r\n"), 0);
  EXPECT_EQ(refused(begin + large + "\r\n\r\n"), 431);
  EXPECT_EQ(refused(begin + large), 431);
  EXPECT_EQ(refused("GET /" + large), 431);
  RequestParser parser;
  for (int i = 0; i < 4096 && !parser.error(); ++i) {
    parser.feed(as_bytes(i == 0 ? begin : "bbbbbbbb"));
  }
  REQUIRE(parser.error().has_value());
  EXPECT_EQ(parser.error()->status, 431);
}

TEST_CASE("a body over its bound is refused with 413, before it has come") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(refused(head + "Content-Length: " + std::to_string(kBodyBytesMax + 1) + "\r\n\r\n"),
            413);
  EXPECT_EQ(refused(head + "Content-Length: " + std::to_string(kBodyBytesMax) + "\r\n\r\n" +
                    std::string(kBodyBytesMax, 'x')),
            0);
  EXPECT_EQ(refused(head + "Transfer-Encoding: chunked\r\n\r\n20000\r\n" +
                    std::string(0x20000, 'x') + "\r\n0\r\n\r\n"),
            413);
}

TEST_CASE("a target in absolute form has its path") {
  EXPECT_EQ(decoded_path("http://host:1/p/q?r"), std::optional<std::string>("/p/q"));
  EXPECT_EQ(decoded_path("http://host"), std::optional<std::string>("/"));
  EXPECT_FALSE(decoded_path("*").has_value());
}

TEST_CASE("an error's message is JSON whatever stands in it") {
  const Response response = error_response(404, "no \"x\\\n\xff");
  EXPECT_EQ(response.body, "{\"error\":{\"status\":404,\"message\":\"no \\\"x\\\\??\"}}\n");
}

}  // namespace
}  // namespace odradek::http
