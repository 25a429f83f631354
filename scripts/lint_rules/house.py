"""Rules about the tree as a whole: top level, folder READMEs, scripts."""

import subprocess

TOP_LEVEL = {"CMakeLists.txt", "reactor", "log", "net", "replication", "cmd", "tests", "perf", "scripts", "README.md", "docs", "LICENSE"}
SCRIPT_LINES_MAX = 60


def tracked(root):
    """Files that git tracks or would track; without git, all files."""
    done = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
                          capture_output=True, text=True)
    if done.returncode == 0:
        return [p for p in done.stdout.split("\n") if p and (root / p).exists()]
    return [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and "build" not in p.parts]


def check(root, paths=None):
    """(path, line, message) of each breach."""
    paths = tracked(root) if paths is None else paths
    for top in sorted({p.split("/")[0] for p in paths}):
        if top not in TOP_LEVEL and not top.startswith("."):
            yield top, 1, "not a name of the top level"
    yield from missing_readmes(paths)
    for path in paths:
        if path.startswith("scripts/") and path.count("/") == 1 and not path.endswith(".py"):
            lines = (root / path).read_text().count("\n")
            if lines > SCRIPT_LINES_MAX:
                yield path, 1, f"{lines} lines: a script is one screen ({SCRIPT_LINES_MAX} lines)"


def missing_readmes(paths):
    """Each folder of the layers that holds sources has a README.md."""
    have = set(paths)
    folders = {p.rsplit("/", 1)[0] for p in paths
               if p.split("/")[0] in ("reactor", "log", "net", "replication", "cmd") and p.endswith((".h", ".cc"))}
    for folder in sorted(folders):
        if folder + "/README.md" not in have:
            yield folder, 1, "no README.md: what it is, what it must never know, where to start"
