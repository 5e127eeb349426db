"""The HTTP server as its users see it: probes, Prometheus, wrong requests, busy ports."""

import json
import pathlib
import socket
import subprocess
import unittest
import urllib.parse
import urllib.request

from harness import Case, service


class Http(Case):
    def start(self, **options):
        self.name = self.topic(partitions=2)
        run = self.sluice("run", self.document({"subscribe": self.name}, trigger={"processingTime": "200 milliseconds"},
                                               **options))
        run.wait_ready()
        return run

    def test_routes(self):
        run = self.start()
        for path, kind in (("/metrics", "text/plain"), ("/status", "application/json"), ("/healthz", "text/plain"),
                           ("/readyz", "text/plain"), ("/", "text/html")):
            code, headers, body = run.request(path)
            self.assertEqual(code, 200, path)
            self.assertTrue(headers["content-type"].startswith(kind), f"{path}: {headers['content-type']}")
            self.assertTrue(body)
            code, headers, body = run.request(path, "HEAD")
            self.assertEqual((code, body), (200, ""), f"HEAD {path}")
        self.assertEqual(run.request("/nothing/here")[0], 404)
        for method in ("POST", "PUT", "DELETE"):
            code, headers, _ = run.request("/status", method)
            self.assertEqual(code, 405, method)
            self.assertIn("GET", headers["allow"] or "")

    def test_head_keeps_the_connection_usable(self):
        run = self.start()
        with socket.create_connection(run.address, timeout=10) as s:
            s.sendall(b"HEAD /status HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            data = b""
            while chunk := s.recv(65536):
                data += chunk
        self.assertEqual(data.count(b"HTTP/1.1 200"), 2, data)
        head = data.split(b"\r\n\r\n", 1)[1]
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), "the HEAD answer has no body")

    def test_names_of_others(self):
        """A page that gives its own name this machine's address must not read with its reader's browser."""
        run = self.start()
        port = run.address[1]
        self.assertIn('"name":"t"', self.curl(f"http://127.0.0.1:{port}/status"))
        self.assertIn('"name":"t"', self.curl(f"http://localhost:{port}/status", "--ipv4"))
        self.assertIn("sluice_build_info", self.curl("http://sluice.localhost/metrics", "--connect-to", f"::127.0.0.1:{port}"))
        self.assertIn("sluice_build_info", self.curl("http://localhost/metrics", "--proxy", f"http://127.0.0.1:{port}", "--noproxy", ""))
        for path in ("/", "/status", "/samples", "/metrics", "/readyz"):
            answer = self.curl(f"http://example.com{path}", "--connect-to", f"::127.0.0.1:{port}", "--write-out", "%{http_code}")
            self.assertRegex(answer, "(?s)^without http.token.*421$", path)

    def curl(self, *arguments):
        run = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "10", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout

    def test_wrong_tokens_are_told(self):
        path = self.document({"subscribe": self.topic()}, trigger={"processingTime": "200 milliseconds"})
        document = json.loads(path.read_text())
        document["http"]["token"] = "correct-horse-battery-7Q"
        path.write_text(json.dumps(document))
        run = self.sluice("run", path)
        url = "http://%s:%d/metrics" % run.address
        right = ("--header", "Authorization: Bearer correct-horse-battery-7Q")
        self.assertIn("\nsluice_http_unauthorized_total 0\n", self.curl(url, *right))
        for _ in range(3):
            self.assertIn("a token is needed", self.curl(url))
        for _ in range(40):
            self.assertIn("a token is needed", self.curl(url, "--header", "Authorization: Bearer wrong-horse-battery"))
        self.assertIn("a token is needed", self.curl(url, *right, *right), "given twice")
        run.wait(lambda: "\nsluice_http_unauthorized_total 44\n" in self.curl(url, *right), 10, "44 in the counter")
        self.assertEqual(run.stop(), 0, run.describe())
        told = run.stderr().count("http request with a wrong token client=127.0.0.1")
        self.assertTrue(1 <= told < 41, told)
        self.assertIn("repeats of a message left out", run.stderr())
        self.assertNotIn("wrong-horse", run.stderr())

    def test_promtool(self):
        run = self.start()
        self.broker.produce(self.name, ["a", "b", "not json"])
        run.wait(lambda: run.metric("sluice_source_records_total") == 3, 20, "3 records")
        check = subprocess.run(["promtool", "check", "metrics"], input=run.request("/metrics")[2], text=True,
                               capture_output=True)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))

    def test_a_real_prometheus_scrapes_it(self):
        prometheus = service("prometheus")
        run = self.start()
        target = f"{run.address[0]}:{run.address[1]}"
        file = pathlib.Path(prometheus["PROMETHEUS_TARGETS"]) / f"{self.name}.json"
        file.write_text(json.dumps([{"targets": [target]}]))
        self.addCleanup(file.unlink)

        def query(expression):
            url = f"{prometheus['PROMETHEUS_URL']}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            with urllib.request.urlopen(url, timeout=10) as answer:
                result = json.load(answer)["data"]["result"]
            return float(result[0]["value"][1]) if result else None

        run.wait(lambda: query(f'up{{instance="{target}"}}') == 1, 60, "Prometheus to scrape")
        run.wait(lambda: (query(f'sluice_batches_total{{instance="{target}"}}') or 0) >= 1, 30, "sluice_batches_total")
        self.assertIsNotNone(query(f'sluice_build_info{{instance="{target}"}}'))

    def test_busy_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            run = self.sluice("run", self.document({"subscribe": "any"}), "--http", f"127.0.0.1:{port}")
            self.assertEqual(run.wait_exit(30), 1, run.describe())
        self.assertIn(str(port), run.stderr())
        self.assertRegex(run.stderr(), "(?i)in use")

    def test_override(self):
        topic = self.topic()
        run = self.sluice("run", self.document({"subscribe": topic}, http=False, trigger={"processingTime": "1 second"}),
                          "--http", "127.0.0.1:0")
        run.wait_ready()
        self.assertEqual(run.stop(), 0, run.describe())

    def test_off(self):
        topic = self.topic()
        run = self.run_to_end(self.document({"subscribe": topic}, http=False))
        self.assertNotIn("http listening", run.stderr())

    def test_status_offsets(self):
        run = self.start()
        self.broker.produce(self.name, ["a", "b", "c"], partition=1)

        def caught_up():
            source = run.status()["queries"][0]["sources"][0]
            return (source["endOffset"] or {}).get(self.name, {}).get("1") == 3
        run.wait(caught_up, 20, "the end offset in /status")
        status = run.status()
        self.assertEqual(status["state"], "running")
        query = status["queries"][0]
        self.assertEqual(query["numInputRows"], 3)
        self.assertEqual(query["sources"][0]["startOffset"], {self.name: {"0": 0, "1": 0}})
        self.assertEqual(query["sink"]["numOutputRows"], 3)


if __name__ == "__main__":
    unittest.main()
