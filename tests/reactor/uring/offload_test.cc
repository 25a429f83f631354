#include <netdb.h>

#include <atomic>
#include <chrono>
#include <future>

#include "reactor/file.h"
#include "reactor/runtime.h"
#include "reactor/shard.h"
#include "reactor/socket.h"
#include "reactor/wait.h"
#include "tests/test.h"

using namespace odradek;
using namespace odradek::reactor;

namespace {

std::promise<void> name_server;  // it answers when this is set
std::atomic<bool> answered = false;

}  // namespace

// In place of the library's: a name server that is as slow as the test wants, 5 s at most.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  name_server.get_future().wait_for(5s);
  answered = true;
  return EAI_NONAME;
}

namespace {

Task<void> look_up(int* code) {
  if (co_await resolve("name.example", 0)) *code = 1;
}

Task<int> look_up_beside_files() {
  int code = 0;
  Gate gate;
  gate.spawn("look-up", look_up(&code));
  co_await yield();
  if (!co_await stat_filesystem("/")) code = 2;
  if (!co_await list_directory("/")) code = 3;
  if (answered) code = 4;
  name_server.set_value();
  co_await gate.close();
  if (!answered) code = 5;
  co_return code;
}

}  // namespace

TEST_CASE("a name server that does not answer holds up no call for a file") {
  const auto code = run_shards({}, [] { return look_up_beside_files(); });
  REQUIRE(code);
  EXPECT_EQ(*code, 0);
}
