"""5,000,000 waiting messages whose event times run through one hour, in three partitions, with one minute of allowed lateness:
windows close all along the way and no record is lost. Minutes long; scripts/test runs it in its slow group."""

import json
import subprocess
import time
import unittest

from harness import BUILD, LAB_SCHEMA, SANITIZED, Case, wait_until

ROWS = 5_000_000
COUNTS = [1_666_667, 1_666_667, 1_666_666]
SQL = "SELECT window.start AS start, type, count(*) AS n, sum(amount) AS total FROM tx GROUP BY window(timestamp, '1 minute'), type"
MB = 1 << 20


class Replay(Case):
    def pipeline(self, topic):
        """Closed windows as files; a second query keeps all of them, open ones too, and shows them with each batch."""
        path = self.document({"subscribe": topic, "maxOffsetsPerTrigger": 40_000, "startingOffsets": "earliest"}, trigger={"availableNow": True},
                             value={"format": "json", "schema": LAB_SCHEMA}, sql=SQL, sinks=[{"format": "json", "path": str(self.directory / "out")}])
        document = json.loads(path.read_text())
        document["source"]["watermark"] = {"eventTime": "timestamp", "delayThreshold": "1 minute"}
        document["source"]["lateRows"] = {"format": "json", "path": str(self.directory / "late")}
        document["queries"].append({"name": "every", "sql": SQL, "outputMode": "complete",
                                    "sinks": [{"format": "console", "options": {"numRows": 1000, "truncate": False}}]})
        path.write_text(json.dumps(document))
        return path

    def test_no_record_is_lost(self):
        topic = self.topic(partitions=3)
        subprocess.run([BUILD / "tests" / "bench" / "bench_load", self.broker.brokers, topic, ",".join(map(str, COUNTS)), "3600"],
                       check=True, stdin=subprocess.DEVNULL)
        path = self.pipeline(topic)
        started = time.monotonic()
        run = self.sluice("run", path)
        peaks = [0]

        def ended():
            if run.process.poll() is None:
                try:
                    peaks.append(run.peak_memory_bytes())
                except (OSError, AttributeError):  # it has just ended
                    pass
            return run.process.poll() is not None

        run.wait_log("http listening on")
        wait_until(ended, 600, "the replay")
        self.assertEqual(run.process.returncode, 0, run.describe())
        took, peak = time.monotonic() - started, max(peaks)

        closed, batches = {}, {}
        for file in sorted((self.directory / "out").rglob("part-*.json")):
            batch = int(file.name.split("-")[2])
            for line in file.read_text().splitlines():
                row = json.loads(line)
                key = (row["start"], row["type"])
                self.assertNotIn(key, closed, "a window is given once")
                closed[key] = row["n"]
                batches.setdefault(row["start"], batch)
        tables = run.stdout().split("Batch: ")[1:]
        last = int(tables[-1].split("\n")[0])
        every = {}
        for line in tables[-1].splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) == 4 and cells[0] != "start":
                every[(cells[0].replace(" ", "T") + ".000Z", cells[1])] = int(cells[2])
        self.assertEqual(sum(every.values()), ROWS, "closed and open windows together")
        for key, n in closed.items():
            self.assertEqual(every[key], n, key)
        late = list((self.directory / "late").rglob("part-*")) if (self.directory / "late").exists() else []
        self.assertEqual(late, [])
        minutes = [start for start, batch in batches.items() if batch < last]
        print(f"{last + 1} batches in {took:.1f} s, {len(minutes)} minutes closed before the last, {sum(closed.values())} records in closed windows, "
              f"{ROWS - sum(closed.values())} in open ones, peak {peak / MB:.1f} MB", flush=True)
        self.assertGreaterEqual(last + 1, 100)
        self.assertGreaterEqual(len(minutes), 50)
        if not SANITIZED:
            self.assertLess(peak, 128 * MB)


if __name__ == "__main__":
    unittest.main()
