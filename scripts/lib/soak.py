"""The soak: a producer, sluice with a checkpoint in MinIO, SIGKILL at random moments, and in the end the books.

Kafka and MinIO are its own, in its directory, which is kept when something is different.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import venv  # noqa: E402
from kafka import KafkaServer  # noqa: E402
from process import Failure, port_is_free, wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLUICE = os.environ.get("SLUICE") or str(pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build") / "sluice")
CHECK = pathlib.Path(__file__).with_name("soak_check.py")
TOPIC, PARTITIONS, BUCKET = "soak", 3, "soak"
LIFE_S = (0.2, 6.0)  # of one process
SETTLE_S = 900  # to read the rest, at most
TOPIC_CONFIG = {"retention.bytes": str(2 << 30), "segment.bytes": str(64 << 20)}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--minutes", type=float, default=10, help="how long messages are sent and processes killed")
    parser.add_argument("--rate", type=int, default=20000, help="messages a second")
    parser.add_argument("--restart-every", type=int, default=20, help="cycles between two restarts of the broker or of MinIO")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--dir", help="where everything is kept; default: a temporary directory")
    return parser.parse_args()


class Soak:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.random = random.Random(options.seed)
        self.cycles, self.restarts, self.recoveries, self.runs = 0, {"kafka": 0, "minio": 0}, [], 0
        self.kafka = KafkaServer(directory / "kafka")
        os.environ["SLUICE_SERVICES_DIR"] = str(directory / "services")
        import services  # reads the environment
        self.minio = services.Minio()
        self.sluice = self.producer = self.restarting = self.failure = None

    # Services

    def start(self):
        from confluent_kafka.admin import AdminClient, NewTopic
        self.kafka.start()
        self.minio.up(fresh_ports=True)
        self.store = {"S3_ENDPOINT": self.minio.url(), **{k: v for k, v in self.minio.exports().items() if k.startswith("AWS")}}
        self.check("make-bucket", BUCKET)
        admin = AdminClient({"bootstrap.servers": self.kafka.brokers})
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1, config=TOPIC_CONFIG)])[TOPIC].result(30)
        self.pipeline = self.directory / "pipeline.json"
        self.pipeline.write_text(json.dumps(self.document(), indent=2))
        self.record = self.directory / "record.json"
        self.producer = subprocess.Popen(
            [sys.executable, "-B", pathlib.Path(__file__).with_name("soak_produce.py"), self.kafka.brokers, TOPIC, str(PARTITIONS),
             str(self.options.rate), self.record], stdin=subprocess.PIPE)

    def document(self):
        def sink(name):
            return [{"name": "lake", "format": "parquet", "path": f"s3://{BUCKET}/{name}"}]
        return {
            "name": "soak",
            "source": {"name": "tx", "format": "kafka",
                       "options": {"kafka.bootstrap.servers": self.kafka.brokers, "subscribe": TOPIC, "startingOffsets": "earliest"},
                       "value": {"format": "json", "schema": "id BIGINT, k INT, n BIGINT, t TIMESTAMP", "mode": "FAILFAST"},
                       "watermark": {"eventTime": "t", "delayThreshold": "10 seconds"}},
            "trigger": {"processingTime": "1 second"},
            "queries": [
                {"name": "ids", "sql": "SELECT id FROM tx WHERE id >= 0", "sinks": sink("ids")},
                {"name": "sums", "sinks": sink("sums"),
                 "sql": "SELECT window.start AS start, k, count(*) AS c, sum(n) AS total FROM tx GROUP BY window(t, '10 seconds'), k"}],
            "checkpointLocation": f"s3://{BUCKET}/_checkpoint",
            "s3": {"endpoint": self.minio.url(), "region": "us-east-1", "accessKeyId": self.store["AWS_ACCESS_KEY_ID"],
                   "secretAccessKey": self.store["AWS_SECRET_ACCESS_KEY"]},
            "http": False}

    def check(self, *command):
        run = subprocess.run([venv.python(), "-B", CHECK, *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **self.store})
        if run.returncode not in (0, 1):
            raise Failure(f"{CHECK.name} {command[0]} failed")
        return run

    def begin_restart(self):
        """In a thread: cycles go on meanwhile."""
        if self.restarting is None or not self.restarting.is_alive():
            self.restarting = threading.Thread(target=self.restart_a_service, daemon=True)
            self.restarting.start()

    def restart_a_service(self):
        """Kills the broker or the store, or ends it in order, and starts it again."""
        try:
            self.do_restart()
        except Failure as failure:
            self.failure = failure

    def do_restart(self):
        name = self.random.choice(["kafka", "minio"])
        sig = self.random.choice([signal.SIGKILL, signal.SIGTERM])
        service = self.kafka if name == "kafka" else self.minio
        service.daemon.stop(sig=sig)
        # Threads of a killed process may hold its ports for a moment after its first one is gone.
        ports = self.kafka.ports if name == "kafka" else self.minio.ports()
        wait_until(lambda: all(map(port_is_free, ports.values())), 30, f"the ports of {name} to be free")
        service.start()
        self.restarts[name] += 1

    # sluice

    def launch(self, *more):
        self.runs += 1
        self.log_path = self.directory / f"sluice.{self.runs % 10}.log"  # the last ones are kept
        self.launched = time.time()
        with open(self.log_path, "wb") as log:
            self.sluice = subprocess.Popen([SLUICE, "run", self.pipeline, "--log-format", "text", *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def note_recovery(self):
        """Seconds from the start of the process until it had recovered, if it lived that long."""
        found = re.search(r"^(\S+)Z INFO +goes on from the checkpoint", self.log_path.read_text(errors="replace"), re.M)
        if found:
            at = datetime.datetime.fromisoformat(found[1]).replace(tzinfo=datetime.timezone.utc).timestamp()
            self.recoveries.append(at - self.launched)

    def require_sluice(self):
        code = self.sluice.poll()
        if code is not None:
            raise Failure(f"sluice ended by itself with {code}; the end of {self.log_path}:\n" + self.log_path.read_text(errors="replace")[-3000:])

    def require_alive(self):
        self.require_sluice()
        if self.failure:
            raise self.failure
        if self.producer.poll() is not None:
            raise Failure(f"the producer ended by itself with {self.producer.returncode}")

    def cycle(self):
        self.launch()
        until = time.monotonic() + self.random.uniform(*LIFE_S)
        if self.cycles % self.options.restart_every == self.options.restart_every - 1:
            self.begin_restart()
        while time.monotonic() < until:
            self.require_alive()
            time.sleep(min(0.2, max(0, until - time.monotonic())))
        self.require_alive()
        self.sluice.kill()
        self.sluice.wait()
        self.note_recovery()
        self.cycles += 1

    def run(self):
        end = time.monotonic() + self.options.minutes * 60
        shown = time.monotonic()
        while time.monotonic() < end:
            self.cycle()
            if time.monotonic() > shown + 60:
                shown = time.monotonic()
                print(f"{self.cycles} cycles, restarts {self.restarts}, {max(0, end - shown) / 60:.0f} minutes left", flush=True)

    def settle(self):
        """The producer ends; all is read; SIGTERM; a last run closes the last windows."""
        if self.restarting:
            self.restarting.join()
        if self.failure:
            raise self.failure
        self.producer.stdin.close()
        if self.producer.wait(SETTLE_S) != 0:
            raise Failure("the producer failed")
        self.launch()
        wait_until(self.caught_up, SETTLE_S, "the rest to be read", interval=1)
        self.sluice.send_signal(signal.SIGTERM)
        if self.sluice.wait(60) != 0:
            raise Failure(f"exit {self.sluice.returncode} after SIGTERM; the end of {self.log_path}:\n{self.log_path.read_text()[-3000:]}")
        self.launch("--available-now")
        if self.sluice.wait(SETTLE_S) != 0:
            raise Failure(f"the last run ended with {self.sluice.returncode}:\n{self.log_path.read_text()[-3000:]}")

    def caught_up(self):
        """The group's offsets are at the end of the topic: they follow each published batch."""
        from confluent_kafka import Consumer, TopicPartition
        self.require_sluice()
        consumer = Consumer({"bootstrap.servers": self.kafka.brokers, "group.id": "soak"})
        try:
            found = consumer.committed([TopicPartition(TOPIC, p) for p in range(PARTITIONS)], timeout=10)
            return all(p.offset >= consumer.get_watermark_offsets(p, timeout=10)[1] for p in found)
        finally:
            consumer.close()

    def stop(self):
        for process in (self.sluice, self.producer):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.kafka.stop()
        self.minio.stop()

    def report(self):
        run = self.check("compare", BUCKET, self.record)
        print(run.stdout, end="")
        took = sorted(self.recoveries) or [0]
        print(f"{self.cycles} cycles of SIGKILL, {self.restarts['kafka']} restarts of Kafka, {self.restarts['minio']} of MinIO; "
              f"seconds from a start until it goes on: median {statistics.median(took):.2f}, most {took[-1]:.2f} (of {len(self.recoveries)})")
        return run.returncode


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: ended by SIGTERM"))  # its servers end, too
    directory = pathlib.Path(options.dir or tempfile.mkdtemp(prefix="sluice-soak-")).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    print(f"soak: {options.minutes:g} minutes, {options.rate} messages/s, seed {options.seed}, in {directory}", flush=True)
    soak = Soak(options, directory)
    code = 1
    try:
        soak.start()
        soak.run()
        soak.settle()
        code = soak.report()
    except Failure as failure:
        print(f"soak: {failure}\nafter {soak.cycles} cycles; seed {options.seed}")
    finally:
        soak.stop()
    print("equal" if code == 0 else f"DIFFERENT; all is kept in {directory}", flush=True)
    if code == 0 and not options.dir:
        shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
