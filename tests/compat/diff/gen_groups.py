"""Groups as one connection can use them: offsets of a group without members, one classic member's whole life, and every
mistake about groups, members and epochs. What takes two members or waits is in ../groups.sh and ../consumer_groups.py."""

from sides import Sym
from world import UNKNOWN_ID, Step

GROUPS = ("ga", "gb", "gc", "gd")
SESSION_MS = 45000
METADATA_BYTES_MAX = 4096


def group(world):
    return world.pick(*GROUPS, *GROUPS, "nobody's", "") if world.chance(2) else world.pick(*GROUPS)


def wanted(world, by_id):
    """Up to three topics, each once: (what names it, topic or None, partitions)."""
    out, seen = [], set()
    for _ in range(world.pick(1, 1, 2, 3)):
        name, topic_id, topic = world.some_topic()
        if name in seen or (by_id and topic is None and "?" in seen):
            continue
        seen.add("?" if topic is None else name)
        indexes = dict.fromkeys(world.partition_index(topic) if topic else world.pick(0, 1) for _ in range(world.pick(1, 1, 2)))
        out.append(({"Name": name, "TopicId": topic_id}, list(indexes)))
    return out


def commit(world, name=None, member="", generation=-1):
    version = world.version("OffsetCommit")
    metadata = world.pick("", "", None, "m", "x" * METADATA_BYTES_MAX, "x" * (METADATA_BYTES_MAX + 1))
    name = group(world) if name is None else name
    if metadata and len(metadata) > METADATA_BYTES_MAX and generation < 0:
        # Kafka keeps a group of which it refused every offset until it restarts; ours is none. So here it has one before.
        topic = world.topic()
        yield Step("offset commit", "OffsetCommit", 8, {"GroupId": name, "MemberId": "", "GenerationIdOrMemberEpoch": -1, "Topics": [
            {"Name": topic.name, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": ""}]}]})
    topics = [named | {"Partitions": [{
        "PartitionIndex": i, "CommittedOffset": world.pick(0, 1, 5, 10**12, -1), "CommittedLeaderEpoch": world.pick(-1, -1, 0, 3),
        "CommittedMetadata": metadata} for i in indexes]} for named, indexes in wanted(world, version >= 10)]
    yield Step("offset commit", "OffsetCommit", version, {
        "GroupId": name, "MemberId": member, "GenerationIdOrMemberEpoch": generation,
        "Topics": topics})


def commit_wrong(world):
    yield from commit(world, None, world.pick("", "stranger"), world.pick(-1, 0, 5, -2))


def fetch(world):
    version = world.version("OffsetFetch")
    every = world.chance(3) and version >= 2
    topics = [named | {"PartitionIndexes": indexes} for named, indexes in wanted(world, version >= 10)]
    groups = [{"GroupId": g, "MemberId": world.pick(None, None, "", "stranger"), "MemberEpoch": world.pick(-1, -1, -1, 0, 3),
               "Topics": None if every else topics} for g in dict.fromkeys(group(world) for _ in range(world.pick(1, 1, 2)))]
    yield Step("offset fetch", "OffsetFetch", version, {
        "GroupId": groups[0]["GroupId"], "Topics": None if every else topics, "Groups": groups,
        "RequireStable": world.chance(3)}, late=True)


def delete_offsets(world):
    topics = [{"Name": named["Name"], "Partitions": [{"PartitionIndex": i} for i in indexes]} for named, indexes in wanted(world, False)]
    yield Step("offset delete", "OffsetDelete", world.version("OffsetDelete"), {"GroupId": group(world), "Topics": topics})


def delete_groups(world):
    names = world.pick([group(world)], [group(world)], [], ["nobody's"], [group(world), "nobody's", ""])
    yield Step("delete groups", "DeleteGroups", world.version("DeleteGroups"), {"GroupsNames": names})


def list_groups(world):
    yield Step("list groups", "ListGroups", world.version("ListGroups"), {
        "StatesFilter": world.pick([], [], ["Empty"], ["Stable"], ["Dead", "Empty"], ["empty"], ["nonsense"]),
        "TypesFilter": world.pick([], [], ["classic"], ["consumer"], ["Classic"], ["nonsense"])}, late=True)


def describe(world):
    names = world.pick([group(world)], [group(world), "nobody's"], [])
    yield Step("describe groups", "DescribeGroups", world.version("DescribeGroups"), {
        "Groups": list(dict.fromkeys(names)), "IncludeAuthorizedOperations": world.chance(3)}, late=True)


def describe_consumer(world):
    names = world.pick([group(world)], [group(world), "nobody's"], [])
    yield Step("describe consumer groups", "ConsumerGroupDescribe", world.version("ConsumerGroupDescribe"), {
        "GroupIds": list(dict.fromkeys(names)), "IncludeAuthorizedOperations": world.chance(3)}, late=True)


def stranger(world):
    """A member that no group has."""
    name, member, generation = group(world), world.pick("", "stranger"), world.pick(-1, 0, 1, 7)
    instance = world.pick(None, None, "static")
    kind = world.pick("Heartbeat", "SyncGroup", "LeaveGroup")
    body = {"GroupId": name, "MemberId": member, "GenerationId": generation, "GroupInstanceId": instance}
    if kind == "SyncGroup":
        body |= {"ProtocolType": world.pick(None, "consumer"), "ProtocolName": world.pick(None, "range"), "Assignments": []}
    elif kind == "LeaveGroup":
        body |= {"Members": [{"MemberId": member, "GroupInstanceId": instance}] * world.pick(1, 1, 0)}
    version = world.version(kind)
    if version < 5:
        body["GroupInstanceId"] = None
    yield Step(f"{kind}: a stranger", kind, version, body)


def consumer_mistake(world):
    """Heartbeats of the consumer protocol that lead to no membership."""
    body = {"GroupId": group(world), "MemberId": world.pick("stranger", "stranger", ""), "MemberEpoch": world.pick(1, 5, -1, -2, -3),
            "InstanceId": world.pick(None, None, "static", ""), "RackId": world.pick(None, "", "r"),
            "RebalanceTimeoutMs": world.pick(-1, 5000), "SubscribedTopicNames": world.pick(None, ["nowhere"]),
            "ServerAssignor": world.pick(None, None, "uniform", "nonsense", ""), "TopicPartitions": world.pick(None, None, [])}
    if world.chance(3):  # one that joins, with a mistake
        body |= {"MemberEpoch": 0}
        wrong = world.pick("timeout", "names", "partitions", "assignor", "group")
        body |= {"MemberId": "stranger", "RebalanceTimeoutMs": -1 if wrong == "timeout" else 5000, "SubscribedTopicNames": None if wrong == "names" else ["nowhere"],
                 "TopicPartitions": [{"TopicId": UNKNOWN_ID, "Partitions": [0]}] if wrong == "partitions" else [],
                 "ServerAssignor": "nonsense" if wrong == "assignor" else None, "InstanceId": None, "RackId": None}
        if wrong == "group":
            body["GroupId"] = ""
        if wrong == "names":
            body["SubscribedTopicRegex"] = None
    yield Step("consumer group heartbeat: a mistake", "ConsumerGroupHeartbeat", world.version("ConsumerGroupHeartbeat"), body)


def joining(world, name, member, version):
    protocols = [{"Name": "range", "Metadata": b"\0\x01\0\0\0\0\0\0\0\0"}]
    return Step("join group", "JoinGroup", version, {
        "GroupId": name, "SessionTimeoutMs": SESSION_MS, "RebalanceTimeoutMs": 5000, "MemberId": member, "ProtocolType": "consumer",
        "Protocols": protocols})


def join_wrong(world):
    step = joining(world, group(world), world.pick("stranger", "stranger"), world.version("JoinGroup"))
    step.label = "join group: a mistake"
    wrong = world.pick("timeout", "stranger", "type", "protocols", "group")
    if wrong == "timeout":
        step.body["SessionTimeoutMs"] = world.pick(1, 0, -1, 2**31 - 1)
    elif wrong == "type":
        step.body["ProtocolType"] = ""
    elif wrong == "protocols":
        step.body["Protocols"] = []
    elif wrong == "group":
        step.body["GroupId"] = ""
    yield step


def life(world):
    """One member joins, gets what it asks for, commits, and leaves."""
    world.member_count += 1
    name, version, number = world.pick(*GROUPS), world.version("JoinGroup"), world.member_count
    member = Sym("member", number, "unknown")
    step = joining(world, name, "", version)
    step.member = number
    answer = yield step
    if isinstance(answer, dict) and answer["ErrorCode"] == 79:  # it is to come again with the name it was given
        answer = yield joining(world, name, member, version)
    if not isinstance(answer, dict) or answer["ErrorCode"] != 0:
        return
    generation = answer["GenerationId"]
    given = world.pick(b"", b"mine")
    yield Step("sync group", "SyncGroup", world.version("SyncGroup"), {
        "GroupId": name, "GenerationId": generation, "MemberId": member, "ProtocolType": "consumer", "ProtocolName": "range",
        "Assignments": [{"MemberId": member, "Assignment": given}]})
    for _ in range(world.pick(1, 2, 3)):
        kind = world.pick("heartbeat", "old", "describe", "commit", "fetch", "list", "delete")
        if kind in ("heartbeat", "old"):
            yield Step("heartbeat", "Heartbeat", world.version("Heartbeat"), {
                "GroupId": name, "GenerationId": generation - (kind == "old"), "MemberId": member})
        elif kind == "describe":
            yield Step("describe a group with a member", "DescribeGroups", world.version("DescribeGroups"), {"Groups": [name]}, late=True)
        elif kind == "commit":
            yield from commit(world, name, member, generation - world.pick(0, 0, 1))
        elif kind == "delete":
            yield Step("delete a group with a member", "DeleteGroups", world.version("DeleteGroups"), {"GroupsNames": [name]})
        else:
            yield from (fetch if kind == "fetch" else list_groups)(world)
    yield Step("leave group", "LeaveGroup", world.version("LeaveGroup"), {
        "GroupId": name, "MemberId": member, "Members": [{"MemberId": member}]})


SCENARIOS = [(4, commit), (2, commit_wrong), (4, fetch), (2, delete_offsets), (1, delete_groups), (2, list_groups), (2, describe),
             (1, describe_consumer), (2, stranger), (2, consumer_mistake), (1, join_wrong), (3, life)]
NEEDS = {commit: "OffsetCommit", fetch: "OffsetFetch", delete_offsets: "OffsetDelete", delete_groups: "DeleteGroups",
         list_groups: "ListGroups", describe: "DescribeGroups", describe_consumer: "ConsumerGroupDescribe", stranger: "LeaveGroup",
         consumer_mistake: "ConsumerGroupHeartbeat", join_wrong: "JoinGroup", life: "JoinGroup"}
