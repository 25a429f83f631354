#include "net/http/message.h"

#include <fmt/format.h>

namespace odradek::http {

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

// What JSON does not take within quotes is escaped; bytes that are not ASCII become '?', because a
// peer may have sent anything.
static std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else {
      out += c >= 0x20 && c < 0x7f ? c : '?';
    }
  }
  return out + '"';
}

Response error_response(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.body =
      fmt::format("{{\"error\":{{\"status\":{},\"message\":{}}}}}\n", status, quoted(message));
  return response;
}

}  // namespace odradek::http
