#!/usr/bin/env python3
"""Compares every message description with the JSON schemas inside Kafka's jars.

  compare.py JARS [--root DIR]

JARS is a folder with kafka-clients and, for the records, kafka-metadata, kafka-raft,
kafka-group-coordinator, kafka-share-coordinator and kafka-transaction-coordinator. Prints the number of
(message, version) pairs that were compared and every difference; exits with 1 if there is one. What is
meant to differ stands in exceptions.py, with its reason.
"""
import argparse
import glob
import json
import os
import re
import sys
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "net/kafka/generator"))

import exceptions  # noqa: E402
import parse  # noqa: E402
from model import NONE, OPEN, PRIMITIVES, Versions  # noqa: E402

JARS = ("clients", "metadata", "raft", "group-coordinator", "share-coordinator", "transaction-coordinator")
KINDS = {"metadata": "record", "coordinator-key": "key", "coordinator-value": "value"}


def without_comments(text):
    return re.sub(r"(?m)(^|\s)//.*$", "", text)


def read_schemas(jars):
    """Name -> schema, of all jars; messages that Kafka keeps only as a name are left out."""
    schemas = {}
    for jar in [path for name in JARS for path in glob.glob(os.path.join(jars, f"kafka-{name}-[0-9]*.jar"))]:
        with zipfile.ZipFile(jar) as file:
            for entry in file.namelist():
                if not entry.endswith(".json") or "common/m" not in entry:
                    continue
                schema = json.loads(without_comments(file.read(entry).decode()))
                if "fields" in schema:
                    schemas.setdefault(schema["name"], schema)
    return schemas


def read_descriptions(root):
    out = {}
    for folder in ("net/kafka/messages", "replication/*/records"):
        for path in sorted(glob.glob(os.path.join(root, folder, "*.msg"))):
            for message in parse.parse_file(path):
                out[message.name] = message
    return out


def schema_default(field):
    """The default as the description writes it, None for the zero of the type."""
    value = field.get("default")
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return normal_default(text, field["type"])


def normal_default(text, kind):
    if text is None or text == "":
        return None
    if kind in ("int8", "int16", "int32", "int64", "uint16", "uint32"):
        number = int(text, 0)
        return number if number else None
    if kind == "bool":
        return True if text == "true" else None
    return text


class Comparison:
    def __init__(self):
        self.differences = []
        self.versions = 0
        self.fields = 0

    def equal(self, where, what, ours, theirs):
        if ours != theirs and (where, what) not in exceptions.ALLOWED:
            self.differences.append(f"{where}: {what}: ours {ours}, Kafka's {theirs}")

    def message(self, message, schema):
        where = message.name
        theirs = Versions.parse(schema["validVersions"])
        ours = message.versions
        floor = exceptions.FLOORS.get(message.name)
        if floor is not None:
            self.equal(where, "floor", ours.low, floor)
            ours = Versions(theirs.low, ours.high)
        self.equal(where, "versions", str(ours), str(theirs))
        self.equal(where, "kind", message.kind, KINDS.get(schema["type"], schema["type"]))
        if message.key is not None:
            self.equal(where, "key", message.key, schema.get("apiKey"))
        flexible = Versions.parse(schema.get("flexibleVersions", "none"))
        self.equal(where, "flexible", str(message.flexible), str(flexible))
        stable = theirs.high - (1 if schema.get("latestVersionUnstable") else 0)
        if message.kind == "request":
            self.equal(where, "newest final version", message.stable, stable)
            self.equal(where, "listeners", sorted(message.listeners), sorted(schema.get("listeners", [])))
        self.versions += theirs.high - theirs.low + 1
        common = {s["name"]: s for s in schema.get("commonStructs", [])}
        self.common(where, message, common)
        self.struct(where, message.root.fields, schema["fields"], theirs, message, common)

    def common(self, where, message, common):
        ours = {s.name: s for s in message.structs if s.common}
        self.equal(where, "common structs", sorted(ours), sorted(common))
        for name in set(ours) & set(common):
            self.equal(f"{where}.{name}", "versions", str(ours[name].versions), common[name]["versions"])
            self.struct(f"{where}.{name}", ours[name].fields, common[name]["fields"],
                        Versions.parse(common[name]["versions"]), message, common)

    def struct(self, where, ours, theirs, context, message, common):
        ours = [f for f in ours if not f.private and f"{where}.{f.name}" not in exceptions.OLD_FIELDS]
        self.equal(where, "fields", [f.name for f in ours], [f["name"] for f in theirs])
        for mine, other in zip(ours, theirs):
            if mine.name == other["name"]:
                self.field(f"{where}.{mine.name}", mine, other, context, message, common)

    def field(self, where, mine, other, context, message, common):
        self.fields += 1
        kind = other["type"]
        array = kind.startswith("[]")
        versions = Versions.parse(other.get("versions") or other["taggedVersions"])
        self.equal(where, "type", ("[]" if mine.array else "") + mine.type, kind)
        self.equal(where, "versions", str(mine.versions), str(versions))
        nullable = Versions.parse(other.get("nullableVersions", "none"))
        present = versions & context
        self.equal(where, "null in", str(mine.nullable & present if not mine.nullable.empty else NONE),
                   str(nullable & present if not nullable.empty else NONE))
        tagged = Versions.parse(other["taggedVersions"]) if "tag" in other else NONE
        self.equal(where, "tag", mine.tag, other.get("tag"))
        self.equal(where, "tagged versions", str(mine.versions if mine.tag is not None else NONE),
                   str(tagged))
        self.equal(where, "default", normal_default(mine.default, "" if mine.array else mine.type),
                   schema_default(other))
        self.equal(where, "ignorable", mine.ignorable, bool(other.get("ignorable")))
        self.equal(where, "inflexible", mine.inflexible, other.get("flexibleVersions") == "none")
        if "fields" in other and mine.struct:
            inner = kind[2:] if array else kind
            self.equal(where, "struct", mine.struct.name, inner)
            self.struct(where, mine.struct.fields, other["fields"], present, message, common)
        elif kind.lstrip("[]") not in PRIMITIVES:
            self.equal(where, "common struct", bool(mine.struct and mine.struct.common), True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jars")
    parser.add_argument("--root", default=ROOT)
    args = parser.parse_args()
    schemas, ours = read_schemas(args.jars), read_descriptions(args.root)
    if not schemas:
        sys.exit(f"no schemas in the jars of {args.jars}")
    comparison, compared = Comparison(), 0
    for name, message in sorted(ours.items()):
        if name in schemas:
            comparison.message(message, schemas[name])
            compared += 1
        else:
            comparison.differences.append(f"{name}: described, but in none of the jars")
    for name in sorted(set(schemas) - set(ours) - set(exceptions.NOT_DESCRIBED)):
        comparison.differences.append(f"{name}: in the jars, but not described")
    for line in comparison.differences:
        print(line)
    print(f"{len(comparison.differences)} differences; {compared} messages, "
          f"{comparison.versions} (message, version) pairs, {comparison.fields} fields compared")
    sys.exit(1 if comparison.differences else 0)


if __name__ == "__main__":
    main()
