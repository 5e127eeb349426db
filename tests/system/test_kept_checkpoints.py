"""Checkpoints that earlier versions wrote are restored: each of tests/checkpoints (kept_checkpoint.py says how they are made)."""

import collections
import json
import shutil
import unittest

from checkpoints import PER_SECOND, WINDOW, CheckpointCase, clock, expected_sums, numbered
from harness import read_json_parts
from kept_checkpoint import DECIDED, FIRST, KEPT, SENT, TOPIC, pipeline

ROWS = 600  # in all


class KeptCheckpoints(CheckpointCase):
    def test_each(self):
        versions = sorted(KEPT.glob("v*"))
        self.assertTrue(versions)
        for version in versions:
            with self.subTest(version=version.name):
                self.restore(version)

    def fill_topics(self):
        """The topic as the checkpoint knows it, by its offsets; then what it has not read yet."""
        for topic in (TOPIC, SENT):
            self.remake(topic, 1)
            self.addCleanup(self.broker.delete_topic, topic)
        self.broker.produce(TOPIC, ["not to be read again"] * (FIRST + DECIDED))
        again = numbered(FIRST + DECIDED - 50, 10)  # seen before: the restored keys know them
        self.broker.produce(TOPIC, [*again, *numbered(FIRST + DECIDED, ROWS - FIRST - DECIDED)])

    def send_last(self, identity):
        """A row long after the others: windows close, and a file that is old enough."""
        self.broker.produce(TOPIC, [json.dumps({"id": identity, "k": "last", "n": 0, "t": clock(3600)})])

    def restore(self, version):
        directory = self.directory / version.name
        shutil.copytree(version, directory)
        self.fill_topics()
        document = pipeline(self.broker.brokers)
        document["queries"][3]["sinks"][0]["options"]["rollInterval"] = "1 second"
        path = directory / "pipeline.json"
        path.write_text(json.dumps(document))
        run = self.sluice("checkpoint", "verify", directory / "checkpoint")
        self.assertEqual(run.wait_exit(30), 0, run.stdout() + run.stderr())
        run = self.sluice("run", path, cwd=directory)

        def rows(name):
            return read_json_parts(directory / "out" / name)
        sums = [row for row in expected_sums(ROWS + 2 * WINDOW) if row[0] < clock(ROWS // PER_SECOND, "T")]
        last = ROWS
        self.send_last(last)
        run.wait(lambda: len(rows("all")) > last and len(rows("sums")) >= len(sums) and len(rows("sessions")) >= 3, 60, "all rows")
        while len(rows("rolled")) <= ROWS:  # a file ends with a batch
            last += 1
            self.send_last(last)
            run.wait(lambda: len(rows("all")) > last, 30, "the next row")
            self.assertLess(last, ROWS + 2000)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertRegex(run.stderr(), "goes on from the checkpoint")
        self.assert_ids(rows("all"), last + 1)
        rolled = sorted(row["id"] for row in rows("rolled"))
        self.assertEqual(rolled, list(range(len(rolled))))
        self.assertEqual(sorted((r["start"], r["k"], r["c"], r["total"]) for r in rows("sums")), sums)
        self.assertEqual(sorted((r["start"], r["k"], r["c"]) for r in rows("sessions")),
                         [(clock(0, "T") + ".000Z", f"k{k}", ROWS // 3) for k in range(3)])
        # The rows that were staged, and those that came later: what was published before went to a topic that is no more.
        sent = collections.Counter(int(m.value()) for m in self.broker.read(SENT, 1, {"isolation.level": "read_committed"}))
        self.assertEqual(sent, collections.Counter(range(FIRST, last + 1)))


if __name__ == "__main__":
    unittest.main()
