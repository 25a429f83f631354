"""Kafka's messages as data: reads the JSON schemas out of the kafka-clients jar, and encodes and decodes any message by
them. Shares nothing with our descriptions or our code, so that a mistake of ours cannot hide here.

A message is a dict by Kafka's field names. A field that is missing takes its default; one that a version does not have is
left out. `"_tags": {number: bytes}` in any struct adds unknown tagged fields, and what a reader does not know lands there.
"""

import glob
import json
import os
import re
import struct
import zipfile

PRIMITIVES = {"bool": "?", "int8": "b", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "float64": "d"}
FOREVER = 32767


class Malformed(Exception):
    """Bytes that are not the message."""


def versions(text):
    """(low, high) of "1+", "2-4", "3"; None for "none"."""
    if text in (None, "none"):
        return None
    low, plus, rest = text.partition("+")
    if plus:
        return int(low), FOREVER
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def contains(pair, version):
    return pair is not None and pair[0] <= version <= pair[1]


class Field:
    """One field of a struct, with what the schema says about it."""

    def __init__(self, source, structs):
        self.name = source["name"]
        self.type = source["type"].removeprefix("[]")
        self.array = source["type"].startswith("[]")
        self.tag = source.get("tag")
        self.tagged = versions(source.get("taggedVersions"))
        self.versions = versions(source.get("versions") or source.get("taggedVersions"))
        self.nullable = versions(source.get("nullableVersions"))
        self.inflexible = source.get("flexibleVersions") == "none"
        self.default = source.get("default")
        fields = source.get("fields") or structs.get(self.type)
        self.fields = [Field(f, structs) for f in fields] if fields else None

    def is_tagged(self, version):
        return self.tag is not None and contains(self.tagged, version)

    def blank(self):
        """The default value."""
        if self.array:
            return None if self.default == "null" else []
        if self.fields is not None:
            return None if self.default == "null" else {}
        if self.type == "string":
            return None if self.default == "null" else self.default or ""
        if self.type in ("bytes", "records"):
            return None if self.default == "null" else b""
        if self.type == "uuid":
            return bytes(16)
        if self.type == "bool":
            return str(self.default).lower() == "true"
        return float(self.default or 0) if self.type == "float64" else int(str(self.default or 0), 0)


class Message:
    """One schema: FetchRequest, FetchResponse, RequestHeader ..."""

    def __init__(self, source):
        structs = {s["name"]: s["fields"] for s in source.get("commonStructs", [])}
        self.name = source["name"]
        self.key = source.get("apiKey")
        self.versions = versions(source["validVersions"])
        self.flexible = versions(source.get("flexibleVersions"))
        self.fields = [Field(f, structs) for f in source["fields"]]

    def encode(self, version, value):
        out = bytearray()
        write_struct(out, self.fields, version, contains(self.flexible, version), value)
        return bytes(out)

    def decode(self, version, data, at=0):
        """(message, bytes read)"""
        reader = Reader(data, at)
        value = read_struct(reader, self.fields, version, contains(self.flexible, version))
        return value, reader.at


class Schemas:
    """All messages of a kafka-clients jar."""

    def __init__(self, jars):
        jar = glob.glob(os.path.join(jars, "kafka-clients-[0-9]*.jar"))[0]
        self.messages = {}
        with zipfile.ZipFile(jar) as file:
            for entry in file.namelist():
                if entry.startswith("common/message/") and entry.endswith(".json"):
                    source = json.loads(re.sub(r"(?m)(^|\s)//.*$", "", file.read(entry).decode()))
                    if "fields" in source and source["validVersions"] != "none":
                        self.messages[source["name"]] = Message(source)
        self.apis = {m.key: m.name.removesuffix("Request") for m in self.messages.values() if m.name.endswith("Request")}

    def key(self, api):
        return self.messages[api + "Request"].key

    def request(self, api, version, correlation, client_id, body, header_tags=None):
        """A frame without its size."""
        message = self.messages[api + "Request"]
        flexible = contains(message.flexible, version)
        header = {"RequestApiKey": message.key, "RequestApiVersion": version, "CorrelationId": correlation,
                  "ClientId": client_id, "_tags": header_tags or {}}
        return self.messages["RequestHeader"].encode(2 if flexible else 1, header) + message.encode(version, body)

    def response(self, api, version, frame):
        """(correlation id, message) of a frame; Malformed also if bytes are left."""
        message = self.messages[api + "Response"]
        flexible = contains(message.flexible, version) and api != "ApiVersions"
        header, at = self.messages["ResponseHeader"].decode(1 if flexible else 0, frame)
        value, at = message.decode(version, frame, at)
        if at != len(frame):
            raise Malformed(f"{len(frame) - at} bytes after the {api} response")
        return header["CorrelationId"], value


# ---- writing ----

def uvarint(out, value):
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def write_length(out, flexible, size, short):
    """`size` None: null."""
    if flexible:
        uvarint(out, 0 if size is None else size + 1)
    else:
        out += struct.pack(">h" if short else ">i", -1 if size is None else size)


def write_struct(out, fields, version, flexible, value):
    tags = dict(value.get("_tags", {}))
    for field in fields:
        if not contains(field.versions, version):
            continue
        given = value.get(field.name, field.blank())
        if field.is_tagged(version):
            if given != field.blank():
                inner = bytearray()
                write_value(inner, field, version, True, given)
                tags[field.tag] = bytes(inner)
            continue
        write_value(out, field, version, flexible and not field.inflexible, given)
    if flexible:
        uvarint(out, len(tags))
        for number in sorted(tags):
            uvarint(out, number)
            uvarint(out, len(tags[number]))
            out += tags[number]


def write_value(out, field, version, flexible, value):
    if field.array:
        write_length(out, flexible, None if value is None else len(value), False)
        for item in value or []:
            write_one(out, field, version, flexible, item)
        return
    write_one(out, field, version, flexible, value)


def write_one(out, field, version, flexible, value):
    if field.fields is not None:
        if contains(field.nullable, version) and not field.array:
            out += struct.pack(">b", -1 if value is None else 1)
        if value is not None:
            write_struct(out, field.fields, version, flexible, value)
    elif field.type in PRIMITIVES:
        out += struct.pack(">" + PRIMITIVES[field.type], value)
    elif field.type == "uuid":
        out += value
    else:
        data = value.encode() if isinstance(value, str) else value
        write_length(out, flexible, None if data is None else len(data), field.type == "string")
        out += data or b""


# ---- reading ----

class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Malformed(f"{size} bytes wanted at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, letter):
        return struct.unpack(">" + letter, self.take(struct.calcsize(">" + letter)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, flexible, short):
        """None: null."""
        size = self.uvarint() - 1 if flexible else self.unpack("h" if short else "i")
        return None if size == -1 else size


def read_struct(reader, fields, version, flexible):
    value = {}
    known = {}
    for field in fields:
        if not contains(field.versions, version):
            continue
        if field.is_tagged(version):
            known[field.tag] = field
            value[field.name] = field.blank()
            continue
        value[field.name] = read_value(reader, field, version, flexible and not field.inflexible)
    if flexible:
        for _ in range(reader.uvarint()):
            number = reader.uvarint()
            data = reader.take(reader.uvarint())
            if number in known:
                value[known[number].name] = read_value(Reader(data), known[number], version, True)
            else:
                value.setdefault("_tags", {})[number] = data
    return value


def read_value(reader, field, version, flexible):
    if not field.array:
        return read_one(reader, field, version, flexible)
    count = reader.length(flexible, False)
    return None if count is None else [read_one(reader, field, version, flexible) for _ in range(count)]


def read_one(reader, field, version, flexible):
    if field.fields is not None:
        if contains(field.nullable, version) and not field.array and reader.unpack("b") < 0:
            return None
        return read_struct(reader, field.fields, version, flexible)
    if field.type in PRIMITIVES:
        return reader.unpack(PRIMITIVES[field.type])
    if field.type == "uuid":
        return bytes(reader.take(16))
    size = reader.length(flexible, field.type == "string")
    data = None if size is None else bytes(reader.take(size))
    if field.type != "string" or data is None:
        return data
    return data.decode("utf-8", "surrogateescape")
