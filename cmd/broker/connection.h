// One client's connection on one shard: reads frames, runs requests, sends responses in the order
// of the requests. Produce requests overlap: each is appended before the next frame is read, and
// its wait for durability runs beside. Every other request runs alone, as Kafka does it.
// Back-pressure is not reading: at most kResponsesPerConnection answers of at most
// BrokerShard::response_bytes_max() are open, and a peer that takes nothing of them for
// connections.max.idle.ms is left. Whoever is over a quota gets the answer at once and is not read
// for as long as it tells (KIP-219).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cmd/broker/frame.h"
#include "cmd/broker/quotas/quotas.h"
#include "cmd/broker/request.h"
#include "cmd/broker/request_record.h"
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

  // Serves until the peer leaves, breaks the protocol, idles too long, or abort(). Then the socket
  // is closed and nothing of this connection runs.
  reactor::Task<void> run();
  // Stops reading new requests; what was read is answered.
  void drain();
  // Ends it now.
  void abort();

  // For the admin API. Views live as long as the connection.
  RequestSource source() const { return {peer_, peer_port_, client_id_, listener_.name}; }
  uint64_t requests() const { return requests_; }
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  MonoTime last_request() const { return last_request_; }

 private:
  // A place in the order of responses.
  struct Slot {
    bool ready = false;
    Response response;
    RequestRecord record;
  };
  reactor::Task<Result<RequestFrame>> read_frame();
  reactor::Task<Status> read_exact(MutableBytes to);
  reactor::Task<Status> read_blocks(RequestFrame& frame, size_t size);
  Status check_size(int32_t size, BytesView head);
  reactor::Task<bool> serve(RequestFrame frame);
  reactor::Task<bool> serve_produce(RequestFrame frame, RequestContext context, size_t body_at);
  reactor::Task<void> finish_produce(std::unique_ptr<class ProduceCall> call, Slot* slot);
  reactor::Task<void> write_loop();
  Slot* add_slot(const RequestRecord& record);
  RequestRecord begin_record(const RequestContext& context, size_t bytes);
  void tell_answered(size_t count);
  void finish(Slot& slot, Response response);
  size_t gather(std::vector<iovec>& parts, size_t& bytes) const;
  reactor::Task<void> read_loop();
  void meet_quotas(RequestContext& context);
  void hold_back(const RequestContext& context);
  reactor::Task<void> wait_unmuted();
  void end_when_drained();
  void touch();
  struct Alarm : reactor::Timer {
    explicit Alarm(Connection& owner);
    Connection& connection;
  };
  void on_alarm();
  const char* overdue(MonoTime now) const;
  void expect_body(MonoTime deadline);

  // Fixed at construction.
  BrokerShard& shard_;
  const Listener& listener_;
  Duration idle_max_;
  reactor::Socket socket_;
  std::string peer_;
  uint16_t peer_port_ = 0;
  // Written by the reading task.
  reactor::Received received_;
  size_t received_at_ = 0;
  uint64_t requests_ = 0;
  uint64_t received_bytes_ = 0;  // of whole requests
  std::string client_id_;        // of the last request
  MonoTime frame_begun_{};
  MonoTime last_request_{};
  MonoTime body_deadline_ = kMonoMax;
  bool serving_ = false;                  // a request runs that may not have its slot yet
  std::unique_ptr<ClientQuotas> quotas_;  // made when there are any
  MonoTime muted_until_{};
  // Shared by the reading task, the produce tasks and the writing task.
  std::deque<std::unique_ptr<Slot>> slots_;
  size_t produces_open_ = 0;
  size_t response_bytes_ = 0;  // of the ready ones
  uint64_t sent_bytes_ = 0;    // of answers
  MonoTime send_deadline_ = kMonoMax;
  bool reading_done_ = false;
  bool broken_ = false;
  bool draining_ = false;
  reactor::WaitList wake_writer_;
  reactor::WaitList room_;  // for another slot
  reactor::WaitList produces_done_;
  reactor::WaitList unmuted_;
  reactor::Gate gate_;
  Alarm alarm_;
};

}  // namespace odradek::broker
