"""C++ for a message: the struct in its header, and decode, encode, encoded_size and validate."""
from model import INTEGERS, NONE, OPEN, PRIMITIVES, Versions

INDENT = "  "


class Code:
    """Lines with indentation; block() opens a brace."""

    def __init__(self):
        self.lines, self.depth = [], 0

    def add(self, text=""):
        self.lines.append(INDENT * self.depth + text if text else "")

    def open(self, text):
        self.add(text + " {")
        self.depth += 1

    def close(self, text="}"):
        self.depth -= 1
        self.add(text)

    def text(self):
        return "\n".join(self.lines) + "\n"


def prepare(message):
    """Sets for every struct the versions it can occur in (`context`) and its C++ name (`cpp`), and
    drops fields that no described version has."""
    message.root.context, message.root.cpp = message.versions, message.name
    for struct in message.structs:
        struct.context = struct.versions & message.versions if struct.common else NONE
        struct.cpp = f"{message.snake}::{struct.name}"
    for struct in [message.root] + list(reversed(message.structs)):
        struct.fields = [f for f in struct.fields if not (f.versions & struct.context).empty]
        for field in struct.fields:
            if field.struct and not field.struct.common:
                field.struct.context = field.versions & struct.context


def condition(versions, context):
    """The C++ test that `v` lies in `versions`, given that it lies in `context`; None: always."""
    clipped = versions & context
    if clipped.empty:
        return "false"
    if clipped == context:
        return None
    if clipped.low == clipped.high:
        return f"v == {clipped.low}"
    tests = []
    if clipped.low > context.low:
        tests.append(f"v >= {clipped.low}")
    if clipped.high < context.high:
        tests.append(f"v <= {clipped.high}")
    return " && ".join(tests)


def flag(versions, context):
    """condition() as an expression."""
    test = condition(versions, context)
    return "true" if test is None else test


def compact(message, struct, field):
    return "false" if field.inflexible else flag(message.flexible, struct.context)


def element_type(field):
    return field.struct.cpp if field.struct else PRIMITIVES[field.type]


def member_type(field):
    inner = field.struct.name if field.struct else PRIMITIVES[field.type]
    if field.array:
        inner = f"std::vector<{inner}>"
    return f"std::optional<{inner}>" if field.optional else inner


def initializer(field):
    """The default member initializer, with its leading space or brace; empty: none needed."""
    if field.optional:
        if field.null_by_default:
            return ""
        if field.array or field.struct:
            return "{std::in_place}"
        return f" = {PRIMITIVES[field.type]}{{}}"
    if field.type in INTEGERS and not field.array:
        return f" = {int(field.default or '0', 0)}"
    if field.type == "bool" and not field.array:
        return f" = {(field.default or 'false').lower()}"
    if field.type == "float64" and not field.array:
        return f" = {field.default or '0.0'}"
    return ""


def non_default(field, value):
    """The C++ test that `value` differs from the field's default."""
    if field.optional:
        if field.null_by_default:
            return f"{value}.has_value()"
        if field.struct and not field.array:
            return f"(!{value} || !is_default(*{value}))"
        return f"(!{value} || !{value}->empty())"
    if field.array or field.type in ("string", "bytes"):
        return f"!{value}.empty()"
    if field.struct:
        return f"!is_default({value})"
    if field.type == "uuid":
        return f"!{value}.is_zero()"
    if field.type == "bool":
        return f"!{value}" if (field.default or "false").lower() == "true" else value
    return f"{value} != {initializer(field)[3:]}"


# ---- the header ---------------------------------------------------------------------------------

def doc_lines(code, doc):
    for line in doc:
        code.add(f"// {line}")


def struct_body(code, struct):
    for field in struct.fields:
        doc_lines(code, field.doc)
        note = f"v{field.versions}"
        if field.tag is not None:
            note += f", tag {field.tag}"
        if not field.nullable.empty and not field.nullable.contains(field.versions & struct.context):
            note += f", null in {field.nullable}"
        code.add(f"{member_type(field)} {field.snake}{initializer(field)};  // {note}")


def key_constant(message):
    if message.kind in ("request", "response"):
        return f"static constexpr int16_t api_key = {message.key};"
    if message.kind in ("record", "key", "value"):
        return f"static constexpr int16_t record_type = {message.key};"
    return None


def header(message, namespace):
    """The header of one message. REQUIRES: prepare(message)."""
    code = Code()
    code.add(f"// Generated from {message.source}; do not edit.")
    code.add("//")
    code.add("// Strings, bytes and records are views: into the frame and the Scratch of the Reader after decode(),")
    code.add("// into what the caller owns before encode(). They live as long as that does, not as the struct.")
    code.add("#pragma once")
    code.add()
    for name in ("cstddef", "cstdint", "optional", "string_view", "vector"):
        code.add(f"#include <{name}>")
    code.add()
    for name in ("net/kafka/message.h", "reactor/base/bytes.h", "reactor/base/chain.h",
                 "reactor/base/result.h", "reactor/base/uuid.h"):
        code.add(f'#include "{name}"')
    code.add()
    code.add(f"namespace {namespace} {{")
    if namespace != "odradek::kafka":
        code.add("using kafka::VersionRange;")
    if message.structs:
        inner_structs(code, message)
    root_struct(code, message)
    functions(code, message)
    if message.kind == "response":
        error_visitor(code, message)
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def inner_structs(code, message):
    code.add(f"namespace {message.snake} {{")
    code.add()
    for struct in message.structs:
        doc_lines(code, struct.doc)
        code.open(f"struct {struct.name}")
        struct_body(code, struct)
        code.close("};")
        code.add()
    code.add(f"}}  // namespace {message.snake}")


def root_struct(code, message):
    code.add()
    doc_lines(code, message.root.doc)
    code.open(f"struct {message.name}")
    key = key_constant(message)
    if key:
        code.add(key)
    code.add(f'static constexpr std::string_view message_name = "{message.name}";')
    code.add(f"static constexpr VersionRange versions{{{message.versions.low}, {message.versions.high}}};")
    low = message.flexible.low if not message.flexible.empty else OPEN
    code.add(f"static constexpr int16_t flexible_from = {low};  // {OPEN}: never")
    for struct in message.structs:
        code.add(f"using {struct.name} = {struct.cpp};")
    code.add()
    struct_body(code, message.root)
    code.close("};")
    code.add()


def functions(code, message):
    code.add(f"Status decode(wire::Reader& reader, int16_t version, {message.name}& out);")
    code.add(f"void encode(wire::Writer& writer, int16_t version, const {message.name}& message);")
    code.add(f"size_t encoded_size(int16_t version, const {message.name}& message);")
    code.add(f"Status validate(int16_t version, const {message.name}& message);")
    code.add()


def is_error(field):
    return field.name.endswith("ErrorCode") and field.type == "int16" and not field.array


def has_errors(struct):
    return any(is_error(f) or (f.struct and has_errors(f.struct)) for f in struct.fields)


def error_visitor(code, message):
    """for_each_error() of a response that has error codes."""
    if not has_errors(message.root):
        return
    code.add("// Calls visit(int16_t) with every error code in it, those of success too.")
    code.add("template <class Visit>")
    code.open(f"void for_each_error(const {message.name}& message, Visit visit)")
    visit_errors(code, message.root, "message")
    code.close()
    code.add()


def visit_errors(code, struct, owner):
    for field in struct.fields:
        member = f"{owner}.{field.snake}"
        if is_error(field):
            code.add(f"visit({member});")
        if not field.struct or not has_errors(field.struct):
            continue
        value = f"(*{member})" if field.optional else member
        if field.optional:
            code.open(f"if ({member})")
        if field.array:
            code.open(f"for (const auto& of_{field.snake} : {value})")
        visit_errors(code, field.struct, f"of_{field.snake}" if field.array else value)
        if field.array:
            code.close()
        if field.optional:
            code.close()


# ---- decode -------------------------------------------------------------------------------------

def read_one(field, target, message, struct):
    """The statement that reads one value (not an array) into `target`."""
    name, flexible = f'"{field.name}"', compact(message, struct, field)
    nullable = flag(field.nullable, struct.context)
    if field.array:  # an element: never null
        nullable = None
    if field.struct:
        if nullable and field.optional and field.tag is not None:  # the marker is a uvarint there, an int8 elsewhere
            return (f"if (r.uvarint({name}) != 0) read(r, v, {target}.emplace()); "
                    f"else {target}.reset();")
        if field.optional and nullable:
            read = f"if (r.present({nullable}, {name})) read(r, v, {target}.emplace()); else {target}.reset();"
            test = condition(field.nullable, field.versions & struct.context)
            if test is None:
                return read
            return f"if ({test}) {{ {read} }} else {{ read(r, v, {target}.emplace()); }}"
        return f"read(r, v, {target});"
    if field.type in INTEGERS:
        return f"{target} = r.integer<{PRIMITIVES[field.type]}>({name});"
    if field.type in ("bool", "float64", "uuid"):
        call = {"bool": "boolean"}.get(field.type, field.type)
        return f"{target} = r.{call}({name});"
    if field.type == "records":
        return f"{target} = r.records({flexible}, {nullable}, {name});"
    if field.optional and not field.array:
        return f"{target} = r.nullable_{field.type}({flexible}, {nullable}, {name});"
    return f"{target} = r.{field.type}({flexible}, {name});"


def read_field(field, message, struct):
    target = f"m.{field.snake}"
    if not field.array:
        return read_one(field, target, message, struct)
    each = f"[&]({element_type(field)}& x) {{ {read_one(field, 'x', message, struct)} }}"
    arguments = ["r", compact(message, struct, field)]
    if field.optional:
        arguments.append(flag(field.nullable, struct.context))
    return f'wire::read_array({", ".join(arguments)}, "{field.name}", {target}, {each});'


def guarded(code, test, statement):
    if test is None:
        code.add(statement)
    elif test != "false":
        code.open(f"if ({test})")
        code.add(statement)
        code.close()


def reader(code, message, struct):
    code.open(f"void read(wire::Reader& r, int16_t v, {struct.cpp}& m)")
    for field in struct.fields:
        if field.tag is None:
            guarded(code, condition(field.versions, struct.context), read_field(field, message, struct))
    test = condition(message.flexible, struct.context)
    if test != "false":
        if test:
            code.add(f"if (!({test})) return;")
        read_tags(code, message, struct)
    code.close()
    code.add()


def read_tags(code, message, struct):
    tagged = [f for f in struct.fields if f.tag is not None]
    code.open("for (wire::TaggedFields tags(r); tags.next();)")
    if not tagged:
        code.add("tags.skip();")
    else:
        code.open("switch (tags.tag())")
        for field in sorted(tagged, key=lambda f: f.tag):
            code.open(f"case {field.tag}:")
            test = condition(field.versions, struct.context & message.flexible)
            if test:
                code.add(f"if (!({test})) {{ tags.skip(); break; }}")
            code.add(read_field(field, message, struct))
            code.add("break;")
            code.close()
        code.add("default: tags.skip();")
        code.close()
    code.close()


# ---- encode -------------------------------------------------------------------------------------

def write_one(field, value, message, struct, sink="s"):
    flexible = compact(message, struct, field)
    nullable = flag(field.nullable, struct.context)
    if field.struct:
        if field.optional and not field.array and field.tag is not None:
            return f"{sink}.uvarint({value} ? 1 : 0); if ({value}) write({sink}, v, *{value});"
        if field.optional and not field.array:
            blank = f"write({sink}, v, {field.struct.cpp}{{}});"
            if nullable == "false":
                return f"if ({value}) {{ write({sink}, v, *{value}); }} else {{ {blank} }}"
            marker = f"{sink}.integer(int8_t{{{value} ? int8_t{{1}} : int8_t{{-1}}}});"
            if nullable == "true":
                return f"{marker} if ({value}) write({sink}, v, *{value});"
            return (f"if ({nullable}) {marker} "
                    f"if ({value}) {{ write({sink}, v, *{value}); }} else if (!({nullable})) {{ {blank} }}")
        return f"write({sink}, v, {value});"
    if field.type in INTEGERS:
        return f"{sink}.integer({value});"
    if field.type in ("bool", "float64", "uuid"):
        call = {"bool": "boolean"}.get(field.type, field.type)
        return f"{sink}.{call}({value});"
    if field.type == "records":
        return f"{sink}.records({flexible}, {nullable}, {value});"
    if field.optional and not field.array:
        return f"{sink}.nullable_{field.type}({flexible}, {nullable}, {value});"
    return f"{sink}.{field.type}({flexible}, {value});"


def write_field(code, field, message, struct, sink="s"):
    value, flexible = f"m.{field.snake}", compact(message, struct, field)
    if not field.array:
        code.add(write_one(field, value, message, struct, sink))
        return
    items = value
    if field.optional:
        nullable = flag(field.nullable, struct.context)
        code.open(f"if (!{value})")
        if nullable == "true":
            code.add(f"{sink}.null({flexible});")
        else:
            code.add(f"if ({nullable}) {sink}.null({flexible}); else {sink}.length({flexible}, 0);")
        code.close("} else {")
        code.depth += 1
        items = f"(*{value})"
    code.add(f"{sink}.length({flexible}, {items}.size());")
    code.add(f"for (const auto& x : {items}) {write_one(field, 'x', message, struct, sink)}")
    if field.optional:
        code.close()


def writer(code, message, struct):
    code.add("template <class Sink>")
    code.open(f"void write(Sink& s, int16_t v, const {struct.cpp}& m)")
    for field in struct.fields:
        if field.tag is not None:
            continue
        test = condition(field.versions, struct.context)
        if test is None:
            write_field(code, field, message, struct)
        elif test != "false":
            code.open(f"if ({test})")
            write_field(code, field, message, struct)
            code.close()
    test = condition(message.flexible, struct.context)
    if test != "false":
        if test:
            code.add(f"if (!({test})) return;")
        write_tags(code, message, struct)
    code.close()
    code.add()


def write_tags(code, message, struct):
    tagged = sorted((f for f in struct.fields if f.tag is not None), key=lambda f: f.tag)
    if not tagged:
        code.add("s.uvarint(0);")
        return
    tests = []
    for field in tagged:
        test = non_default(field, f"m.{field.snake}")
        version = condition(field.versions, struct.context & message.flexible)
        tests.append(f"{version} && {test}" if version else test)
    for field, test in zip(tagged, tests):
        code.add(f"const bool has_{field.tag} = {test};")
    code.add("s.uvarint(" + " + ".join(f"uint32_t{{has_{f.tag}}}" for f in tagged) + ");")
    for field in tagged:
        code.open(f"if (has_{field.tag})")
        code.add(f"s.uvarint({field.tag});")
        code.open("write_sized(s, [&](auto& to)")
        write_field(code, field, message, struct, "to")
        code.close("});")
        code.close()


# ---- validate and is_default --------------------------------------------------------------------

def check_value(field, value):
    """Statements that check one value (not an array), or none."""
    if field.struct:
        return f"check(p, v, {value});" if field.struct.checked else None
    if field.type == "string":
        return f'p.length({value}, "{field.name}");'
    return None


def check_field(code, field, struct):
    value, name = f"m.{field.snake}", f'"{field.name}"'
    exists = condition(field.versions, struct.context)
    if exists is not None and not field.ignorable:
        code.add(f"if (!({exists}) && {non_default(field, value)}) p.absent({name});")
    body = check_value(field, "x" if field.array else (f"*{value}" if field.optional else value))
    if body and field.array:
        items = f"*{value}" if field.optional else value
        body = f"for (const auto& x : {items}) {body}"
    if field.optional:
        present = field.versions & struct.context
        null_allowed = condition(field.nullable, present)
        if null_allowed is not None and not (field.type == "records" and field.nullable.empty):
            missing = [t for t in (exists, f"!({null_allowed})", f"!{value}") if t]
            code.add(f"if ({' && '.join(missing)}) p.null({name});")
        if body:
            body = f"if ({value}) {{ {body} }}"
    if body:
        guarded(code, exists, body)


def checker(code, message, struct):
    inner = Code()
    inner.depth = 1
    for field in struct.fields:
        check_field(inner, field, struct)
    struct.checked = bool(inner.lines)
    if struct.checked or struct is message.root:
        code.open(f"void check(wire::Problems& p, int16_t v, const {struct.cpp}& m)")
        code.lines += inner.lines
        code.close()
        code.add()


def needs_is_default(message):
    """Structs that are compared with their default."""
    needed = set()

    def want(struct):
        if struct.name not in needed:
            needed.add(struct.name)
            for field in struct.fields:
                if field.struct and not field.array and not field.null_by_default:
                    want(field.struct)

    for struct in [message.root] + message.structs:
        for field in struct.fields:
            if field.struct and not field.array and not field.null_by_default:
                absent = condition(field.versions, struct.context) is not None and not field.ignorable
                if field.tag is not None or absent:
                    want(field.struct)
    return needed


def default_test(code, struct):
    code.open(f"[[maybe_unused]] bool is_default(const {struct.cpp}& m)")
    tests = [non_default(f, f"m.{f.snake}") for f in struct.fields]
    code.add("return !(" + " || ".join(tests) + ");")
    code.close()
    code.add()


def codec(message):
    """The functions of one message for a .cc file."""
    code = Code()
    code.add(f"// ---- {message.name} " + "-" * max(0, 80 - len(message.name)))
    code.add()
    code.add("namespace {")
    code.add()
    compared = needs_is_default(message)
    for struct in message.structs + [message.root]:
        if struct.name in compared:
            default_test(code, struct)
        reader(code, message, struct)
        writer(code, message, struct)
        checker(code, message, struct)
    code.add("}  // namespace")
    code.add()
    name = message.name
    code.open(f"Status decode(wire::Reader& reader, int16_t version, {name}& out)")
    code.add(f"if (!{name}::versions.contains(version)) return unsupported({name}::message_name, version);")
    code.add(f"out = {name}{{}};")
    code.add("read(reader, version, out);")
    code.add(f"return reader.status({name}::message_name);")
    code.close()
    code.open(f"void encode(wire::Writer& writer, int16_t version, const {name}& message)")
    code.add(f"CHECK({name}::versions.contains(version), {name}::message_name, version);")
    code.add("wire::Sizer sizer;")
    code.add("write(sizer, version, message);")
    code.add("writer.reserve(sizer.buffered());")
    code.add("write(writer, version, message);")
    code.close()
    code.open(f"size_t encoded_size(int16_t version, const {name}& message)")
    code.add(f"CHECK({name}::versions.contains(version), {name}::message_name, version);")
    code.add("wire::Sizer sizer;")
    code.add("write(sizer, version, message);")
    code.add("return sizer.size();")
    code.close()
    code.open(f"Status validate(int16_t version, const {name}& message)")
    code.add(f"if (!{name}::versions.contains(version)) return unsupported({name}::message_name, version);")
    code.add("wire::Problems problems;")
    code.add("check(problems, version, message);")
    code.add(f"return problems.status({name}::message_name, version);")
    code.close()
    code.add()
    return code.text()


def codec_file(messages, namespace, folder):
    own = namespace == "odradek::kafka"
    using = [] if own else [f"using kafka::{name};" for name in ("unsupported", "write_sized")]
    lines = ["// Generated; do not edit."]
    lines += [f'#include "{folder}/{m.snake}.h"' for m in messages]
    lines += ["", '#include "net/kafka/codec.h"', "", f"namespace {namespace} {{", "",
              *using, ""]
    return "\n".join(lines) + "".join(codec(m) for m in messages) + f"}}  // namespace {namespace}\n"
