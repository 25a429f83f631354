#include "reactor/sim/network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "reactor/base/check.h"
#include "reactor/sim/engine.h"

namespace odradek::reactor::sim {

static constexpr uint32_t kNoSlot = UINT32_MAX;

static bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1";
}
static bool is_wildcard(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}
static bool is_numeric(const std::string& host) {
  return !host.empty() &&
         (host.find(':') != host.npos || host.find_first_not_of("0123456789.") == host.npos);
}
static ConnectionEnd other(ConnectionEnd end) { return {end.connection, 1 - end.side}; }

// --- links ---

void Network::cut(NodeId a, NodeId b, bool both_ways) {
  cuts_.insert({a.value, b.value});
  if (both_ways) cuts_.insert({b.value, a.value});
}

void Network::heal(NodeId a, NodeId b) {
  cuts_.erase({a.value, b.value});
  cuts_.erase({b.value, a.value});
}

void Network::set_delay(NodeId a, NodeId b, Latency delay) {
  delays_[{a.value, b.value}] = delays_[{b.value, a.value}] = delay;
}

Duration Network::delay(NodeId from, NodeId to) {
  const NetworkOptions& options = engine_.options.network;
  const auto own = delays_.find({from.value, to.value});
  const Latency& latency = own == delays_.end() ? options.delay : own->second;
  return engine_.draw(latency, options.slow, options.slow_factor, prng_);
}

void Network::reset_between(NodeId a, NodeId b) {
  std::vector<uint64_t> ids;
  for (const auto& [id, connection] : connections_) {
    const NodeId x = connection->ends[0].node;
    const NodeId y = connection->ends[1].node;
    if ((x == a && y == b) || (x == b && y == a)) ids.push_back(id);
  }
  for (const uint64_t id : ids) {
    fail_end({id, 0}, ECONNRESET);
    fail_end({id, 1}, ECONNRESET);
  }
}

// --- sockets ---

Connection* Network::find(uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

End* Network::end_of(ConnectionEnd end) {
  Connection* connection = find(end.connection);
  return connection ? &connection->ends[end.side] : nullptr;
}

// The running process at an address, as seen by `asking`; null when nothing answers there.
Process* Network::host(const SocketAddress& address, Process& asking) const {
  if (is_loopback(address.host) || is_wildcard(address.host)) return &asking;
  for (const Node& node : engine_.nodes) {
    if (node.address == address.host) return node.process;
  }
  return nullptr;
}

Result<uint64_t> Network::listen(Process& process, const ListenOptions& options,
                                 uint32_t buffer_bytes) {
  const std::string where = options.host + ":" + std::to_string(options.port);
  if (!is_wildcard(options.host) && !is_loopback(options.host) &&
      options.host != engine_.node(process.node).address) {
    return fail(errno_error(EADDRNOTAVAIL, "listen on " + where));
  }
  uint16_t port = options.port;
  for (const auto& [id, there] : listeners_) {
    if (there->process != &process || port == 0 || there->address.port != port) continue;
    if (is_wildcard(options.host) || is_wildcard(there->address.host) ||
        there->address.host == options.host) {
      return fail(Errc::exists, "listen on " + where + ": the address is in use");
    }
  }
  if (port == 0) port = ++last_port_;
  auto made = std::make_unique<ListeningSocket>();
  made->process = &process;
  made->address = {options.host.empty() ? "::" : options.host, port};
  made->backlog = static_cast<size_t>(std::max(options.backlog, 1));
  made->capacity = buffer_bytes;
  const uint64_t id = ++last_id_;
  listeners_[id] = std::move(made);
  return id;
}

void Network::close_listener(uint64_t id) {
  const auto found = listeners_.find(id);
  CHECK(found != listeners_.end(), id);
  const std::deque<ConnectionEnd> pending = std::move(found->second->pending);
  listeners_.erase(found);
  for (const ConnectionEnd end : pending) {
    send_reset(other(end));
    end_of(end)->open = false;
    forget_if_closed(end.connection);
  }
}

ConnectionEnd Network::make_socket(Process& process) {
  const uint64_t id = ++last_id_;
  auto made = std::make_unique<Connection>();
  for (End& end : made->ends) end.incoming.capacity = engine_.options.network.buffer_bytes;
  made->ends[0].process = &process;
  made->ends[0].node = process.node;
  made->ends[0].open = true;
  connections_[id] = std::move(made);
  return {id, 0};
}

SocketAddress Network::address(ConnectionEnd end, bool peer) const {
  return connections_.at(end.connection)->ends[peer ? 1 - end.side : end.side].address;
}

void Network::set_capacity(ConnectionEnd end, uint32_t receive_bytes) {
  if (receive_bytes > 0) end_of(end)->incoming.capacity = receive_bytes;
}

int32_t Network::resolve(const std::string& host, const std::string& service, Process& process,
                         std::vector<SocketAddress>& out) const {
  const auto port = static_cast<uint16_t>(std::strtoul(service.c_str(), nullptr, 10));
  if (is_numeric(host)) {
    out.push_back({host, port});
    return 0;
  }
  if (host == "localhost") {
    out.push_back({"127.0.0.1", port});
    return 0;
  }
  for (const Node& node : engine_.nodes) {
    if (node.name != host) continue;
    out.push_back({node.address, port});
    return 0;
  }
  return -ENOENT;
}

// --- connecting ---

void Network::begin_connect(uint32_t slot, ConnectionEnd end) {
  Connection& connection = *find(end.connection);
  Process& process = *connection.ends[0].process;
  const SocketAddress& to = engine_.slots[slot].op->address;
  CHECK(is_numeric(to.host) && "connect to addresses; resolve() names first", to.host);
  if (connection.ends[0].connecting != kNoSlot || connection.ends[1].process) {
    return engine_.complete(slot, -EISCONN);
  }
  connection.ends[0].connecting = slot;
  connection.started = engine_.now;
  Process* target = host(to, process);
  if (!target) return finish_connect(end, -EHOSTUNREACH);
  const std::string& own = engine_.node(process.node).address;
  connection.ends[0].address = {is_loopback(to.host) ? to.host : own, ++last_port_};
  connection.ends[1].address = to;
  connection.ends[1].node = target->node;
  engine_.post(delay(process.node, target->node), on_syn, end.connection, 1);
}

ListeningSocket* Network::listener_at(Process& process, const SocketAddress& address,
                                      uint64_t& id) {
  for (auto& [key, listener] : listeners_) {
    if (listener->process != &process || listener->address.port != address.port) continue;
    const std::string& host = listener->address.host;
    const bool same = host == address.host || (is_loopback(host) && is_loopback(address.host));
    if (!is_wildcard(host) && !same) continue;
    id = key;
    return listener.get();
  }
  return nullptr;
}

void Network::on_syn(Engine& engine, const Event& event) {
  Network& self = engine.network;
  Connection* connection = self.find(event.a);
  if (!connection || connection->ends[0].connecting == kNoSlot) return;
  End& from = connection->ends[0];
  End& to = connection->ends[1];
  if (engine.now - connection->started > engine.options.network.connect_timeout) {
    return self.finish_connect({event.a, 0}, -ETIMEDOUT);
  }
  Process& process = *engine.node(to.node).process;
  const bool down = process.ending != Ending::running && process.power_lost;
  uint64_t id = 0;
  ListeningSocket* listener =
      process.ending == Ending::running ? self.listener_at(process, to.address, id) : nullptr;
  const bool full = listener && listener->pending.size() >= listener->backlog;
  if (down || full || self.is_cut(from.node, to.node) || self.is_cut(to.node, from.node)) {
    return engine.post(engine.options.network.retransmit, on_syn, event.a, 1);
  }
  const int32_t result = listener ? 0 : -ECONNREFUSED;
  engine.post(self.delay(to.node, from.node), on_connected, event.a, 0,
              static_cast<uint64_t>(-result));
  if (!listener) return;
  to.process = &process;
  to.open = to.connected = true;
  listener->pending.push_back({event.a, 1});
  self.serve_accept(id);
}

void Network::on_connected(Engine& engine, const Event& event) {
  engine.network.finish_connect({event.a, 0}, -static_cast<int32_t>(event.c));
}

void Network::finish_connect(ConnectionEnd end, int32_t result) {
  End* self = end_of(end);
  if (!self || self->connecting == kNoSlot) return;
  self->connected = result == 0;
  engine_.hash.add(Trace::connect, engine_.now, end.connection, static_cast<uint64_t>(result));
  engine_.complete(std::exchange(self->connecting, kNoSlot), result);
}

void Network::begin_accept(uint32_t slot, uint64_t listener) {
  ListeningSocket& self = *listeners_.at(listener);
  CHECK(self.accepting == kNoSlot && "one accept at a time");
  self.accepting = slot;
  serve_accept(listener);
}

void Network::serve_accept(uint64_t id) {
  ListeningSocket& self = *listeners_.at(id);
  while (!self.pending.empty() && self.accepting != kNoSlot) {
    Descriptor descriptor;
    descriptor.kind = DescriptorKind::socket;
    descriptor.connection = self.pending.front();
    const int fd = engine_.take_descriptor(*self.process, descriptor);
    const bool ends = fd < 0 || engine_.chance(prng_, engine_.options.network.accept_ends);
    if (fd >= 0) {
      set_capacity(self.pending.front(), self.capacity);
      self.pending.pop_front();
    }
    engine_.complete(ends ? std::exchange(self.accepting, kNoSlot) : self.accepting, fd, !ends);
  }
}

// --- receiving ---

void Network::begin_receive(uint32_t slot, ConnectionEnd end) {
  End& self = *end_of(end);
  CHECK(self.receiving == kNoSlot && "one receive at a time");
  if (!self.connected && self.error == 0) return engine_.complete(slot, -ENOTCONN);
  self.receiving = slot;
  serve_receive(end);
}

// Copies what `to` can take; returns how much. The buffer keeps a taken prefix for a while, so that
// small receives move nothing.
int32_t Network::take_bytes(Connection& connection, ConnectionEnd end, iovec to) {
  Stream& stream = connection.ends[end.side].incoming;
  const uint64_t n = std::min<uint64_t>(stream.arrived - stream.taken, to.iov_len);
  std::memcpy(to.iov_base, stream.bytes.data() + (stream.taken - stream.base), n);
  stream.taken += n;
  if (stream.taken == stream.sent) {
    stream.bytes.clear();
    stream.base = stream.taken;
  } else if (stream.taken - stream.base > 64 * 1024 &&
             stream.taken - stream.base > stream.bytes.size() / 2) {
    stream.bytes.erase(stream.bytes.begin(),
                       stream.bytes.begin() + static_cast<ptrdiff_t>(stream.taken - stream.base));
    stream.base = stream.taken;
  }
  return static_cast<int32_t>(n);
}

void Network::serve_receive(ConnectionEnd end) {
  Connection& connection = *find(end.connection);
  End& self = connection.ends[end.side];
  if (self.receiving == kNoSlot) return;
  Slot& slot = engine_.slots[self.receiving];
  const Op& op = *slot.op;
  const uint64_t there = self.incoming.arrived - self.incoming.taken;
  if (there == 0) {
    const bool ended = self.shut_receive ||
                       (self.incoming.fin_arrived && self.incoming.arrived == self.incoming.sent);
    if (!ended && self.error == 0) return;
    const auto progress = static_cast<int32_t>(slot.progress);
    const int32_t result = progress > 0 ? progress : self.error ? -self.error : 0;
    return engine_.complete(std::exchange(self.receiving, kNoSlot), result);
  }
  uint64_t want = there;
  const NetworkOptions& options = engine_.options.network;
  if (there > 1 && engine_.chance(prng_, options.short_receive)) want = prng_.between(1, there - 1);
  if (op.code == OpCode::recv_provided) {
    uint16_t id = 0;
    uint8_t* buffer =
        engine_.chance(prng_, options.no_buffers) ? nullptr : slot.driver->take_buffer(id);
    if (!buffer) return engine_.complete(std::exchange(self.receiving, kNoSlot), -ENOBUFS);
    const int32_t n = take_bytes(connection, end, {buffer, std::min(want, kReceiveBufferBytes)});
    engine_.complete(std::exchange(self.receiving, kNoSlot), n, false, id, buffer);
  } else {
    const iovec& whole = op.iov[0];
    CHECK(whole.iov_len > 0 && "a receive of nothing looks like the end of the stream");
    iovec to{static_cast<uint8_t*>(whole.iov_base) + slot.progress, whole.iov_len - slot.progress};
    if (op.code == OpCode::recv) to.iov_len = std::min<size_t>(to.iov_len, want);
    slot.progress += static_cast<uint64_t>(take_bytes(connection, end, to));
    if (op.code == OpCode::recv || slot.progress == whole.iov_len) {
      engine_.complete(std::exchange(self.receiving, kNoSlot), static_cast<int32_t>(slot.progress));
    }
  }
  serve_send(other(end));
  serve_receive(end);
}

// --- sending ---

void Network::begin_send(uint32_t slot, ConnectionEnd end) {
  End& self = *end_of(end);
  CHECK(self.sending == kNoSlot && "one send at a time");
  if (self.error) return engine_.complete(slot, -self.error);
  if (!self.connected) return engine_.complete(slot, -ENOTCONN);
  if (self.shut_send) return engine_.complete(slot, -EPIPE);
  self.sending = slot;
  serve_send(end);
}

// Moves bytes of the operation from its progress on into the stream, as many as have room.
uint64_t Network::fill(End& to, uint32_t slot_index) {
  Slot& slot = engine_.slots[slot_index];
  Stream& stream = to.incoming;
  const uint64_t used = stream.sent - stream.taken;
  uint64_t room = stream.capacity > used ? stream.capacity - used : 0;
  uint64_t skip = slot.progress;
  uint64_t moved = 0;
  for (uint32_t i = 0; i < slot.op->iov_count && room > 0; ++i) {
    const iovec& part = slot.op->iov[i];
    if (skip >= part.iov_len) {
      skip -= part.iov_len;
      continue;
    }
    const auto* from = static_cast<const uint8_t*>(part.iov_base) + skip;
    const uint64_t n = std::min(room, part.iov_len - skip);
    stream.bytes.insert(stream.bytes.end(), from, from + n);
    skip = 0;
    moved += n;
    room -= n;
  }
  stream.sent += moved;
  slot.progress += moved;
  return moved;
}

void Network::serve_send(ConnectionEnd end) {
  Connection* connection = find(end.connection);
  if (!connection || connection->ends[end.side].sending == kNoSlot) return;
  End& self = connection->ends[end.side];
  End& to = connection->ends[1 - end.side];
  const Op& op = *engine_.slots[self.sending].op;
  uint64_t total = 0;
  for (uint32_t i = 0; i < op.iov_count; ++i) total += op.iov[i].iov_len;
  const uint64_t before = to.incoming.sent;
  const uint64_t moved = fill(to, self.sending);
  if (moved > 0) send_pieces(other(end), before, moved);
  if (engine_.slots[self.sending].progress < total) return;
  engine_.complete(std::exchange(self.sending, kNoSlot), static_cast<int32_t>(total));
}

// The bytes [before, before + bytes) of the stream travel as one piece or several.
void Network::send_pieces(ConnectionEnd to, uint64_t before, uint64_t bytes) {
  Connection& connection = *find(to.connection);
  Stream& stream = connection.ends[to.side].incoming;
  const NodeId from_node = connection.ends[1 - to.side].node;
  const BytesView sent(stream.bytes.data() + (before - stream.base), bytes);
  engine_.hash.add(Trace::send, engine_.now, to.connection << 1 | to.side, EventHash::digest(sent));
  uint64_t pieces = 1;
  if (bytes > 1 && engine_.chance(prng_, engine_.options.network.segment)) {
    pieces = prng_.between(2, std::min<uint64_t>(bytes, 6));
  }
  while (bytes > 0) {
    uint64_t n = bytes;
    // Small first pieces are the interesting ones: half a length field, half a header.
    if (--pieces > 0 && bytes > pieces) {
      const uint64_t most = bytes - pieces;
      n = prng_.between(1, prng_.chance(1, 2) ? std::min<uint64_t>(most, 8) : most);
    }
    const MonoTime at = std::max(engine_.now + delay(from_node, connection.ends[to.side].node),
                                 stream.last_arrival + Duration(1));
    stream.last_arrival = at;
    engine_.post(at - engine_.now, on_data, to.connection, to.side, n);
    bytes -= n;
    if (pieces == 0) pieces = 1;
  }
}

void Network::send_fin(ConnectionEnd to) {
  End* self = end_of(to);
  if (!self || self->incoming.fin_sent) return;
  self->incoming.fin_sent = true;
  const NodeId from = end_of(other(to))->node;
  const MonoTime at =
      std::max(engine_.now + delay(from, self->node), self->incoming.last_arrival + Duration(1));
  engine_.post(at - engine_.now, on_fin, to.connection, to.side);
}

void Network::send_reset(ConnectionEnd to) {
  End* self = end_of(to);
  if (!self) return;
  engine_.post(delay(end_of(other(to))->node, self->node), on_reset, to.connection, to.side);
}

// --- what arrives ---

// False when the link is cut (the event comes again) or the end cannot take it (its sender hears).
bool Network::delivered(ConnectionEnd to, const Event& event) {
  End* self = end_of(to);
  if (!self) return false;
  End& from = *end_of(other(to));
  const NetworkOptions& options = engine_.options.network;
  const bool cut = is_cut(from.node, self->node);
  if (cut || (self->silent && engine_.node(self->node).process->ending != Ending::running)) {
    if (!from.timing_out) {
      from.timing_out = true;
      engine_.post(options.peer_timeout, on_timeout, to.connection, 1 - to.side);
    }
    if (cut) engine_.post(options.retransmit, event.fire, event.a, event.b, event.c);
    return false;
  }
  if (self->silent || !self->open) {
    send_reset(other(to));
    return false;
  }
  return self->error == 0;
}

void Network::on_data(Engine& engine, const Event& event) {
  Network& self = engine.network;
  const ConnectionEnd to{event.a, static_cast<uint32_t>(event.b)};
  if (!self.delivered(to, event)) return;
  End& end = *self.end_of(to);
  if (engine.chance(self.prng_, engine.options.network.reset)) {
    self.fail_end(to, ECONNRESET);
    return self.send_reset(other(to));
  }
  end.incoming.arrived += event.c;
  engine.hash.add(Trace::arrive, engine.now, to.connection << 1 | to.side, end.incoming.arrived);
  if (end.shut_receive) {
    end.incoming.taken = end.incoming.base = end.incoming.arrived;
    end.incoming.bytes.erase(
        end.incoming.bytes.begin(),
        end.incoming.bytes.end() - static_cast<ptrdiff_t>(end.incoming.sent - end.incoming.base));
    return self.serve_send(other(to));
  }
  self.serve_receive(to);
}

void Network::on_fin(Engine& engine, const Event& event) {
  Network& self = engine.network;
  const ConnectionEnd to{event.a, static_cast<uint32_t>(event.b)};
  End* end = self.end_of(to);
  if (!end || (!end->open && !end->silent)) return;  // both are closing
  if (!self.delivered(to, event)) return;
  end->incoming.fin_arrived = true;
  self.serve_receive(to);
}

void Network::on_reset(Engine& engine, const Event& event) {
  const ConnectionEnd to{event.a, static_cast<uint32_t>(event.b)};
  End* end = engine.network.end_of(to);
  if (!end) return;
  if (engine.network.is_cut(engine.network.end_of(other(to))->node, end->node)) {
    return engine.post(engine.options.network.retransmit, on_reset, event.a, event.b);
  }
  engine.network.fail_end(to, ECONNRESET);
}

void Network::on_timeout(Engine& engine, const Event& event) {
  Network& self = engine.network;
  const ConnectionEnd at{event.a, static_cast<uint32_t>(event.b)};
  End* end = self.end_of(at);
  if (!end) return;
  end->timing_out = false;
  const End& peer = *self.end_of(other(at));
  if (peer.silent || self.is_cut(end->node, peer.node)) self.fail_end(at, ETIMEDOUT);
}

void Network::fail_end(ConnectionEnd at, int error) {
  End* self = end_of(at);
  if (!self || self->error || !self->open) return;
  engine_.hash.add(Trace::reset, engine_.now, at.connection << 1 | at.side,
                   static_cast<uint64_t>(error));
  self->error = error;
  Stream& stream = self->incoming;
  stream.bytes.clear();
  stream.base = stream.taken = stream.arrived = stream.sent;
  if (self->connecting != kNoSlot) finish_connect(at, -error);
  if (self->sending != kNoSlot) engine_.complete(std::exchange(self->sending, kNoSlot), -error);
  serve_receive(at);
}

// --- ends ---

void Network::shutdown(ConnectionEnd at, bool both_ways) {
  End& self = *end_of(at);
  if (self.connecting != kNoSlot) finish_connect(at, -ECONNRESET);
  if (!self.connected) return;
  if (!self.shut_send) {
    self.shut_send = true;
    send_fin(other(at));
    if (self.sending != kNoSlot) engine_.complete(std::exchange(self.sending, kNoSlot), -EPIPE);
  }
  if (!both_ways || self.shut_receive) return;
  self.shut_receive = true;
  serve_receive(at);
}

void Network::close(ConnectionEnd at) {
  End& self = *end_of(at);
  const End& peer = *end_of(other(at));
  self.open = false;
  if (peer.open) {
    const bool unread = self.incoming.arrived > self.incoming.taken;
    if (unread) {
      send_reset(other(at));
    } else {
      send_fin(other(at));
    }
  }
  forget_if_closed(at.connection);
}

void Network::forget_if_closed(uint64_t id) {
  const Connection& connection = *find(id);
  if (!connection.ends[0].open && !connection.ends[1].open) connections_.erase(id);
}

void Network::cancel(uint32_t slot, ConnectionEnd at, uint64_t listener) {
  const OpCode code = engine_.slots[slot].op->code;
  if (code == OpCode::accept) {
    listeners_.at(listener)->accepting = kNoSlot;
    return engine_.complete(slot, -ECANCELED);
  }
  End& self = *end_of(at);
  if (code == OpCode::connect) return finish_connect(at, -ECANCELED);
  (code == OpCode::send ? self.sending : self.receiving) = kNoSlot;
  const auto progress = static_cast<int32_t>(engine_.slots[slot].progress);
  engine_.complete(slot, progress > 0 ? progress : -ECANCELED);
}

void Network::drop_process(Process& process, bool power) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const uint64_t id = it->first;
    const bool its = it->second->process == &process;
    ++it;
    if (!its) continue;
    if (power) {
      listeners_.erase(id);
    } else {
      close_listener(id);
    }
  }
  std::vector<ConnectionEnd> ends;
  for (const auto& [id, connection] : connections_) {
    for (const uint32_t side : {0u, 1u}) {
      const End& end = connection->ends[side];
      if (end.process == &process && end.open) ends.push_back({id, side});
    }
  }
  for (const ConnectionEnd at : ends) {
    End* self = end_of(at);
    if (!self) continue;
    self->receiving = self->sending = self->connecting = kNoSlot;
    self->process = nullptr;
    if (!power) {
      close(at);
      continue;
    }
    self->silent = true;
    self->open = false;
    forget_if_closed(at.connection);
  }
}

}  // namespace odradek::reactor::sim
