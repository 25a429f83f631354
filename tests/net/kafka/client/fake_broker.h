// A broker of a few lines for tests of the client: answers what the test says, on one node of the
// simulated world.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/kafka/api.h"
#include "net/kafka/messages/api_versions_response.h"
#include "net/kafka/messages/metadata_response.h"
#include "net/kafka/messages/request_header.h"
#include "net/kafka/messages/response_header.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"
#include "reactor/socket.h"
#include "reactor/wait.h"
#include "tests/reactor/support.h"

namespace odradek::client {

// One request, decoded as far as its header.
struct FakeRequest {
  int16_t key = 0;
  int16_t version = 0;
  wire::Reader& reader;
  template <class Message>
  Message decode_as() {
    Message message;
    using kafka::decode;
    REQUIRE(decode(reader, version, message));
    return message;
  }
};

class FakeBroker {
 public:
  // The body of an answer; absent: the connection is closed instead.
  using Answer = std::function<std::optional<std::vector<uint8_t>>(FakeRequest&)>;

  template <class Message>
  static std::vector<uint8_t> body(int16_t version, const Message& message) {
    wire::Writer out;
    using kafka::encode;
    encode(out, version, message);
    return out.copy();
  }
  void on(int16_t key, kafka::VersionRange served, Answer answer) {
    served_[key] = served;
    answers_[key] = std::move(answer);
  }
  // ApiVersions in these versions only; newer ones get UNSUPPORTED_VERSION as KIP-511 says.
  void serve_api_versions(int16_t newest) {
    on(18, {0, newest}, [this, newest](FakeRequest& request) {
      kafka::ApiVersionsResponse answer;
      const bool known = request.version <= newest;
      answer.error_code = known ? 0 : 35;
      for (const auto& [key, range] : served_) {
        auto& api = answer.api_keys.emplace_back();
        api.api_key = key;
        api.min_version = range.low;
        api.max_version = range.high;
      }
      return std::optional(body(known ? request.version : 0, answer));
    });
  }
  // One broker (this one, id 1), one topic "t" of so many partitions.
  void serve_metadata(kafka::VersionRange versions, int32_t partitions) {
    on(3, versions, [partitions](FakeRequest& request) {
      kafka::MetadataResponse answer;
      auto& broker = answer.brokers.emplace_back();
      broker.node_id = 1;
      broker.host = "127.0.0.1";
      broker.port = 9092;
      answer.controller_id = 1;
      auto& topic = answer.topics.emplace_back();
      topic.name = "t";
      for (int32_t i = 0; i < partitions; ++i) {
        auto& partition = topic.partitions.emplace_back();
        partition.partition_index = i;
        partition.leader_id = 1;
      }
      return std::optional(body(request.version, answer));
    });
  }

  void start() {
    reactor::must(listener_.open({"127.0.0.1", 9092}, {}));
    gate_.spawn("fake broker", accept_loop());
  }
  reactor::Task<void> stop() {
    for (auto* socket : sockets_) socket->abort();
    co_await listener_.stop();
    co_await gate_.close();
  }
  std::vector<std::pair<int16_t, int16_t>> asked;  // key, version

 private:
  reactor::Task<void> accept_loop() {
    for (;;) {
      const auto fd = co_await listener_.accept();
      if (!fd) co_return;
      gate_.spawn("fake connection", serve(*fd));
    }
  }
  reactor::Task<void> serve(int fd) {
    reactor::Socket socket(fd);
    sockets_.push_back(&socket);
    for (;;) {
      uint8_t head[4];
      if (!co_await socket.receive_exact(head)) break;
      std::vector<uint8_t> frame(static_cast<size_t>(load_be<int32_t>(head)));
      if (!co_await socket.receive_exact(frame)) break;
      const auto answer = answer_to(frame);
      if (!answer || !co_await socket.send(BytesView(*answer))) break;
    }
    std::erase(sockets_, &socket);
    reactor::must(co_await socket.close());
  }
  std::optional<std::vector<uint8_t>> answer_to(const std::vector<uint8_t>& frame) {
    const auto key = load_be<int16_t>(frame.data());
    const auto version = load_be<int16_t>(frame.data() + 2);
    asked.emplace_back(key, version);
    wire::Scratch scratch;
    wire::Reader reader(BytesView(frame), scratch);
    const kafka::ApiInfo& api = *kafka::find_api(key);
    kafka::RequestHeader header;
    REQUIRE(kafka::decode(reader, api.request_header_version(version), header));
    FakeRequest request{key, version, reader};
    const auto content = answers_.at(key)(request);
    if (!content) return std::nullopt;
    wire::Writer out;
    out.integer(int32_t{0});
    kafka::ResponseHeader answered;
    answered.correlation_id = header.correlation_id;
    kafka::encode(out, api.response_header_version(version), answered);
    out.raw(*content);
    out.patch_int32(0, static_cast<int32_t>(out.size() - 4));
    return out.copy();
  }

  std::map<int16_t, kafka::VersionRange> served_;
  std::map<int16_t, Answer> answers_;
  reactor::Listener listener_;
  reactor::Gate gate_;
  std::vector<reactor::Socket*> sockets_;
};

}  // namespace odradek::client
