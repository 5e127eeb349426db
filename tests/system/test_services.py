"""scripts/services and the records it keeps of processes."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT, wait_until

from process import Daemon, start_time


class Services(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="sluice-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def services(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "services", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env={**os.environ, "SLUICE_SERVICES_DIR": str(self.directory)})

    def test_life_of_a_service(self):
        self.addCleanup(self.services, "down")
        self.assertEqual(self.services("status", "prometheus").returncode, 1)
        first = self.services("up", "prometheus")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"\Aexport PROMETHEUS_URL=http://127\.0\.0\.1:\d+\nexport PROMETHEUS_TARGETS=\S+\n\Z")
        record = json.loads((self.directory / "prometheus" / "process.json").read_text())
        self.assertEqual(self.services("up", "prometheus").stdout, first.stdout)
        self.assertEqual(json.loads((self.directory / "prometheus" / "process.json").read_text()), record, "up twice is up once")
        self.assertEqual(self.services("status", "prometheus").returncode, 0)
        self.assertEqual(self.services("stop", "prometheus").returncode, 0)
        self.assertEqual(self.services("status", "prometheus").returncode, 1)
        self.assertEqual(self.services("start", "prometheus").stdout, first.stdout, "the same port again")
        self.assertEqual(self.services("down", "prometheus").returncode, 0)
        self.assertFalse((self.directory / "prometheus").exists())
        self.assertIsNone(start_time(record["pid"]))

    def test_wrong_words(self):
        self.assertEqual(self.services("fly").returncode, 2)
        self.assertEqual(self.services("up", "oracle").returncode, 2)

    def test_down_spares_a_process_that_got_the_pid_later(self):
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        wait_until(lambda: start_time(other.pid), 10, "the process")
        kafka = self.directory / "kafka"
        kafka.mkdir()
        (kafka / "process.json").write_text(json.dumps({"pid": other.pid, "start_time": start_time(other.pid) - 1}))
        self.assertEqual(self.services("down", "kafka").returncode, 0)
        self.assertIsNone(other.poll())
        Daemon(self.directory, "none").stop()
        self.assertIsNone(other.poll())


if __name__ == "__main__":
    unittest.main()
