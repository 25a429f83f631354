"""The soaks behind scripts/soak: what each runs, and how far it is by the lines in perf/results/<name>.jsonl.

A soak with a goal counts units (seeds, cycles, rounds) in pieces; each finished piece is one line, so a run that is cut
short loses one piece and the next run goes on from there. A failing piece is a line too, and ends the run.
"""

import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "perf" / "results"
# name: (what it is, goal in units, units a piece, command; {first} and {last} are the piece's units, from 1)
SOAKS = {
    "swarm": ("one broker in the simulator, 300 seeds", 300, 10, "scripts/sim swarm --seeds {first}..{last}"),
    "swarm-long": ("the same, 10,000 seeds", 10000, 50, "scripts/sim swarm --seeds {first}..{last}"),
    "crash": ("the canonical script crashed at every await and I/O index", 1, 1, "scripts/sim crash"),
    "kill": ("kill -9 under an idempotent producer, 50 cycles", 50, 10,
             "tests/integration/kill_run.py --cycles 10 --seed {first}"),
    "kill-written": ("the same with odradek.durability=written, which a kill must not touch either", 50, 10,
                     "tests/integration/kill_run.py --cycles 10 --seed {first} --durability written"),
    "kill-tsan": ("kill -9 of a ThreadSanitizer build", 10, 2,
                  "tests/integration/kill_run.py --binary build/tsan/odradek --cycles 2 --rate 2000 --seed {first}"),
    "integration-tsan": ("the integration tests on a ThreadSanitizer build, 4 shards", 1, 1,
                         "tests/integration/run --binary build/tsan/odradek --shards 4"),
    "integration-asan": ("all tests on an AddressSanitizer build", 1, 1, "scripts/test --kind asan"),
    "diff": ("requests beside Apache Kafka, 50,000", 50000, 5000,
             "tests/compat/diff/drive.py --requests 5000 --seed {first}"),
    "compare": ("beside Apache Kafka", 3, 1, "perf/compare/run"),
    "compare-durable": ("beside an Apache Kafka that syncs each message, and ours unsynced", 1, 1,
                        "perf/compare/run --brokers ours,written,kafka,kafka-flush --scale 0.2"),
    "partitions": ("ten thousand partitions, ours and Kafka's", 1, 1, "perf/compare/partitions"),
    "compaction": ("what a producer feels of compaction, ours and Kafka's", 1, 1, "perf/compare/compaction"),
    "bare": ("the README's commands in a bare Debian 12", 1, 1, "scripts/bare"),
    "clients": ("each client of tests/compat/clients: 100,000 records in each compression, the broker killed in each", 11, 1,
                "tests/compat/clients/run --nth {first}"),
    "librdkafka": ("librdkafka's own tests on Kafka and on ours: the classic protocol, the consumer protocol, the table", 9, 1,
                   "tests/compat/librdkafka/run --piece {first}"),
    "groups-chaos": ("groups of five clients, members and broker killed for ten minutes; a line a client in groups-chaos-clients.jsonl", 1, 1,
                     "tests/compat/chaos/run --minutes 10 --seed {first} --record perf/results/groups-chaos-clients.jsonl"
                     " java librdkafka kafka-python franz-go kafkajs"),
    "groups-chaos-consumer": ("the same of Java and librdkafka with the consumer protocol", 1, 1,
                              "tests/compat/chaos/run --minutes 10 --seed {first} --record perf/results/groups-chaos-clients.jsonl"
                              " java-consumer librdkafka-consumer"),
    "connect": ("Kafka Connect, distributed, with kills", 1, 1, "tests/compat/applications/connect"),
    "streams": ("Kafka Streams' WordCount, with kills", 1, 1, "tests/compat/applications/streams"),
    "mirror": ("MirrorMaker 2 between Kafka and ours, both ways, with kills", 1, 1, "tests/compat/applications/mirror"),
    "tidy": ("clang-tidy on the whole tree", 1, 1, "scripts/lint --all-tidy"),
    "fuzz": ("each fuzz target for five minutes", 1, 1, "scripts/fuzz all 300"),
}


def done_units(name):
    """Units that earlier pieces finished well."""
    path = RESULTS / f"{name}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return max((line["last"] for line in lines if line["exit"] == 0), default=0)


def piece(name, first, last, command):
    """Runs one piece, shows its output, appends its line; returns the exit code."""
    began = time.monotonic()
    words = command.format(first=first, last=last).split()
    print(f"=== {name} {first}..{last}: {' '.join(words)}", flush=True)
    running = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tail = []
    for line in running.stdout:
        print(line, end="", flush=True)
        tail = (tail + [line.rstrip()])[-3:]
    code = running.wait()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"{name}.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(dict(when=time.strftime("%F %T"), commit=commit, first=first, last=last, exit=code,
                                   seconds=round(time.monotonic() - began, 1), said=tail)) + "\n")
    return code


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "list"
    minutes = float(sys.argv[sys.argv.index("--minutes") + 1]) if "--minutes" in sys.argv else 40
    if name not in SOAKS:
        for key, (what, goal, _, _) in SOAKS.items():
            print(f"{key:18} {what} ({done_units(key)} of {goal} done)")
        return 0 if name == "list" else 2
    _, goal, size, command = SOAKS[name]
    began, longest, first = time.monotonic(), 0.0, done_units(name) + 1
    while first <= goal and time.monotonic() - began + longest < minutes * 60:
        start = time.monotonic()
        code = piece(name, first, min(goal, first + size - 1), command)
        if code != 0:
            print(f"{name}: failed in {first}..{first + size - 1} (exit {code})")
            return 1
        longest, first = max(longest, time.monotonic() - start), first + size
    print(f"{name}: {done_units(name)} of {goal} done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
