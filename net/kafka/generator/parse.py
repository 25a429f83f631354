"""Reads a .msg file. The language is told in net/kafka/messages/README.md."""
import re

from model import NONE, OPEN, PRIMITIVES, DescriptionError, Field, Message, Struct, Versions

PRIVATE_TAG_MIN = 10000
FIELD = re.compile(r"(\w+)\s+(\[?)(\w+)(\]?)(\??)(\S*)\s*(.*)$")


class Line:
    def __init__(self, number, depth, text, doc):
        self.number, self.depth, self.text, self.doc = number, depth, text, doc


def read_lines(path):
    """Non-empty lines with their depth (two spaces each) and the comment lines above them."""
    lines, doc = [], []
    with open(path, encoding="utf-8") as file:
        for number, raw in enumerate(file, 1):
            text = raw.rstrip()
            bare = text.lstrip()
            if bare.startswith("#"):
                doc.append(bare.lstrip("# "))
                continue
            if not bare:
                doc = []
                continue
            indent = len(text) - len(bare)
            if indent % 2:
                raise DescriptionError(f"{path}:{number}: indentation is two spaces a level")
            lines.append(Line(number, indent // 2, bare, doc))
            doc = []
    return lines


class Parser:
    def __init__(self, path):
        self.path = path
        self.lines = read_lines(path)
        self.at = 0

    def error(self, line, text):
        return DescriptionError(f"{self.path}:{line.number}: {text}")

    def peek(self):
        return self.lines[self.at] if self.at < len(self.lines) else None

    def take(self):
        line = self.lines[self.at]
        self.at += 1
        return line

    def parse(self):
        """The messages of the file: a request and a response, or one of another kind."""
        head = self.take()
        words = head.text.split()
        kind = words[0]
        if kind not in ("api", "header", "data", "record", "key", "value"):
            raise self.error(head, f"unknown kind '{kind}'")
        key = int(words[1]) if kind in ("api", "record", "key", "value") else None
        name = words[-1]
        options = self.options()
        out = []
        while self.peek():
            out.append(self.section(kind, key, name, options))
            out[-1].root.doc = out[-1].root.doc or head.doc
        return out

    def options(self):
        """versions, flexible, listeners: the lines before the first section."""
        out = {"listeners": [], "unstable": False}
        while self.peek() and self.peek().depth == 1:
            line = self.take()
            words = line.text.split()
            if words[0] == "versions":
                out["versions"] = Versions.parse(words[1])
                out["unstable"] = words[2:] == ["unstable"]
            elif words[0] == "flexible":
                out["flexible"] = Versions.parse(words[1])
            elif words[0] == "listeners":
                out["listeners"] = words[1:]
            else:
                raise self.error(line, f"unknown option '{words[0]}'")
        return out

    def section(self, kind, key, name, options):
        head = self.take()
        suffix = {"request": "Request", "response": "Response", "fields": ""}.get(head.text)
        if suffix is None or (kind == "api") != bool(suffix):
            raise self.error(head, f"unexpected section '{head.text}'")
        versions = options["versions"]
        message = Message(name + suffix, head.text if suffix else kind, key, versions,
                          versions.high - (1 if options["unstable"] else 0), options["flexible"],
                          listeners=options["listeners"], source=self.path)
        common, fields = {}, []
        while self.peek() and self.peek().depth == 1:
            if self.peek().text.startswith("struct "):
                struct = self.common_struct(message)
                common[struct.name] = struct
            else:
                fields.append(self.field(message, common))
        message.root = Struct(message.name, versions, fields, head.doc)
        self.resolve(head, message, common)
        return message

    def common_struct(self, message):
        line = self.take()
        _, name, versions = line.text.split()
        struct = Struct(name, Versions.parse(versions), self.children(line.depth, message), line.doc,
                        True)
        message.structs.append(struct)
        return struct

    def children(self, depth, message):
        fields = []
        while self.peek() and self.peek().depth > depth:
            if self.peek().depth != depth + 1:
                raise self.error(self.peek(), "indented too far")
            fields.append(self.field(message, {}))
        return fields

    def field(self, message, common):
        line = self.take()
        match = FIELD.match(line.text)
        if not match or bool(match[2]) != bool(match[4]):
            raise self.error(line, f"not a field: '{line.text}'")
        field = Field(match[1], match[3], bool(match[2]), NONE, NONE, None, None, False, False, False,
                      line.doc)
        self.attributes(line, field, match)
        inner = self.children(line.depth, message)
        if inner:
            field.struct = Struct(field.type, field.versions, inner, [])
            message.structs.append(field.struct)
        return field

    def attributes(self, line, field, match):
        words = match[7].split()
        if words and words[0] == "=":
            field.default = words[1].strip('"')
            words = words[2:]
        if not words:
            raise self.error(line, "no versions")
        field.versions = Versions.parse(words[0])
        words = words[1:]
        while words:
            word = words.pop(0)
            if word == "tag":
                field.tag = int(words.pop(0))
            elif word in ("ignorable", "inflexible", "private"):
                setattr(field, word, True)
            else:
                raise self.error(line, f"unknown attribute '{word}'")
        if match[5]:
            field.nullable = Versions.parse(match[6]) if match[6] else Versions(0, OPEN)

    def resolve(self, head, message, common):
        """Ties fields to the structs they name and orders the structs innermost first."""
        by_name = {}
        for struct in message.structs:
            if by_name.setdefault(struct.name, struct) is not struct:
                raise self.error(head, f"{message.name}: two structs named {struct.name}")
        for struct in message.structs + [message.root]:
            for field in struct.fields:
                if field.type in PRIMITIVES:
                    continue
                if field.type not in by_name:
                    raise self.error(head, f"{message.name}: no struct named {field.type}")
                field.struct = by_name[field.type]
        for struct in message.structs + [message.root]:
            self.check_tags(head, message, struct)
        ordered = []

        def visit(struct):
            for field in struct.fields:
                if field.struct and field.struct not in ordered:
                    visit(field.struct)
            if struct is not message.root and struct not in ordered:
                ordered.append(struct)

        visit(message.root)
        message.structs = ordered


    def check_tags(self, head, message, struct):
        """Tags are unique and only where there are any; ours are out of Kafka's way."""
        tags = [f.tag for f in struct.fields if f.tag is not None]
        if len(tags) != len(set(tags)):
            raise self.error(head, f"{struct.name}: two fields with the same tag")
        for field in struct.fields:
            where = f"{struct.name}.{field.name}"
            if field.tag is not None and not message.flexible.contains(field.versions & message.versions):
                raise self.error(head, f"{where}: tagged in versions that have no tagged fields")
            if field.private and (field.tag is None or field.tag < PRIVATE_TAG_MIN):
                raise self.error(head, f"{where}: a private field has a tag from {PRIVATE_TAG_MIN} on")


def parse_file(path):
    return Parser(path).parse()
