"""sluice demo: no server needed."""

import json
import time
import unittest

import jsonschema

from harness import PART, ROOT, Case, parse_console, read_json_parts


class Demo(Case):
    def test_demo_prints_batches_serves_status_and_ends(self):
        run = self.sluice("demo", "--duration", "10s", "--http", "127.0.0.1:0")
        run.wait(lambda: "|txn" in run.stdout(), 30, "a batch with rows")
        took = time.monotonic() - run.started
        print(f"demo: first rows {took:.2f} s after the start", flush=True)
        schema = json.loads((ROOT / "docs" / "status.schema.json").read_text())
        jsonschema.validate(run.status(), schema)
        self.assertEqual(run.request("/healthz")[0], 200)
        self.assertEqual(run.wait_exit(60), 0, run.describe())
        self.assertLess(time.monotonic() - run.started, 40)
        batches = parse_console(run.stdout())
        self.assertEqual([b.id for b in batches], list(range(len(batches))))
        self.assertGreaterEqual(sum(1 for b in batches if b.rows), 3, "a batch every 2 s")
        rows = [row for b in batches for row in b.rows]
        self.assertEqual(len(rows), len(set(rows)), "no message appears twice")

    def test_demo_writes_files(self):
        files = self.directory / "lake"
        run = self.sluice("demo", "--duration", "6s", "--dir", files, "--http", "127.0.0.1:0", "--rate", "50")
        seen = set()

        def look():
            # Whatever is visible under its final name is whole and stays as it is.
            for path in files.rglob("part-*"):
                if path not in seen:
                    seen.add(path)
                    for line in path.read_text().splitlines():
                        json.loads(line)
            return run.process.poll() is not None

        run.wait(look, 60, "the demo to end")
        self.assertEqual(run.wait_exit(1), 0, run.describe())
        paths = [p for p in files.rglob("*") if p.is_file()]
        self.assertTrue(paths)
        for path in paths:
            self.assertRegex(path.name, PART)
        self.assertEqual(len({PART.fullmatch(p.name)["id"] for p in paths}), 1)
        rows = [r for p in {p.parent for p in paths} for r in read_json_parts(p)]
        self.assertGreater(len(rows), 50)
        self.assertEqual(len(rows), len({json.dumps(r, sort_keys=True) for r in rows}))
        self.assertIn("transaction_id", rows[0])


if __name__ == "__main__":
    unittest.main()
