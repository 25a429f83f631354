// What an HTTP handler gets and gives: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace odradek::http {

struct Request {
  std::string method;  // upper case
  std::string path;    // decoded, begins with '/'
  std::string query;   // what follows the '?', as it came
  std::string body;
  bool keep_alive = true;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Further headers; the server adds those of length, connection, date and caching itself.
  std::vector<std::pair<std::string, std::string>> headers;
};

// {"error":{"status":404,"message":"..."}}
Response error_response(int status, std::string_view message);

// "Not Found" for 404; "Error" for what is not used here. Static storage.
std::string_view reason_of(int status);

}  // namespace odradek::http
