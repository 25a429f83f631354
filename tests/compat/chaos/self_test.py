#!/usr/bin/env python3
"""Shows that the checks of a run find what they are there for: histories that are right, and each of them doctored.
The last line is "N passed, N failed".
"""

import sys

import checks
from history import Group, Torn

ENDS = {0: 6, 1: 3}
# Two members; the first is paused after its second commit, and what it commits then is refused.
FIRST = ["10 began", "20 assigned 0,1 5 a 0,1", "30 record 0 0 0", "30 record 0 1 1", "31 record 1 0 0", "32 committing 5 0:2,1:1",
         "33 committed", "40 record 0 2 2", "41 committing 5 0:3", "99 refused UNKNOWN_MEMBER_ID", "100 revoked 0,1",
         "110 assigned 1 7 c 1", "120 record 1 2 2", "121 committing 7 1:3", "122 committed", "130 ended"]
SECOND = ["50 began", "60 assigned 0,1 6 b 0,1", "61 record 0 2 2", "61 record 0 3 3", "62 record 1 1 1", "63 committing 6 0:4,1:2",
          "64 committed", "108 revoked 0,1", "110 assigned 0 7 b 0", "111 record 0 4 4", "111 record 0 5 5", "112 committing 7 0:6",
          "113 committed", "114 cut in the mid"]
ORDER = {0: [2, 4, 6], 1: [1, 2, 3]}
COMMITTED = {0: 6, 1: 3}
GOOD = "each check is content with a right history"
# what is doctored: (the claim that must fail, what to replace, by what), in the members' journals
DOCTORED = {
    "a record that nobody read": ("each record was read", "111 record 0 5 5", "111 owns 7 b 0"),
    "another record at an offset": ("each record was read", "61 record 0 3 3", "61 record 0 3 4"),
    "a record beyond the end": ("each record was read", "111 record 0 5 5", "111 record 0 6 6"),
    "a record passed over": ("in the order of offsets", "61 record 0 2 2", "61 record 0 1 1"),
    "a record again, without reason": ("in the order of offsets", "111 record 0 5 5", "111 record 0 4 4"),
    "a partition with two owners": ("no partition was owned twice in a generation", "110 assigned 1 7 c 1", "110 assigned 1 7 c 0,1"),
    "two owners of a generation told later": ("no partition was owned twice in a generation", "130 ended", "130 owns 7 c 0,1"),
    "a zombie whose commit is taken": ("commits of older generations were refused", "99 refused UNKNOWN_MEMBER_ID", "99 committed"),
    "a start below what was acknowledged": ("committed offsets never went back", "60 assigned 0,1 6 b 0,1\n61 record 0 2 2",
                                            "60 assigned 0,1 6 b 0,1\n61 record 0 0 0\n61 record 0 1 1\n61 record 0 2 2"),
    "a commit that is not in the log": ("committed offsets never went back", "112 committing 7 0:6", "112 committing 7 0:5"),
}
# The zombie commits after the new owner has begun, as time goes.
LATE = ("41 committing 5 0:3", "70 committing 5 0:3")


def wrong_claims(texts, order=None, committed=None, ends=None):
    """The claims that fail."""
    group = Group("g")
    for member, text in texts.items():
        group.take(member, text.replace(" ", "\t"))
    found = checks.claims(group, ends or ENDS, order or ORDER, committed or COMMITTED)
    return [what for what, wrong in found if wrong]


def journals(replace="", by=""):
    texts = {"first": "\n".join(FIRST).replace(*LATE) + "\n", "second": "\n".join(SECOND)}
    if replace and not any(replace in text for text in texts.values()):
        raise ValueError(f"nothing to doctor: {replace}")
    return {member: text.replace(replace, by) if replace else text for member, text in texts.items()}


def trials():
    """(what, whether it is as it must be)."""
    yield GOOD, wrong_claims(journals()) == []
    for what, (claim, replace, by) in DOCTORED.items():
        yield f"found: {what}", claim in wrong_claims(journals(replace, by))
    yield "found: a committed offset below the one before", wrong_claims(journals(), order={0: [2, 4, 2, 6], 1: [1, 2, 3]}) == [
        "committed offsets never went back"]
    yield "found: the last record not committed", wrong_claims(journals(), committed={0: 6, 1: 2}) == ["everything is committed at the end"]
    yield "found: a partition that nobody committed", wrong_claims(journals(), committed={0: 6}) == ["everything is committed at the end"]
    try:
        wrong_claims(journals("62 record 1 1 1", "61 revoked 1\n62 record 1 1 1"))
        yield "found: a record of a partition that is not owned", False
    except Torn:
        yield "found: a record of a partition that is not owned", True


def main():
    results = list(trials())
    for what, good in results:
        print(f"{'ok  ' if good else 'FAIL'} {what}")
    failed = sum(not good for _, good in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
