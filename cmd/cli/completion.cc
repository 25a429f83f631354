// `odradek completion bash`: verbs, and the options that each verb's help names.
#include <fmt/format.h>

#include "cmd/cli/arguments.h"
#include "cmd/cli/session.h"
#include "cmd/cli/verbs.h"

namespace odradek::cli {

namespace {

constexpr VerbHelp kHelp = {
    "completion", "bash", "Prints a completion script for a shell.\n",
    "  source <(odradek completion bash)                          # this shell\n"
    "  odradek completion bash > /etc/bash_completion.d/odradek   # all shells\n"};

// Asks the program itself, so that the script never lags behind it.
constexpr std::string_view kBash = R"(# bash completion for odradek
_odradek() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]}
  local choices=
  if [ "$COMP_CWORD" = 1 ]; then
    choices=$("$program" help 2> /dev/null | sed -n 's/^  odradek \([a-z-]*\) .*/\1/p')
  elif [ "$before" = --topic ]; then
    local i servers=()
    for ((i = 1; i < COMP_CWORD; i++)); do
      case ${COMP_WORDS[i]} in
        -b | --bootstrap-server) servers=(--bootstrap-server "${COMP_WORDS[i+1]}") ;;
      esac
    done
    choices=$("$program" topic list --quiet --timeout 1 "${servers[@]}" 2> /dev/null)
  elif [ "${word:0:1}" = - ]; then
    choices=$("$program" "${COMP_WORDS[1]}" --help 2> /dev/null |
      grep -oE -- '--[a-z][a-z-]+' | sort -u)
  elif [ "$COMP_CWORD" = 2 ]; then
    choices=$("$program" "${COMP_WORDS[1]}" --help 2> /dev/null |
      sed -n "s/^  odradek ${COMP_WORDS[1]} \([a-z|-]*\) .*/\1/p" | head -n 1 | tr '|' ' ')
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
}
complete -o default -F _odradek odradek
)";

}  // namespace

int run_completion(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  if (arguments.words().size() != 1 || arguments.words()[0] != "bash") {
    complain(kHelp.verb, "say for which shell: bash");
    return 2;
  }
  print_out(kBash);
  return 0;
}

}  // namespace odradek::cli
