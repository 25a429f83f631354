# Sourced by scripts/test and .ci/run: runs named steps and adds up what they counted.
#   step NAME COMMAND ...   runs COMMAND; its last "N passed, N failed" line (or doctest's summary) is its count;
#                           without one it counts as one check. A non-zero exit is at least one failure, and so is a
#                           step that counted nothing. Lines "SKIP what: why" are repeated at the end.
#   tally                   prints the failed steps, the skips and the total; returns 1 if anything failed
passed=0 failed=0 failures=() skips=()
tally_log=$(mktemp)
trap 'rm -f "$tally_log"' EXIT

count_of() {  # Prints "passed failed" as the output on stdin counts them, or nothing.
  sed -nE -e 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' \
    -e 's/^\[doctest\] test cases: +[0-9]+ \| +([0-9]+) passed \| +([0-9]+) failed.*$/\1 \2/p' | tail -n 1
}

step() {
  local name=$1 start=$SECONDS code=0 count p f
  shift
  echo "=== $name: $*"
  "$@" < /dev/null 2>&1 | tee "$tally_log" && code=${PIPESTATUS[0]} || code=${PIPESTATUS[0]}
  count=$(count_of < "$tally_log")
  if [ -z "$count" ] && [ "$code" = 0 ]; then count=$(grep -q '^SKIP ' "$tally_log" && echo 0 0 || echo 1 0); fi
  read -r p f <<< "${count:-0 1}"
  mapfile -t -O ${#skips[@]} skips < <(sed -n 's/^SKIP //p' "$tally_log")
  if [ "$code" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  if [ "$p" = 0 ] && [ "$f" = 0 ] && ! grep -q '^SKIP ' "$tally_log"; then f=1; echo "$name: counted nothing"; fi
  [ "$f" = 0 ] || failures+=("$name (exit $code)")
  passed=$((passed + p)) failed=$((failed + f))
  echo "--- $name: $p passed, $f failed in $((SECONDS - start)) s"
}

tally() {
  local line
  for line in "${skips[@]}"; do echo "skipped: $line"; done
  for line in "${failures[@]}"; do echo "failed: $line"; done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
