"""What a hostile client, and a hostile message, can do over HTTP: nothing but read what it may read."""

import concurrent.futures
import http.client
import json
import os
import shutil
import socket
import ssl
import sys
import unittest

import jsonschema
from harness import ROOT, Case
from test_security import make_certificates

sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from chromium import Chromium  # noqa: E402

TOKEN = "correct-horse-battery-7Q"
PATHS = ("/", "/status", "/samples", "/metrics", "/healthz", "/readyz")
SAMPLES = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "samples.schema.json").read_text()))
STATUS = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "status.schema.json").read_text()))


def exchange(address, data, timeout=10):
    """What comes back for raw bytes until the server closes."""
    with socket.create_connection(address, timeout=timeout) as s:
        s.sendall(data)
        out = b""
        try:
            while chunk := s.recv(65536):
                out += chunk
        except ConnectionResetError:
            pass
        return out


class Web(Case):
    def start(self, *arguments, env=None, **options):
        self.name = self.topic(partitions=2)
        run = self.sluice("run", self.document({"subscribe": self.name}, trigger={"processingTime": "200 milliseconds"}, **options), *arguments, env=env)
        return run

    # ---- who may read ----

    def test_other_machines_need_a_token(self):
        run = self.start("--http", "0.0.0.0:0")
        self.assertEqual(run.wait_exit(20), 2, run.describe())
        self.assertIn("http.token", run.stderr())
        self.assertIn("--http-insecure", run.stderr())
        run = self.start("--http", "0.0.0.0:0", "--http-insecure")
        run.wait_ready()
        self.assertEqual(run.stop(), 0, run.describe())
        demo = self.sluice("demo", "--http", "0.0.0.0:0")
        self.assertEqual(demo.wait_exit(20), 2, demo.describe())

    def with_token(self, **more):
        path = self.document({"subscribe": self.topic()}, trigger={"processingTime": "200 milliseconds"})
        document = json.loads(path.read_text())
        document["http"] = {"listen": "0.0.0.0:0", "token": "${TEST_HTTP_TOKEN}", **more}
        path.write_text(json.dumps(document))
        return self.sluice("run", path, "--log-level", "debug", env={"TEST_HTTP_TOKEN": TOKEN})

    def test_a_token_is_asked_for(self):
        run = self.with_token()
        run.wait(lambda: run.request("/healthz")[0] == 200, 20, "/healthz")

        def ask(path, headers):
            connection = http.client.HTTPConnection(*run.address, timeout=10)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer.status, answer.headers, body

        everything = ""
        for path in (*PATHS, "/nothing"):
            for wrong in ({}, {"Authorization": "Bearer " + TOKEN[:-1]}, {"Authorization": "Bearer " + TOKEN + "x"}, {"Authorization": TOKEN},
                          {"Cookie": f"token={TOKEN}"}, {"X-Forwarded-For": "127.0.0.1"}):
                code, headers, body = ask(path, wrong)
                self.assertEqual(code, 200 if path == "/healthz" else 401, f"{path} {wrong}")
                if code == 401:
                    self.assertIn("Bearer", headers["www-authenticate"])
            code, headers, body = ask(path, {"Authorization": "Bearer " + TOKEN})
            self.assertIn(code, (200, 503) if path == "/readyz" else (404,) if path == "/nothing" else (200,), path)
            everything += body + str(headers)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertNotIn(TOKEN, everything + run.stderr() + run.stdout())
        self.assertIn("http.tls", run.stderr(), "a warning that the token can be read on the way")

    def test_tls(self):
        ca = make_certificates(self.directory)
        run = self.with_token(tls={"certificate": str(self.directory / "server.crt"), "key": str(self.directory / "server.key")})
        port = int(run.wait_log(r"https listening on 0\.0\.0\.0:(\d+)").group(1))
        context = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        for _ in range(3):
            connection.request("GET", "/metrics", headers={"Authorization": "Bearer " + TOKEN})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertIn(b"sluice_build_info", answer.read())
        connection.close()
        self.assertNotIn(b"200 OK", exchange(("127.0.0.1", port), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        self.assertEqual(run.stop(), 0, run.describe())

    def test_a_wrong_certificate_is_named(self):
        (self.directory / "server.crt").write_text("nothing")
        run = self.with_token(tls={"certificate": str(self.directory / "server.crt"), "key": "/nowhere"})
        self.assertEqual(run.wait_exit(20), 1, run.describe())
        self.assertIn(f"http.tls.certificate {self.directory}/server.crt", run.stderr())

    # ---- what may be asked ----

    def test_nothing_but_get_and_head(self):
        run = self.start()
        run.wait_ready()
        for path in (*PATHS, "/nothing", "/stop", "/-/reload"):
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "G"):
                code, headers, body = run.request(path, method)
                self.assertEqual((code, headers["allow"]), (405, "GET, HEAD"), f"{method} {path}")
                self.assertNotIn("access-control-allow-origin", headers)
        self.assertNotIn(b"200", exchange(run.address, b"CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").split(b"\r\n")[0])
        self.assertTrue(run.ready())

    def test_paths_lead_nowhere_else(self):
        secret = self.directory / "secret"
        secret.write_text("the secret")
        run = self.start()
        run.wait_ready()
        up = "../" * 12
        for path in (f"/{up}{secret}", f"/status/{up}{secret}", f"/%2e%2e/%2e%2e{secret}", f"/..%2f..%2f{secret}", f"//{secret}", f"/\\..\\..{secret}",
                     "/status%00.html", "/status/", "/STATUS", "/.git/config", "/page.html", "/server.c", "/;/status", "*", f"file://{secret}"):
            answer = exchange(run.address, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            self.assertRegex(answer.split(b"\r\n")[0], rb" (400|404) ", path)
            self.assertNotIn(b"the secret", answer)

    def test_no_header_can_be_injected(self):
        run = self.start()
        run.wait_ready()
        for target in ("/status?x=%0d%0aSet-Cookie:%20a=b", "/%0d%0aSet-Cookie:%20a=b", "/nothing\tSet-Cookie:a=b", "/nothing%E5%98%8D%E5%98%8ASet-Cookie:a=b"):
            answer = exchange(run.address, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nX: y%0d%0aSet-Cookie: c=d\r\n\tfolded\r\n"
                                           f"If-None-Match: \"%0d%0aSet-Cookie: e=f\"\r\nConnection: close\r\n\r\n".encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertNotIn(b"set-cookie", head.lower())
            self.assertNotIn(b"Set-Cookie", body, "nothing of the request is given back")
        # Two lengths, or a length and chunks: one request must not become two.
        for smuggled in ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n",
                         "Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n"):
            answer = exchange(run.address, f"POST /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{smuggled}\r\n".encode())
            self.assertNotIn(b"sluice_build_info", answer)

    def test_answers_say_how_they_may_be_used(self):
        run = self.start()
        run.wait_ready()
        for path in PATHS:
            code, headers, _ = run.request(path)
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertIsNone(headers["access-control-allow-origin"])
            self.assertIsNone(headers["set-cookie"])
        policy = run.request("/")[1]["content-security-policy"]
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("*", policy)
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "connect-src 'self'"):
            self.assertIn(part, policy)

    # ---- slow and greedy clients ----

    def test_a_thousand_idle_connections(self):
        run = self.start()
        run.wait_ready()
        sockets = []
        self.addCleanup(lambda: [s.close() for s in sockets])
        for i in range(1000):
            s = socket.socket()
            s.settimeout(10)
            s.connect(run.address)
            if i % 3 == 0:
                s.send(b"GET /status HT")  # one that is never ended
            sockets.append(s)
        # A probe gets through: the connections that have waited longest make room.
        run.wait(lambda: run.ready(), 20, "a probe to be answered")
        sent = [str(i) for i in range(500)]
        self.broker.produce(self.name, sent)
        run.wait(lambda: len(self.out()) == 500, 20, "the stream to go on")
        files = len(os.listdir(f"/proc/{run.process.pid}/fd"))
        self.assertLess(files, 400)
        self.assertEqual(run.stop(), 0, run.describe())

    def test_huge_heads(self):
        run = self.start()
        run.wait_ready()
        before = run.metric("process_resident_memory_bytes")

        def send(i):
            with socket.create_connection(run.address, timeout=20) as s:
                try:
                    s.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n")
                    for n in range(4000):
                        s.sendall(b"X-%d: " % n + b"a" * 4000 + b"\r\n" if i % 2 else b"a" * 8000)
                    return "taken"
                except OSError:
                    return "cut"
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            self.assertEqual(set(pool.map(send, range(20))), {"cut"})
        run.wait_ready()
        self.assertLess(run.metric("process_resident_memory_bytes"), before + (40 << 20))

    # ---- messages ----

    def test_messages_are_shown_as_text(self):
        if not shutil.which("chromium"):
            self.skipTest("no chromium: scripts/install pictures")
        evil = '<script>window.broken = 1</script><img src=x onerror="window.broken = 2">"\'><b>bold</b>\u2028</table>'
        name = self.topic(partitions=1)
        path = self.document({"subscribe": name}, value={"format": "json", "schema": "a STRING, b STRING, n DOUBLE, t TIMESTAMP"},
                             sql="SELECT a AS `<script>window.broken = 3</script>`, b, n, t FROM tx", trigger={"processingTime": "200 milliseconds"})
        document = json.loads(path.read_text())
        document["source"]["watermark"] = {"eventTime": "t", "delayThreshold": "1 second"}
        document["queries"].append({"name": "grouped", "outputMode": "complete", "sinks": [{"name": "c", "format": "console"}],
                                    "sql": "SELECT a, b AS `<i>b</i>`, count(*) AS `<b>n</b>` FROM tx GROUP BY a, b"})
        document["queries"].append({"name": "windows", "outputMode": "append", "sinks": [{"name": "d", "format": "console"}],
                                    "sql": "SELECT window(t, '1 second') AS w, a, count(*) AS n FROM tx GROUP BY window(t, '1 second'), a"})
        path.write_text(json.dumps(document))
        run = self.sluice("run", path)
        run.wait_ready()
        rows = [json.dumps({"a": evil, "b": evil, "n": i, "t": f"2026-01-01 00:00:{i:02}"}) for i in range(20)]
        self.broker.produce(name, rows)
        run.wait(lambda: run.status()["queries"][2]["totals"]["outputRows"] > 0, 30, "windows to close")
        self.broker.produce(name, [evil, json.dumps({"a": evil, "t": "2025-01-01 00:00:00"})])
        run.wait(lambda: (lambda s: s["malformed"] and s["late"])(json.loads(run.request("/samples")[2])), 30, "the samples")
        samples = json.loads(run.request("/samples")[2])
        self.assertEqual([e.message for e in SAMPLES.iter_errors(samples)], [])
        self.assertEqual([e.message for e in STATUS.iter_errors(run.status())], [])
        self.assertEqual(samples["malformed"][0]["value"], evil)
        self.assertIn(evil, [sample["row"].get("b") for sample in samples["queries"][0]["rows"]])
        with Chromium() as browser:
            browser.open("http://%s:%d/" % run.address)
            browser.wait("document.querySelectorAll('#lost table').length == 2 && document.querySelectorAll('#queries svg').length >= 2")
            text = browser.run("document.getElementById('lost').innerText + document.getElementById('queries').innerText")
            self.assertIn("<script>window.broken = 1</script>", text)
            self.assertIn("<script>window.broken = 3</script>", text, "names of columns, too")
            self.assertIsNone(browser.run("window.broken"))
            self.assertEqual(browser.run("document.querySelectorAll('script').length"), 1)
            self.assertEqual(browser.run("document.querySelectorAll('img, td b, td i b').length"), 0)
            self.assertEqual(browser.complaints(), [])
            base = "http://%s:%d/" % run.address
            self.assertEqual([url for url in browser.requests() if not url.startswith((base, "data:", "about:"))], [])
            # A keyboard and a screen reader find their way; nothing is wider than the screen.
            self.assertEqual(browser.run("document.querySelectorAll('main, header, nav[aria-label], section[aria-label], section[aria-labelledby]').length >= 8"), True)
            self.assertEqual(browser.run("document.querySelector('[role=status]').getAttribute('aria-live')"), "polite")
            self.assertEqual(browser.run("[...document.querySelectorAll('select')].every(s => s.labels.length == 1)"), True)
            self.assertEqual(browser.run("[...document.querySelectorAll('#queries svg')].every(s => s.getAttribute('role') == 'img' && s.getAttribute('aria-label'))"), True)
            for width in (375, 1440):
                browser.open(base, width)
                browser.wait("document.querySelectorAll('#lost table').length == 2")
                self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), width)
        self.assertEqual(run.stop(), 0, run.describe())


if __name__ == "__main__":
    unittest.main()
