"""What a message description says, after parsing: messages, structs, fields and version ranges."""
from dataclasses import dataclass, field as dataclass_field

OPEN = 32767  # the end of a range that has none: "3+"

PRIMITIVES = {
    "bool": "bool", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t",
    "uint16": "uint16_t", "uint32": "uint32_t", "float64": "double", "uuid": "Uuid",
    "string": "std::string_view", "bytes": "BytesView", "records": "Chain",
}
INTEGERS = {"int8", "int16", "int32", "int64", "uint16", "uint32"}


class DescriptionError(Exception):
    """A description that cannot be used; the text names the file and the line."""


@dataclass(frozen=True)
class Versions:
    """An inclusive range; empty when low > high."""
    low: int
    high: int

    def __and__(self, other):
        return Versions(max(self.low, other.low), min(self.high, other.high))

    def contains(self, other):
        return other.empty or (self.low <= other.low and other.high <= self.high)

    @property
    def empty(self):
        return self.low > self.high

    def __str__(self):
        if self.empty:
            return "none"
        if self.high == OPEN:
            return f"{self.low}+"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    @staticmethod
    def parse(text):
        if text == "none":
            return NONE
        if text.endswith("+"):
            return Versions(int(text[:-1]), OPEN)
        low, _, high = text.partition("-")
        return Versions(int(low), int(high or low))


NONE = Versions(0, -1)


@dataclass
class Field:
    name: str              # Kafka's: PascalCase
    type: str              # a primitive or a struct, of the element for an array
    array: bool
    versions: Versions
    nullable: Versions
    tag: int | None        # absent: a field with a place of its own
    default: str | None    # as written; None: the zero of the type
    ignorable: bool        # a value is dropped, not refused, where the version has no such field
    inflexible: bool       # never in the compact form (the client id of a request header)
    private: bool          # ours: Kafka has no such field
    doc: list
    struct: "Struct | None" = None  # resolved for struct types

    @property
    def snake(self):
        return snake(self.name)

    @property
    def camel(self):
        return self.name[0].lower() + self.name[1:]

    @property
    def optional(self):
        return not self.nullable.empty or (self.type == "records" and not self.array)

    @property
    def null_by_default(self):
        return self.default == "null" or (self.type == "records" and not self.array)


@dataclass
class Struct:
    name: str
    versions: Versions
    fields: list
    doc: list
    common: bool = False   # declared by itself, used by several fields


@dataclass
class Message:
    name: str              # FetchRequest
    kind: str              # request response header data record key value
    key: int | None        # API key or record type
    versions: Versions
    stable: int            # the newest version that is final
    flexible: Versions
    root: Struct = None
    structs: list = dataclass_field(default_factory=list)  # innermost first; without the root
    listeners: list = dataclass_field(default_factory=list)
    source: str = ""

    @property
    def snake(self):
        return snake(self.name)


def snake(name):
    """ThrottleTimeMs -> throttle_time_ms; IsrNodes -> isr_nodes; KRaftVersion -> kraft_version."""
    out = ""
    for i, c in enumerate(name):
        boundary = c.isupper() and i > 0 and (
            not name[i - 1].isupper() or (i + 1 < len(name) and name[i + 1].islower()))
        out += ("_" if boundary else "") + c.lower()
    out = out.replace("k_raft", "kraft")
    return out + "_" if out in CPP_WORDS else out


CPP_WORDS = {"default", "operator", "namespace", "class", "delete", "new", "private", "public", "int",
             "bool", "register", "union", "template", "typename", "export", "and", "or", "not"}
