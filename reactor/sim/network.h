// TCP between simulated machines: ordered byte streams that arrive in pieces, late, or not at all,
// with bounded buffers, backlogs, half-closes and resets. Owned by the engine; tests cut and heal
// links through World.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "reactor/base/prng.h"
#include "reactor/driver.h"
#include "reactor/sim/event_queue.h"
#include "reactor/sim/options.h"

namespace odradek::reactor::sim {

struct Process;

// One end of a connection; id 0: none.
struct ConnectionEnd {
  uint64_t connection = 0;
  uint32_t side = 0;  // 0 connected, 1 accepted
};

// Bytes on their way to one end. `sent` >= `arrived` >= `taken`, counted from the start.
struct Stream {
  std::vector<uint8_t> bytes;  // from `base` on
  uint64_t base = 0;
  uint64_t sent = 0;
  uint64_t arrived = 0;
  uint64_t taken = 0;
  MonoTime last_arrival{};  // pieces never overtake each other
  bool fin_sent = false;
  bool fin_arrived = false;
  uint32_t capacity = 0;
};

struct End {
  Process* process = nullptr;
  NodeId node;
  SocketAddress address;
  Stream incoming;
  bool connected = false;
  bool open = false;    // a descriptor (or the backlog) holds it
  bool silent = false;  // its machine lost power: it will never answer
  bool shut_receive = false;
  bool shut_send = false;
  int error = 0;  // pending: ECONNRESET, ETIMEDOUT
  bool timing_out = false;
  uint32_t receiving = UINT32_MAX;  // slots of the operations in flight
  uint32_t sending = UINT32_MAX;
  uint32_t connecting = UINT32_MAX;
};

struct Connection {
  End ends[2];
  MonoTime started{};
};

struct ListeningSocket {
  Process* process = nullptr;
  SocketAddress address;
  uint32_t capacity = 0;
  size_t backlog = 0;
  std::deque<ConnectionEnd> pending;
  uint32_t accepting = UINT32_MAX;
};

class Network {
 public:
  Network(Engine& engine, Prng prng) : engine_(engine), prng_(prng) {}

  void cut(NodeId a, NodeId b, bool both_ways);
  void heal(NodeId a, NodeId b);
  void heal_all() { cuts_.clear(); }
  void set_delay(NodeId a, NodeId b, Latency delay);
  // Resets every connection between the two.
  void reset_between(NodeId a, NodeId b);

  Result<uint64_t> listen(Process& process, const ListenOptions& options, uint32_t buffer_bytes);
  SocketAddress listener_address(uint64_t id) const { return listeners_.at(id)->address; }
  void close_listener(uint64_t id);
  ConnectionEnd make_socket(Process& process);
  SocketAddress address(ConnectionEnd end, bool peer) const;
  void set_capacity(ConnectionEnd end, uint32_t receive_bytes);
  void shutdown(ConnectionEnd end, bool both_ways);
  void close(ConnectionEnd end);
  int32_t resolve(const std::string& host, const std::string& service, Process& process,
                  std::vector<SocketAddress>& out) const;

  // Operations by slot.
  void begin_accept(uint32_t slot, uint64_t listener);
  void begin_connect(uint32_t slot, ConnectionEnd end);
  void begin_receive(uint32_t slot, ConnectionEnd end);
  void begin_send(uint32_t slot, ConnectionEnd end);
  void cancel(uint32_t slot, ConnectionEnd end, uint64_t listener);

  // The process is gone. `power`: without a word to anybody.
  void drop_process(Process& process, bool power);

 private:
  Connection* find(uint64_t id);
  End* end_of(ConnectionEnd end);
  bool is_cut(NodeId from, NodeId to) const { return cuts_.contains({from.value, to.value}); }
  Duration delay(NodeId from, NodeId to);
  Process* host(const SocketAddress& address, Process& asking) const;
  ListeningSocket* listener_at(Process& process, const SocketAddress& address, uint64_t& id);
  void serve_accept(uint64_t id);
  void serve_receive(ConnectionEnd end);
  int32_t take_bytes(Connection& connection, ConnectionEnd end, iovec to);
  void serve_send(ConnectionEnd end);
  uint64_t fill(End& to, uint32_t slot);
  void send_pieces(ConnectionEnd to, uint64_t before, uint64_t bytes);
  void send_fin(ConnectionEnd to);
  void send_reset(ConnectionEnd to);
  void fail_end(ConnectionEnd end, int error);
  void finish_connect(ConnectionEnd end, int32_t result);
  void forget_if_closed(uint64_t id);
  bool delivered(ConnectionEnd to, const Event& event);

  static void on_syn(Engine& engine, const Event& event);
  static void on_connected(Engine& engine, const Event& event);
  static void on_data(Engine& engine, const Event& event);
  static void on_fin(Engine& engine, const Event& event);
  static void on_reset(Engine& engine, const Event& event);
  static void on_timeout(Engine& engine, const Event& event);

  Engine& engine_;
  Prng prng_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<uint64_t, std::unique_ptr<ListeningSocket>> listeners_;
  std::set<std::pair<uint32_t, uint32_t>> cuts_;
  std::map<std::pair<uint32_t, uint32_t>, Latency> delays_;
  uint64_t last_id_ = 0;
  uint16_t last_port_ = 32768;
};

}  // namespace odradek::reactor::sim
