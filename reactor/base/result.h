// Errors as values. The world may fail (disk, network, input); the program may not: for that see
// check.h. Every fallible function returns Result<T>; every absent value is a std::optional.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace odradek {

// What went wrong, by the action that a caller can take. One place (cmd/broker/kafka_error.h) turns
// these into Kafka error codes.
enum class Errc : uint16_t {
  io,            // a system call or a completion failed; `context` names call and errno
  fenced,        // the log directory took a write or fsync error earlier: nothing is acked there
  disk_full,     // ENOSPC, EDQUOT, or our own reserve: retriable, resumes by itself
  corrupt,       // a checksum, magic or structural check failed on stored bytes
  malformed,     // bytes from a peer that cannot be decoded
  unsupported,   // a version or a feature that is not served
  not_found,     // no such topic, partition, file, member ...
  exists,        // already there
  out_of_range,  // an offset or index outside what is held
  invalid,       // a value that can be decoded but is not allowed (config, flag, request field)
  too_large,     // over a limit named in a limits.h
  closed,        // the peer or the object is gone
  canceled,      // the waiter or its owner stopped
  timed_out,     // a deadline passed
  overloaded,    // a bounded resource is used up; retry later
  moved,         // this shard no longer owns the partition: retry at the owner
  permission,    // EACCES, EPERM, or a lock that somebody else holds
};

// The name of `code` as it stands above. Static storage.
std::string_view errc_name(Errc code);

// An error and one context line: what, where, and, where a person reads it, what to do.
struct [[nodiscard]] Error {
  Errc code = Errc::io;
  std::string context;

  Error(Errc c, std::string what) : code(c), context(std::move(what)) {}
  explicit Error(Errc c) : code(c) {}
  // "corrupt: wal group 17: bad checksum"
  std::string to_string() const;
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Shorthand for `return fail(Errc::corrupt, "...")` in any function that returns a Result.
inline std::unexpected<Error> fail(Errc code, std::string context) {
  return std::unexpected<Error>(Error(code, std::move(context)));
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }
// An errno as an Error: ENOSPC/EDQUOT -> disk_full, EACCES/EPERM/EROFS -> permission, ENOENT ->
// not_found, EEXIST -> exists, ECANCELED -> canceled, ECONNRESET/EPIPE -> closed, ETIMEDOUT ->
// timed_out, else io. `call` names the call and its object ("open /data/x"). REQUIRES: errno_value
// > 0.
Error errno_error(int errno_value, std::string_view call);

}  // namespace odradek

// Early return on failure. TRY_* in functions, CO_TRY_* in coroutines.
//   TRY(status_expr);   TRY_ASSIGN(auto value, result_expr);   CO_TRY_ASSIGN(auto v, co_await f());
#define ODR_CONCAT_(a, b) a##b
#define ODR_CONCAT(a, b) ODR_CONCAT_(a, b)
#define ODR_TRY_(ret, tmp, expr)                   \
  do {                                             \
    auto tmp = (expr);                             \
    if (!tmp) [[unlikely]]                         \
      ret ::odradek::fail(std::move(tmp).error()); \
  } while (false)
#define ODR_TRY_ASSIGN_(ret, tmp, lhs, expr)     \
  auto tmp = (expr);                             \
  if (!tmp) [[unlikely]]                         \
    ret ::odradek::fail(std::move(tmp).error()); \
  lhs = std::move(*tmp)
#define TRY(expr) ODR_TRY_(return, ODR_CONCAT(try_, __LINE__), expr)
#define CO_TRY(expr) ODR_TRY_(co_return, ODR_CONCAT(try_, __LINE__), expr)
#define TRY_ASSIGN(lhs, expr) ODR_TRY_ASSIGN_(return, ODR_CONCAT(try_, __LINE__), lhs, expr)
#define CO_TRY_ASSIGN(lhs, expr) ODR_TRY_ASSIGN_(co_return, ODR_CONCAT(try_, __LINE__), lhs, expr)
