"""A whole pipeline behind a failing S3: every row once, the process says what is wrong, and /status answers all the while."""

import collections
import threading
import time
import unittest

from fault_s3 import FaultServer
from lake import Bucket, LakeCase, lab_messages

ROWS = 200  # sent beside each fault
PUT, COMPLETE, BEGIN = r"PUT .*partNumber=", r"POST .*uploadId=", r"POST .*\?uploads"
FAULTS = [
    ("500", {"count": 2, "match": PUT}), ("500", {"count": 2, "match": COMPLETE}), ("500", {"match": BEGIN}),
    ("503", {"match": PUT}), ("503", {"match": COMPLETE}),
    ("reset", {"match": PUT}), ("reset", {"match": COMPLETE}),
    ("lost", {"match": PUT}), ("lost", {"match": COMPLETE}), ("lost", {"match": BEGIN}),
    ("slow", {"match": BEGIN, "arg": "64"}),
    ("truncated", {"match": BEGIN}), ("truncated", {"match": COMPLETE}),
    ("error200", {"match": COMPLETE}), ("error200done", {"match": COMPLETE}),
    ("skew", {"match": PUT}),
    ("region", {"count": 1, "match": COMPLETE}),
    ("stall", {"match": PUT}),  # the last: it takes a request's whole deadline
]


class Watch(threading.Thread):
    """Asks for /status all the time and keeps the slowest answer."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.sluice, self.ended, self.worst = run, threading.Event(), 0

    def run(self):
        while not self.ended.wait(0.02):
            began = time.monotonic()
            self.sluice.status()
            self.worst = max(self.worst, time.monotonic() - began)


class LakeFaults(LakeCase):
    def test_each_fault_in_turn(self):
        for store in ("minio", "versitygw"):
            with self.subTest(store=store):
                self.behind(store)

    def behind(self, store):
        bucket = Bucket(store)
        topic = self.topic()
        faults = FAULTS if store == "minio" else FAULTS[:-1]
        messages = lab_messages(ROWS * len(faults))
        with FaultServer(bucket.endpoint) as server:
            path = self.pipeline(topic, [{"name": "all", "sql": "SELECT * FROM tx", "sinks": [
                {"name": "lake", "format": "parquet", "path": bucket.path("all"), "partitionBy": ["type"]}]}],
                s3=bucket.section(endpoint=server.url), trigger={"processingTime": "100 milliseconds"})
            run = self.sluice("run", path)
            run.wait_ready()
            watch = Watch(run)
            watch.start()
            for i, (mode, options) in enumerate(faults):
                server.fault(mode, **options)
                began = time.monotonic()
                self.broker.produce(topic, messages[i * ROWS:(i + 1) * ROWS])
                run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) == (i + 1) * ROWS, 120, f"the rows beside {mode} {options}")
                print(f"{store}: {mode} at {options['match']}: {time.monotonic() - began:.1f} s", flush=True)
            watch.ended.set()
            watch.join()
            self.assertGreater(run.metric("sluice_sink_retries_total"), len(faults) / 2)
            self.assertEqual(run.metric("sluice_sink_failing"), 0)
            met = set(server.met())
            self.assertEqual(met, {mode for mode, _ in faults}, "not every fault was met")
            self.assertEqual(run.stop(), 0, run.describe())
        rows = bucket.judge("rows", "pyarrow", bucket.path("all"))
        self.assertEqual(collections.Counter(r["transaction_id"] for r in rows), collections.Counter(f"txn_{i:07d}" for i in range(len(messages))))
        log = run.stderr()
        self.assertEqual(log.count("a sink cannot write"), log.count("a sink writes again"), log)
        print(f"{store}: slowest /status {watch.worst * 1000:.0f} ms, {run.stderr().count('a sink cannot write')} outages told", flush=True)
        self.assertLess(watch.worst, 0.5)


if __name__ == "__main__":
    unittest.main()
