// An HTTP/1 server on one shard: accepts, reads requests, runs a handler, sends what it answers.
// It knows nothing of what is served. Made, used and destroyed on its shard; the owner stops it
// before it destroys it. Bounds: limits.h. Nothing runs while nobody is connected: an idle server
// is one accept operation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>

#include "net/http/message.h"
#include "net/http/request_parser.h"
#include "reactor/metrics.h"
#include "reactor/socket.h"
#include "reactor/task.h"
#include "reactor/timer.h"
#include "reactor/wait.h"

namespace odradek::http {

// Answers one request, of any method but HEAD, which comes as GET. Called on the server's shard;
// requests of different connections overlap.
using Handler = std::function<reactor::Task<Response>(Request)>;

class Server {
 public:
  explicit Server(Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // To bind before start().
  reactor::Listener& listener() { return listener_; }
  // Begins to accept. REQUIRES: the listener is open.
  void start();
  // Accepts no more; open connections end with the request that they are at, if any.
  reactor::Task<void> stop();

  size_t connections_open() const { return connections_.size(); }

 private:
  class Connection;
  reactor::Task<void> accept_loop();
  reactor::Task<void> serve(int fd);
  void count(int status);

  Handler handler_;
  reactor::Listener listener_;
  std::set<Connection*> connections_;
  reactor::Gate gate_;
  bool stopping_ = false;
  reactor::MetricWatch open_watch_;
};

}  // namespace odradek::http
