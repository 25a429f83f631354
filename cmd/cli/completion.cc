// `odradek completion SHELL`: verbs, and the options that each verb's help names.
#include <fmt/format.h>

#include "cmd/cli/arguments.h"
#include "cmd/cli/session.h"
#include "cmd/cli/verbs.h"

namespace odradek::cli {

namespace {

constexpr VerbHelp kHelp = {
    "completion", "bash|zsh|fish", "Prints a completion script for a shell.\n",
    "  source <(odradek completion bash)                          # this shell; zsh likewise\n"
    "  odradek completion bash > /etc/bash_completion.d/odradek   # all shells\n"
    "  odradek completion fish > ~/.config/fish/completions/odradek.fish\n"};

// Asks the program itself, so that the script never lags behind it.
constexpr std::string_view kBash = R"(# bash completion for odradek
_odradek() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]}
  local choices=
  if [ "$COMP_CWORD" = 1 ]; then
    choices=$("$program" help 2> /dev/null | sed -n 's/^  odradek \([a-z-]*\) .*/\1/p')
  elif [ "$before" = --topic ] || [ "$before" = --group ] ||
    { [ "${COMP_WORDS[1]}" = group ] && [ "$COMP_CWORD" -gt 2 ] &&
      [ "${word:0:1}" != - ] && [ "${before:0:1}" != - ]; }; then
    local i kind=group
    local -a servers=()
    [ "$before" != --topic ] || kind=topic
    for ((i = 1; i < COMP_CWORD; i++)); do
      case ${COMP_WORDS[i]} in
        -b | --bootstrap-server) servers=(--bootstrap-server "${COMP_WORDS[i+1]}") ;;
      esac
    done
    choices=$("$program" "$kind" list --quiet --timeout 1 "${servers[@]}" 2> /dev/null)
  elif [ "${word:0:1}" = - ]; then
    choices=$("$program" "${COMP_WORDS[1]}" --help 2> /dev/null |
      grep -oE -- '--[a-z][a-z-]+' | sort -u)
  elif [ "$COMP_CWORD" = 2 ]; then
    choices=$("$program" "${COMP_WORDS[1]}" --help 2> /dev/null |
      sed -n "s/^  odradek ${COMP_WORDS[1]} \([a-z|-]*\) .*/\1/p" | head -n 1 | tr '|' '\n')
  fi
  # Any client of a cluster chooses names there: they are never evaluated (compgen -W would), and
  # offered quoted, where no quote is open, and not as what would be an option.
  local choice quoted typed=${word//[\\\"\']/}
  COMPREPLY=()
  while IFS= read -r choice; do
    [[ -n $choice && $choice = "$typed"* ]] || continue
    [[ $choice != -* || $word = -* ]] || continue
    printf -v quoted %q "$choice"
    [[ $quoted = "$choice" || $word != *[\"\']* ]] || continue
    COMPREPLY+=("$quoted")
  done <<< "$choices"
}
complete -o default -F _odradek odradek
)";

// zsh runs the same, with its own emulation of bash's completion.
constexpr std::string_view kZsh = R"(#compdef odradek
(( $+functions[compdef] )) || { autoload -U +X compinit && compinit -i }
autoload -U +X bashcompinit && bashcompinit
)";

constexpr std::string_view kFish = R"(# fish completion for odradek
function __odradek_choices
  set -l words (commandline --tokenize --cut-at-cursor --current-process)
  set -l word (commandline --current-token)
  set -l program $words[1]
  set -l before $words[-1]
  set -l kind group
  test "$before" = --topic; and set kind topic
  if test (count $words) = 1
    $program help 2> /dev/null |
      string replace --filter --regex '^  odradek ([a-z-]+) +(.*)$' '$1\t$2'
  else if test "$before" = --topic -o "$before" = --group
    or begin
      test "$words[2]" = group -a (count $words) -gt 2
      and not string match --quiet -- '-*' $word $before
    end
    set -l servers
    for i in (seq 2 (count $words))
      contains -- $words[$i] -b --bootstrap-server
      and set servers --bootstrap-server $words[(math $i + 1)]
    end
    $program $kind list --quiet --timeout 1 $servers 2> /dev/null | string match --invert -- '-*'
  else if string match --quiet -- '-*' $word
    $program $words[2] --help 2> /dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u
  else if test (count $words) = 2
    $program $words[2] --help 2> /dev/null |
      string replace --filter --regex "^  odradek $words[2] ([a-z|-]*) .*" '$1' |
      head -n 1 | string split '|'
  end
end
complete --command odradek --arguments '(__odradek_choices)'
)";

}  // namespace

int run_completion(std::span<const std::string> words) {
  Arguments arguments(kHelp);
  if (const auto code = parse_or_exit(arguments, kHelp.verb, words)) return *code;
  const std::string shell = arguments.words().size() == 1 ? arguments.words()[0] : "";
  if (shell == "zsh") print_out(kZsh);
  if (shell == "bash" || shell == "zsh") {
    print_out(kBash);
  } else if (shell == "fish") {
    print_out(kFish);
  } else {
    complain(kHelp.verb, "say for which shell: bash, zsh or fish");
    return 2;
  }
  return 0;
}

}  // namespace odradek::cli
