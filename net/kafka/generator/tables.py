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


def any_record_header(messages, namespace, folder):
    """The variant of all records that have a type."""
    records = sorted((m for m in messages if m.kind == "record"), key=lambda m: m.key)
    code = Code()
    code.add("// Generated; do not edit. A metadata record of any type; see record_frame.h.")
    code.add("#pragma once")
    code.add()
    code.add("#include <string_view>")
    code.add("#include <variant>")
    code.add()
    for m in records:
        code.add(f'#include "{folder}/{m.snake}.h"')
    code.add(f'#include "{folder}/record_frame.h"')
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add()
    code.open("enum class RecordType : int16_t")
    for m in records:
        code.add(f"{m.snake} = {m.key},")
    code.close("};")
    code.add()
    code.add("using AnyRecord = std::variant<" + ", ".join(m.name for m in records) + ">;")
    code.add()
    code.add("// Reads frame and record. Errc::unsupported for a type or version that is not described here,")
    code.add("// Errc::malformed for bytes that are no record or that go on after it. Lifetimes as in message.h.")
    code.add("Result<AnyRecord> decode_framed(wire::Reader& reader);")
    code.add("// Writes frame and record. CHECKs the version.")
    code.add("void encode_framed(wire::Writer& writer, int16_t version, const AnyRecord& record);")
    code.add("// The type and its name as in the description: \"TopicRecord\".")
    code.add("RecordType type_of(const AnyRecord& record);")
    code.add("std::string_view name_of(const AnyRecord& record);")
    code.add()
    code.add(f"}}  // namespace {namespace}")
    return code.text()


def any_record_source(messages, namespace, folder):
    records = sorted((m for m in messages if m.kind == "record"), key=lambda m: m.key)
    code = Code()
    code.add("// Generated; do not edit.")
    code.add(f'#include "{folder}/any_record.h"')
    code.add()
    code.add("#include <string>")
    code.add()
    code.add(f"namespace {namespace} {{")
    code.add("namespace {")
    code.add()
    code.add("template <class T>")
    code.open("Result<AnyRecord> decode_as(wire::Reader& reader, int16_t version)")
    code.add("AnyRecord out(std::in_place_type<T>);")
    code.add("TRY(decode(reader, version, std::get<T>(out)));")
    code.add("if (reader.remaining() != 0) {")
    code.add("  return fail(Errc::malformed, std::string(T::message_name) + \": bytes after the record\");")
    code.add("}")
    code.add("return out;")
    code.close()
    code.add()
    code.add("}  // namespace")
    code.add()
    code.open("Result<AnyRecord> decode_framed(wire::Reader& reader)")
    code.add("TRY_ASSIGN(const RecordHead head, read_head(reader));")
    code.open("switch (static_cast<RecordType>(head.type))")
    for m in records:
        code.add(f"case RecordType::{m.snake}: return decode_as<{m.name}>(reader, head.version);")
    code.close()
    code.add('return fail(Errc::unsupported, "metadata record type " + std::to_string(head.type));')
    code.close()
    code.add()
    code.open("void encode_framed(wire::Writer& writer, int16_t version, const AnyRecord& record)")
    code.add("std::visit([&](const auto& r) { encode_framed(writer, version, r); }, record);")
    code.close()
    code.add()
    code.open("RecordType type_of(const AnyRecord& record)")
    code.add("return std::visit([](const auto& r) { return static_cast<RecordType>(r.record_type); }, record);")
    code.close()
    code.add()
    code.open("std::string_view name_of(const AnyRecord& record)")
    code.add("return std::visit([](const auto& r) { return r.message_name; }, record);")
    code.close()
    code.add()
    code.add(f"}}  // namespace {namespace}")
    return code.text()
