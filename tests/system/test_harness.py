"""The harness can fail: its reader of Spark's console format takes what Spark printed and nothing else."""

import unittest

from harness import parse_console

STREAM = """-------------------------------------------
Batch: 0
-------------------------------------------
+--------------+------+
|transaction_id|amount|
+--------------+------+
+--------------+------+

-------------------------------------------
Batch: 1
-------------------------------------------
+--------------+------+
|transaction_id|amount|
+--------------+------+
|txn_0000001   |655.08|
|txn_0000000   |72.48 |
+--------------+------+
only showing top 2 rows

"""


class Reader(unittest.TestCase):
    def test_reads_what_spark_prints(self):
        first, second = parse_console(STREAM)
        self.assertEqual((first.id, first.rows, first.footer), (0, [], None))
        self.assertEqual(second.rows, [("txn_0000001", "655.08"), ("txn_0000000", "72.48")])
        self.assertEqual(second.footer, "only showing top 2 rows")

    def test_refuses_everything_else(self):
        for old, new in (("-" * 43 + "\nBatch: 1", "-" * 42 + "\nBatch: 1"), ("Batch: 1\n", "Batch:  1\n"),
                         ("+\n\n", "+\n\n\n"), ("72.48 |", " 72.48|"), ("|72.48 |", "|72.48|"),
                         ("rows\n\n", "rows\n"), ("+--------------+------+\n|transaction_id|amount|", "|transaction_id|amount|"),
                         (STREAM[:1], "x" + STREAM[:1])):
            with self.subTest(old=old, new=new):
                self.assertIn(old, STREAM)
                with self.assertRaises(AssertionError):
                    parse_console(STREAM.replace(old, new, 1))


if __name__ == "__main__":
    unittest.main()
