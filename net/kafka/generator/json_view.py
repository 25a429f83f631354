"""C++ that views a message as JSON and reads it back (net/kafka/message_json.h)."""
from cpp import (Code, condition, default_test, element_type, flag, needs_is_default,
                 non_default)


def view_one(field, value):
    return f"view({value}, v, how)" if field.struct else f"to_value({value})"


def view_field(field):
    value = f"m.{field.snake}"
    if field.type == "records":
        return f'set_records(j, "{field.camel}", {value}, how);'
    if field.array:
        each = f"[&](const {element_type(field)}& x) {{ return {view_one(field, 'x')}; }}"
        return f'j["{field.camel}"] = to_array({value}, {each});'
    if field.struct and field.optional:
        return f'j["{field.camel}"] = {value} ? view(*{value}, v, how) : Json();'
    return f'j["{field.camel}"] = {view_one(field, value)};'


def viewer(code, message, struct):
    code.open(f"Json view(const {struct.cpp}& m, int16_t v, JsonRecords how)")
    code.add("Json j = Json::object();")
    for field in struct.fields:
        tests = [condition(field.versions, struct.context)]
        if field.tag is not None:
            tests.append(non_default(field, f"m.{field.snake}"))
        tests = [t for t in tests if t]
        code.add((f"if ({' && '.join(tests)}) " if tests else "") + view_field(field))
    code.add("return j;")
    code.close()
    code.add()


def load_one(field, json, target):
    if field.struct:
        return f"load(in, {json}, v, {target});"
    return f'in.load({json}, "{field.camel}", {target});'


def load_field(code, field, struct):
    target, name = f"m.{field.snake}", f'"{field.camel}"'
    required = "true" if field.tag is None else "false"
    kind = f"std::vector<{element_type(field)}>" if field.array else element_type(field)

    def present(json, out):
        if not field.array:
            return load_one(field, json, out)
        each = f"[&](const Json& y, {element_type(field)}& z) {{ {load_one(field, 'y', 'z')} }}"
        return f"load_array(in, {json}, {name}, {out}, {each});"

    code.open(f"if (const Json* x = in.member(j, {name}, {required}))")
    if field.optional:
        allowed = flag(field.nullable, field.versions & struct.context)
        code.add(f"load_nullable(in, *x, {name}, {allowed}, {target},")
        code.add(f"              [&](const Json& y0, {kind}& z0) {{ {present('y0', 'z0')} }});")
    else:
        code.add(present("*x", target))
    code.close()


def loader(code, message, struct):
    code.open(f"void load(JsonInput& in, const Json& j, int16_t v, {struct.cpp}& m)")
    for field in struct.fields:
        test = condition(field.versions, struct.context)
        if test:
            code.open(f"if ({test})")
        load_field(code, field, struct)
        if test:
            code.close()
    code.close()
    code.add()


def json_message(code, message):
    code.add("namespace {")
    code.add()
    compared = needs_is_default(message)
    for struct in message.structs + [message.root]:
        if struct.name in compared:
            default_test(code, struct)
        viewer(code, message, struct)
        loader(code, message, struct)
    code.add("}  // namespace")
    code.add()
    name = message.name
    code.open(f"Json to_json(int16_t version, const {name}& message, JsonRecords records)")
    code.add(f"CHECK({name}::versions.contains(version), {name}::message_name, version);")
    code.add("return view(message, version, records);")
    code.close()
    code.open(f"Status from_json(const Json& json, int16_t version, wire::Scratch& scratch, {name}& out)")
    code.add(f"CHECK({name}::versions.contains(version), {name}::message_name, version);")
    code.add("JsonInput in(scratch);")
    code.add(f"out = {name}{{}};")
    code.add("load(in, json, version, out);")
    code.add(f"return in.status({name}::message_name);")
    code.close()
    code.add()


def json_file(messages, namespace, folder, name):
    code = Code()
    code.add("// Generated; do not edit.")
    code.add(f'#include "{folder}/{name}_json.h"')
    code.add()
    for message in messages:
        code.add(f'#include "{folder}/{message.snake}.h"')
    code.add('#include "net/kafka/json/values.h"')
    code.add('#include "reactor/base/check.h"')
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add()
    if namespace != "odradek::kafka":
        for used in ("JsonInput", "load_array", "load_nullable", "set_records", "to_array", "to_value"):
            code.add(f"using kafka::{used};")
        code.add()
    for message in messages:
        json_message(code, message)
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def json_header(messages, namespace, folder, name):
    code = Code()
    code.add("// Generated; do not edit. See net/kafka/message_json.h.")
    code.add("#pragma once")
    code.add()
    code.add('#include "net/kafka/message_json.h"')
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add()
    if namespace != "odradek::kafka":
        code.add("using kafka::Json;")
        code.add("using kafka::JsonRecords;")
        code.add(f"std::span<const kafka::JsonInfo> all_{name}_json();")
        code.add()
    for message in messages:
        t = message.name
        code.add(f"struct {t};")
        code.add(f"Json to_json(int16_t version, const {t}& message, JsonRecords records = JsonRecords::size);")
        code.add(f"Status from_json(const Json& json, int16_t version, wire::Scratch& scratch, {t}& out);")
    code.add()
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def json_table(messages, namespace, folder, name):
    lines = ["// Generated; do not edit."]
    lines += [f'#include "{folder}/{m.snake}.h"' for m in messages]
    lines += [f'#include "{folder}/{name}_json.h"', '#include "net/kafka/json/table_entry.h"', "",
              f"namespace {namespace} {{", "namespace {", "", "constexpr kafka::JsonInfo table[] = {"]
    for m in messages:
        key = m.key if m.key is not None else -1
        lines.append(f"    kafka::json_info<{m.name}>(kafka::MessageKind::{m.kind}, {key}),")
    lines += ["};", "", "}  // namespace", "",
              f"std::span<const kafka::JsonInfo> all_{name}_json() {{ return table; }}", "",
              f"}}  // namespace {namespace}", ""]
    return "\n".join(lines)
