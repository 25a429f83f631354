"""Reads the tree: which files there are, their text without comments and strings, their functions."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["reactor", "log", "net", "replication", "cmd"]
FOLDERS = LAYERS + ["tests", "perf"]


class Source:
    """One C++ file. `path` is relative to the root, with forward slashes."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.code = blank(text)  # same length and lines; comments and literals are spaces
        self.code_lines = self.code.split("\n")

    def line_of(self, position):
        return self.text.count("\n", 0, position) + 1


def tree(root=ROOT):
    """All C++ files of the tree, sorted by path."""
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".cpp", ".hpp", ".cxx", ".hh") and path.is_file():
                found.append(Source(path.relative_to(root).as_posix(), path.read_text()))
    return found


TOKEN = re.compile(
    r'//[^\n]*(?:\\\n[^\n]*)*'
    r'|/\*.*?\*/'
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.S,
)


def blank(text):
    """`text` with comments and the insides of literals replaced by spaces. Include lines stay whole."""

    def replace(match):
        found = match.group()
        if found[0] == '"':
            start = text.rfind("\n", 0, match.start()) + 1
            if re.match(r"\s*#\s*include\b", text[start : match.start()]):
                return found
        spaces = re.sub(r"[^\n]", " ", found)
        return spaces if found[0] == "/" else found[0] + spaces[1:-1] + found[-1]

    return TOKEN.sub(replace, text)


def without_macros(code):
    """`code` with preprocessor lines (and their continuations) replaced by spaces."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), code, flags=re.M)


def functions(source):
    """(name, first line, number of lines) of each function body, lambdas inside counted with their parent.

    Relies on clang-format's spacing: a body's brace follows a space, a member initialiser's does not.
    """
    code = without_macros(source.code)
    found, stack, head = [], [], 0
    for match in re.finditer(r"[{};]", code):
        sign, at = match.group(), match.start()
        if sign == "{":
            kind = brace_kind(code[head:at], stack)
            first = head + len(code[head:at]) - len(code[head:at].lstrip())
            stack.append((kind, name_of(code[head:at]), source.line_of(first)))
            if kind != "init":
                head = at + 1
        elif sign == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "function":
                found.append((name, first, source.line_of(at) - first + 1))
            if kind != "init":
                head = at + 1
        elif sign == ";" and not (stack and stack[-1][0] == "init"):
            head = at + 1
    return found


def brace_kind(head, stack):
    """What the brace after `head` opens: namespace, type, function, init, or block (inside a function)."""
    if stack and stack[-1][0] in ("function", "block"):
        return "block"
    if stack and stack[-1][0] == "init":
        return "init"
    words = head.strip()
    if re.search(r"\bnamespace\b", words) or words.startswith("extern "):
        return "namespace"
    plain = re.sub(r"^template\s*<[^{}]*>\s*(?=class|struct|union|enum|requires)", "", words)
    if re.match(r"(?:typedef\s+)?(?:class|struct|union|enum)\b", plain) and not re.search(r"\)\s*(?:const|noexcept)?$", plain):
        return "type"
    if head and not head[-1].isspace():
        return "init"
    if re.search(r"=\s*$", words) or "(" not in words:
        return "init"
    return "function"


def name_of(head):
    """The name a function's head declares, good enough for a message."""
    words = head.strip()
    claim = re.match(r"(TEST_CASE|SUBCASE|BENCHMARK)\b", words)
    match = re.search(r"([\w:~]+)\s*\(", words)
    return claim.group(1) if claim else match.group(1) if match else "?"
