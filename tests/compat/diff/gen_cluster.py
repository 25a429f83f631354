"""What is asked of the cluster and not of a topic, and the APIs that a single node answers."""

from sides import Sym
from world import Step


def api_versions(world):
    name = world.pick("diff", "diff", "", "a b", "-x", "librdkafka.2", "x-", "ü")
    yield Step("api versions", "ApiVersions", world.version("ApiVersions"),
               {"ClientSoftwareName": name, "ClientSoftwareVersion": world.pick("1", "1.0-x", "", "1 2", ".")})


def api_versions_unknown(world):
    high = world.ranges["ApiVersions"][1]
    step = Step("api versions of an unknown version", "ApiVersions", world.pick(high + 3, 99, 32767, -1), {"ClientSoftwareName": "diff"})
    step.answer_version = 0
    step.encode_version = high
    yield step


def cluster(world):
    yield Step("describe cluster", "DescribeCluster", world.version("DescribeCluster"),
               {"IncludeClusterAuthorizedOperations": world.chance(2), "EndpointType": world.pick(1, 1, 1, 2, 0, 3, -1),
                "IncludeFencedBrokers": world.chance(2)}, late=True)


def coordinator(world):
    keys = world.pick(["g"], ["a", "b"], [], [""], ["g", "g"])
    yield Step("find coordinator", "FindCoordinator", world.version("FindCoordinator"),
               {"Key": world.pick("g", ""), "KeyType": world.pick(0, 0, 2, 3, -1), "CoordinatorKeys": keys})


def producer_id(world):
    epoch, known = world.pick((-1, -1), (-1, -1), (-1, -1), (0, -1), (-1, 5), (0, 5), (-2, -2), (32767, 1))
    yield Step("init producer id", "InitProducerId", world.version("InitProducerId"),
               {"TransactionalId": world.pick(None, None, None, ""), "TransactionTimeoutMs": world.pick(60000, 0, -1, 2**31 - 1),
                "ProducerId": known, "ProducerEpoch": epoch}, late=True)


def log_dirs(world):
    topics = world.pick(None, None, [], [{"Topic": world.some_topic()[0], "Partitions": world.pick([0], [0, 1], [], [99])}])
    yield Step("describe log dirs", "DescribeLogDirs", world.version("DescribeLogDirs"), {"Topics": topics}, late=True)


def producers(world):
    name, _, topic = world.some_topic()
    indexes = [world.partition_index(topic) if topic else 0]
    yield Step("describe producers", "DescribeProducers", world.version("DescribeProducers"),
               {"Topics": [{"Name": name, "PartitionIndexes": indexes}]}, late=True)


def quorum(world):
    topic = world.pick("__cluster_metadata", "__cluster_metadata", "other")
    partitions = world.pick([{"PartitionIndex": 0}], [{"PartitionIndex": 0}], [{"PartitionIndex": 1}], [])
    yield Step("describe quorum", "DescribeQuorum", world.version("DescribeQuorum"),
               {"Topics": world.pick([{"TopicName": topic, "Partitions": partitions}], [{"TopicName": topic, "Partitions": partitions}], [])})


def features(world):
    updates = world.pick([], [{"Feature": "no.such.feature", "MaxVersionLevel": 1, "UpgradeType": 1}],
                         [{"Feature": "metadata.version", "MaxVersionLevel": world.pick(1, 30, 99, 0, -1), "UpgradeType": world.pick(1, 2, 3, 0, 4)}],
                         [{"Feature": "transaction.version", "MaxVersionLevel": 99, "UpgradeType": 1}])
    yield Step("update features", "UpdateFeatures", world.version("UpdateFeatures"),
               {"timeoutMs": 10000, "FeatureUpdates": updates, "ValidateOnly": True})


def acls(world):
    yield Step("describe acls", "DescribeAcls", world.version("DescribeAcls"),
               {"ResourceTypeFilter": world.pick(1, 2, 0, 99), "ResourceNameFilter": world.pick(None, "t"), "PatternTypeFilter": world.pick(3, 1, 0),
                "PrincipalFilter": None, "HostFilter": None, "Operation": world.pick(1, 0, 3), "PermissionType": world.pick(1, 3, 0)}, late=True)


def elect(world):
    topics = world.pick(None, [], [{"Topic": world.some_topic()[0], "Partitions": world.pick([0], [0, 1], [99], [])}])
    yield Step("elect leaders", "ElectLeaders", world.version("ElectLeaders"),
               {"ElectionType": world.pick(0, 0, 1, 2), "TopicPartitions": topics, "TimeoutMs": 5000})


def reassignments(world):
    topics = world.pick(None, [], [{"Name": world.some_topic()[0], "PartitionIndexes": world.pick([0], [0, 1], [99], [])}])
    yield Step("list reassignments", "ListPartitionReassignments", world.version("ListPartitionReassignments"),
               {"TimeoutMs": 5000, "Topics": topics}, late=True)


def reassign(world):
    name = world.some_topic()[0]
    yield Step("reassign", "AlterPartitionReassignments", world.version("AlterPartitionReassignments"),
               {"TimeoutMs": 5000, "Topics": [{"Name": name, "Partitions": [
                   {"PartitionIndex": world.pick(0, 1, 99), "Replicas": world.pick(None, [1], [2], [], [1, 1], [1, 2], [-1])}]}]})


def move_replica(world):
    own = Sym("log directory", "own", "/nowhere")
    directories = [{"Path": world.pick(own, own, "/nowhere", "relative", ""),
                    "Topics": [{"Name": world.some_topic()[0], "Partitions": world.pick([0], [99], [-1], [0, 1], [1, 0, 99], [])}
                               for _ in range(world.pick(1, 1, 2))]} for _ in range(world.pick(0, 1, 1, 2))]
    yield Step("alter replica log dirs", "AlterReplicaLogDirs", world.version("AlterReplicaLogDirs"), {"Dirs": directories})


def scram(world):
    yield Step("describe scram credentials", "DescribeUserScramCredentials", world.version("DescribeUserScramCredentials"),
               {"Users": world.pick(None, [], [{"Name": "u"}], [{"Name": "u"}, {"Name": "u"}], [{"Name": ""}])}, late=True)


def unregister(world):
    yield Step("unregister broker", "UnregisterBroker", world.version("UnregisterBroker"), {"BrokerId": world.pick(7, -1, 99)})


def tokens(world):
    yield Step("describe delegation tokens", "DescribeDelegationToken", world.version("DescribeDelegationToken"),
               {"Owners": world.pick(None, [])}, late=True)


def sasl(world):
    yield Step("sasl handshake", "SaslHandshake", world.version("SaslHandshake"), {"Mechanism": world.pick("PLAIN", "", "SCRAM-SHA-256")})


SCENARIOS = [(2, api_versions), (1, api_versions_unknown), (2, cluster), (2, coordinator), (2, producer_id), (2, log_dirs), (3, producers),
             (1, quorum), (1, features), (1, acls), (2, elect), (1, reassignments), (2, reassign), (1, move_replica), (1, scram),
             (1, unregister), (1, tokens), (1, sasl)]
NEEDS = {log_dirs: "DescribeLogDirs", producers: "DescribeProducers", quorum: "DescribeQuorum", features: "UpdateFeatures",
         acls: "DescribeAcls", elect: "ElectLeaders", reassignments: "ListPartitionReassignments", reassign: "AlterPartitionReassignments",
         move_replica: "AlterReplicaLogDirs", scram: "DescribeUserScramCredentials",
         unregister: "UnregisterBroker", tokens: "DescribeDelegationToken", sasl: "SaslHandshake"}
