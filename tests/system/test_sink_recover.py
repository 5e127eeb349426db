"""A file sink in S3 goes on where another process ended: sink_recover_tool against MinIO."""

import os
import subprocess
import unittest
import uuid

from harness import BUILD, service


class SinkRecover(unittest.TestCase):
    def test_minio(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        run = subprocess.run([BUILD / "tests" / "system" / "sink_recover_tool", f"lake-{uuid.uuid4().hex[:10]}"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env={**clean, **service("minio")})
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
