#include <string>

#include "reactor/file.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"
#include "reactor/socket.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::reactor;

namespace {

Task<void> echo_one(int fd) {
  Socket socket(fd);
  for (;;) {
    auto got = co_await socket.receive();
    if (!got || got->bytes().empty()) break;
    if (!co_await socket.send(got->bytes())) break;
  }
  (void)co_await socket.close();
}

Task<void> serve(Listener& listener, Gate& gate) {
  for (;;) {
    auto fd = co_await listener.accept();
    if (!fd) co_return;
    gate.spawn("echo", echo_one(*fd));
  }
}

Task<int> echo_main() {
  Listener listener;
  Gate gate;
  ListenOptions options;
  options.host = "127.0.0.1";
  if (!listener.open(options, {})) co_return 1;
  gate.spawn("serve", serve(listener, gate));
  auto socket = co_await Socket::connect(listener.address(), {}, kMonoMax);
  if (!socket) co_return 2;
  const std::string text(100'000, 'x');
  gate.spawn("noop", sleep_for(1ms));
  int code = 0;
  std::string back(text.size(), ' ');
  for (size_t at = 0; at < text.size(); at += 1000) {
    if (!co_await socket->send(as_bytes(std::string_view(text).substr(at, 1000)))) code = 3;
  }
  MutableBytes into(reinterpret_cast<uint8_t*>(back.data()), back.size());
  if (!co_await socket->receive_exact(into)) code = 4;
  if (back != text) code = 5;
  (void)co_await socket->close();
  co_await listener.stop();
  co_await gate.close();
  co_return code;
}

Task<uint32_t> where() { co_return this_shard().id().value; }

Task<int> hop_main() {
  uint32_t sum = 0;
  for (int round = 0; round < 200; ++round) {
    for (uint32_t to = 0; to < this_shard().shard_count(); ++to) {
      sum += co_await submit_to(ShardId(to), [] { return where(); });
    }
  }
  co_return static_cast<int>(sum);
}

Task<int> file_main() {
  char name[] = "/tmp/odradek_uring_test_XXXXXX";
  if (!::mkdtemp(name)) co_return 1;
  const std::string path = std::string(name) + "/file";
  OpenOptions options;
  options.write = options.create = options.direct = true;
  auto file = co_await File::open(path, options);
  if (!file) co_return 2;
  Lease block = co_await this_shard().arena().allocate(8192);
  std::fill_n(block.writable().data(), 8192, uint8_t{7});
  int code = 0;
  if (!co_await file->allocate(0, 65536)) code = 3;
  if (!co_await file->write_durable({iovec{block.writable().data(), 8192}}, 4096)) code = 4;
  std::fill_n(block.writable().data(), 8192, uint8_t{0});
  auto n = co_await file->read(block.writable(), 4096);
  if (!n || *n != 8192 || block.bytes()[8191] != 7) code = 5;
  if (!co_await file->truncate(4096)) code = 6;
  auto stat = co_await stat_file(path);
  if (!stat || stat->size != 4096) code = 7;
  if (!co_await file->lock()) code = 8;
  (void)co_await file->close();
  // The pair of write and sync has one end also when the write fails.
  OpenOptions reading;
  auto unwritable = co_await File::open(path, reading);
  if (!unwritable) co_return 13;
  const auto refused =
      co_await unwritable->write_durable({iovec{block.writable().data(), 4096}}, 0);
  if (refused || refused.error().to_string().find("write ") == std::string::npos) code = 14;
  (void)co_await unwritable->close();
  auto listed = co_await list_directory(name);
  if (!listed || listed->size() != 1 || (*listed)[0].name != "file") code = 9;
  if (!co_await remove_file(path)) code = 10;
  if (!co_await remove_directory(name)) code = 11;
  if ((co_await stat_file(path)).error().code != Errc::not_found) code = 12;
  co_return code;
}

}  // namespace

TEST_CASE("an echo server answers on real sockets") {
  const auto code = run_shards({}, [] { return echo_main(); });
  REQUIRE(code);
  EXPECT_EQ(*code, 0);
}

TEST_CASE("calls reach every shard and come home") {
  RuntimeOptions options;
  options.shards = 4;
  const auto sum = run_shards(options, [] { return hop_main(); });
  REQUIRE(sum);
  EXPECT_EQ(*sum, 200 * (0 + 1 + 2 + 3));
}

TEST_CASE("files are written durably, read, truncated, listed and removed") {
  const auto code = run_shards({}, [] { return file_main(); });
  REQUIRE(code);
  EXPECT_EQ(*code, 0);
}
