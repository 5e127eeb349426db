"""sluice top on a terminal, against a server that answers what the test wants, and against a running demo."""

import copy
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import unittest

from harness import BUILD, SLUICE, Case, free_port
from terminal import Terminal
from test_security import make_certificates

SAMPLE = BUILD / "tests" / "unit" / "http" / "status_sample"


class Server:
    """Answers /status with .document; .code and .token say how."""

    def __init__(self, document, port=0):
        self.document, self.code, self.token, self.asked = document, 200, None, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked += 1
                code = outer.code
                if outer.token and self.headers["Authorization"] != f"Bearer {outer.token}":
                    code = 401
                body = (outer.document if isinstance(outer.document, str) else json.dumps(outer.document)).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Top(Case):
    def setUp(self):
        super().setUp()
        self.document = json.loads(subprocess.run([SAMPLE, "full"], stdout=subprocess.PIPE, check=True).stdout)

    def serve(self, document=None, port=0):
        server = Server(document or self.document, port)
        self.addCleanup(server.close)
        return server

    def top(self, *arguments, **options):
        terminal = Terminal([SLUICE, "top", *arguments], **options)
        self.addCleanup(terminal.close)
        return terminal

    def once(self, *arguments, env=None):
        return subprocess.run([SLUICE, "top", "--once", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, env={**os.environ, **(env or {})})

    def test_shows_changes_resizes_and_quits(self):
        server = self.serve()
        top = self.top(server.address)
        top.wait_text("degraded: no broker for 12 s")
        self.assertTrue(top.screen.other)
        self.assertFalse(top.screen.cursor)
        self.assertGreater(top.screen.colours, 5)
        for text in ("transactions", "by_type", "43.5 %", "cannot", "lake", "q quit"):
            self.assertIn(text, top.screen.text())
        changed = copy.deepcopy(self.document)
        changed.update(state="catching_up", reason=None, ready=True, notReady=None, progress={"percent": 51.2, "recordsPerSecond": 2500, "etaSeconds": 61})
        server.document = changed
        top.wait_text(r"catching up: 1\.1k records wait; back pressure holds the source\n.*51\.2 %\]  2\.5k records/s  ETA 1m01s")
        for columns, rows in ((120, 40), (60, 12), (20, 5), (80, 24)):
            top.resize(columns, rows)
            top.wait_text(r"sluice top")
            top.wait(lambda n=server.asked: server.asked > n + 1, what="another answer")
        top.wait_text(r"51\.2 %[^\0]*q quit$")
        top.type("q")
        self.assertEqual(top.wait_exit(), 0)
        self.assertTrue(top.restored())

    def test_gives_the_terminal_back_on_signals(self):
        server = self.serve()
        for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131),
                           (signal.SIGSEGV, -signal.SIGSEGV), (signal.SIGABRT, -signal.SIGABRT)):
            with self.subTest(sent):
                top = self.top(server.address)
                top.wait_text("degraded")
                top.process.send_signal(sent)
                self.assertEqual(top.wait_exit(), code)
                self.assertTrue(top.restored())

    def test_ctrl_c_quits(self):
        top = self.top(self.serve().address)
        top.wait_text("degraded")
        top.type("\x03")
        self.assertEqual(top.wait_exit(), 0)
        self.assertTrue(top.restored())

    def test_keeps_trying(self):
        port = free_port()
        top = self.top(f"localhost:{port}")
        top.wait_text("unreachable for .*connection refused; trying again")
        server = Server(self.document, port)
        try:
            top.wait_text("degraded: no broker")
        finally:
            server.close()
        top.wait_text("unreachable for .*connection refused")
        self.assertIn("by_type", top.screen.text(), "the last answer stays")
        top.type("q")
        self.assertEqual(top.wait_exit(), 0)

    def test_foreign_text_does_not_move_the_cursor(self):
        hostile = copy.deepcopy(self.document)
        hostile["reason"] = "a\x1b[2J\x1b]0;title\x07\r\nb\u009b31m\u202e"
        hostile["queries"][0]["name"] = "\x1b[31mred"
        top = self.top(self.serve(hostile).address)
        top.wait_text(r"degraded: a\?\[2J\?\]0;title\?\?\?b\?31m\?")
        top.wait_text(r"\?\[31mred")

    def test_once(self):
        server = self.serve()
        run = self.once(server.address)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertNotIn("\x1b", run.stdout)
        self.assertRegex(run.stdout, "degraded: no broker for 12 s\n")
        self.assertIn("cannot write: no room", run.stdout)
        self.assertEqual(self.once(f"http://{server.address}/").returncode, 0)
        narrow = self.once(server.address, env={"COLUMNS": "40"})
        self.assertLessEqual(max(map(len, narrow.stdout.splitlines())), 40)

    def test_once_without_an_answer(self):
        run = self.once(f"127.0.0.1:{free_port()}")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("connection refused", run.stderr)
        server = self.serve("{}")
        self.assertIn("this is no sluice", self.once(server.address).stderr)
        server.code = 404
        self.assertIn("it answers /status with 404", self.once(server.address).stderr)

    def test_token(self):
        server = self.serve()
        server.token = "s3cret"
        run = self.once(server.address, env={"SLUICE_TOKEN": ""})
        self.assertEqual(run.returncode, 1)
        self.assertIn("it wants a token", run.stderr)
        self.assertEqual(self.once(server.address, "--token", "s3cret").returncode, 0)
        self.assertEqual(self.once(server.address, env={"SLUICE_TOKEN": "s3cret"}).returncode, 0)
        self.assertEqual(self.once(server.address, "--token", "two\r\nlines").returncode, 2)
        top = self.top(server.address, "--token=s3cret")
        top.wait_text("degraded")
        with open(f"/proc/{top.process.pid}/cmdline") as file:
            self.assertNotIn("s3cret", file.read())

    def test_usage(self):
        for arguments in (("--once", "nowhere"), ("--once", "host:0"), ("127.0.0.1:1",), ("--once", "http://127.0.0.1:1/status"),
                          ("--once", "--ca", "ca.pem", "127.0.0.1:1"), ("--once", "--ca", "/nowhere", "https://127.0.0.1:1")):
            run = subprocess.run([SLUICE, "top", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
            self.assertEqual((run.returncode, run.stdout), (2, ""), arguments)
            self.assertTrue(run.stderr)

    def test_a_token_does_not_go_in_clear_to_other_machines(self):
        run = self.once("192.0.2.1:8080", "--token", "s3cret")
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("the token would be readable on the way to 192.0.2.1", run.stderr)
        server = self.serve()
        self.assertEqual(self.once(server.address, "--token", "s3cret", "--insecure").returncode, 0)

    def test_tls(self):
        ca = make_certificates(self.directory)
        server = self.serve()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        server.token = "s3cret"
        address = f"HTTPS://{server.address}"
        run = self.once(address, "--ca", str(ca), "--token", "s3cret")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("degraded: no broker", run.stdout)
        asked = server.asked
        run = self.once(address, "--token", "s3cret")
        self.assertEqual(run.returncode, 1)
        self.assertIn("its certificate is not trusted: ", run.stderr)
        run = self.once(address.replace("127.0.0.1", "localhost"), "--ca", str(ca), "--token", "s3cret")
        self.assertEqual(run.returncode, 1)
        self.assertIn("not trusted: hostname mismatch", run.stderr)
        self.assertEqual(server.asked, asked, "the token is for the right server only")
        plain = self.once(server.address)
        self.assertEqual(plain.returncode, 1)
        self.assertIn("(does it speak https?)", plain.stderr)
        top = self.top(address, "--ca", str(ca), "--token=s3cret")
        top.wait_text("degraded: no broker")
        top.wait(lambda n=server.asked: server.asked > n + 1, what="another answer")
        top.type("q")
        self.assertEqual(top.wait_exit(), 0)

    def test_tls_to_a_plain_server(self):
        run = self.once(f"https://{self.serve().address}")
        self.assertEqual(run.returncode, 1)
        self.assertIn("(does it speak plain http?)", run.stderr)

    def test_says_what_the_page_says(self):
        late = {**self.document, "state": "running", "reason": None, "notReady": "records read 35 s ago are not committed", "uncommittedSeconds": 35}
        self.assertRegex(self.once(self.serve(late).address).stdout, r"\n degraded: records read 35 s ago are not committed; back pressure holds the source\n")
        late["uncommittedSeconds"] = 3000
        self.assertRegex(self.once(self.serve(late).address).stdout, r"\n stuck: nothing has been committed for 50m00s\n")

    def test_a_running_sluice(self):
        run = self.sluice("demo", "--http", "127.0.0.1:0", "--rate", "500")
        address = "%s:%d" % run.address
        top = self.top(address)
        top.wait_text(r" ok\b[^\0]*real-time-transactions/2[^\0]*all/console0")
        top.wait_text(r"batch .*\d: \d+ rows")
        top.type("q")
        self.assertEqual(top.wait_exit(), 0)
        self.assertEqual(run.stop(), 0)


if __name__ == "__main__":
    unittest.main()
