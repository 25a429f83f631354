"""docs/TRAPS.md names tests: each of them must be there, and each trap of the table once."""

import re

PAGE = "docs/TRAPS.md"
TRAPS = range(1, 83)
STATUSES = {"tested", "in part", "later"}


def claims(text):
    """The names of the doctest cases in C++ text and of the test methods in Python text."""
    for case in re.finditer(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', text):
        yield "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', case.group(1))).replace('\\"', '"')
    for method in re.finditer(r"^\s+def test_(\w+)\(", text, re.M):
        yield method.group(1).replace("_", " ")


def check(page, known):
    """(line, message) of each breach of the page, given the names of all tests."""
    seen = set()
    for number, line in enumerate(page.split("\n"), 1):
        row = re.match(r"\| (\d+) \| (.*) \| ([^|]*) \|$", line)
        if not row:
            continue
        trap, tests, status = int(row[1]), re.findall(r"`([^`]*)`", row[2]), row[3].split(":")[0].strip()
        if trap in seen:
            yield number, f"trap {trap} stands there twice"
        seen.add(trap)
        for test in tests:
            if test not in known:
                yield number, f"trap {trap}: no test is called '{test}'"
        if status not in STATUSES:
            yield number, f"trap {trap}: '{status}' is none of {', '.join(sorted(STATUSES))}"
        if status == "tested" and not tests:
            yield number, f"trap {trap}: tested, and no test is named"
    for trap in TRAPS:
        if trap not in seen:
            yield 1, f"trap {trap} is missing"


def check_tree(root, paths):
    known = set()
    for path in paths:
        if path.startswith("tests/") and path.endswith((".cc", ".py")):
            known.update(claims((root / path).read_text()))
    for line, message in check((root / PAGE).read_text(), known):
        yield PAGE, line, message
