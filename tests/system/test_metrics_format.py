"""Every metric, with hostile label values, is text that Prometheus takes without a complaint.

Environment: SLUICE_METRICS_SAMPLE (tests/unit/http/metrics_sample.c; default in SLUICE_BUILD or build/)."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD") or ROOT / "build")
SAMPLE = os.environ.get("SLUICE_METRICS_SAMPLE") or BUILD / "tests" / "unit" / "http" / "metrics_sample"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
LINE = re.compile(rf"(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{{{LABEL}(,{LABEL})*\}})? [-+.0-9eInf]+)$")


class MetricsFormat(unittest.TestCase):
    def setUp(self):
        self.text = subprocess.run([SAMPLE], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")

    def test_every_line(self):
        for line in self.text.splitlines():
            self.assertRegex(line, LINE)

    @unittest.skipUnless(shutil.which("promtool"), "needs promtool (Debian: prometheus)")
    def test_promtool(self):
        check = subprocess.run(["promtool", "check", "metrics"], input=self.text, text=True, capture_output=True)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
