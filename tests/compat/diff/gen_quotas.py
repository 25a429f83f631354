"""Client quotas: what may be set for whom, what is described, and that nobody of this run meets one."""

from world import Step

KEYS = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")
# None of them is the client id of a request or the address of a connection here.
NAMES = {"user": ("ann", "bob", "ü"), "client-id": ("fast", "slow", "<default>"), "ip": ("10.9.8.7", "::1:2", "10.9")}


def entity(world):
    types = world.pick(["client-id"], ["user"], ["user", "client-id"], ["client-id", "user"], ["ip"])
    if world.chance(10):
        types = world.pick([], ["group"], ["user", "user"], ["ip", "user"], ["client-id", "ip"], [""])
    parts = [{"EntityType": t, "EntityName": world.pick(*NAMES.get(t, ("x",)))} for t in types]
    if parts and world.chance(8):
        parts[0]["EntityName"] = world.pick("", "no.such.host.invalid", "256.1.1.1", "1.2.3.4.5")
    # Defaults would meet this run, but for those of addresses, which are high.
    if types == ["ip"] and world.chance(3):
        parts[0]["EntityName"] = None
    return parts


def op(world, parts):
    of_ip = any(part["EntityType"] == "ip" for part in parts)
    key = "connection_creation_rate" if of_ip else world.pick(*KEYS)
    if world.chance(12):
        key = world.pick("no_such_rate", "", "connection_creation_rate", "producer_byte_rate")
    value = world.pick(1e6, 2e6, 12345.0)
    if world.chance(6):
        value = world.pick(0.0, -1.0, 0.5, 1e6 + 1e-7, 1e6 + 1e-3, 2147483647.0, 2147483648.0, 2.0**63, 1e300, float("inf"), float("-inf"))
    return {"Key": key, "Value": value, "Remove": world.chance(4)}


def alter(world):
    entries = []
    for _ in range(world.pick(1, 1, 1, 2, 3)):
        parts = entity(world)
        entries.append({"Entity": parts, "Ops": [op(world, parts) for _ in range(world.pick(1, 1, 1, 2, 0, 3))]})
    if world.chance(12):
        entries.append(entries[0])
    only = world.chance(5)
    if only and entries and entries[0]["Ops"] and world.chance(2):
        entries[0]["Ops"][0]["Value"] = float("nan")
    yield Step("alter client quotas", "AlterClientQuotas", world.version("AlterClientQuotas"), {"Entries": entries, "ValidateOnly": only})
    yield from describe(world)


def component(world):
    kind = world.pick("user", "client-id", "client-id", "ip")
    match = world.pick(0, 0, 1, 2)
    name = world.pick(*NAMES[kind]) if match == 0 else None
    if world.chance(15):
        kind, match, name = world.pick(("group", 0, "x"), ("", 0, "x"), (kind, 3, None), (kind, -1, "x"), (kind, 0, None), (kind, 1, "x"), (kind, 2, "x"))
    return {"EntityType": kind, "MatchType": match, "Match": name}


def describe(world):
    components = [component(world) for _ in range(world.pick(0, 1, 1, 1, 2))]
    if world.chance(15):
        components += [component(world)]
    yield Step("describe client quotas", "DescribeClientQuotas", world.version("DescribeClientQuotas"),
               {"Components": components, "Strict": world.chance(2)}, late=True)


SCENARIOS = [(3, alter), (1, describe)]
NEEDS = {alter: "AlterClientQuotas", describe: "DescribeClientQuotas"}
