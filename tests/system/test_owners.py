"""One owner at a time: a second process is sent away, and one that was stopped for long and wakes up damages nothing."""

import os
import signal
import unittest

from checkpoints import CheckpointCase, Directory, Store, newest_batch, numbered

CHUNK = 500


class Owners(CheckpointCase):
    def start(self, topic, place, out, **options):
        path = self.numbered(topic, place.location, out, **options)
        run = self.sluice("run", path)
        run.wait_ready(60)
        return path, run

    def second_is_sent_away(self, place, out, pattern, timeout, **options):
        topic = self.topic()
        self.broker.produce(topic, numbered(0, CHUNK))
        path, first = self.start(topic, place, str(self.directory), **options)
        self.wait_rows(first, out, CHUNK)
        second = self.sluice("run", path)
        self.assertEqual(second.wait_exit(timeout), 1, second.describe())
        self.assertRegex(second.stderr(), pattern.format(pid=first.process.pid))
        # The first does not notice.
        self.broker.produce(topic, numbered(CHUNK, CHUNK))
        self.wait_rows(first, out, 2 * CHUNK)
        self.assertNotRegex(first.stderr(), r"(?i)\b(WARN|ERROR)\b")
        self.assertEqual(first.stop(), 0, first.describe())
        self.assert_ids(out.rows(), 2 * CHUNK)

    def test_second_process_on_a_directory(self):
        place, out = Directory(self.directory / "checkpoint"), Directory(self.directory / "all")
        self.second_is_sent_away(place, out, r"checkpoint.*it is in use by process {pid} on host \S+ \(run \S+\)", 15)

    def test_second_process_in_s3(self):
        store = Store(self)
        self.second_is_sent_away(store.place("cp"), Directory(self.directory / "all"),
                                 r"it is in use by process {pid} on host \S+ \(run \S+, epoch 1\)", 40, s3=store.bucket.section())

    def test_owner_that_was_stopped_and_wakes_up(self):
        """SIGSTOP under load; a newcomer waits for its heartbeat and takes over; SIGCONT."""
        store = Store(self)
        place, all_place, sums_place = store.place("cp"), store.place("out/all"), store.place("out/sums")
        topic = self.topic()
        self.broker.produce(topic, numbered(0, 20 * CHUNK))
        path = self.numbered(topic, place.location, store.bucket.path("out"), s3=store.bucket.section(), options={"maxOffsetsPerTrigger": CHUNK})
        old = self.sluice("run", path)
        old.wait(lambda: newest_batch(place) >= 3, 60, "some batches")
        os.kill(old.process.pid, signal.SIGSTOP)
        self.addCleanup(lambda: old.process.poll() is None and os.kill(old.process.pid, signal.SIGCONT))
        new = self.sluice("run", path)
        new.wait_log(rf"waiting for its heartbeat.*process {old.process.pid} ", 30)
        self.assertEqual(new.request("/readyz")[0], 503)
        self.assertIn("heartbeat", new.status()["reason"])
        self.wait_oracle(new, all_place, sums_place, 20 * CHUNK, timeout=90)
        before = place.dump()
        os.kill(old.process.pid, signal.SIGCONT)
        self.assertEqual(old.wait_exit(60), 1, old.describe())
        self.assertRegex(old.stderr(), rf"replaced by process {new.process.pid} on host \S+ \(run \S+, epoch 2\)")
        self.assertIsNone(new.process.poll())
        self.broker.produce(topic, numbered(20 * CHUNK, CHUNK))
        self.wait_oracle(new, all_place, sums_place, 21 * CHUNK)
        self.assertEqual(new.stop(), 0, new.describe())
        self.assert_oracle(all_place, sums_place, 21 * CHUNK)
        after = place.dump()
        self.assertEqual([k for k in before if k.startswith("commits/") and after.get(k) != before[k]], [], "a decision was changed")


if __name__ == "__main__":
    unittest.main()
