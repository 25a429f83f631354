"""Medians, spread and ratios of the rounds, as a Markdown page."""

import os
import platform
import statistics
import subprocess
import time

import brokers


def median(figures, name):
    return statistics.median(getattr(f, name) for f in figures)


def spread(figures, name):
    values = [getattr(f, name) for f in figures]
    digits = 0 if max(values) >= 10 else 2
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"


def table(works, results, kinds):
    """`results` is {(work name, kind): [Figure]}."""
    yield "| work | broker | MB/s | min-max | messages/s | broker CPU s/GiB | broker CPU us/message | RSS MiB | others' CPU |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for work in works:
        for kind in kinds:
            f = results.get((work.name, kind))
            if f:
                yield (f"| {work.name} | {brokers.KINDS[kind][0]} | {median(f, 'mb_per_second'):.1f} | {spread(f, 'mb_per_second')} "
                       f"| {median(f, 'messages_per_second'):,.0f} | {median(f, 'cpu_per_gib'):.2f} "
                       f"| {median(f, 'cpu_us_per_message'):.1f} | {max(x.resident_bytes for x in f) >> 20} "
                       f"| {median(f, 'others'):.0%} |")


def verdicts(works, results):
    """(work, throughput ratio, CPU ratio, whether both are what the work asks for) of each work that both brokers did."""
    for work in works:
        ours, theirs = results.get((work.name, "ours")), results.get((work.name, "kafka"))
        if ours and theirs:
            faster = median(ours, "mb_per_second") / median(theirs, "mb_per_second")
            cheaper = median(ours, "cpu_per_gib") / max(median(theirs, "cpu_per_gib"), 1e-9)
            held = faster >= work.faster and (work.cheaper is None or cheaper <= work.cheaper)
            yield work, faster, cheaper, held


def ratios(works, results):
    lines = ["| work | throughput, ours / Kafka | asked | broker CPU, ours / Kafka | asked | |", "|---|---|---|---|---|---|"]
    for work, faster, cheaper, held in verdicts(works, results):
        asked = f"<= {work.cheaper:.2f}" if work.cheaper else "-"
        lines.append(f"| {work.name} | {faster:.2f} | >= {work.faster:.0f} | {cheaper:.2f} | {asked} | {'holds' if held else 'FAILS'} |")
    return lines if len(lines) > 2 else []


def conditions(notes):
    commit = subprocess.run(["git", "-C", brokers.ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        memory = int(meminfo.readline().split()[1]) >> 20
    yield f"- commit {commit or 'unknown'}, {time.strftime('%F %T')}, Linux {platform.release()}, {os.cpu_count()} CPUs, {memory} GiB"
    for note in notes:
        yield f"- {note}"


def page(works, results, kinds, notes):
    """The whole page, as text."""
    lines = ["# Beside Apache Kafka", "", *conditions(notes), "", *table(works, results, kinds), "", *ratios(works, results)]
    return "\n".join(lines) + "\n"
