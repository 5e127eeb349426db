"""HTTP beside a stream: answers are cheap, and a flood of requests slows the stream without stopping it.

The figures are those of tests/bench/http_bench.py and docs/performance.md, with tenfold room: the machine may be busy."""

import json
import socket
import subprocess
import time
import unittest

from harness import BUILD, LAB_SCHEMA, SANITIZED, Case

HTTP_LOAD = BUILD / "tests" / "bench" / "http_load"
LOADER = BUILD / "tests" / "bench" / "bench_load"
CPU_US_MAX = 500 * (10 if SANITIZED else 1)  # of one request; about 30 to 50
MESSAGES = 300_000
QUERIES, PARTITIONS, CLIENTS = 300, 200, 250  # a /status of 1.6 MB
STALL_S_MAX, MEMORY_BYTES_MAX = 2 * (10 if SANITIZED else 1), (100 << 20) * (5 if SANITIZED else 1)  # about 0.03 s, 10 MB


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

    def test_one_dear_request_of_many_clients(self):
        """250 clients that ask once for a large answer and do not take it."""
        path = self.document({"subscribe": self.topic(PARTITIONS)}, trigger={"processingTime": "200 milliseconds"},
                             queries=[{"name": f"q{i}", "sql": f"SELECT value FROM tx WHERE _offset = {i}", "sinks": [{"name": "c", "format": "console"}]}
                                      for i in range(QUERIES)])
        run = self.sluice("run", path)
        run.wait_ready(60)
        run.wait(lambda: run.status()["queries"][0]["sources"][0]["endOffset"], 30, "the first batch")
        self.assertGreater(len(run.request("/status")[2]), 1_000_000)
        before = run.peak_memory_bytes()
        sockets = [socket.create_connection(run.address, timeout=20) for _ in range(CLIENTS)]
        for s in sockets:
            self.addCleanup(s.close)
            s.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        began = time.monotonic()
        for s in sockets:
            s.recv(1, socket.MSG_PEEK)
        self.assertEqual(run.request("/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, STALL_S_MAX)
        self.assertLess(run.peak_memory_bytes() - before, MEMORY_BYTES_MAX)
        self.assertEqual(run.stop(), 0, run.describe())


if __name__ == "__main__":
    unittest.main()
