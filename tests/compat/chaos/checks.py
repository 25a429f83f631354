"""What must hold of a group's history. Each check returns what is wrong, as a list of sentences: empty if nothing is.

`ends` is {partition: end of its log}, and number n of a partition has offset n. `broker_order` is {partition: [committed
offset, ...]} in the order of __consumer_offsets: the order in which the broker took them.
"""

SHOWN_MAX = 5


def lost(group, ends):
    """Each record was read by some member; what was read at an offset is what was written there."""
    wrong = []
    for partition, end in ends.items():
        read = set()
        for session in group.sessions:
            if session.partition == partition:
                wrong += [f"partition {partition}: offset {o} gave record {n}" for o, n in session.reads if o != n]
                read.update(offset for offset, _ in session.reads)
        missing = sorted(set(range(end)) - read)
        if missing:
            wrong.append(f"partition {partition}: {len(missing)} of {end} records were read by nobody, the first {missing[0]}")
        if read - set(range(end)):
            wrong.append(f"partition {partition}: {max(read)} was read, and the log ends at {end}")
    return wrong


def disordered(group):
    """While a member has a partition it reads each next offset, and goes back only where a commit was refused."""
    wrong = []
    for session in group.sessions:
        rewinds = session.rewinds_allowed
        for (before, _), (after, _) in zip(session.reads, session.reads[1:]):
            if after == before + 1:
                continue
            rewinds -= 1
            if after > before or rewinds < 0:
                wrong.append(f"{session.member} read offset {after} of partition {session.partition} after {before}")
    return wrong


def owned_twice(group):
    """Of one generation (or member epoch) each partition has one owner at most."""
    owners, wrong = {}, []
    for generation, member, _, partitions in group.claims:
        for partition in partitions:
            other = owners.setdefault((generation, partition), member)
            if other != member:
                wrong.append(f"generation {generation}: partition {partition} belongs to {other} and to {member}")
    return wrong


def zombies_heard(group):
    """A commit that was sent in a generation when a newer one already had an owner of that partition is refused."""
    newer, wrong = {}, []
    for generation, member, time, partitions in group.claims:
        for partition in partitions:
            newer.setdefault(partition, []).append((time, generation, member))
    for commit in group.commits:
        if commit.acked is None:
            continue
        for partition in commit.offsets:
            later = [(t, g, m) for t, g, m in newer.get(partition, ()) if t < commit.asked and g > commit.generation and m != commit.member]
            if later:
                wrong.append(f"{commit.member} committed partition {partition} in generation {commit.generation} after {later[0][2]}"
                             f" had it in {later[0][1]}")
    return wrong


def went_back(group, broker_order):
    """In the order of the broker no committed offset is below the one before it; each acknowledged one is there; and nobody
    starts to read below what was acknowledged before it got the partition, nor where nobody committed."""
    wrong = []
    for partition, order in broker_order.items():
        wrong += [f"partition {partition}: committed {after} after {before}" for before, after in zip(order, order[1:]) if after < before]
    there = {partition: set(order) for partition, order in broker_order.items()}
    acked = {}
    for commit in group.commits:
        for partition, offset in commit.offsets.items() if commit.acked is not None else ():
            acked.setdefault(partition, []).append((commit.acked, offset))
            if offset not in there.get(partition, ()):
                wrong.append(f"{commit.member}: the commit of {offset} for partition {partition} was acknowledged and is not in the log")
    for session in group.sessions:
        if not session.reads:
            continue
        start = session.reads[0][0]
        known = max((offset for time, offset in acked.get(session.partition, ()) if time < session.began), default=0)
        if start < known:
            wrong.append(f"{session.member} starts partition {session.partition} at {start}, and {known} had been acknowledged")
        if start != 0 and start not in there.get(session.partition, ()):
            wrong.append(f"{session.member} starts partition {session.partition} at {start}, which nobody committed")
    return wrong


def unfinished(committed, ends):
    """At the end everything is committed."""
    return [f"partition {p}: committed {committed.get(p)}, and the log ends at {end}" for p, end in ends.items() if committed.get(p) != end]


def shown(wrong):
    """A list of sentences as one, "" for none."""
    more = f" (and {len(wrong) - SHOWN_MAX} more)" if len(wrong) > SHOWN_MAX else ""
    return "; ".join(wrong[:SHOWN_MAX]) + more


def claims(group, ends, broker_order, committed):
    """(claim, what is wrong) for each check."""
    return [("each record was read", shown(lost(group, ends))),
            ("in the order of offsets", shown(disordered(group))),
            ("no partition was owned twice in a generation", shown(owned_twice(group))),
            ("commits of older generations were refused", shown(zombies_heard(group))),
            ("committed offsets never went back", shown(went_back(group, broker_order))),
            ("everything is committed at the end", shown(unfinished(committed, ends)))]
