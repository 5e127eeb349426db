"""Parquet files of 1,000,000 rows: pyarrow and DuckDB read every value, and the files are no larger than pyarrow's."""

import unittest

from test_parquet import judge


class LargeParquet(unittest.TestCase):
    def test_pairs_of_nulls_distinct_values_and_compression(self):
        judge(self, "large")


if __name__ == "__main__":
    unittest.main()
