"""What the system tests share: sluice as a subprocess, real services, pipeline documents, Spark's console format.

Environment: SLUICE (the binary; default build/sluice), KAFKA_BROKERS (default: scripts/services up kafka).
Tests wait for conditions with deadlines, never for a time, and end only processes they started.
"""

import collections
import functools
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from kafka import KafkaServer  # noqa: E402,F401  (for the tests)
from process import free_port, wait_until  # noqa: E402,F401

SLUICE = os.environ.get("SLUICE") or str(ROOT / "build" / "sluice")
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build")
SANITIZED = "san" in pathlib.Path(SLUICE).resolve().parent.name
LAB_SCHEMA = ("transaction_id STRING, user_id STRING, amount DOUBLE, type STRING, timestamp TIMESTAMP, "
              "location STRING")


# Services

@functools.lru_cache(maxsize=None)
def service(name):
    """Exports of a running service as a dictionary, e.g. service("kafka")["KAFKA_BROKERS"]."""
    run = subprocess.run([ROOT / "scripts" / "services", "up", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         text=True, check=True)
    return dict(line.removeprefix("export ").split("=", 1) for line in run.stdout.splitlines())


def shared_brokers():
    return os.environ.get("KAFKA_BROKERS") or service("kafka")["KAFKA_BROKERS"]


class Broker:
    """What tests do to a Kafka: topics, messages, transactions. `config`: further client options."""

    def __init__(self, brokers, config=None):
        self.brokers = brokers
        self.config = {"bootstrap.servers": brokers, **(config or {})}
        self.admin = AdminClient(self.config)

    def create_topic(self, name, partitions=1, config=None):
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})
        self.admin.create_topics([topic])[name].result(30)

        def there():
            found = self.admin.list_topics(topic=name, timeout=10).topics[name]
            return found.error is None and len(found.partitions) == partitions
        wait_until(there, 30, f"topic {name}")
        return name

    def delete_topic(self, name):
        try:
            self.admin.delete_topics([name])[name].result(30)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:  # a test deleted it already
                raise

    def add_partitions(self, name, total):
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(30)

    def produce(self, topic, values, partition=None, key=None, timestamps_ms=None, transaction=None):
        """Sends values (str or bytes) in order. transaction: None, "commit" or "abort"."""
        config = {**self.config, "linger.ms": 5, "enable.idempotence": True}
        if transaction:
            config["transactional.id"] = f"t-{uuid.uuid4().hex}"
        producer = Producer(config)
        failures = []
        if transaction:
            producer.init_transactions(30)
            producer.begin_transaction()
        for i, value in enumerate(values):
            options = {}
            if partition is not None:
                options["partition"] = partition
            if timestamps_ms is not None:
                options["timestamp"] = timestamps_ms[i]
            while True:
                try:
                    producer.produce(topic, value, key, on_delivery=lambda e, m: e and failures.append(e), **options)
                    break
                except BufferError:
                    producer.poll(0.1)
        left = producer.flush(60)
        if transaction == "commit":
            producer.commit_transaction(30)
        elif transaction == "abort":
            producer.abort_transaction(30)
        elif transaction == "open":
            return producer  # the caller keeps it as long as the transaction is to stay open
        if left or (failures and transaction != "abort"):
            raise AssertionError(f"{left} messages not sent, {failures[:3]}")
        return None

    def end_offsets(self, topic, partitions):
        consumer = Consumer({**self.config, "group.id": "end-offsets"})
        try:
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(partitions)}
        finally:
            consumer.close()

    def read(self, topic, partitions, config=None):
        """All messages of a topic, partition after partition."""
        consumer = Consumer({**self.config, "group.id": f"read-{uuid.uuid4().hex}", "enable.partition.eof": True,
                             "auto.offset.reset": "earliest", **(config or {})})
        messages = collections.defaultdict(list)
        ended = set()
        try:
            consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
            deadline = time.monotonic() + 60
            while len(ended) < partitions and time.monotonic() < deadline:
                for message in consumer.consume(10000, 0.2):
                    if message.error() is None:
                        messages[message.partition()].append(message)
                    else:
                        ended.add(message.partition())
        finally:
            consumer.close()
        if len(ended) < partitions:
            raise AssertionError(f"could not read {topic} to its end")
        return [m for p in sorted(messages) for m in messages[p]]


@functools.lru_cache(maxsize=None)
def shared_broker():
    return Broker(shared_brokers())


# sluice

class Sluice:
    """One run of the binary; stdout and stderr go to files in `directory`."""

    runs = 0

    def __init__(self, directory, *arguments, env=None, wrapper=(), binary=SLUICE, cwd=None):
        Sluice.runs += 1
        self.arguments = [str(a) for a in arguments]
        if self.arguments[:1] in (["run"], ["demo"]) and "--log-format" not in self.arguments:
            self.arguments += ["--log-format", "text"]  # what tests look for in the log
        self.stdout_path = pathlib.Path(directory) / f"stdout.{Sluice.runs}"
        self.stderr_path = pathlib.Path(directory) / f"stderr.{Sluice.runs}"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.started = time.monotonic()
            self.process = subprocess.Popen([*wrapper, binary, *self.arguments], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env={**os.environ, **(env or {})}, cwd=cwd)

    def stdout(self):
        return self.stdout_path.read_text()

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def describe(self):
        return f"sluice {' '.join(self.arguments)}; its log ends with:\n" + "\n".join(self.stderr().splitlines()[-25:])

    def wait(self, condition, timeout, what):
        """Waits for condition() while the process lives."""
        def check():
            value = condition()
            if not value and self.process.poll() is not None and not condition():
                raise AssertionError(f"exit {self.process.returncode} before {what}: {self.describe()}")
            return value or condition()
        try:
            return wait_until(check, timeout, what)
        except AssertionError:
            raise
        except Exception as failure:
            raise AssertionError(f"{failure}: {self.describe()}") from None

    def wait_log(self, pattern, timeout=15):
        return self.wait(lambda: re.search(pattern, self.stderr()), timeout, f"a log line like {pattern!r}")

    def wait_exit(self, timeout=60):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s: {self.describe()}") from None

    @functools.cached_property
    def address(self):
        host, port = self.wait_log(r"http listening on ([0-9.]+):(\d+)").groups()
        return host, int(port)

    def request(self, path, method="GET", timeout=10):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def status(self):
        code, _, body = self.request("/status")
        if code != 200:
            raise AssertionError(f"/status answered {code}: {body}")
        return json.loads(body)

    def ready(self):
        try:
            return self.request("/readyz")[0] == 200
        except OSError:
            return False

    def wait_ready(self, timeout=30):
        self.wait(self.ready, timeout, "/readyz to say 200")

    def metric(self, name):
        """Sum over all samples of a metric."""
        body = self.request("/metrics")[2]
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", body, re.M)
        return sum(float(v) for v in found) if found else None

    def peak_memory_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) * 1024

    def stop(self, timeout=30):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


# Spark's console format

Batch = collections.namedtuple("Batch", "id columns rows footer")
RULE = "-" * 43


def parse_console(text, truncate=False):
    """The batches of a console stream of one query. Anything but Spark's exact format is an AssertionError: what was
    read is rendered again and compared by bytes."""
    batches = []
    position = 0
    head = re.compile(rf"{RULE}\nBatch: (\d+)\n{RULE}\n")
    while position < len(text):
        match = head.match(text, position)
        if not match:
            raise AssertionError(f"no batch header at {text[position:position + 120]!r}")
        end = text.find("\n\n", match.end())
        if end < 0:
            raise AssertionError(f"batch {match.group(1)} has no empty line after it")
        batches.append(parse_table(int(match.group(1)), text[match.end():end]))
        position = end + 2
    again = "".join(render_batch(b, truncate) for b in batches)
    if again != text:
        at = next((i for i, (a, b) in enumerate(zip(again, text)) if a != b), min(len(again), len(text)))
        raise AssertionError(f"not Spark's format near {text[max(0, at - 200):at + 100]!r}")
    return batches


def parse_table(number, text):
    lines = text.split("\n")
    footer = lines.pop() if lines[-1].startswith("only showing top") else None
    if len(lines) < 4 or lines[0] != lines[2] or lines[0] != lines[-1] or not re.fullmatch(r"\+(-+\+)+", lines[0]):
        raise AssertionError(f"batch {number} is not a table: {text[:400]!r}")
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in [lines[1], *lines[3:-1]]]
    return Batch(number, rows[0], [tuple(row) for row in rows[1:]], footer)


def render_batch(batch, truncate):
    widths = [max(3, *(len(row[i]) for row in [batch.columns, *batch.rows])) for i in range(len(batch.columns))]
    rule = "+" + "".join("-" * w + "+" for w in widths)

    def line(cells):
        padded = (c.rjust(w) if truncate else c.ljust(w) for c, w in zip(cells, widths))
        return "|" + "|".join(padded) + "|"

    lines = [RULE, f"Batch: {batch.id}", RULE, rule, line(batch.columns), rule, *map(line, batch.rows), rule]
    if batch.footer:
        lines.append(batch.footer)
    return "\n".join([*lines, "", ""])


def java_double(number):
    """Double.toString for the magnitudes lab amounts have."""
    return repr(float(number))


def lab_row(value):
    """The console row (truncate false) of a lab message's value."""
    record = json.loads(value)
    cells = [record["transaction_id"], record["user_id"], java_double(record["amount"]), record["type"],
             record["timestamp"], record["location"]]
    return tuple(cells)


# Files

PART = re.compile(r"part-(?P<id>[0-9a-f]{8})-(?P<batch>\d{8})-(?P<query>[a-z0-9][a-z0-9_-]*)-(?P<sink>[A-Za-z0-9_]+)-"
                  r"(?P<seq>\d{5})\.(?P<ext>(?:snappy\.|zstd\.|gz\.|lz4raw\.)?parquet|(?:json|csv)(?:\.gz|\.zst)?)")


def read_json_parts(directory):
    """All rows of a JSON sink's directory in the order of batch and sequence number."""
    rows = []
    paths = [p for p in pathlib.Path(directory).rglob("*") if p.is_file() and not p.name.startswith((".", "_"))]
    for path in sorted(paths, key=lambda p: (PART.fullmatch(p.name)["batch"], p.name)):
        rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


# Test cases

class Case(unittest.TestCase):
    """A test with a temporary directory, a Kafka and runs of sluice that end with it."""

    maxDiff = 2000

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="sluice-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    @property
    def broker(self):
        return shared_broker()

    def topic(self, partitions=1, config=None, prefix="t"):
        name = self.broker.create_topic(f"{prefix}-{uuid.uuid4().hex[:10]}", partitions, config)
        self.addCleanup(self.broker.delete_topic, name)
        return name

    def document(self, source_options, *, value=None, sql="SELECT _topic, _partition, _offset, value FROM tx", trigger=None,
                 sinks=None, http=True, brokers=None, name="t", **top):
        """Writes a pipeline document and returns its path. Default: values as text, into JSON files in out/."""
        document = {
            "name": name,
            "source": {"name": "tx", "format": "kafka", "value": value or {"format": "text"},
                       "options": {"kafka.bootstrap.servers": brokers or self.broker.brokers,
                                   "startingOffsets": "earliest", **source_options}},
            "trigger": trigger or {"availableNow": True},
            "queries": [{"name": "all", "sql": sql,
                         "sinks": sinks or [{"name": "files", "format": "json", "path": str(self.directory / "out")}]}],
            "http": {"listen": "127.0.0.1:0"} if http else False,
            **top,
        }
        document["source"]["options"] = {k: v for k, v in document["source"]["options"].items() if v is not None}
        path = self.directory / f"pipeline-{uuid.uuid4().hex[:6]}.json"
        path.write_text(json.dumps(document, indent=2))
        return path

    def sluice(self, *arguments, **options):
        run = Sluice(self.directory, *arguments, **options)
        self.addCleanup(run.kill)
        return run

    def out(self):
        """Rows the JSON sink of document() has written so far."""
        return read_json_parts(self.directory / "out")

    def run_to_end(self, path, *arguments, timeout=60):
        """Runs a document that ends by itself with exit 0; returns the run."""
        run = self.sluice("run", path, *arguments)
        self.assertEqual(run.wait_exit(timeout), 0, run.describe())
        return run

    def assert_rows(self, rows, expected):
        """Same rows (as (partition, offset, value)), each exactly once."""
        got = collections.Counter((r["_partition"], r["_offset"], r["value"]) for r in rows)
        want = collections.Counter(expected)
        missing, extra = want - got, got - want
        self.assertFalse(missing or extra, f"missing {list(missing.items())[:5]}, too many {list(extra.items())[:5]}")
