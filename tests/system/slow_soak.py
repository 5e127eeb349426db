"""The soak for a minute (scripts/soak --minutes N runs it for longer): every row once after dozens of kills."""

import re
import subprocess
import sys
import unittest

from harness import ROOT


class Soak(unittest.TestCase):
    def test_a_minute(self):
        run = subprocess.run([sys.executable, "-B", ROOT / "scripts" / "lib" / "soak.py", "--minutes", "1", "--restart-every", "6"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        print(run.stdout)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertTrue(run.stdout.endswith("equal\n"), run.stdout)
        cycles, kafka, minio = map(int, re.search(r"(\d+) cycles of SIGKILL, (\d+) restarts of Kafka, (\d+) of MinIO", run.stdout).groups())
        self.assertGreater(cycles, 8)
        self.assertGreaterEqual(kafka + minio, 1)


if __name__ == "__main__":
    unittest.main()
