"""Words that the tree does without, each with what to write instead."""

import re

# (pattern, where it is meant: code or text, paths that may, what to write instead)
BELOW_CMD = ("cmd/", "tests/", "perf/")
RULES = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "text", (), "do it, or write an issue"),
    (r"\b(?:system|steady|high_resolution)_clock\s*::\s*now|\bclock_gettime\b|\bgettimeofday\b|(?<![\w.:>])time\s*\((?:nullptr|NULL|0)\)",
     "code", ("reactor/uring/", "perf/", "tests/reactor/", "tests/sim/"), "ask the clock you were given (reactor/base/time.h)"),
    (r"\bthis_thread\s*::\s*sleep\w*|\b(?:usleep|nanosleep)\b|(?<![\w.:>])sleep\s*\(", "code", ("reactor/uring/", "perf/"),
     "a timer of the loop"),
    (r"(?<![\w.:>])s?rand\s*\(|(?<!\w)::random\s*\(|\brandom_device\b|\bmt19937(?:_64)?\b", "code",
     ("reactor/uring/", "reactor/sim/no_real_clock.cc", "tests/reactor/sim/world_test.cc"),
     "the random source you were given (reactor/base/prng.h)"),
    (r"\bthread_local\b", "code", ("reactor/shard.cc",), "pass the object; only the current shard is thread_local (reactor/shard.cc)"),
    (r"\b(?:std::)?(?:atomic(?:_\w+)?\s*<|atomic_(?:bool|int|flag|thread_fence|ref)\b)", "code",
     ("reactor/mailbox", "reactor/metrics", "reactor/wake", "tests/", "perf/"),
     "a message through reactor/mailbox, or a counter of reactor/metrics"),
    (r"\bstd::(?:mutex|shared_mutex|recursive_mutex|condition_variable|thread|jthread|lock_guard|unique_lock|scoped_lock)\b",
     "code", ("reactor/uring/", "reactor/offload", "tests/", "perf/"), "a message through reactor/mailbox; threads are the driver's"),
    (r"\b(?:shared_ptr|make_shared|enable_shared_from_this)\b", "code", BELOW_CMD,
     "unique_ptr owns, a reference borrows; buffers are counted by their pools"),
    (r"\b(?:throw|catch)\b|\btry\s*\{", "code", BELOW_CMD, "Result<T> and TRY (reactor/base/result.h)"),
    (r"\bfor\s*\([^;)]*:\s*\(?\s*co_await\b", "code", (), "co_await into a variable first, then loop over it"),
    (r"^\s*using\s+namespace\b(?!.*_literals;)", "header", (), "names in full: a header's `using namespace` leaks"),
    (r"\bassert\s*\(", "code", (), "CHECK(cond, ids...) of reactor/base/check.h: it stays in a release"),
    (r"\bstd::(?:cout|cerr|endl)\b", "code", ("cmd/", "tests/", "perf/"), "the log you were given; programs print in cmd/"),
    (r"\.dump\s*\((?!.*\berror_handler_t::replace\b)", "code", ("tests/",),
     "json_text() (net/kafka/message_json.h, cmd/cli/table.h): dump() throws at what is not UTF-8"),
    (r"[ \t]+$|\t", "text", (), "spaces, and none at the end of a line"),
]
FILE_NAME = re.compile(r"(?:^|_)(utils?|helpers?|common|misc|impl\d+|stuff)(?=_|\.|$)")


def check(source):
    """(line, message) of each banned word."""
    name = source.path.rsplit("/", 1)[-1]
    if FILE_NAME.search(name):
        yield 1, f"file name '{name}': name a file by its noun (segment, segment_index)"
    if not name.endswith((".h", ".cc")):
        yield 1, f"file name '{name}': headers end in .h, sources in .cc"
    if name.endswith(".h") and "#pragma once" not in source.code:
        yield 1, "a header says #pragma once"
    for pattern, where, may, instead in RULES:
        if source.path.startswith(may) if may else False:
            continue
        if where == "header" and not name.endswith(".h"):
            continue
        lines = source.lines if where == "text" else source.code_lines
        for number, line in enumerate(lines, 1):
            match = re.search(pattern, line)
            if match:
                yield number, f"'{match.group().strip() or 'white space'}': instead: {instead}"
