"""Size limits: HOUSE-STYLE section 2."""

from source import functions

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 1000
HEADER_LINES_MAX = 250
LINE_COLUMNS_MAX = 100


def check(source):
    """(line, message) of each thing that is too big."""
    count = len(source.lines) - (source.lines[-1] == "")
    if count > FILE_LINES_MAX:
        yield 1, f"{count} lines: a file has at most {FILE_LINES_MAX}; split it at a noun"
    # A header of tests/ or perf/ is nobody's public interface.
    if source.path.endswith(".h") and count > HEADER_LINES_MAX and not source.path.startswith(("tests/", "perf/")):
        yield 1, f"{count} lines: a public header has at most {HEADER_LINES_MAX}"
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS_MAX and not line.lstrip().startswith("#include"):
            yield number, f"{len(line)} columns: a line has at most {LINE_COLUMNS_MAX}"
    for name, first, lines in functions(source):
        if lines > FUNCTION_LINES_MAX:
            yield first, f"{name} has {lines} lines: a function has at most {FUNCTION_LINES_MAX}"
