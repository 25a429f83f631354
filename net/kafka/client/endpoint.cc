#include "net/kafka/client/endpoint.h"

#include <charconv>

namespace odradek::client {

static constexpr uint16_t kDefaultPort = 9092;

std::string Endpoint::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

static std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

static Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port > 0) return port;
  return fail(Errc::invalid, std::string(whole) + ": the port must be a number from 1 to 65535");
}

static Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (text.substr(0, scheme) != "PLAINTEXT") {
      return fail(Errc::invalid, std::string(text) + ": only PLAINTEXT is supported");
    }
    text.remove_prefix(scheme + 3);
  }
  size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) {
      return fail(Errc::invalid, std::string(text) + ": no ] after the address");
    }
    out.host = text.substr(1, bracket - 1);
    colon = bracket + 1 < text.size() ? bracket + 1 : std::string_view::npos;
  } else {
    out.host = text.substr(0, colon);
  }
  if (out.host.empty())
    return fail(Errc::invalid, "'" + std::string(text) + "': must be host:port");
  out.port = kDefaultPort;
  if (colon != std::string_view::npos) {
    TRY_ASSIGN(out.port, parse_port(text.substr(colon + 1), text));
  }
  return out;
}

Result<std::vector<Endpoint>> parse_bootstrap(std::string_view list) {
  std::vector<Endpoint> out;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view one = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (one.empty()) continue;
    TRY_ASSIGN(Endpoint endpoint, parse_endpoint(one));
    out.push_back(std::move(endpoint));
  }
  if (out.empty()) return fail(Errc::invalid, "no broker address: must be host:port,host:port ...");
  return out;
}

}  // namespace odradek::client
