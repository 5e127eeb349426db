"""/status as status_print gives it is what docs/status.schema.json says, no less and no more.

Environment: SLUICE_STATUS_SAMPLE (tests/unit/http/status_sample.c; default in SLUICE_BUILD or build/)."""

import copy
import json
import os
import pathlib
import subprocess
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build")
SAMPLE = os.environ.get("SLUICE_STATUS_SAMPLE") or BUILD / "tests" / "unit" / "http" / "status_sample"
SCHEMA = json.loads((ROOT / "docs" / "status.schema.json").read_text())


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def sample(kind):
    text = subprocess.run([SAMPLE, kind], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")
    return json.loads(text, parse_constant=refuse_constant)


def objects(schema):
    """Every schema of an object inside a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def paths(value, path=()):
    """Where objects are in a document."""
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


class StatusSchema(unittest.TestCase):
    def setUp(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def test_samples_are_valid(self):
        for kind in ("full", "empty"):
            with self.subTest(kind):
                self.assertEqual([f"{e.json_path}: {e.message}" for e in self.validator.iter_errors(sample(kind))], [])

    def test_every_object_is_closed(self):
        for schema in objects(SCHEMA):
            self.assertIs(schema.get("additionalProperties"), False, list(schema["properties"]))

    def test_a_field_more_is_refused(self):
        document = sample("full")
        for path in paths(document):
            if path and str(path[-1]).endswith("Offset") or "tx" in map(str, path) or "tx.other" in map(str, path):
                continue  # keys are topics and partitions there
            changed = copy.deepcopy(document)
            place = changed
            for step in path:
                place = place[step]
            place["surprise"] = 1
            self.assertFalse(self.validator.is_valid(changed), f"surprise accepted at {path}")

    def test_a_field_less_is_refused(self):
        for key in sample("full"):
            changed = sample("full")
            del changed[key]
            self.assertFalse(self.validator.is_valid(changed), key)

    def test_samples_show_everything(self):
        """Each property of the schema is in the full sample, so that nothing is described that is not printed."""
        text = json.dumps(sample("full"))
        for schema in objects(SCHEMA):
            for name in schema["properties"]:
                self.assertIn(f'"{name}":', text)


if __name__ == "__main__":
    unittest.main()
