// Bytes from a file, a pipe or a terminal, without stopping the shard while there are none.
//
// Owned by one task on one core. Bounds: one buffer. close() must have run before destruction.
#pragma once

#include <string>
#include <vector>

#include "reactor/base/bytes.h"
#include "reactor/base/result.h"
#include "reactor/task.h"

namespace odradek::cli {

class Input {
 public:
  Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input();

  // "-" is standard input.
  reactor::Task<Status> open(std::string path);
  // What comes next, valid until the next call; empty at the end.
  reactor::Task<Result<BytesView>> read();
  reactor::Task<void> close();
  // Bytes of a plain file; 0 for what has no size.
  uint64_t size() const { return size_; }

 private:
  int fd_ = -1;
  bool owned_ = false;
  bool seekable_ = false;
  uint64_t offset_ = 0;
  uint64_t size_ = 0;
  std::string path_;
  std::vector<uint8_t> buffer_;
};

}  // namespace odradek::cli
