"""The disk of checkpoint and sink is full: sluice says so, keeps running, and goes on when there is room."""

import subprocess
import unittest

from checkpoints import CheckpointCase, Directory, numbered

MEGABYTE = 1 << 20


class DiskFull(CheckpointCase):
    def small_disk(self, megabytes):
        disk = self.directory / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk], capture_output=True, text=True)
        self.assertEqual(mounted.returncode, 0, f"needs root, to make a small disk: {mounted.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        return disk

    def fill(self, disk):
        """A file that takes all the room that is left."""
        path = disk / "filler"
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MEGABYTE // 16))
            except OSError:
                pass
            try:
                while True:
                    file.write(bytes(64))
            except OSError:
                pass
        return path

    def runs_full(self, checkpoint, out, disk, log):
        """Fills the disk under load, looks, makes room, compares."""
        all_place, sums_place = Directory(out / "all"), Directory(out / "sums")
        topic = self.topic()
        path = self.numbered(topic, checkpoint, out)
        run = self.sluice("run", path)
        run.wait_ready()
        self.broker.produce(topic, numbered(0, 2000))
        self.wait_oracle(run, all_place, sums_place, 2000)
        filler = self.fill(disk)
        self.broker.produce(topic, numbered(2000, 20000))
        run.wait(lambda: run.status()["state"] == "degraded", 60, "/status to say degraded")
        self.assertRegex(run.status()["reason"], r"(?i)no space left")
        self.assertEqual(run.request("/readyz")[0], 503)
        self.assertEqual(run.request("/healthz")[0], 200)
        run.wait_log(rf"WARN +{log}.*(?i:no space left)", 10)
        self.broker.produce(topic, numbered(22000, 1000))
        self.assertIsNone(run.process.poll())
        filler.unlink()
        self.wait_oracle(run, all_place, sums_place, 23000)
        run.wait(lambda: run.status()["state"] == "running", 30, "/status to say running")
        run.wait_log(r"INFO +(a sink writes again|the checkpoint works again)", 10)
        self.assertEqual(run.stop(), 0, run.describe())
        # And over a restart.
        self.broker.produce(topic, numbered(23000, 1000))
        run = self.sluice("run", path)
        self.wait_oracle(run, all_place, sums_place, 24000)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_oracle(all_place, sums_place, 24000)
        hidden = [p.name for p in out.rglob(".*") if p.is_file() and p.name != ".lock"]
        self.assertEqual(hidden, [], "temporaries that stayed")

    def test_checkpoint_and_sink(self):
        disk = self.small_disk(12)
        self.runs_full(disk / "checkpoint", disk / "out", disk, "(a sink cannot write|the checkpoint cannot be)")

    def test_checkpoint_alone(self):
        disk = self.small_disk(4)
        self.runs_full(disk / "checkpoint", self.directory, disk, "the checkpoint cannot be read or written")

    def test_killed_while_the_disk_is_full(self):
        disk = self.small_disk(12)
        out, topic = disk / "out", self.topic()
        all_place, sums_place = Directory(out / "all"), Directory(out / "sums")
        path = self.numbered(topic, disk / "checkpoint", out)
        run = self.sluice("run", path)
        self.broker.produce(topic, numbered(0, 2000))
        self.wait_oracle(run, all_place, sums_place, 2000)
        filler = self.fill(disk)
        self.broker.produce(topic, numbered(2000, 2000))
        run.wait(lambda: run.status()["state"] == "degraded", 60, "/status to say degraded")
        run.kill()
        # A start on a full disk waits, too.
        run = self.sluice("run", path)
        run.wait_log(r"(?i)no space left", 30)
        self.assertIsNone(run.process.poll())
        filler.unlink()
        self.wait_oracle(run, all_place, sums_place, 4000)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_oracle(all_place, sums_place, 4000)


if __name__ == "__main__":
    unittest.main()
