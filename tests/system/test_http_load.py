"""HTTP beside a stream: answers are cheap, and a flood of requests slows the stream without stopping it.

The figures are those of tests/bench/http_bench.py and docs/performance.md, with tenfold room: the machine may be busy."""

import json
import subprocess
import time
import unittest

from harness import BUILD, LAB_SCHEMA, SANITIZED, Case

HTTP_LOAD = BUILD / "tests" / "bench" / "http_load"
LOADER = BUILD / "tests" / "bench" / "bench_load"
CPU_US_MAX = 500 * (10 if SANITIZED else 1)  # of one request; about 30 to 50
MESSAGES = 300_000


class Load(Case):
    def client(self, run, rate, seconds, *paths):
        process = subprocess.Popen([HTTP_LOAD, str(run.address[1]), str(rate), "64", str(seconds), *paths], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        return process

    def start(self, messages=0):
        topic = self.topic(3)
        if messages:
            subprocess.run([LOADER, self.broker.brokers, topic, ",".join([str(messages // 3)] * 3)], check=True, stdout=subprocess.DEVNULL)
        path = self.document({"subscribe": topic}, value={"format": "json", "schema": LAB_SCHEMA}, trigger={"processingTime": "200 milliseconds"},
                             sql="SELECT type, count(*) AS n FROM tx GROUP BY type", sinks=[{"name": "c", "format": "console"}])
        document = json.loads(path.read_text())
        document["queries"][0]["outputMode"] = "complete"
        path.write_text(json.dumps(document))
        return self.sluice("run", path)

    def test_an_answer_is_cheap(self):
        run = self.start()
        run.wait_ready()
        cpu, began = run.metric("process_cpu_seconds_total"), time.monotonic()
        load = self.client(run, 2000, 3, "/metrics", "/status")
        report = json.loads(load.communicate(timeout=60)[0])
        self.assertEqual(report["failed"], 0, report)
        self.assertGreater(report["answered"], 600, report)
        spent = run.metric("process_cpu_seconds_total") - cpu - 0.1 * (time.monotonic() - began)  # what it needs anyway
        self.assertLess(spent / report["answered"] * 1e6, CPU_US_MAX, report)

    def test_a_flood_does_not_stop_the_stream(self):
        run = self.start(MESSAGES)
        self.client(run, 0, 300, "/metrics", "/status")
        run.wait(lambda: (run.metric("sluice_source_records_total") or 0) == MESSAGES, 90, "the stream to read all of it")
        run.wait(lambda: run.status()["queries"][0]["totals"]["accepted"] == MESSAGES, 60, "all of it to be committed")
        self.assertEqual(run.stop(60), 0, run.describe())


if __name__ == "__main__":
    unittest.main()
