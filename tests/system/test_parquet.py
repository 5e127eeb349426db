"""Parquet files in front of other readers: pyarrow, DuckDB and Spark 3.5.3 read the same types and values.

The work is done by parquet_judge.py under a Python that has these readers.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from venv import python as lake_python  # noqa: E402  (scripts/lib/venv.py, before the standard library's)

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build")


def judge(test, part):
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.run([lake_python(), ROOT / "tests" / "system" / "parquet_judge.py", BUILD / "tests" / "parquet" / "write_matrix",
                              directory, part], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    test.assertEqual(run.returncode, 0, f"{run.stdout}\n{run.stderr[-3000:]}")
    test.assertRegex(run.stdout, r"(?m)^[1-9]\d* files judged$")


class Parquet(unittest.TestCase):
    def test_every_type_nulls_distinct_values_and_compression(self):
        judge(self, "small")

    def test_bloom_filters_exclude_only_what_is_not_there(self):
        judge(self, "bloom")

    def test_spark_reads_types_and_values(self):
        judge(self, "spark")


if __name__ == "__main__":
    unittest.main()
