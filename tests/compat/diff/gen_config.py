"""DescribeConfigs, IncrementalAlterConfigs, AlterConfigs, ListConfigResources."""

from gen_topics import CONFIGS, retired
from world import Step

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
ADDRESSES = {"advertised.listeners", "listeners", "log.dirs", "log.dir", "controller.quorum.voters"}


def resource(world):
    """(type, name) of something that may have configurations."""
    kind = world.pick(TOPIC, TOPIC, TOPIC, TOPIC, TOPIC, TOPIC, BROKER, BROKER, LOGGER, world.pick(0, 1, 3, 127, -1))
    if kind == TOPIC:
        return kind, world.some_topic()[0]
    return kind, world.pick("1", "", "2", "x", "-1", "01")


def resources_once(world, *counts):
    """Some, each once, in an order that the seed alone decides."""
    return list(dict.fromkeys(resource(world) for _ in range(world.pick(*counts))))


def describe(world):
    resources = []
    for kind, name in resources_once(world, 1, 1, 2):
        names = world.random.sample(list(CONFIGS), world.pick(0, 1, 3))
        keys = world.pick(None, None, names, names) if kind == TOPIC else world.pick(names, ["log.retention.ms", "num.partitions"])
        resources.append({"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": keys})
    yield Step("describe configs", "DescribeConfigs", world.version("DescribeConfigs"),
               {"Resources": resources, "IncludeSynonyms": world.chance(2), "IncludeDocumentation": world.chance(3)}, late=True)


def describe_twice(world):
    one = {"ResourceType": TOPIC, "ResourceName": world.topic().name, "ConfigurationKeys": ["retention.ms"]}
    yield Step("describe configs twice", "DescribeConfigs", world.version("DescribeConfigs"), {"Resources": [one, one]}, late=True)


def describe_broker(world):
    yield Step("describe a broker's configs", "DescribeConfigs", world.version("DescribeConfigs"),
               {"Resources": [{"ResourceType": BROKER, "ResourceName": world.pick("1", "1", ""), "ConfigurationKeys": None}],
                "IncludeSynonyms": world.chance(2)}, late=True)


def ops(world):
    out = []
    for name in world.random.sample(list(CONFIGS), world.pick(0, 1, 1, 1, 2, 3)):
        value = world.random.choice(CONFIGS[name])
        out.append({"Name": name, "ConfigOperation": world.pick(0, 0, 0, 1, 1, 2, 3),
                    "Value": None if world.chance(5) else value})
    if out and world.chance(10):
        out.append(dict(out[0]))
    return out


def safe(settings):
    """Those that do not keep the other generators' records out, or remove them."""
    harmful = {"compression.type", "message.timestamp.type", "retention.ms", "retention.bytes", "max.message.bytes", "message.timestamp.before.max.ms", "cleanup.policy",
               "message.timestamp.after.max.ms", "segment.ms", "min.insync.replicas", "max.compaction.lag.ms"}
    return [s for s in settings if s["Name"] not in harmful]


def incremental(world):
    resources = []
    for kind, name in resources_once(world, 1, 1, 1, 2):
        settings = ops(world)
        resources.append({"ResourceType": kind, "ResourceName": name, "Configs": settings})
    if world.chance(10):
        resources.append(dict(resources[0]))
    only = world.chance(2)
    if not only:
        for r in resources:
            r["Configs"] = safe(r["Configs"])
    yield Step("alter configs by steps" + retired(resources), "IncrementalAlterConfigs", world.version("IncrementalAlterConfigs"),
               {"Resources": resources, "ValidateOnly": only})
    yield from look_again(world, resources)


def look_again(world, resources):
    if retired(resources):
        return  # the two took it differently
    for r in resources:
        if r["ResourceType"] == TOPIC and r["ResourceName"] in world.topics:
            yield Step("configs after a change", "DescribeConfigs", world.version("DescribeConfigs"),
                       {"Resources": [{"ResourceType": TOPIC, "ResourceName": r["ResourceName"], "ConfigurationKeys": None}],
                        "IncludeSynonyms": True}, late=True)


def whole(world):
    """AlterConfigs: replaces the whole set."""
    resources = []
    for kind, name in resources_once(world, 1, 1, 2):
        settings = safe([{k: v for k, v in s.items() if k != "ConfigOperation"} for s in ops(world)])
        resources.append({"ResourceType": kind, "ResourceName": name, "Configs": settings})
    yield Step("alter configs as a whole" + retired(resources), "AlterConfigs", world.version("AlterConfigs"),
               {"Resources": resources, "ValidateOnly": world.chance(2)})
    yield from look_again(world, resources)


def resources_with_configs(world):
    yield Step("list config resources", "ListConfigResources", world.version("ListConfigResources"),
               {"ResourceTypes": world.pick([], [TOPIC], [BROKER], [METRICS], [GROUP], [LOGGER], [TOPIC, BROKER], [99])}, late=True)


GROUP_CONFIGS = {
    "consumer.session.timeout.ms": ["45000", "60000", "60001", "44999", "0", "soon", " 50000 "],
    "consumer.heartbeat.interval.ms": ["5000", "15000", "15001", "4999", "-1", ""],
    "consumer.assignment.interval.ms": ["0", "15000", "15001", "-1"],
    "share.session.timeout.ms": ["45000", "1"],
    "share.auto.offset.reset": ["earliest", "latest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S", "by_duration:1H", "none"],
    "share.isolation.level": ["read_committed", "READ_COMMITTED"],
    "share.renew.acknowledge.enable": ["true", "FALSE", "maybe"],
    "share.delivery.count.limit": ["2", "10", "11", "1"],
    "share.partition.max.record.locks": ["100", "4000", "4001", "99"],
    "share.record.lock.duration.ms": ["15000", "14999", "60001", "999"],
    "streams.num.standby.replicas": ["0", "2", "3"],
    "streams.initial.rebalance.delay.ms": ["0", "-1"],
    "no.such": ["1"],
}


CLIENT_METRICS = {
    "interval.ms": ["100", "60000", "3600000", "99", "3600001", "soon", "", " 5000 ", "+200"],
    "metrics": ["*", "", "org.apache.kafka.consumer.", "a,b", "a, b ,c", "a,a", "a,,b", ",", "a,"],
    "match": ["client_id=app-.*", "client_source_address=10[.].*,client_id=x", "client_id=", "=x", "client_id", "a=b", "client_id=a=b",
              "client_id=[", " client_id = x ", "client_software_name=a,client_software_name=b", "", "client_id=a,client_id=a"],
    "no.such": ["1"],
}


def single(world, kind, names, configs, what):
    """Of resources that are there once something is set. One change a request: of several faults Kafka tells the first of a
    hash map."""
    name, key = world.pick(*names), world.random.choice(list(configs))
    setting = {"Name": key, "Value": world.random.choice(configs[key])}
    resource = {"ResourceType": kind, "ResourceName": name}
    only = world.chance(3)
    if world.chance(4):
        yield Step(f"alter {what} as a whole", "AlterConfigs", world.version("AlterConfigs"),
                   {"Resources": [{**resource, "Configs": [setting]}], "ValidateOnly": only})
    else:
        setting["ConfigOperation"] = world.pick(0, 0, 0, 0, 1, 2, 3)
        yield Step(f"alter {what}", "IncrementalAlterConfigs", world.version("IncrementalAlterConfigs"),
                   {"Resources": [{**resource, "Configs": [setting]}], "ValidateOnly": only})
    yield Step(what, "DescribeConfigs", world.version("DescribeConfigs"),
               {"Resources": [{**resource, "ConfigurationKeys": world.pick(None, [], [key])}], "IncludeSynonyms": world.chance(2),
                "IncludeDocumentation": world.chance(3)}, late=True)


def groups(world):
    """Of groups that nobody is in."""
    yield from single(world, GROUP, ("g1", "g1", "g2", ""), GROUP_CONFIGS, "configs of a group")


def client_metrics(world):
    yield from single(world, METRICS, ("m1", "m1", "m2", ""), CLIENT_METRICS, "configs of client metrics")


SCENARIOS = [(5, describe), (1, describe_twice), (1, describe_broker), (6, incremental), (3, whole), (1, resources_with_configs), (3, groups), (2, client_metrics)]
NEEDS = {whole: "AlterConfigs", groups: "AlterConfigs", client_metrics: "AlterConfigs", resources_with_configs: "ListConfigResources"}
