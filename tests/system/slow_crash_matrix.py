#!/usr/bin/env python3
"""The crash matrix: _exit at every failpoint that a pipeline reaches, and what is there after the restart against an oracle.

slow_crash_matrix.py SCENARIO[/local|/s3] [FAILPOINT[:HIT]]   one scenario or one combination, as the report names it

A combination is: a run that ends at a hit of a failpoint (proven by its status), a run that goes on, and a run that closes
what is open. The hits are the first, a middle and the last one of a run that is not disturbed. Failpoints of the recovery:
a run ends behind a decision, the next one in its recovery.
"""

import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

from crash_scenarios import PARTITIONS, SCENARIOS
from harness import PART, ROOT, service, shared_broker
from lake import Bucket, venvs

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build")
STATUS = 86
WORKERS = int(os.environ.get("SLUICE_CRASH_WORKERS") or 4)
RUN_S_MAX = 60
LOOK_S = {"local": 0.05, "s3": 0.2}
LAST_RECOVERY_POINT = "recover.done"
# Behind a decision and before its publication, in the middle of a run: what recovery has the most to do after.
RECOVERED = "decide.done"
# All written and nothing decided: recovery has to remove it.
ABANDONED = "batch.prepared"


class Wrong(Exception):
    """What a combination shows is not as it should be."""


def build():
    """The binary with failpoints, made once."""
    subprocess.run([ROOT / "scripts" / "build", "failpoints"], stdin=subprocess.DEVNULL, check=True)
    return BUILD.with_name(BUILD.name + "-fail") / "sluice"


class Reader:
    """crash_reader.py: one request at a time."""

    def __init__(self, bucket):
        env = {**os.environ, "S3_ENDPOINT": bucket.endpoint, "AWS_ACCESS_KEY_ID": bucket.key, "AWS_SECRET_ACCESS_KEY": bucket.secret,
               "AWS_DEFAULT_REGION": "us-east-1"}
        self.process = subprocess.Popen([venvs.python(), pathlib.Path(__file__).with_name("crash_reader.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, op, place):
        self.process.stdin.write(json.dumps({"op": op, "place": place}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Wrong(f"{op} {place}: {answer['error']}")
        return answer["result"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Outbox:
    """A topic for Kafka sinks, and what consumers with read_committed see of it since begin()."""

    def __init__(self, broker, name):
        self.topic = broker.create_topic(name)
        self.consumer = Consumer({"bootstrap.servers": broker.brokers, "group.id": name, "enable.partition.eof": True,
                                  "isolation.level": "read_committed", "enable.auto.commit": False})
        self.start = 0

    def begin(self):
        self.start = self.consumer.get_watermark_offsets(TopicPartition(self.topic, 0), timeout=30)[1]

    def read(self):
        self.consumer.assign([TopicPartition(self.topic, 0, self.start)])
        messages, deadline = [], time.monotonic() + RUN_S_MAX
        while time.monotonic() < deadline:
            message = self.consumer.poll(1)
            if message is None:
                continue
            if message.error():
                return messages
            messages.append((message.key().decode(), json.loads(message.value())))
        raise Wrong(f"the end of {self.topic} is not reached: a transaction is left open")


@dataclasses.dataclass(frozen=True)
class Combination:
    scenario: str
    kind: str
    point: str
    hit: int
    recovery: int = 0  # > 0: the run ends at this hit of `behind`, then at the point in its recovery
    behind: str = RECOVERED

    def __str__(self):
        return f"{self.scenario}/{self.kind} {f'{self.behind}:{self.recovery}+' if self.recovery else ''}{self.point}:{self.hit}"


class Trial:
    """One checkpoint from its first run to the last, and what readers see of its files meanwhile."""

    def __init__(self, worker, scenario, kind):
        self.worker, self.scenario, self.kind = worker, scenario, kind
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="crash-", dir=worker.matrix.directory))
        self.base = worker.matrix.bucket.path(self.directory.name) if kind == "s3" else str(self.directory / "lake")
        self.seen = {place: {} for place in scenario.places}
        self.runs = 0
        outbox = worker.outbox
        if scenario.kafka_sink:
            outbox.begin()
        self.document = self.directory / "pipeline.json"
        self.document.write_text(json.dumps(scenario.document(
            worker.matrix.broker.brokers, worker.matrix.topics[scenario.name][0], self.place, self.place("_checkpoint"), outbox.topic,
            worker.matrix.bucket.section() if kind == "s3" else None), indent=1))

    def place(self, name):
        return f"{self.base}/{name}"

    def look(self):
        """What a reader sees now holds for ever."""
        for place, seen in self.seen.items():
            found = self.worker.reader.ask("list", self.place(place))
            for name, identity in seen.items():
                if found.get(name) != identity:
                    raise Wrong(f"{place}/{name} was {identity} and is {found.get(name)}")
            seen.update(found)

    def check_decided(self):
        """After a crash: no file of a batch that nobody decided."""
        if not any(self.seen.values()):
            return
        commits = [int(n) for n in self.worker.reader.ask("list", self.place("_checkpoint/commits"))]
        for place, seen in self.seen.items():
            for name in seen:
                if int(PART.fullmatch(name.rsplit("/")[-1])["batch"]) > max(commits, default=-1):
                    raise Wrong(f"{place}/{name} is seen, and the last decision is {max(commits, default=None)}")

    def run(self, *arguments, point=None):
        """Runs to the end while a reader lists; returns (status, [failpoint hit])."""
        self.runs += 1
        log, errors = self.directory / f"hits.{self.runs}", self.directory / f"stderr.{self.runs}"
        env = {**os.environ, "SLUICE_FAILPOINT_LOG": str(log), **({"SLUICE_FAILPOINT": point} if point else {})}
        with open(errors, "wb") as err:
            process = subprocess.Popen([self.worker.matrix.binary, "run", self.document, *self.scenario.arguments, *arguments], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=err, env=env, cwd=self.directory)
            try:
                deadline = time.monotonic() + RUN_S_MAX
                while True:
                    try:
                        status = process.wait(LOOK_S[self.kind])
                        break
                    except subprocess.TimeoutExpired:
                        self.look()
                        if time.monotonic() > deadline:
                            raise Wrong(f"run {self.runs} still runs after {RUN_S_MAX} s: {self.log()}")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        self.look()
        return status, log.read_text().split() if log.exists() else []

    def log(self):
        return "\n".join((self.directory / f"stderr.{self.runs}").read_text(errors="replace").splitlines()[-12:])

    def run_well(self, *arguments):
        status, hits = self.run(*arguments)
        if status != 0:
            raise Wrong(f"run {self.runs} ended with {status}: {self.log()}")
        return hits

    def finish(self):
        """The closing run, and the judgement."""
        if self.scenario.closing():
            topics = ",".join(self.worker.matrix.topics[self.scenario.name])
            self.run_well(*(a for s in (f"source.options.subscribe={topics}", *self.scenario.closing_set) for a in ("--set", s)))
        rows = {}
        for place, seen in self.seen.items():
            files = self.worker.reader.ask("rows", self.place(place))
            if files.keys() != seen.keys():
                raise Wrong(f"{place}: files come without a run")
            rows[place] = [row for file in files.values() for row in file]
        complaints = self.scenario.complaints(rows, self.worker.outbox.read() if self.scenario.kafka_sink else [])
        if self.kind == "local":
            hidden = [f"{place}/{n}" for place in self.seen for n in self.worker.reader.ask("hidden", self.place(place))]
            complaints += [f"left behind: {hidden}"] if hidden else []
        if complaints:
            raise Wrong("; ".join(complaints))

    def close(self):
        if self.kind == "s3":
            self.worker.reader.ask("clear", self.base)
        subprocess.run(["rm", "-rf", self.directory], check=True)


class Worker:
    """What one thread of the matrix has for itself."""

    def __init__(self, matrix):
        self.matrix = matrix
        self.reader = Reader(matrix.bucket)
        self.outbox = Outbox(matrix.broker, f"crash-out-{uuid.uuid4().hex[:10]}")

    def close(self):
        self.reader.close()
        self.outbox.consumer.close()
        self.matrix.broker.delete_topic(self.outbox.topic)

    def undisturbed(self, scenario, kind):
        """{failpoint: hits} of the first run, and of the recovery of one that ended behind a decision: what the matrix is made of."""
        trial = Trial(self, scenario, kind)
        hits = collections.Counter(trial.run_well())
        trial.finish()
        trial.close()
        return hits, {RECOVERED: self.recovery(scenario, kind, RECOVERED, (hits[RECOVERED] + 1) // 2),
                      ABANDONED: self.recovery(scenario, kind, ABANDONED, hits[ABANDONED])}

    def recovery(self, scenario, kind, behind, hit):
        """(hit, {failpoint: hits} of the recovery of a run that ended there)."""
        trial = Trial(self, scenario, kind)
        status, _ = trial.run(point=f"{behind}:{hit}")
        if status != STATUS:
            raise Wrong(f"{behind}:{hit} ended with {status}: {trial.log()}")
        hits = trial.run_well()
        if LAST_RECOVERY_POINT not in hits and behind == RECOVERED:
            raise Wrong(f"{LAST_RECOVERY_POINT} is not reached by a recovery")
        trial.finish()
        trial.close()
        return hit, collections.Counter(hits[:hits.index(LAST_RECOVERY_POINT) + 1] if LAST_RECOVERY_POINT in hits else hits)

    def crash(self, combination):
        """One try; returns the hits of the failpoint if it was not reached."""
        trial = Trial(self, SCENARIOS[combination.scenario], combination.kind)
        try:
            if combination.recovery:
                status, _ = trial.run(point=f"{combination.behind}:{combination.recovery}")
                if status != STATUS:
                    raise Wrong(f"{combination.behind}:{combination.recovery} ended with {status}: {trial.log()}")
            status, hits = trial.run(point=f"{combination.point}:{combination.hit}")
            if status == 0:
                return hits.count(combination.point)
            if status != STATUS:
                raise Wrong(f"the run with the failpoint ended with {status}: {trial.log()}")
            trial.check_decided()
            trial.run_well()
            trial.finish()
            return None
        finally:
            trial.close()

    def prove(self, combination):
        """How often things happen may differ between runs by their timing: the last hit may be one earlier."""
        for _ in range(5):
            count = self.crash(combination)
            if count is None:
                return
            combination = dataclasses.replace(combination, hit=max(1, min(count, combination.hit - 1)))
        raise Wrong("the failpoint is not reached")


def chosen_hits(count):
    """The first, a middle and the last."""
    return sorted({1, (count + 1) // 2, count})


class Matrix:
    """Shared by all workers: the services, the topics with the records, the binary."""

    def __init__(self):
        self.binary = build()
        self.broker = shared_broker()
        self.bucket = Bucket(exports=service("minio"))
        self.temporary = tempfile.TemporaryDirectory(prefix="sluice-crash-")
        self.directory = pathlib.Path(self.temporary.name)
        self.topics = {}
        self.free = queue.SimpleQueue()
        self.workers = []
        self.lock = threading.Lock()
        self.proven = set()

    def prepare(self, scenario):
        if scenario.name in self.topics:
            return
        topics = self.topics[scenario.name] = []
        for records in (scenario.records(), scenario.closing()):
            topic = self.broker.create_topic(f"crash-{scenario.name}-{uuid.uuid4().hex[:10]}", PARTITIONS)
            topics.append(topic)
            # In small sets, as they are fetched by whole ones.
            producer = Producer({"bootstrap.servers": self.broker.brokers, "batch.num.messages": 20, "enable.idempotence": True})
            for i, record in enumerate(records):
                producer.produce(topic, record, partition=i % PARTITIONS)
                producer.poll(0)
            if producer.flush(60):
                raise AssertionError(f"{topic}: not all records are sent")

    def with_worker(self, action):
        try:
            worker = self.free.get_nowait()
        except queue.Empty:
            worker = Worker(self)
            with self.lock:
                self.workers.append(worker)
        try:
            return action(worker)
        finally:
            self.free.put(worker)

    def prove(self, combination):
        """None or what is wrong."""
        try:
            self.with_worker(lambda worker: worker.prove(combination))
        except Wrong as wrong:
            return f"{combination}: {wrong}"
        with self.lock:
            self.proven.add(combination)
        return None

    def combinations(self, scenario, kind):
        hits, recoveries = self.with_worker(lambda worker: worker.undisturbed(scenario, kind))
        found = [Combination(scenario.name, kind, p, h) for p, n in hits.items() for h in chosen_hits(n)]
        for behind, (hit, recovery) in recoveries.items():
            new = recovery if behind == RECOVERED else {p: n for p, n in recovery.items() if p not in hits and p not in recoveries[RECOVERED][1]}
            found += [Combination(scenario.name, kind, p, h, hit, behind) for p, n in new.items() for h in chosen_hits(n)]
        return found

    def prove_all(self, combinations):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return [w for w in pool.map(self.prove, combinations) if w]

    def close(self):
        for worker in self.workers:
            worker.close()
        for topics in self.topics.values():
            for topic in topics:
                self.broker.delete_topic(topic)
        self.temporary.cleanup()


def failpoints_of_source():
    names = set()
    for path in (ROOT / "src").rglob("*.c"):
        text = path.read_text()
        names |= set(re.findall(r'FAILPOINT\("([a-z._]+)"\)', text))
        if "op_points" in text:
            names |= set(re.findall(r'"((?:store|upload)\.[a-z_]+)"', text))
    return names


class CrashMatrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.matrix = Matrix()
        cls.addClassCleanup(cls.matrix.close)

    def prove(self, scenario, kinds=("local", "s3"), only=None):
        self.matrix.prepare(scenario)
        for kind in kinds:
            began = time.monotonic()
            found = [c for c in self.matrix.combinations(scenario, kind) if not only or only in (c.point, f"{c.point}:{c.hit}")]
            wrong = self.matrix.prove_all(found)
            print(f"{scenario.name}/{kind}: {len(found)} combinations, {len(wrong)} wrong, {time.monotonic() - began:.0f} s", flush=True)
            with self.subTest(kind=kind):
                self.assertEqual(len(wrong), 0, "\n".join(wrong[:20]))

    def test_1_windows(self):
        self.prove(SCENARIOS["windows"])

    def test_1_session(self):
        self.prove(SCENARIOS["session"])

    def test_1_dedup(self):
        self.prove(SCENARIOS["dedup"])

    def test_1_pass_through(self):
        self.prove(SCENARIOS["pass"])

    def test_1_rolled(self):
        self.prove(SCENARIOS["rolled"])

    def test_1_update(self):
        self.prove(SCENARIOS["update"])

    def test_1_complete(self):
        self.prove(SCENARIOS["complete"])

    def test_1_completions_under_way(self):
        """Killed while the store completes other uploads: again and again, as what may go wrong there takes a moment."""
        self.matrix.prepare(SCENARIOS["windows"])
        began = time.monotonic()
        found = [Combination("windows", "s3", "upload.published", hit) for hit in range(2, 12)] * 12
        wrong = self.matrix.prove_all(found)
        print(f"{len(found)} times, {len(wrong)} wrong, {time.monotonic() - began:.0f} s", flush=True)
        self.assertEqual(len(wrong), 0, "\n".join(wrong[:20]))

    def test_2_all_failpoints(self):
        """Every failpoint of the source was proven, and not too few combinations."""
        proven = {combination.point for combination in self.matrix.proven}
        print(f"{len(self.matrix.proven)} combinations at {len(proven)} failpoints", flush=True)
        self.assertFalse(failpoints_of_source() - proven, "never hit")
        self.assertGreaterEqual(len(self.matrix.proven), 200)


def main(arguments):
    name, _, kind = arguments[0].partition("/")
    matrix = CrashMatrix("test_2_all_failpoints")
    CrashMatrix.setUpClass()
    try:
        matrix.prove(SCENARIOS[name], [kind] if kind else ["local", "s3"], arguments[1] if len(arguments) > 1 else None)
    finally:
        CrashMatrix.doClassCleanups()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].partition("/")[0] not in SCENARIOS:
        sys.exit(__doc__)
    main(sys.argv[1:])
