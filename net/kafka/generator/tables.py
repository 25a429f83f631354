"""The API table, the list of all messages, and the variant of all metadata records."""
from cpp import Code
from model import OPEN, snake


def api_pairs(messages):
    """(name, request, response) by key."""
    requests = {m.key: m for m in messages if m.kind == "request"}
    responses = {m.key: m for m in messages if m.kind == "response"}
    return [(requests[k].name[:-len("Request")], requests[k], responses[k]) for k in sorted(requests)]


def listener_mask(message):
    bits = {"broker": "on_broker", "controller": "on_controller"}
    return " | ".join(bits[x] for x in message.listeners) or "0"


def api_table(messages):
    code = Code()
    code.add("// Generated; do not edit. Every API that is described, by key: include net/kafka/api.h.")
    code.add("#pragma once")
    code.add()
    code.add("#include <array>")
    code.add("#include <cstdint>")
    code.add()
    code.add('#include "net/kafka/message.h"')
    code.add()
    code.add("namespace odradek::kafka {")
    code.add()
    pairs = api_pairs(messages)
    code.open("enum class ApiKey : int16_t")
    for name, request, _ in pairs:
        code.add(f"{snake(name)} = {request.key},")
    code.close("};")
    code.add()
    code.add("// key, name, described versions, newest final version, flexible from, listeners")
    code.open(f"inline constexpr std::array<ApiInfo, {len(pairs)}> api_table =")
    code.lines[-1] += "{"
    for name, r, _ in pairs:
        low = OPEN if r.flexible.empty else r.flexible.low
        code.add(f'ApiInfo{{{r.key}, "{name}", {{{r.versions.low}, {r.versions.high}}}, {r.stable}, {low}, '
                 f'{listener_mask(r)}}},')
    code.close("}};")
    code.add()
    code.add("}  // namespace odradek::kafka")
    return code.text()


def message_list(messages, namespace, folder, function):
    """A .cc with the table behind all_messages()."""
    lines = ["// Generated; do not edit."]
    lines += [f'#include "{folder}/{m.snake}.h"' for m in messages]
    lines += ['#include "net/kafka/message_table_entry.h"', "", f"namespace {namespace} {{", "namespace {", ""]
    lines.append(f"constexpr kafka::MessageInfo table[] = {{")
    for m in messages:
        key = m.key if m.key is not None else -1
        lines.append(f"    kafka::message_info<{m.name}>(kafka::MessageKind::{m.kind}, {key}),")
    lines += ["};", "", "}  // namespace", "",
              f"std::span<const kafka::MessageInfo> {function}() {{ return table; }}", "",
              f"}}  // namespace {namespace}", ""]
    return "\n".join(lines)


def list_header(namespace, function):
    return (f"// Generated; do not edit. The table of these messages, as kafka::all_messages().\n"
            f"#pragma once\n\n#include <span>\n\n#include \"net/kafka/message.h\"\n\n"
            f"namespace {namespace} {{\n\nstd::span<const kafka::MessageInfo> {function}();\n\n"
            f"}}  // namespace {namespace}\n")
