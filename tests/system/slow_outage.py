"""MinIO stopped for a minute under load and started again: nothing lost, nothing twice, memory bounded, the loop never blocked."""

import os
import subprocess
import threading
import time
import unittest

from confluent_kafka import Producer
from harness import ROOT
from lake import Bucket, LakeCase, lab_messages

OUTAGE_S = 60
RATE = 20000
CHUNK = 2000


class Load(threading.Thread):
    """Sends lab messages at RATE until told to end."""

    def __init__(self, brokers, topic):
        super().__init__(daemon=True)
        self.producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "enable.idempotence": True})
        self.topic, self.stop, self.sent = topic, threading.Event(), 0
        self.template = lab_messages(1)[0]

    def run(self):
        started = time.monotonic()
        while not self.stop.is_set():
            for _ in range(CHUNK):
                self.producer.produce(self.topic, self.template.replace("txn_0000000", f"txn_{self.sent:09d}"), on_delivery=None)
                self.sent += 1
                self.producer.poll(0)
            self.stop.wait(max(0, started + self.sent / RATE - time.monotonic()))
        self.left = self.producer.flush(60)


class Watch(threading.Thread):
    """Asks for /status all the time."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.sluice, self.stop, self.worst, self.count = run, threading.Event(), 0, 0

    def run(self):
        while not self.stop.wait(0.05):
            began = time.monotonic()
            self.sluice.status()
            self.worst, self.count = max(self.worst, time.monotonic() - began), self.count + 1


class Outage(LakeCase):
    def services(self, action):
        return subprocess.run([ROOT / "scripts" / "services", action, "minio"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              check=True, env={**os.environ, "SLUICE_SERVICES_DIR": str(self.directory / "services")}).stdout

    def test_a_minute_without_the_store(self):
        exports = dict(line.removeprefix("export ").split("=", 1) for line in self.services("up").splitlines())
        self.addCleanup(self.services, "down")
        bucket = Bucket(exports=exports)
        topic = self.topic(3)
        path = self.pipeline(topic, [{"name": "all", "sql": "SELECT * FROM tx", "sinks": [
            {"name": "lake", "format": "parquet", "path": bucket.path("all")}]}], s3=bucket.section(), trigger={"processingTime": "2 seconds"})
        run = self.sluice("run", path)
        run.wait_ready()
        load, watch = Load(self.broker.brokers, topic), Watch(run)
        load.start()
        watch.start()
        run.wait(lambda: (run.metric("sluice_sink_objects_total") or 0) >= 2, 60, "the first files")
        self.services("stop")
        down = time.monotonic()
        run.wait(lambda: (run.metric("sluice_sink_failing") or 0) == 1, 60, "the metric to show the outage")
        self.assertEqual(run.request("/readyz")[0], 503)
        run.wait(lambda: time.monotonic() - down >= OUTAGE_S, OUTAGE_S + 30, "the end of the outage")
        self.assertEqual(run.status()["state"], "degraded")
        memory_down = run.peak_memory_bytes()
        self.services("start")
        run.wait(lambda: (run.metric("sluice_sink_failing") or 0) == 0, 120, "the sink to write again")
        load.stop.set()
        load.join()
        self.assertEqual(load.left, 0)
        run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) == load.sent, 180, "the last rows")
        run.wait_ready(60)
        watch.stop.set()
        watch.join()
        memory = run.peak_memory_bytes()
        self.assertEqual(run.stop(), 0, run.describe())
        ids = bucket.judge("ids", "transaction_id", bucket.path("all"))
        self.assertEqual(ids, {"rows": load.sent, "distinct": load.sent, "least": "txn_000000000", "most": f"txn_{load.sent - 1:09d}"})
        self.assertEqual(bucket.uploads(), [])
        log = run.stderr()
        print(f"{load.sent} rows, peak {memory_down >> 20} MB at the end of the outage, {memory >> 20} MB in all, "
              f"{watch.count} /status answers, slowest {watch.worst * 1000:.0f} ms")
        self.assertEqual(log.count("a sink cannot write"), log.count("a sink writes again"), log)
        self.assertLessEqual(log.count("a sink cannot write"), 3, log)
        self.assertLess(memory, 160 << 20)
        self.assertLess(watch.worst, 0.5)


if __name__ == "__main__":
    unittest.main()
