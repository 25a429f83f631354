#include "cmd/broker/connection.h"

#include <algorithm>

#include "cmd/broker/broker_shard.h"
#include "cmd/broker/handler_table.h"
#include "cmd/broker/handlers/produce.h"
#include "cmd/broker/limits.h"
#include "cmd/broker/quotas/throttle.h"
#include "net/kafka/api.h"
#include "net/kafka/messages/request_header.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "reactor/logger.h"
#include "reactor/shard.h"

namespace odradek::broker {

using reactor::Task;

Connection::Connection(BrokerShard& shard, reactor::Socket socket, const Listener& listener)
    : shard_(shard),
      listener_(listener),
      idle_max_(std::chrono::milliseconds(shard.config().connections_idle_ms_max)),
      socket_(std::move(socket)),
      alarm_(*this) {
  const auto peer = socket_.peer();
  peer_ = peer.host;
  peer_port_ = peer.port;
  touch();
}

Connection::~Connection() { CHECK(slots_.empty() && !socket_.is_open(), slots_.size()); }

void Connection::touch() { last_request_ = reactor::this_shard().now(); }

Connection::Alarm::Alarm(Connection& owner)
    : Timer([](Timer& timer) { static_cast<Alarm&>(timer).connection.on_alarm(); }),
      connection(owner) {}

// Why the connection has to end at `now`; null when it may go on.
const char* Connection::overdue(MonoTime now) const {
  if (now >= body_deadline_) return "a request came too slowly";
  if (now >= send_deadline_) return "the peer does not read its answers";
  const bool idle = slots_.empty() && !serving_ && body_deadline_ == kMonoMax;
  return idle && now - last_request_ >= idle_max_ ? "" : nullptr;
}

// One timer a connection, which is armed anew when it fires and not by every request: an idle
// connection costs one firing in connections.max.idle.ms.
void Connection::on_alarm() {
  auto& shard = reactor::this_shard();
  const MonoTime now = shard.now();
  if (const char* why = overdue(now)) {
    if (*why) reactor::log_warning("{}: closed: {}", peer_, why);
    abort();
    return;
  }
  const bool idle = slots_.empty() && !serving_ && body_deadline_ == kMonoMax;
  const MonoTime quiet = (idle ? last_request_ : now) + idle_max_;
  shard.timers().arm(alarm_, std::min({quiet, body_deadline_, send_deadline_}));
}

// The body of a request has to be here by `deadline`.
void Connection::expect_body(MonoTime deadline) {
  body_deadline_ = deadline;
  auto& timers = reactor::this_shard().timers();
  if (!alarm_.armed() || alarm_.when() <= deadline) return;
  timers.cancel(alarm_);
  timers.arm(alarm_, deadline);
}

void Connection::abort() {
  broken_ = true;
  socket_.abort();
  unmuted_.notify_all();
}

void Connection::drain() {
  draining_ = true;
  unmuted_.notify_all();
  end_when_drained();
}

void Connection::end_when_drained() {
  if (draining_ && slots_.empty() && !serving_) socket_.abort();
}

Task<Status> Connection::read_exact(MutableBytes to) {
  size_t done = 0;
  while (done < to.size()) {
    const BytesView have = received_.bytes().subspan(received_at_);
    if (have.empty()) {
      received_.release();
      received_at_ = 0;
      auto got = co_await socket_.receive();
      if (!got) co_return fail(std::move(got).error());
      if (got->bytes().empty()) co_return fail(Errc::closed, "end of stream");
      received_ = std::move(*got);
      continue;
    }
    const size_t n = std::min(have.size(), to.size() - done);
    std::memcpy(to.data() + done, have.data(), n);
    done += n;
    received_at_ += n;
  }
  // An idle connection owns no buffer.
  if (received_at_ == received_.bytes().size()) {
    received_.release();
    received_at_ = 0;
  }
  co_return Status{};
}

// A large body: what came with the head is copied, the rest is received straight into the blocks,
// which are taken only as bytes arrive.
Task<Status> Connection::read_blocks(RequestFrame& frame, size_t size) {
  for (size_t left = size; left > 0;) {
    const size_t part = std::min(left, kFrameBlockBytes);
    reactor::Lease block = co_await reactor::this_shard().arena().allocate(part, body_deadline_);
    if (!block) co_return fail(Errc::overloaded, "no memory for a request's body");
    const MutableBytes to = frame.add_block(std::move(block), part);
    const size_t buffered = std::min(part, received_.bytes().size() - received_at_);
    CO_TRY(co_await read_exact(to.first(buffered)));
    if (buffered < part) CO_TRY(co_await socket_.receive_exact(to.subspan(buffered)));
    left -= part;
  }
  co_return Status{};
}

// What speaks another protocol is named, so that its owner can find the wrong port.
Status Connection::check_size(int32_t size, BytesView head) {
  const uint32_t limit = shard_.config().request_bytes_max;
  if (size > 0 && static_cast<uint32_t>(size) <= limit) {
    if (static_cast<uint64_t>(size) <= shard_.request_memory_bytes()) return {};
    return fail(Errc::malformed, "a request of " + std::to_string(size) +
                                     " bytes, but this shard has " +
                                     std::to_string(shard_.request_memory_bytes()) +
                                     " bytes of memory for all requests: raise odradek.memory");
  }
  const std::string_view text = as_text(head);
  std::string what;
  if (head[0] == 0x16 && head[1] == 0x03) {
    what =
        "a TLS handshake on a plaintext listener: point the client at a TLS listener or set "
        "security.protocol=PLAINTEXT";
  } else if (text == "GET " || text == "POST" || text == "HEAD" || text == "PUT ") {
    what = "an HTTP request on the Kafka port";
  } else if (size <= 0) {
    what = "a frame of " + std::to_string(size) + " bytes";
  } else {
    what = "a frame of " + std::to_string(size) +
           " bytes, more than socket.request.max.bytes=" + std::to_string(limit);
  }
  return fail(Errc::malformed, what);
}

Task<Result<RequestFrame>> Connection::read_frame() {
  uint8_t head[4];
  CO_TRY(co_await read_exact(head));
  frame_begun_ = reactor::this_shard().now();
  const auto size = load_be<int32_t>(head);
  CO_TRY(check_size(size, head));
  const auto bytes = static_cast<uint64_t>(size);
  // It waits here for other requests to end, not for the peer.
  if (!co_await shard_.request_memory().acquire(bytes,
                                                reactor::this_shard().now() + kMemoryDeadline)) {
    co_return fail(Errc::overloaded,
                   "no memory for a request of " + std::to_string(bytes) + " bytes");
  }
  RequestFrame frame(shard_.request_memory(), bytes);
  expect_body(reactor::this_shard().now() + kBodyDeadline +
              std::chrono::milliseconds(bytes * 1000 / kBytesPerSecondMin));
  if (bytes <= kSmallFrameBytes) {
    CO_TRY(co_await read_exact(frame.make_small(bytes)));
  } else {
    CO_TRY(co_await read_blocks(frame, bytes));
  }
  body_deadline_ = kMonoMax;
  co_return frame;
}

Connection::Slot* Connection::add_slot(const RequestRecord& record) {
  slots_.push_back(std::make_unique<Slot>());
  slots_.back()->record = record;
  return slots_.back().get();
}

// The request of `context` is here, `bytes` long.
RequestRecord Connection::begin_record(const RequestContext& context, size_t bytes) {
  ++requests_;
  received_bytes_ += bytes;
  if (client_id_ != context.client_id) client_id_ = context.client_id;
  RequestRecord record;
  record.api_key = context.api_key;
  record.api_version = context.api_version;
  record.request_bytes = bytes;
  record.begun = frame_begun_;
  record.read = reactor::this_shard().now();
  return record;
}

// The first `count` answers left.
void Connection::tell_answered(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Slot& slot = *slots_[i];
    const uint64_t bytes = slot.response.none ? 0 : slot.response.out.size();
    sent_bytes_ += bytes;
    shard_.requests().answered(slot.record, bytes, source());
  }
}

void Connection::finish(Slot& slot, Response response) {
  slot.response = std::move(response);
  slot.ready = true;
  slot.record.ready = reactor::this_shard().now();
  response_bytes_ += slot.response.out.size();
  if (slots_.front().get() == &slot) wake_writer_.notify_all();
}

Task<void> Connection::finish_produce(std::unique_ptr<ProduceCall> call, Slot* slot) {
  Response response = co_await call->finish();
  call.reset();
  finish(*slot, std::move(response));
  if (--produces_open_ == 0) produces_done_.notify_all();
}

Task<bool> Connection::serve_produce(RequestFrame frame, RequestContext context, size_t body_at) {
  RequestRecord record = begin_record(context, frame.bytes().size());
  auto call = std::make_unique<ProduceCall>(std::move(frame), std::move(context));
  const Status staged = co_await call->stage(body_at);
  if (!staged) {
    reactor::log_warning("{}: closed: {}", peer_, staged.error().to_string());
    co_return false;
  }
  record.staged = record.ready = reactor::this_shard().now();
  if (call->context().quotas) {
    co_await settle_produce(call->context(), record.request_bytes - body_at, call->silent());
    hold_back(call->context());
  }
  if (call->silent()) {
    shard_.requests().answered(record, 0, source());
    // acks=0 has no way to say that it failed but to close (trap 9).
    const bool go_on = !call->failed();
    if (!go_on) reactor::log_warning("{}: closed: a produce with acks=0 failed", peer_);
    co_return go_on;
  }
  call->let_go_of_frame();
  ++produces_open_;
  Slot* slot = add_slot(record);
  gate_.spawn("produce", finish_produce(std::move(call), slot), reactor::TaskClass::request);
  co_return true;
}

// What the client of this request meets; nothing when no quota is set.
void Connection::meet_quotas(RequestContext& context) {
  if (!shard_.quotas().any()) return;
  if (!quotas_) quotas_ = std::make_unique<ClientQuotas>();
  constexpr std::string_view kUser = "User:";
  std::string_view user = context.principal;
  if (user.starts_with(kUser)) user.remove_prefix(kUser.size());
  shard_.quotas().renew(*quotas_, user, context.client_id);
  context.quotas = quotas_.get();
}

// The answer tells how long; from now on nothing is read for that long.
void Connection::hold_back(const RequestContext& context) {
  if (context.throttle_ms <= 0) return;
  shard_.quotas().count_throttle(context.throttled_by, context.throttle_ms);
  muted_until_ = reactor::this_shard().now() + std::chrono::milliseconds(context.throttle_ms);
}

Task<void> Connection::wait_unmuted() {
  while (!broken_ && !draining_ && reactor::this_shard().now() < muted_until_) {
    co_await unmuted_.wait(muted_until_);
  }
}

// Runs one request; false ends the connection after what was answered before.
Task<bool> Connection::serve(RequestFrame frame) {
  wire::Scratch scratch;
  wire::Reader reader(frame.bytes(), scratch);
  // Version 1 of the header is what all requests have in common; flexible ones add tags.
  kafka::RequestHeader header;
  const auto key = frame.bytes().size() >= 4 ? [&] {
    uint8_t head[4];
    frame.bytes().copy_out(0, head);
    return std::pair(load_be<int16_t>(head), load_be<int16_t>(head + 2));
  }()
                                             : std::pair<int16_t, int16_t>(-1, -1);
  const HandlerEntry* entry = find_handler(key.first);
  if (entry && !serves_on(*entry, listener_.controller)) entry = nullptr;
  const kafka::ApiInfo* api = kafka::find_api(key.first);
  const bool version_known = entry && entry->serves(key.second);
  if (!entry || (!version_known && !entry->answers_unknown_versions)) {
    reactor::log_warning("{}: closed: request of api {} version {}, which is not served on {}",
                         peer_, key.first, key.second, listener_.name);
    co_return false;
  }
  const int16_t header_version = version_known ? api->request_header_version(key.second) : 1;
  const Status decoded = kafka::decode(reader, header_version, header);
  if (!decoded) {
    reactor::log_warning("{}: closed: {}", peer_, decoded.error().to_string());
    co_return false;
  }
  RequestContext context(shard_, listener_);
  context.host = peer_;
  // A view of the frame's first block, which is larger than any header: it moves with the frame.
  context.client_id = header.client_id.value_or("");
  context.api_key = key.first;
  context.api_version = key.second;
  context.correlation_id = header.correlation_id;
  const Running running(shard_.quotas());
  meet_quotas(context);
  running.measure(context);
  co_await reactor::name_task(api->name.data());  // a literal: ends with a zero
  if (entry->key == kafka::ProduceRequest::api_key) {
    co_return co_await serve_produce(std::move(frame), std::move(context), reader.offset());
  }
  const RequestRecord record = begin_record(context, frame.bytes().size());
  while (produces_open_ > 0) co_await produces_done_.wait();
  Slot* slot = add_slot(record);
  auto response = co_await entry->serve(context, reader);
  slot->record.waited = context.waited;
  hold_back(context);
  if (!response) {
    reactor::log_warning("{}: closed: {}", peer_, response.error().to_string());
    Response nothing;
    nothing.none = true;
    finish(*slot, std::move(nothing));
    co_return false;
  }
  finish(*slot, std::move(*response));
  co_return !context.close_after;
}

// The parts of what is ready at the front, for one send; how many responses that is.
size_t Connection::gather(std::vector<iovec>& parts, size_t& bytes) const {
  size_t count = 0;
  for (const auto& slot : slots_) {
    if (!slot->ready || parts.size() >= kSendPartsMax || bytes >= kSendBytesMax) break;
    ++count;
    if (slot->response.none) continue;
    const Chain chain = slot->response.out.chain();
    for (size_t i = 0; i < chain.part_count(); ++i) {
      parts.push_back({const_cast<uint8_t*>(chain.part(i).data()), chain.part(i).size()});
    }
    bytes += chain.size();
  }
  return count;
}

// Sends what is ready from the front, many responses in one send.
Task<void> Connection::write_loop() {
  for (;;) {
    if (slots_.empty() && reading_done_) co_return;
    if (slots_.empty() || !slots_.front()->ready) {
      co_await wake_writer_.wait();
      continue;
    }
    std::vector<iovec> parts;
    size_t bytes = 0;
    const size_t count = gather(parts, bytes);
    if (bytes > 0 && !broken_) {
      send_deadline_ = reactor::this_shard().now() + idle_max_ +
                       std::chrono::milliseconds(bytes * 1000 / kBytesPerSecondMin);
      const Status sent = co_await socket_.send(std::move(parts));
      send_deadline_ = kMonoMax;
      if (!sent) abort();
    }
    response_bytes_ -= bytes;
    tell_answered(count);
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(count));
    touch();
    room_.notify_all();
    end_when_drained();
  }
}

// Reads no more than the answers that are open allow: whoever does not read them is not read
// either.
Task<void> Connection::read_loop() {
  while (!broken_ && !draining_) {
    while (slots_.size() >= kResponsesPerConnection ||
           response_bytes_ >= shard_.response_bytes_max()) {
      co_await room_.wait();
    }
    if (reactor::this_shard().now() < muted_until_) co_await wait_unmuted();
    if (broken_ || draining_) co_return;
    auto frame = co_await read_frame();
    if (!frame) {
      const Errc code = frame.error().code;
      if (code == Errc::malformed || code == Errc::overloaded) {
        reactor::log_warning("{}: closed: {}", peer_, frame.error().context);
      }
      co_return;
    }
    touch();
    serving_ = true;
    const bool go_on = co_await serve(std::move(*frame));
    serving_ = false;
    if (!go_on) co_return;
  }
}

Task<void> Connection::run() {
  auto& shard = reactor::this_shard();
  shard.timers().arm(alarm_, shard.now() + idle_max_);
  gate_.spawn("connection writer", write_loop(), reactor::TaskClass::completion);
  co_await read_loop();
  reading_done_ = true;
  received_.release();
  wake_writer_.notify_all();
  co_await gate_.close();
  shard.timers().cancel(alarm_);
  const Status closed = co_await socket_.close();
  if (!closed) reactor::log_warning("{}: {}", peer_, closed.error().to_string());
}

}  // namespace odradek::broker
