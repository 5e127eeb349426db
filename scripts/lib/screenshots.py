"""Pictures of the live page: see scripts/screenshots. Kafka and MinIO are those of scripts/services; MinIO's end is a proxy that stops."""

import argparse
import datetime
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from chromium import Chromium  # noqa: E402
from fault_s3 import FaultServer  # noqa: E402
from harness import LAB_SCHEMA, Broker, Sluice, service  # noqa: E402

WIDTHS = (375, 1440)
PARTITIONS = 3


class Producer(threading.Thread):
    """Lab messages at a rate; now and then one that is malformed, or late."""

    def __init__(self, brokers, topic, rate):
        super().__init__(daemon=True)
        from confluent_kafka import Producer as Client
        self.client = Client({"bootstrap.servers": brokers, "linger.ms": 20})
        self.topic, self.rate, self.stop, self.rng = topic, rate, threading.Event(), random.Random(7)

    def message(self, number):
        if number % 977 == 500:
            return '{"transaction_id": "txn_' + str(number) + '", "amount": "twelve", "type": "purchase"'
        time_ = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=3600 if number % 1499 == 700 and number > 3000 else 0)
        return json.dumps({"transaction_id": f"txn_{number:05}", "user_id": f"user_{self.rng.randrange(100)}",
                           "amount": round(self.rng.expovariate(1 / 200), 2), "type": self.rng.choice(("purchase", "purchase", "withdrawal", "transfer")),
                           "timestamp": time_.strftime("%Y-%m-%d %H:%M:%S"), "location": self.rng.choice(("store", "online"))})

    def run(self):
        began, sent = time.monotonic(), 0
        while not self.stop.wait(max(0.0, began + sent / self.rate - time.monotonic())):
            for _ in range(max(1, self.rate // 20)):
                self.client.produce(self.topic, self.message(sent), partition=sent % PARTITIONS)
                sent += 1
            self.client.poll(0)
        self.client.flush(10)


def make_bucket(minio):
    name = f"lake-{uuid.uuid4().hex[:6]}"
    subprocess.run(["curl", "-sS", "--fail", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
                    f"{minio['AWS_ACCESS_KEY_ID']}:{minio['AWS_SECRET_ACCESS_KEY']}", f"{minio['S3_ENDPOINT']}/{name}"], check=True)
    return name


class Stage:
    """A topic, a bucket behind a proxy, and a run of sluice."""

    def __init__(self, directory):
        self.directory = directory
        self.broker, self.minio = Broker(service("kafka")["KAFKA_BROKERS"]), service("minio")
        self.bucket = make_bucket(self.minio)
        self.proxy, self.proxy_runs = FaultServer(self.minio["S3_ENDPOINT"]).__enter__(), True
        self.topic = self.broker.create_topic(f"transactions-{uuid.uuid4().hex[:6]}", PARTITIONS)
        self.run, self.producer = None, None

    def produce(self, rate):
        self.producer = Producer(self.broker.brokers, self.topic, rate)
        self.producer.start()

    def fill(self, count):
        subprocess.run([ROOT / "build" / "sluice", "produce", "--brokers", self.broker.brokers, "--topic", self.topic, "--count", str(count), "--rate", "100k"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, trigger="2 seconds", **options):
        document = {
            "name": "transactions",
            "source": {"name": "tx", "format": "kafka", "value": {"format": "json", "schema": LAB_SCHEMA},
                       "options": {"kafka.bootstrap.servers": self.broker.brokers, "subscribe": self.topic, "startingOffsets": "earliest", **options},
                       "watermark": {"eventTime": "timestamp", "delayThreshold": "5 seconds"}},
            "trigger": {"processingTime": trigger},
            "checkpointLocation": f"s3://{self.bucket}/_checkpoints/transactions",
            "s3": {"endpoint": f"http://127.0.0.1:{self.proxy.port}", "region": "us-east-1", "accessKeyId": self.minio["AWS_ACCESS_KEY_ID"],
                   "secretAccessKey": self.minio["AWS_SECRET_ACCESS_KEY"]},
            "queries": [
                {"name": "by_type", "sql": "SELECT window(timestamp, '5 seconds') AS window, type, count(*) AS transactions, sum(amount) AS amount "
                                           "FROM tx GROUP BY window(timestamp, '5 seconds'), type",
                 "sinks": [{"name": "lake", "format": "json", "path": f"s3://{self.bucket}/by_type"}]},
                {"name": "large", "sql": "SELECT transaction_id, user_id, amount, type, timestamp FROM tx WHERE amount > 900",
                 "sinks": [{"name": "lake", "format": "json", "path": f"s3://{self.bucket}/large"}]}],
            "http": {"listen": "127.0.0.1:0"}}
        path = self.directory / "pipeline.json"
        path.write_text(json.dumps(document))
        self.run = Sluice(self.directory, "run", path)
        self.run.wait(lambda: self.run.request("/healthz")[0] == 200, 30, "/healthz")

    def stop_store(self):
        self.proxy_runs = False
        self.proxy.fault("reset", count=1 << 30)  # of connections that are open
        self.proxy.__exit__(None)

    def close(self):
        if self.producer:
            self.producer.stop.set()
            self.producer.join()
        if self.run:
            self.run.kill()
        if self.proxy_runs:
            self.stop_store()
        self.broker.delete_topic(self.topic)


def running(stage):
    stage.produce(400)
    stage.start()
    stage.run.wait(lambda: sum(q["totals"]["outputRows"] for q in stage.run.status()["queries"][:1]) >= 18, 90, "six windows")


def catching_up(stage):
    stage.fill(3_000_000)
    stage.start(maxOffsetsPerTrigger="30000", trigger="1 second")
    stage.run.wait(lambda: sum(q["totals"]["outputRows"] for q in stage.run.status()["queries"][:1]) >= 3, 120, "a window")


def store_down(stage):
    stage.produce(400)
    stage.start()
    stage.run.wait(lambda: sum(q["totals"]["outputRows"] for q in stage.run.status()["queries"][:1]) >= 6, 60, "two windows")
    stage.stop_store()
    stage.run.wait(lambda: stage.run.status()["state"] == "degraded" and (stage.run.status()["uncommittedSeconds"] or 0) > 8, 90, "the outage to show")


def no_data(stage):
    stage.start()
    stage.run.wait(lambda: stage.run.status()["pace"]["readPerSecond"] is not None, 30, "the start")


STATES = {"running": running, "catching-up": catching_up, "store-down": store_down, "no-data": no_data}


def take(browser, stage, name, out):
    for width in WIDTHS:
        for dark in (False, True):
            browser.open("http://%s:%d/" % stage.run.address, width, 900, dark)
            browser.wait("document.querySelectorAll('#tiles .tile').length == 8")
            browser.wait("document.querySelectorAll('#queries table').length == 2")
            begun = time.monotonic()
            browser.wait(f"performance.now() > 6000 || {str(name == 'no-data').lower()}", 20)  # some history in the small chart
            path = out / f"page-{name}-{width}-{'dark' if dark else 'light'}.png"
            browser.picture(path, 16000)  # all of the page; Chromium draws no more
            subprocess.run(["pngquant", "--force", "--skip-if-larger", "--speed", "1", "--quality", "60-95", "--output", path, path], check=False)
            print(f"{path.name}: {path.stat().st_size // 1024} KiB after {time.monotonic() - begun:.0f} s", flush=True)
    complaints = [text for text in browser.complaints() if not re.search("status of 503", text)]
    if complaints:
        sys.exit(f"{name}: the browser complains: {complaints}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "images")
    parser.add_argument("states", nargs="*", metavar="STATE", help=f"of {', '.join(STATES)}; default: all")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.states or STATES:
        with tempfile.TemporaryDirectory(prefix="sluice-pictures-") as directory, Chromium() as browser:
            stage = Stage(pathlib.Path(directory))
            try:
                STATES[name](stage)
                take(browser, stage, name, arguments.out)
            finally:
                stage.close()


if __name__ == "__main__":
    main()
