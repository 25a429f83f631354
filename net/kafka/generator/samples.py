"""C++ that fills a message with random values (net/kafka/samples/sampler.h)."""
from cpp import Code, condition, guarded
from model import INTEGERS, PRIMITIVES


def value(field):
    """The expression of one random value that is not a struct."""
    if field.type in INTEGERS:
        return f"s.integer<{PRIMITIVES[field.type]}>()"
    call = {"bool": "boolean"}.get(field.type, field.type)
    return f"s.{call}()"


def fill_field(code, field, struct):
    target = f"m.{field.snake}"
    if field.optional:
        allowed = condition(field.nullable, field.versions & struct.context)
        if allowed != "false":
            code.open(f"if ({allowed + ' && ' if allowed else ''}s.null())")
            code.add(f"{target}.reset();")
            code.close("} else {")
        else:
            code.open("")
        if not allowed == "false":
            code.depth += 1
        fill_present(code, field, f"{target}.emplace()" if field.array or field.struct else target,
                     f"(*{target})")
        code.close()
    else:
        fill_present(code, field, None, target)


def fill_present(code, field, emplace, target):
    if field.array:
        code.add(f"{emplace or target + '.clear()'};")
        item = (f"fill(s, v, {target}.emplace_back());" if field.struct
                else f"{target}.push_back({value(field)});")
        code.add(f"for (size_t left = s.count(); left > 0; --left) {item}")
    elif field.struct:
        code.add(f"fill(s, v, {emplace or target});")
    else:
        code.add(f"{emplace or target} = {value(field)};")


def filler(code, struct, is_static):
    code.open(f"{'static ' if is_static else ''}void fill(Sampler& s, int16_t v, {struct.cpp}& m)")
    for field in struct.fields:
        body = Code()
        fill_field(body, field, struct)
        test = condition(field.versions, struct.context)
        if field.private:
            test = f"s.private_fields() && {test}" if test else "s.private_fields()"
        if test is not None:
            code.open(f"if ({test})")
        for line in body.lines:
            code.add(line)
        if test is not None:
            code.close()
    code.close()
    code.add()


def samples_file(messages, namespace, folder, name):
    code = Code()
    code.add("// Generated; do not edit.")
    code.add(f'#include "{folder}/{name}_samples.h"')
    code.add()
    for message in messages:
        code.add(f'#include "{folder}/{message.snake}.h"')
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add()
    for message in messages:
        for struct in message.structs:
            filler(code, struct, True)
        filler(code, message.root, False)
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def samples_header(messages, namespace, folder, name):
    code = Code()
    code.add("// Generated; do not edit. See net/kafka/samples/sampler.h.")
    code.add("#pragma once")
    code.add()
    code.add('#include "net/kafka/samples/sampler.h"')
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add()
    if namespace != "odradek::kafka":
        code.add("using kafka::Sampler;")
        code.add(f"std::span<const kafka::SampleInfo> all_{name}_samples();")
        code.add()
    for message in messages:
        code.add(f"struct {message.name};")
        code.add(f"void fill(Sampler& s, int16_t v, {message.name}& m);")
    code.add()
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def samples_table(messages, namespace, folder, name):
    lines = ["// Generated; do not edit."]
    lines += [f'#include "{folder}/{m.snake}.h"' for m in messages]
    lines += [f'#include "{folder}/{name}_samples.h"', "", f"namespace {namespace} {{", "namespace {", "",
              "constexpr kafka::SampleInfo table[] = {"]
    lines += [f"    kafka::sample_info<{m.name}>()," for m in messages]
    lines += ["};", "", "}  // namespace", "",
              f"std::span<const kafka::SampleInfo> all_{name}_samples() {{ return table; }}", "",
              f"}}  // namespace {namespace}", ""]
    return "\n".join(lines)
