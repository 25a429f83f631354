"""What the run asked and heard: per API the versions and the error codes of Kafka's answers, and what was never produced."""

from collections import Counter, defaultdict


class Coverage:
    def __init__(self, ranges):
        self.ranges = ranges
        self.versions = defaultdict(Counter)  # api -> version -> requests
        self.codes = defaultdict(Counter)     # api -> error code, "closed" -> answers
        self.cells = set()                    # (api, version, code)
        self.labels = Counter()

    def add(self, step, codes):
        self.versions[step.api][step.version] += 1
        self.labels[step.label] += 1
        for code in codes:
            self.codes[step.api][code] += 1
            self.cells.add((step.api, step.version, code))

    def report(self):
        served = sum(high - low + 1 for low, high in self.ranges.values())
        asked = sum(len(set(self.versions[a]) & set(range(low, high + 1))) for a, (low, high) in self.ranges.items())
        yield f"coverage: {asked} of {served} (API, version) pairs that both serve, {len(self.cells)} (API, version, code) triples"
        for api, (low, high) in sorted(self.ranges.items()):
            missing = [v for v in range(low, high + 1) if v not in self.versions[api]]
            codes = " ".join(f"{c}:{n}" for c, n in sorted(self.codes[api].items(), key=str))
            count = sum(self.versions[api].values())
            yield f"  {api} v{low}-{high}: {count} requests; codes {codes or 'none'}" + (f"; NEVER v{missing}" if missing else "")
