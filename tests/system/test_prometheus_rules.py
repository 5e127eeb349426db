"""dashboards/ with a real Prometheus, Kafka and MinIO: every expression of the dashboard and of the rules returns data while
pipelines run, and each alert fires when its reason is there."""

import json
import os
import subprocess
import threading
import time
import unittest

from confluent_kafka import Producer
from harness import LAB_SCHEMA, ROOT, Broker, Case, KafkaServer, free_port, wait_until
from monitoring import Pending, Prometheus, alerts, dashboard_expressions, rules, shorten

LIMITS = {"sluice:limit_lag_records": 100, "sluice:limit_commit_age_seconds": 8}
HOUR = 3600


class Feed(threading.Thread):
    """Sends fifty transactions a second to "lab", a second of event time apart, and to "slow" more than it takes.

    kind: "good"; "late" or "malformed": such a record beside each good one; "frozen": event time stands still."""

    def __init__(self, brokers):
        super().__init__(daemon=True)
        self.producer = Producer({"bootstrap.servers": brokers, "linger.ms": 5, "log_level": 0})
        self.kind, self.ended, self.clock = "good", threading.Event(), 0

    def transaction(self, second):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1766782800 + second))
        return json.dumps({"transaction_id": f"t{second}", "user_id": "u", "amount": 1.5, "type": "purchase", "timestamp": stamp,
                           "location": "store"})

    def run(self):
        while not self.ended.wait(0.02):
            self.clock += self.kind != "frozen"
            self.producer.produce("lab", self.transaction(self.clock))
            if self.kind == "late":
                self.producer.produce("lab", self.transaction(self.clock - HOUR))
            if self.kind == "malformed":
                self.producer.produce("lab", "no JSON")
            for _ in range(4):
                self.producer.produce("slow", "x")
            self.producer.poll(0)

    def end(self):
        self.ended.set()
        self.join()


class Rules(Case):
    def setUp(self):
        super().setUp()
        self.kafka = KafkaServer(self.directory / "kafka")
        self.kafka.start()
        self.addCleanup(self.kafka.stop)
        self.own_broker = Broker(self.kafka.brokers)
        for topic in ("lab", "slow", "quiet"):
            self.own_broker.create_topic(topic, 2)
        self.addCleanup(self.services, "down", "minio")
        self.store = dict(line.removeprefix("export ").split("=", 1) for line in self.services("up", "minio").splitlines())
        subprocess.run(["sh", ROOT / "compose" / "make-bucket.sh", self.store["S3_ENDPOINT"], "lake"], env={**os.environ, **self.store},
                       check=True, stdout=subprocess.DEVNULL)
        self.prometheus = Prometheus(self.directory / "prometheus", LIMITS)
        self.prometheus.start()
        self.addCleanup(self.prometheus.stop)
        self.seen = {}

    def services(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "services", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              check=True, env={**os.environ, "SLUICE_SERVICES_DIR": str(self.directory / "services")}).stdout

    def s3(self):
        return {"endpoint": self.store["S3_ENDPOINT"], "region": "us-east-1", "accessKeyId": self.store["AWS_ACCESS_KEY_ID"],
                "secretAccessKey": self.store["AWS_SECRET_ACCESS_KEY"]}

    def lab_document(self):
        path = self.document({"subscribe": "lab"}, brokers=self.kafka.brokers, name="lab", value={"format": "json", "schema": LAB_SCHEMA},
                             trigger={"processingTime": "500 milliseconds"}, s3=self.s3(), checkpointLocation=str(self.directory / "checkpoint"))
        document = json.loads(path.read_text())
        document["source"]["watermark"] = {"eventTime": "timestamp", "delayThreshold": "10 seconds"}
        document["queries"] = [
            {"name": "by_type", "sql": "SELECT window.start AS minute, type, count(*) AS n FROM tx GROUP BY window(timestamp, '1 minute'), type",
             "sinks": [{"name": "lake", "format": "parquet", "path": "s3://lake/by_type"}]},
            {"name": "all", "sql": "SELECT * FROM tx", "sinks": [{"name": "lake", "format": "json", "path": "s3://lake/all"}]}]
        path.write_text(json.dumps(document))
        return path

    def start(self, pipeline, path, port):
        run = self.sluice("run", path, "--http", f"127.0.0.1:{port}")
        run.wait_ready()
        self.prometheus.target(pipeline, f"127.0.0.1:{port}")
        return run

    def wait(self, condition, timeout, what):
        wait_until(condition, timeout, what, interval=0.25)

    def expect(self, pipeline, name, timeout=180):
        """The alert fires for the pipeline, and its expression returns data."""
        started = time.monotonic()
        self.wait(lambda: name in self.prometheus.firing(pipeline), timeout, f"{name} of {pipeline} to fire")
        self.wait(lambda: self.prometheus.has_data(shorten(alerts()[name]["expr"])), 5, f"data of {name}")
        self.seen[name] = time.monotonic() - started

    def wait_well(self, pipeline="lab", timeout=180):
        """No alert fires, and the dashboard says so."""
        self.wait(lambda: self.prometheus.number(f'sluice:health{{pipeline="{pipeline}"}}') == 0 and not self.prometheus.firing(pipeline),
                  timeout, f"{pipeline} to be well")

    def test_every_expression_and_every_alert(self):
        feed = Feed(self.kafka.brokers)
        feed.start()
        self.addCleanup(feed.end)
        port, slow_port = free_port(), free_port()
        lab_path = self.lab_document()
        lab = self.start("lab", lab_path, port)
        slow = self.start("slow", self.document({"subscribe": "slow", "maxOffsetsPerTrigger": 10}, brokers=self.kafka.brokers, name="slow",
                                                trigger={"processingTime": "1 second"}), slow_port)
        pending = Pending(self.prometheus, {**dashboard_expressions(), **{r["record"]: r["expr"] for r in rules() if "record" in r}})
        # The table of alerts and the marks of restarts have something to show later.
        pending.wait(except_for=("panel Why", "annotation"))
        self.wait_well()
        self.expect("slow", "SluiceLagGrowing")
        self.what_is_in_the_records(feed)
        pending.wait(except_for=("annotation Restarts",))
        self.expect_store_away(feed.producer)
        lab = self.expect_restarts(lab, lab_path, port)
        pending.wait()
        self.prometheus.set_limits({**LIMITS, "sluice:limit_memory_bytes": 1 << 20})
        self.expect("lab", "SluiceMemoryHigh")
        slow.stop()
        self.expect("slow", "SluiceDown")
        self.assertEqual(self.prometheus.number('sluice:health{pipeline="slow"}'), 3)
        feed.end()
        self.kafka.stop()
        self.expect("lab", "SluiceSourceUnreachable")
        lab.kill()
        self.assertEqual(set(self.seen), set(alerts()), "each alert fired once")

    def what_is_in_the_records(self, feed):
        for kind, name in (("late", "SluiceLateRows"), ("malformed", "SluiceMalformedRecords"), ("frozen", "SluiceWatermarkStuck")):
            feed.kind = kind
            self.expect("lab", name)
            self.assertEqual(self.prometheus.firing("lab"), {name}, "and no other")
            feed.kind = "good"
            self.wait_well()

    def expect_store_away(self, producer):
        """Of lab the sinks are in it; of quiet only the checkpoint, and after a few records nothing comes any more."""
        quiet = self.start("quiet", self.document({"subscribe": "quiet"}, brokers=self.kafka.brokers, name="quiet", s3=self.s3(),
                                                  trigger={"processingTime": "1 second"}, checkpointLocation="s3://lake/quiet"), free_port())
        self.services("stop", "minio")
        for i in range(10):
            producer.produce("quiet", str(i))
        self.expect("lab", "SluiceSinkFailing")
        self.expect("lab", "SluiceCommitStale")
        self.expect("quiet", "SluiceCommitStale")
        self.wait(lambda: self.prometheus.number('sluice:health{pipeline="lab"}') == 2, 10, "the dashboard to say that it fails")
        self.services("start", "minio")
        self.wait_well()
        self.assertEqual(quiet.stop(), 0, quiet.describe())

    def expect_restarts(self, lab, path, port):
        started = 'process_start_time_seconds{pipeline="lab"}'
        for _ in range(3):
            before = self.prometheus.number(started)
            self.assertEqual(lab.stop(), 0, lab.describe())
            lab = self.start("lab", path, port)
            self.wait(lambda before=before: self.prometheus.number(started) not in (None, before), 15, "the new run to be scraped")
        self.expect("lab", "SluiceRestartLoop")
        return lab


if __name__ == "__main__":
    unittest.main()
