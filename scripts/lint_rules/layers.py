"""Who may include whom: HOUSE-STYLE section 1 as a table."""

import re

from source import LAYERS

# folder -> the only project paths it may include, where that is narrower than "everything to its left".
# The longest matching folder wins.
NARROW = {
    "reactor/base/": ["reactor/base/"],
    "log/types.h": ["reactor/base/"],
    "log/batch/": ["reactor/base/", "log/types.h", "log/batch/"],
    "net/": ["reactor/", "log/types.h", "log/batch/", "net/"],
    "replication/quorum/": ["reactor/base/", "log/types.h", "replication/quorum/"],
}
# The two sides of the driver seam are chosen at link time: only these may name one.
SEAM = {"reactor/uring/": ["reactor/uring/", "cmd/", "tests/", "perf/"], "reactor/sim/": ["reactor/sim/", "tests/", "perf/"]}
URING_ONLY = re.compile(r"liburing(/.*)?\.h|linux/io_uring\.h|liburing/.*")
STANDARD = re.compile(r"[a-z0-9_]+")  # <vector>, not <fmt/core.h>
BASE_MAY = {"immintrin.h", "nmmintrin.h", "wmmintrin.h", "unistd.h", "execinfo.h", "errno.h"}


def includes(source):
    """(line, path, quoted) of each include."""
    for number, line in enumerate(source.code_lines, 1):
        match = re.match(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(2) is not None


def check(source):
    """(line, message) of each include that breaks the order."""
    for line, path, quoted in includes(source):
        message = quoted_message(source.path, path) if quoted else system_message(source.path, path)
        if message:
            yield line, message


def quoted_message(here, path):
    if "/" not in path or path.startswith("."):
        return f'"{path}": include by the path from the root of the tree'
    top, layer = here.split("/")[0], path.split("/")[0]
    if layer in ("tests", "perf") and top != "tests" and top != layer:
        return f"{path}: nothing outside includes {layer}/"
    if layer not in LAYERS:
        return None if layer in ("tests", "perf") else f"{path}: not a folder of the house"
    for side, allowed in SEAM.items():
        if path.startswith(side) and not here.startswith(tuple(allowed)):
            return f"{path}: only {', '.join(allowed)} may name this side of the driver seam"
    if top not in LAYERS:
        return None
    if LAYERS.index(layer) > LAYERS.index(top):
        return f"{path}: {top} includes only folders to its left ({' < '.join(LAYERS)})"
    narrow = max((f for f in NARROW if here.startswith(f)), key=len, default=None)
    if narrow and not path.startswith(tuple(NARROW[narrow])):
        return f"{path}: {narrow} includes only {', '.join(NARROW[narrow])}"
    return None


def system_message(here, path):
    if URING_ONLY.fullmatch(path) and not here.startswith("reactor/uring/"):
        return f"<{path}>: only reactor/uring includes it"
    if here.startswith("reactor/base/") and not STANDARD.fullmatch(path) and path not in BASE_MAY:
        return f"<{path}>: reactor/base includes only the standard library"
    return None
