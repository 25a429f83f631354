// Maxima of the HTTP server, each with what a peer gets that goes beyond.
#pragma once

#include <cstddef>

#include "reactor/base/time.h"

namespace odradek::http {

inline constexpr size_t kHeaderBytesMax = 8 * 1024;  // request line and headers: 431
inline constexpr size_t kBodyBytesMax = 64 * 1024;   // of a request: 413
inline constexpr size_t kConnectionsMax = 64;        // open at once: 503, and closed
inline constexpr Duration kRequestDeadline = 10s;    // from its first byte to its last: closed
inline constexpr Duration kIdleDeadline = 60s;       // between requests: closed
inline constexpr Duration kSendDeadline = 30s;       // for a peer that does not read: closed
inline constexpr Duration kLingerDeadline = 1s;      // what still comes after an answered error
inline constexpr size_t kLingerBytesMax = 1024 * 1024;

}  // namespace odradek::http
