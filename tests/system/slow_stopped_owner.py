"""An owner that is stopped exactly at a step of a decision while another takes over, and wakes up: it damages nothing."""

import os
import pathlib
import signal
import unittest

from checkpoints import ALL, SUMS, CheckpointCase, Store, newest_batch, numbered

COMMITTED = {"isolation.level": "read_committed"}
ROWS, MORE = 3000, 500
# Where the owner stops; the hit is one in the middle of the run.
POINTS = ("decide.look:4", "decide.put:4", "decide.done:4", "batch.publish:4", "sink.published:9", "batch.published:4", "owner.heartbeat:1")


class Stopped:
    """One pipeline of its own: its old owner, stopped, and the newcomer."""

    def __init__(self, case, store, point):
        self.case, self.point = case, point
        name = point.replace(".", "-").replace(":", "-")
        self.place, out = store.place(f"cp-{name}"), f"out-{name}"
        self.all_place, self.sums_place = store.place(f"{out}/all"), store.place(f"{out}/sums")
        self.topic, self.sent = case.topic(), case.topic()
        queries = [case.files("all", ALL, store.bucket.path(out)), case.files("sums", SUMS, store.bucket.path(out)),
                   {"name": "sent", "sql": "SELECT CAST(id AS STRING) AS value FROM tx", "sinks": [
                       {"name": "kafka", "format": "kafka", "options": {"kafka.bootstrap.servers": case.broker.brokers, "topic": self.sent}}]}]
        case.broker.produce(self.topic, numbered(0, ROWS))
        self.path = case.numbered(self.topic, self.place.location, store.bucket.path(out), queries, s3=store.bucket.section(),
                                  options={"maxOffsetsPerTrigger": 300})
        self.old = case.failing(f"{point}:stop", "run", self.path)
        case.addCleanup(self.wake)

    def is_stopped(self):
        stat = pathlib.Path(f"/proc/{self.old.process.pid}/stat").read_text()
        return stat[stat.rindex(")") + 2] == "T"

    def wake(self):
        if self.old.process.poll() is None:
            os.kill(self.old.process.pid, signal.SIGCONT)

    def start_newcomer(self):
        self.new = self.case.sluice("run", self.path)

    def check_old(self):
        self.case.assertEqual(self.old.wait_exit(60), 1, f"{self.point}: {self.old.describe()}")
        self.case.assertRegex(self.old.stderr(), rf"replaced by process {self.new.process.pid} on host \S+ \(run \S+, epoch 2\)",
                              self.point)

    def check_rows(self, count):
        self.case.assertEqual(self.new.stop(), 0, self.new.describe())
        self.case.assert_oracle(self.all_place, self.sums_place, count)
        sent = sorted(int(m.value()) for m in self.case.broker.read(self.sent, 1, COMMITTED))
        self.case.assertEqual(sent, list(range(count)), self.point)


class StoppedOwner(CheckpointCase):
    def test_stopped_at_each_step(self):
        store = Store(self)
        pipelines = [Stopped(self, store, point) for point in POINTS]
        for pipeline in pipelines:
            pipeline.old.wait(pipeline.is_stopped, 60, f"the stop at {pipeline.point}")
        for pipeline in pipelines:
            pipeline.start_newcomer()
        for pipeline in pipelines:
            self.wait_oracle(pipeline.new, pipeline.all_place, pipeline.sums_place, ROWS, timeout=120)
        for pipeline in pipelines:
            pipeline.wake()
        for pipeline in pipelines:
            with self.subTest(point=pipeline.point):
                pipeline.check_old()
        for pipeline in pipelines:
            self.broker.produce(pipeline.topic, numbered(ROWS, MORE))
        for pipeline in pipelines:
            with self.subTest(point=pipeline.point):
                self.wait_oracle(pipeline.new, pipeline.all_place, pipeline.sums_place, ROWS + MORE)
                pipeline.check_rows(ROWS + MORE)

    def test_newcomer_that_is_stopped_before_its_first_decision(self):
        """A third takes over from it; when it wakes up it finds its number taken."""
        store = Store(self)
        place, all_place, sums_place = store.place("cp"), store.place("out/all"), store.place("out/sums")
        topic = self.topic()
        self.broker.produce(topic, numbered(0, ROWS))
        path = self.numbered(topic, place.location, store.bucket.path("out"), s3=store.bucket.section(), options={"maxOffsetsPerTrigger": 300})
        first = self.sluice("run", path)
        first.wait(lambda: newest_batch(place) >= 3, 60, "some batches")
        first.kill()
        second = self.failing("takeover.decide:1:stop", "run", path)
        self.addCleanup(lambda: second.process.poll() is None and os.kill(second.process.pid, signal.SIGCONT))
        second.wait(lambda: pathlib.Path(f"/proc/{second.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T", 30, "the stop")
        self.broker.produce(topic, numbered(ROWS, MORE))  # the first may have read all there was
        third = self.sluice("run", path)
        self.wait_oracle(third, all_place, sums_place, ROWS + MORE, timeout=120)
        os.kill(second.process.pid, signal.SIGCONT)
        self.assertEqual(second.wait_exit(60), 1, second.describe())
        self.assertRegex(second.stderr(), rf"replaced by process {third.process.pid} on host \S+ \(run \S+, epoch 3\)")
        self.broker.produce(topic, numbered(ROWS + MORE, MORE))
        self.wait_oracle(third, all_place, sums_place, ROWS + 2 * MORE)
        self.assertEqual(third.stop(), 0, third.describe())
        self.assert_oracle(all_place, sums_place, ROWS + 2 * MORE)


if __name__ == "__main__":
    unittest.main()
