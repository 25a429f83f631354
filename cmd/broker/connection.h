// One client's connection on one shard: reads frames, runs requests, sends responses in the order of the
// requests. Produce requests overlap: each is appended before the next frame is read, and its wait for
// durability runs beside. Every other request runs alone, as Kafka does it. Back-pressure is not
// reading: at most kResponsesPerConnection answers are open.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "cmd/broker/frame.h"
#include "cmd/broker/request.h"
#include "reactor/socket.h"
#include "reactor/task.h"
#include "reactor/timer.h"
#include "reactor/wait.h"

namespace odradek::broker {

class BrokerShard;

class Connection {
 public:
  Connection(BrokerShard& shard, reactor::Socket socket, const Listener& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves until the peer leaves, breaks the protocol, idles too long, or abort(). Then the socket is
  // closed and nothing of this connection runs.
  reactor::Task<void> run();
  // Stops reading new requests; what was read is answered.
  void drain();
  // Ends it now.
  void abort();

 private:
  // A place in the order of responses.
  struct Slot {
    bool ready = false;
    Response response;
  };
  reactor::Task<Result<RequestFrame>> read_frame();
  reactor::Task<Status> read_exact(MutableBytes to);
  reactor::Task<Status> read_blocks(RequestFrame& frame, size_t size);
  Status check_size(int32_t size, BytesView head);
  reactor::Task<bool> serve(RequestFrame frame);
  reactor::Task<bool> serve_produce(RequestFrame frame, RequestContext context, size_t body_at);
  reactor::Task<void> finish_produce(std::unique_ptr<class ProduceCall> call, Slot* slot);
  reactor::Task<void> write_loop();
  Slot* add_slot();
  void finish(Slot& slot, Response response);
  void touch();
  static void on_timer(reactor::Timer& timer);

  // Fixed at construction.
  BrokerShard& shard_;
  const Listener& listener_;
  reactor::Socket socket_;
  std::string peer_;
  // Written by the reading task.
  reactor::Received received_;
  size_t received_at_ = 0;
  uint64_t requests_ = 0;
  MonoTime last_request_{};
  MonoTime body_deadline_ = kMonoMax;
  // Shared by the reading task, the produce tasks and the writing task.
  std::deque<std::unique_ptr<Slot>> slots_;
  size_t produces_open_ = 0;
  bool reading_done_ = false;
  bool broken_ = false;
  bool draining_ = false;
  reactor::WaitList wake_writer_;
  reactor::WaitList room_;           // for another slot
  reactor::WaitList produces_done_;
  reactor::Gate gate_;
  reactor::Timer timer_;
};

}  // namespace odradek::broker
