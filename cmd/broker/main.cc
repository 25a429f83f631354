#include <string>
#include <vector>

#include "cmd/cli/verbs.h"

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  return odradek::cli::run(arguments);
}
