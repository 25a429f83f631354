"""Runs the rules over the tree, prints `path:line: message`, and ends with "N passed, N failed" (one count a rule)."""

import sys

import house
import layers
import sizes
import source
import traps
import words


def main():
    files = source.tree()
    passed = failed = 0
    rules = {
        "layers": lambda: ((f.path, *b) for f in files for b in layers.check(f)),
        "sizes": lambda: ((f.path, *b) for f in files for b in sizes.check(f)),
        "words": lambda: ((f.path, *b) for f in files for b in words.check(f)),
        "house": lambda: house.check(source.ROOT),
        "traps": lambda: traps.check_tree(source.ROOT, house.tracked(source.ROOT)),
    }
    for rule, breaches in rules.items():
        found = list(breaches())
        for path, line, message in found:
            print(f"{path}:{line}: {message} [{rule}]")
        passed, failed = passed + (not found), failed + bool(found)
    print(f"{len(files)} files")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
