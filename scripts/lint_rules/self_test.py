"""Shows that each rule can fail, and that it lets good code pass. Run by scripts/lint before it trusts the rules."""

import sys
import unittest

import house
import layers
import sizes
import traps
import words
from source import ROOT, Source, functions


def said(rule, path, text):
    return [message for _, message in rule.check(Source(path, text))]


class Layers(unittest.TestCase):
    def refuses(self, path, include):
        self.assertTrue(said(layers, path, f"#include {include}\n"), f"{path} may include {include}")

    def takes(self, path, include):
        self.assertEqual(said(layers, path, f"#include {include}\n"), [])

    def test_a_folder_includes_only_what_is_to_its_left(self):
        self.refuses("reactor/loop.cc", '"log/types.h"')
        self.refuses("log/wal.cc", '"net/wire/frame.h"')
        self.refuses("replication/metadata/image.h", '"cmd/broker/broker.h"')
        self.takes("cmd/broker/broker.h", '"replication/metadata/image.h"')
        self.takes("log/wal.h", '"reactor/task.h"')

    def test_net_takes_of_the_log_only_types_and_batches(self):
        self.refuses("net/kafka/frame.h", '"log/segment.h"')
        self.takes("net/kafka/frame.h", '"log/types.h"')
        self.takes("net/kafka/frame.h", '"log/batch/batch.h"')

    def test_base_includes_only_the_standard_library(self):
        self.refuses("reactor/base/bytes.h", '"reactor/task.h"')
        self.refuses("reactor/base/bytes.h", "<fmt/core.h>")
        self.refuses("reactor/base/bytes.h", "<sys/socket.h>")
        self.takes("reactor/base/bytes.h", "<span>")

    def test_batches_do_no_io(self):
        self.refuses("log/batch/codec.h", '"reactor/file.h"')
        self.refuses("log/types.h", '"reactor/file.h"')

    def test_quorum_is_pure(self):
        self.refuses("replication/quorum/raft.h", '"reactor/task.h"')
        self.refuses("replication/quorum/raft.h", '"net/wire/reader.h"')
        self.takes("replication/quorum/raft.h", '"reactor/base/result.h"')

    def test_only_the_ring_folder_includes_liburing(self):
        self.refuses("reactor/loop.cc", "<liburing.h>")
        self.refuses("tests/reactor/x_test.cc", "<liburing.h>")
        self.takes("reactor/uring/ring.cc", "<liburing.h>")

    def test_the_driver_is_chosen_at_link_time(self):
        self.refuses("log/wal.cc", '"reactor/sim/disk.h"')
        self.refuses("reactor/loop.cc", '"reactor/uring/ring.h"')
        self.takes("tests/log/wal_test.cc", '"reactor/sim/disk.h"')

    def test_nothing_includes_tests_or_perf(self):
        self.refuses("log/wal.cc", '"tests/test.h"')
        self.refuses("cmd/cli/bench.cc", '"perf/load/load.h"')
        self.takes("tests/log/wal_test.cc", '"tests/test.h"')

    def test_an_include_in_a_comment_is_not_one(self):
        self.assertEqual(said(layers, "reactor/a.h", '// #include "log/types.h"\n'), [])


class Sizes(unittest.TestCase):
    def body(self, lines, head="int f()"):
        return head + " {\n" + "  a();\n" * (lines - 2) + "}\n"

    def test_a_function_of_71_lines_is_refused_and_of_70_is_not(self):
        for head in ("int f()", "Task<int> A::f(int x) const", "A::A(int x) : a_{x}, b_(x)", "TEST_CASE(\"claim\")",
                     "template <class T>\nstatic auto f(T t) -> Task<T>", "struct stat f(int x)"):
            extra = head.count("\n")
            self.assertEqual(said(sizes, "log/a.cc", self.body(70 - extra, head)), [], head)
            self.assertEqual(len(said(sizes, "log/a.cc", self.body(71 - extra, head))), 1, head)

    def test_a_function_inside_a_class_in_a_namespace_is_seen(self):
        text = "namespace a {\nclass B final : public C {\n public:\n" + self.body(71, "  void f() override") + "};\n}\n"
        self.assertEqual(len(said(sizes, "log/a.cc", text)), 1)

    def test_tables_types_and_namespaces_are_not_functions(self):
        text = ("namespace a {\nconstexpr int t[] = {\n" + "  1,\n" * 100 + "};\nenum class E : int {\n" + "  a,\n" * 100 + "};\n"
                "struct S {\n" + "  int a = f(1);\n" * 100 + "};\n}  // namespace a\n")
        self.assertEqual(functions(Source("log/a.cc", text)), [])

    def test_braces_in_strings_comments_and_macros_do_not_count(self):
        text = 'int f() {\n  g("{{{"); // {{{\n  h(\'{\', R"x({{)x", 1\'000);\n}\n#define M {\nint k() {\n}\n'
        self.assertEqual([(n, c) for n, _, c in functions(Source("log/a.cc", text))], [("f", 4), ("k", 2)])

    def test_long_files_headers_and_lines_are_refused(self):
        self.assertEqual(len(said(sizes, "log/a.cc", "int a;\n" * 1001)), 1)
        self.assertEqual(len(said(sizes, "log/a.h", "int a;\n" * 251)), 1)
        self.assertEqual(said(sizes, "log/a.h", "int a;\n" * 250), [])
        self.assertEqual(len(said(sizes, "log/a.cc", "/" * 101 + "\n")), 1)


class Words(unittest.TestCase):
    REFUSED = [
        "// TODO: later", "// FIXME", "auto t = std::chrono::steady_clock::now();", "clock_gettime(CLOCK_MONOTONIC, &t);",
        "std::this_thread::sleep_for(1s);", "int r = rand();", "std::random_device d;", "thread_local int x;",
        "std::atomic<int> a;", "std::atomic_flag f;", "std::mutex m;", "std::shared_ptr<int> p;", "throw 1;", "} catch (...) {", "try {",
        "for (auto& x : (co_await f()).items()) {", "assert(x);", "std::cerr << 1;", "int a; ", "\tint a;",
        "auto text = json.dump(2);", "return json().dump();",
    ]
    TAKEN = [
        "int operand(int x);", "// we never throw", 'log("try { catch");', "try_send(x);", "static_assert(true);", "expected_time(0);",
        "x.time(0);", "co_await sleep_for(1s);", "driver.random();", "for (auto& x : items) {", "uint64_t random_seed = 1;",
        "json.dump(-1, ' ', false, Json::error_handler_t::replace);", "int dump(int x);",
    ]

    def test_each_banned_word_is_refused(self):
        for line in self.REFUSED:
            self.assertTrue(said(words, "log/a.cc", line + "\n"), line)

    def test_good_lines_pass(self):
        for line in self.TAKEN:
            self.assertEqual(said(words, "log/a.cc", line + "\n"), [], line)

    def test_the_places_that_may_may(self):
        for path, line in (("reactor/uring/clock.cc", "steady_clock::now()"), ("reactor/mailbox.h", "#pragma once\nstd::atomic<int> a;"),
                           ("cmd/broker/main.cc", "} catch (...) {"), ("reactor/shard.cc", "thread_local int x;"),
                           ("cmd/broker/broker.h", "#pragma once\nstd::shared_ptr<int> p;")):
            self.assertEqual(said(words, path, line + "\n"), [], path)

    def test_file_names_are_nouns(self):
        for name in ("log/segment_utils.cc", "log/helpers.cc", "log/common.cc", "log/wal_impl2.cc", "log/a.cpp"):
            self.assertTrue(said(words, name, "int a;\n"), name)
        self.assertEqual(said(words, "log/segment_index.cc", "int a;\n"), [])

    def test_headers_guard_themselves_and_leak_no_names(self):
        self.assertTrue(said(words, "log/a.h", "int a;\n"))
        self.assertTrue(said(words, "log/a.h", "#pragma once\nusing namespace std;\n"))


class House(unittest.TestCase):
    def test_a_folder_with_sources_has_a_readme(self):
        self.assertTrue(list(house.check(ROOT, ["log/a.cc"])))
        self.assertEqual(list(house.check(ROOT, ["log/a.cc", "log/README.md"])), [])

    def test_the_top_level_is_exactly_the_house(self):
        self.assertTrue(list(house.check(ROOT, ["src/README.md"])))


class Traps(unittest.TestCase):
    def said(self, row):
        page = "\n".join(row if n == 7 else f"| {n} | x | later: y |" for n in traps.TRAPS)
        return [message for _, message in traps.check(page, {"a claim"})]

    def test_tests_are_found_by_their_claims(self):
        text = 'TEST_CASE("a claim") {\nTEST_CASE(\n    "one of "\n    "two lines") {\n    def test_of_python(self):\n'
        self.assertEqual(list(traps.claims(text)), ["a claim", "one of two lines", "of python"])

    def test_a_row_names_tests_that_there_are(self):
        self.assertEqual(self.said("| 7 | bounds: `a claim` | tested |"), [])
        self.assertTrue(self.said("| 7 | bounds: `another` | tested |"))
        self.assertTrue(self.said("| 7 | bounds | tested |"))
        self.assertTrue(self.said("| 7 | bounds: `a claim` | perhaps |"))

    def test_no_trap_is_missing(self):
        self.assertTrue(self.said("| 6 | twice: `a claim` | tested |"))
        self.assertTrue(self.said(""))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(bad > 0)
