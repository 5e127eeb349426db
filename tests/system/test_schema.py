"""docs/pipeline.schema.json against the parser: what one takes or refuses, the other does too.

Environment: SLUICE (the binary; default build/sluice). Needs python3-jsonschema.
"""

import json
import os
import pathlib
import re
import subprocess
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLUICE = os.environ.get("SLUICE") or str(ROOT / "build" / "sluice")
PIPELINES = ROOT / "tests" / "pipelines"

# Strings first, so that // inside of one is no comment.
STRING_OR_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)

# Broken documents whose mistake is one of structure: a key, a type, a word of a list. The rest are right in
# structure and wrong in what a string says, which a schema cannot see.
STRUCTURE = """
    console_num_rows console_option console_path console_truncate http_port_key http_true http_tls_no_key http_tls_empty http_tls_true kafka_object
    kafka_secret_hidden key_all_missing key_query_not_list key_unknown key_unknown_far key_unknown_several
    many_in_order name_empty name_starts_with_dash name_upper_case dedup s3_unknown_key s3_types
    watermark queries_empty queries_not_objects query_mode query_sql_line query_sql_missing query_trigger
    schema_empty sink_format sink_no_format sink_no_path sink_output_mode sink_partition_by_type sink_path_empty
    sinks_empty source_assign_not_list source_format source_no_brokers source_no_options source_no_subscription
    source_option_unknown source_subscribe_list source_two_subscriptions starting_number starting_partition
    starting_strategy starting_timestamp max_offsets_word fail_on_data_loss syntax_not_an_object trigger_both
    trigger_none trigger_not_now trigger_number trigger_once trigger_continuous type_wrong_everywhere
    unicode_columns value_format value_mode value_no_schema value_option_not_built value_schema_outside
    value_text_with_schema sink_csv_no_path sink_kafka_no_options sink_kafka_no_brokers sink_partition_by_empty
    sink_option_misspelt sink_csv_not_built sink_csv_reader sink_csv_header sink_parquet_bloom_all sink_parquet_unknown
    sink_compression_parquet sink_compression_csv sink_max_open sink_target_size_zero checkpoint_array source_minpartitions source_endingoffsets
""".split()


def load(path):
    text = STRING_OR_COMMENT.sub(lambda match: match[1] or " ", path.read_text(encoding="utf-8"))
    return json.loads(text)


def validate(path):
    return subprocess.run([SLUICE, "validate", str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ.get("PATH", "")})


class PipelineSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads((ROOT / "docs" / "pipeline.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def schema_errors(self, path):
        return [error.message for error in self.validator.iter_errors(load(path))]

    def test_valid_pipelines_pass_both(self):
        paths = sorted(PIPELINES.glob("valid/*.json")) + sorted((ROOT / "examples").glob("*.json"))
        self.assertGreaterEqual(len(paths), 9)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(self.schema_errors(path), [])
                run = validate(path)
                self.assertEqual(run.returncode, 0, run.stderr)

    def test_broken_structure_fails_both(self):
        for name in STRUCTURE:
            with self.subTest(name):
                path = PIPELINES / "bad" / f"{name}.json"
                self.assertNotEqual(self.schema_errors(path), [])
                run = validate(path)
                self.assertEqual(run.returncode, 2, run.stderr)
                self.assertRegex(run.stderr, re.escape(str(path)) + r":\d+:\d+: error: ")

    def test_schema_knows_what_is_not_built(self):
        path = PIPELINES / "bad" / "source_format_file.json"
        self.assertEqual(self.schema_errors(path), [])
        self.assertEqual(validate(path).returncode, 2)

    def test_conformance_cases_pass_the_schema_but_for_paths(self):
        for path in sorted((ROOT / "tests" / "conformance").glob("*/pipeline.json")):
            with self.subTest(path.parent.name):
                errors = [text for text in self.schema_errors(path) if text != "'path' is a required property"]
                self.assertEqual(errors, [])

    def test_every_key_has_its_place_in_the_reference(self):
        schema = json.loads((ROOT / "docs" / "pipeline.schema.json").read_text())
        reference = (ROOT / "docs" / "pipeline.md").read_text()
        keys = set()

        def walk(node):
            if isinstance(node, dict):
                keys.update(node.get("properties", {}))
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(schema)
        self.assertGreater(len(keys), 40)
        for key in sorted(keys):
            self.assertIn(f"`{key}`", reference)


if __name__ == "__main__":
    unittest.main()
