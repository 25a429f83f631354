"""Prints the tree's figures: lengths of functions, files and headers, and how much of a header is comment."""

import statistics

import source


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def row(name, values, unit="lines"):
    if values:
        print(f"{name:28} {len(values):6} p50 {quantile(values, 0.5):4} p90 {quantile(values, 0.9):4} max {max(values):4} {unit}")


def comment_share(headers):
    comment = total = 0
    for header in headers:
        for line, code in zip(header.lines, header.code_lines):
            total += bool(line.strip())
            comment += bool(line.strip()) and len(line.rstrip()) > len(code.rstrip())
    return comment / total if total else 0


def main():
    files = source.tree()
    broker = [f for f in files if f.path.split("/")[0] in source.LAYERS]
    for name, group in (("broker", broker), ("tests and perf", [f for f in files if f not in broker])):
        bodies = [(lines, f.path, what) for f in group for what, _, lines in source.functions(f)]
        row(f"{name}: functions", [b[0] for b in bodies])
        if bodies:
            print(f"{'':28} longest {max(bodies)[2]} in {max(bodies)[1]}")
        row(f"{name}: files", [len(f.lines) - 1 for f in group])
        print(f"{'':28} median {statistics.median([len(f.lines) - 1 for f in group] or [0]):.0f}, lines in all "
              f"{sum(len(f.lines) - 1 for f in group)}")
    headers = [f for f in broker if f.path.endswith(".h")]
    row("broker: headers", [len(h.lines) - 1 for h in headers])
    print(f"header comment share         {100 * comment_share(headers):.0f} %")


if __name__ == "__main__":
    main()
