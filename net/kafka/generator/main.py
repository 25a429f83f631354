#!/usr/bin/env python3
"""Makes C++ from message descriptions. Files that would not change are left alone.

  main.py --out DIR --root DIR --folder net/kafka/messages --namespace odradek::kafka --name kafka FILE.msg ...
  main.py --list ...   prints the .cc and .h files that would be made, for CMake
"""
import argparse
import os
import sys

import cpp
import json_view
import parse
import samples
import tables
from model import DescriptionError

MESSAGES_PER_FILE = 16  # the headers are parsed few times, and the files still build in parallel


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def chunks(messages):
    """Runs of about MESSAGES_PER_FILE."""
    count = max(1, len(messages) // MESSAGES_PER_FILE)
    bounds = [len(messages) * i // count for i in range(count + 1)]
    return [messages[a:b] for a, b in zip(bounds, bounds[1:])]


def read(files, root):
    messages = []
    for path in files:
        messages += parse.parse_file(path)
    messages.sort(key=lambda m: m.snake)
    names = [m.name for m in messages]
    for name in names:
        if names.count(name) > 1:
            raise DescriptionError(f"two messages named {name}")
    for message in messages:
        message.source = os.path.relpath(message.source, root)
        cpp.prepare(message)
    return messages


def outputs(args, messages):
    """Path below --out -> text."""
    out = {}
    space, folder, name = args.namespace, args.folder, args.name
    for m in messages:
        out[f"{folder}/{m.snake}.h"] = cpp.header(m, space)
    for i, chunk in enumerate(chunks(messages)):
        out[f"{folder}/codec_{i}.cc"] = cpp.codec_file(chunk, space, folder)
        out[f"{folder}/json_{i}.cc"] = json_view.json_file(chunk, space, folder, name)
        out[f"{folder}/samples_{i}.cc"] = samples.samples_file(chunk, space, folder, name)
    out[f"{folder}/codec_table.cc"] = tables.message_list(messages, space, folder, f"all_{name}")
    out[f"{folder}/{name}_json.h"] = json_view.json_header(messages, space, folder, name)
    out[f"{folder}/json_table.cc"] = json_view.json_table(messages, space, folder, name)
    out[f"{folder}/{name}_samples.h"] = samples.samples_header(messages, space, folder, name)
    out[f"{folder}/samples_table.cc"] = samples.samples_table(messages, space, folder, name)
    if space != "odradek::kafka":
        out[f"{folder}/all_{name}.h"] = tables.list_header(space, f"all_{name}")
    if any(m.kind == "request" for m in messages):
        out["net/kafka/api_table.h"] = tables.api_table(messages)
    if any(m.kind == "record" for m in messages):
        out[f"{folder}/any_record.h"] = tables.any_record_header(messages, space, folder)
        out[f"{folder}/codec_any_record.cc"] = tables.any_record_source(messages, space, folder)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--root", required=True, help="of the repository")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    try:
        made = outputs(args, read(args.files, args.root))
    except DescriptionError as error:
        sys.exit(str(error))
    for path, text in sorted(made.items()):
        full = os.path.join(args.out, path)
        if args.list:
            print(full)
        else:
            write(full, text)


if __name__ == "__main__":
    main()
