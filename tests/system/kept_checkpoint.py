"""Checkpoints of earlier versions, in tests/checkpoints/<version>/: a directory in which sluice ran until it was ended between the decision
of its last batch and its publishing. test_kept_checkpoints.py goes on from each.

    PYTHONPATH=tests/system python3 -m unittest kept_checkpoint.Make      makes tests/checkpoints/made/: rename it when a format has changed
"""

import json
import shutil
import unittest

from checkpoints import ALL, SCHEMA, SUMS, CheckpointCase, numbered
from harness import ROOT, read_json_parts

KEPT = ROOT / "tests" / "checkpoints"
TOPIC, SENT = "kept-checkpoint", "kept-checkpoint-sent"
FIRST, DECIDED = 250, 100  # messages that were published, and those of the last batch
SESSIONS = "SELECT session_window.start AS start, k, count(*) AS c FROM tx GROUP BY session_window(t, '5 seconds'), k"


def pipeline(brokers):
    """With paths relative to the directory it runs in. It keeps windows, sessions, keys, a file that stays open and staged rows."""
    def files(name, sql, **options):
        return {"name": name, "sql": sql, "sinks": [{"name": "files", "format": "json", "path": f"out/{name}", "options": options}]}
    return {
        "name": "kept",
        "source": {"name": "tx", "format": "kafka", "value": {"format": "json", "schema": SCHEMA},
                   "options": {"kafka.bootstrap.servers": brokers, "subscribe": TOPIC, "startingOffsets": "earliest", "maxOffsetsPerTrigger": 100},
                   "watermark": {"eventTime": "t", "delayThreshold": "20 seconds"}, "dropDuplicatesWithinWatermark": ["id"]},
        "trigger": {"processingTime": "50 milliseconds"},
        "queries": [files("all", ALL), files("sums", SUMS), files("sessions", SESSIONS), files("rolled", "SELECT id FROM tx", rollInterval="1 hour"),
                    {"name": "sent", "sql": "SELECT CAST(id AS STRING) AS value FROM tx", "sinks": [
                        {"name": "kafka", "format": "kafka", "options": {"kafka.bootstrap.servers": brokers, "topic": SENT}}]}],
        "checkpointLocation": "checkpoint",
        "http": {"listen": "127.0.0.1:0"}}


class Make(CheckpointCase):
    def test_make(self):
        for topic in (TOPIC, SENT):
            self.remake(topic, 1)
            self.addCleanup(self.broker.delete_topic, topic)
        target = KEPT / "made"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        path = self.directory / "pipeline.json"
        path.write_text(json.dumps(pipeline(self.broker.brokers)))
        self.broker.produce(TOPIC, numbered(0, FIRST))
        run = self.sluice("run", path, cwd=target)
        run.wait(lambda: len(read_json_parts(target / "out" / "all")) == FIRST, 60, "the first rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.broker.produce(TOPIC, numbered(FIRST, DECIDED))
        run = self.failing("batch.publish:1", "run", path, cwd=target)
        self.assertEqual(run.wait_exit(30), 86, run.describe())
        self.assertEqual(len(read_json_parts(target / "out" / "all")), FIRST)
        (target / "checkpoint" / ".lock").unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main()
