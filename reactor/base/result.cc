#include "reactor/base/result.h"

#include <cerrno>
#include <cstring>

namespace odradek {

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::io: return "io";
    case Errc::fenced: return "fenced";
    case Errc::disk_full: return "disk_full";
    case Errc::corrupt: return "corrupt";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::not_found: return "not_found";
    case Errc::exists: return "exists";
    case Errc::out_of_range: return "out_of_range";
    case Errc::invalid: return "invalid";
    case Errc::too_large: return "too_large";
    case Errc::closed: return "closed";
    case Errc::canceled: return "canceled";
    case Errc::timed_out: return "timed_out";
    case Errc::overloaded: return "overloaded";
    case Errc::moved: return "moved";
    case Errc::permission: return "permission";
  }
  return "unknown";
}

std::string Error::to_string() const {
  std::string text(errc_name(code));
  if (!context.empty()) text.append(": ").append(context);
  return text;
}

static Errc errc_of(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT: return Errc::disk_full;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::permission;
    case ENOENT: return Errc::not_found;
    case EEXIST: return Errc::exists;
    case ECANCELED: return Errc::canceled;
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN: return Errc::closed;
    case ETIMEDOUT: return Errc::timed_out;
    default: return Errc::io;
  }
}

Error errno_error(int errno_value, std::string_view call) {
  std::string context(call);
  context.append(": ").append(std::strerror(errno_value));
  return Error(errc_of(errno_value), std::move(context));
}

}  // namespace odradek
