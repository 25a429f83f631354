#!/usr/bin/env python3
"""Claims about the message generator that need no compiler."""
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "net/kafka/generator"))

import cpp  # noqa: E402
import parse  # noqa: E402
from model import DescriptionError, Versions, snake  # noqa: E402

HEAD = "data Thing\n  versions 0-5\n  flexible 2+\n\nfields\n"


def parsed(fields, head=HEAD):
    with tempfile.NamedTemporaryFile("w", suffix=".msg") as file:
        file.write(head + fields)
        file.flush()
        messages = parse.parse_file(file.name)
    for message in messages:
        cpp.prepare(message)
    return messages[0]


class Parsing(unittest.TestCase):
    def test_a_field_has_type_default_versions_and_attributes(self):
        field = parsed("  Rack  string?3+ = null  2+  tag 1 ignorable\n").root.fields[0]
        self.assertEqual((field.name, field.type, field.default), ("Rack", "string", "null"))
        self.assertEqual((str(field.versions), str(field.nullable)), ("2+", "3+"))
        self.assertEqual((field.tag, field.ignorable, field.optional), (1, True, True))

    def test_indented_fields_are_the_struct_of_the_field_above(self):
        message = parsed("  Topics  [Topic]  0+\n    Name  string  1+\n")
        self.assertEqual([s.name for s in message.structs], ["Topic"])
        self.assertIs(message.root.fields[0].struct, message.structs[0])

    def test_structs_come_before_those_that_use_them(self):
        message = parsed("  struct A 0+\n    Inner  B  0+\n  struct B 0+\n    X  int8  0+\n  Top  A  0+\n")
        self.assertEqual([s.name for s in message.structs], ["B", "A"])

    def test_comments_go_to_what_follows(self):
        self.assertEqual(parsed("  # Why.\n  X  int8  0+\n").root.fields[0].doc, ["Why."])

    def test_fields_of_no_described_version_are_dropped(self):
        self.assertEqual([f.name for f in parsed("  X  int8  0+\n  Y  int8  6+\n").root.fields], ["X"])


class Refusing(unittest.TestCase):
    def refused(self, fields, words):
        with self.assertRaises(DescriptionError) as caught:
            parsed(fields)
        self.assertIn(words, str(caught.exception))
        self.assertRegex(str(caught.exception), r"\.msg:\d+: ")

    def test_unknown_words_are_refused_with_file_and_line(self):
        self.refused("  X  int8  0+  ignoreable\n", "ignoreable")
        self.refused("  X  int9  0+\n", "int9")
        self.refused("  X  int8\n", "versions")
        self.refused("   X  int8  0+\n", "indentation")

    def test_tags_are_unique_and_flexible(self):
        self.refused("  X  int8  2+  tag 0\n  Y  int8  2+  tag 0\n", "same tag")
        self.refused("  X  int8  1+  tag 0\n", "no tagged fields")

    def test_private_fields_keep_out_of_kafkas_tags(self):
        self.refused("  X  int8  2+  tag 5 private\n", "private")
        self.assertTrue(parsed("  X  int8  2+  tag 10000 private\n").root.fields[0].private)


class Generating(unittest.TestCase):
    def test_conditions_say_only_what_the_context_does_not(self):
        context = Versions(2, 7)
        self.assertIsNone(cpp.condition(Versions.parse("0+"), context))
        self.assertEqual(cpp.condition(Versions.parse("3+"), context), "v >= 3")
        self.assertEqual(cpp.condition(Versions.parse("0-4"), context), "v <= 4")
        self.assertEqual(cpp.condition(Versions.parse("7+"), context), "v == 7")
        self.assertEqual(cpp.condition(Versions.parse("none"), context), "false")

    def test_names_become_snake_case(self):
        names = {"ThrottleTimeMs": "throttle_time_ms", "KRaftVersion": "kraft_version", "Isr": "isr",
                 "timeoutMs": "timeout_ms", "Enable2Pc": "enable2_pc", "Operator": "operator_"}
        self.assertEqual({name: snake(name) for name in names}, names)


if __name__ == "__main__":
    unittest.main()
