"""Logs, the progress line on a terminal, and what a service manager is told."""

import json
import os
import re
import socket
import subprocess
import unittest

from harness import ROOT, SLUICE, Case, parse_console
from terminal import Terminal

DOCUMENT = (ROOT / "docs" / "logs.md").read_text()


def documented_keys():
    return set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.M))


class Manager:
    """The socket of a service manager; collects NAME=VALUE lines."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"}
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard += self.socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def has(self, pattern):
        return any(re.fullmatch(pattern, line) for line in self.listen())


class Logs(Case):
    def backlog(self, messages, **options):
        """A pipeline that needs about ten seconds for a topic."""
        topic = self.topic(2)
        for partition in range(2):
            self.broker.produce(topic, [f"m{i}" for i in range(messages // 2)], partition=partition)
        return self.document({"subscribe": topic, "maxOffsetsPerTrigger": messages // 50},
                             trigger={"processingTime": "200 milliseconds"}, **options)

    def test_json_off_a_terminal(self):
        """Every line is an object, its keys are those of docs/logs.md; short triggers share a line."""
        run = subprocess.Popen([SLUICE, "demo", "--duration", "5s", "--rate", "200", "--http", "127.0.0.1:0"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        lines = [json.loads(line) for line in run.communicate(timeout=60)[1].splitlines()]
        self.assertEqual(run.returncode, 0)
        keys = documented_keys()
        for line in lines:
            self.assertEqual(list(line)[:3], ["time", "level", "message"])
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertLessEqual(set(line), keys, line)
        batches = [line for line in lines if line["message"] == "batch committed"]
        self.assertGreaterEqual(len(batches), 2)
        for line in batches:
            self.assertEqual(list(line)[3:], ["batch", "batches", "records", "rows", "durationMs", "lag"])
        self.assertEqual(sum(line["batches"] for line in batches), batches[-1]["batch"] + 1)

    def test_every_key_of_the_source_is_documented(self):
        keys = set()
        for path in (ROOT / "src").rglob("*.c"):
            keys |= set(re.findall(r"\bLOG_(?:S|I|RAW)\(\s*\"(\w+)\"", path.read_text()))
        self.assertGreater(len(keys), 15)
        self.assertEqual(keys - documented_keys(), set())
        self.assertEqual(documented_keys() - keys, {"time", "level", "message"})

    def test_format_and_level(self):
        for arguments, pattern in ((("--log-format", "text"), r"(?m)^\S+Z INFO  batch committed batch=0 "),
                                   (("--log-format", "json"), r'(?m)^\{"time":"[^"]+","level":"info",'),
                                   (("--log-level", "warn"), r"\A\Z")):
            run = subprocess.run([SLUICE, "demo", "--duration", "1s", "--http", "127.0.0.1:0", *arguments], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(run.returncode, 0)
            self.assertRegex(run.stderr, pattern)
        for arguments in (("--log-format", "xml"), ("--log-level", "loud")):
            run = subprocess.run([SLUICE, "demo", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            self.assertEqual(run.returncode, 2)

    def test_many_short_batches_are_few_lines(self):
        run = self.sluice("run", self.backlog(5000), "--log-format", "json")
        run.wait(lambda: (run.metric("sluice_batches_total") or 0) >= 25, 60, "25 batches")
        self.assertEqual(run.stop(), 0)
        lines = [json.loads(line) for line in run.stderr().splitlines()]
        batches = [line for line in lines if line["message"] == "batch committed"]
        times = [line["time"][:19] for line in batches]
        self.assertLess(len(batches), 15)
        self.assertGreater(max(line["batches"] for line in batches), 1)
        self.assertGreaterEqual(len(set(times)), len(times) - 2, "about one a second, and one at the end")
        self.assertEqual(sum(line["batches"] for line in batches), batches[-1]["batch"] + 1)

    def test_progress_on_a_terminal(self):
        path = self.backlog(20000)
        terminal = Terminal([SLUICE, "run", path], columns=100)
        self.addCleanup(terminal.close)
        progress = r"(\d+\.\d) %, \S+ records/s, ETA \S+; catching up: \S+ behind"
        terminal.wait_text(progress, 60)
        first = float(re.search(progress, terminal.screen.text())[1])
        terminal.wait(lambda: float((re.findall(progress, terminal.screen.text()) or [0])[-1]) > first + 20, 60, "progress")
        self.assertEqual(len(re.findall(progress, terminal.screen.text())), 1, "one line, drawn again")
        self.assertRegex(terminal.screen.text(), r"INFO  batch committed")
        port = re.search(r"http listening on 127.0.0.1:(\d+)", terminal.screen.text())[1]
        frame = subprocess.run([SLUICE, "top", "--once", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=30)
        self.assertRegex(frame.stdout, r"catching up: [^\n]*\n progress \[.*\d %\]  \S+ records/s  ETA \S+")
        terminal.process.terminate()
        self.assertEqual(terminal.wait_exit(), 0)
        self.assertNotIn("catching up:", terminal.screen.text())

    def test_a_console_sink_on_the_same_terminal(self):
        """The line is gone before a table is printed: what is left of the screen's text is Spark's."""
        path = self.backlog(2000, sinks=[{"format": "console", "options": {"numRows": 1}}])
        terminal = Terminal([SLUICE, "run", path, "--log-level", "warn"], columns=200, rows=2000)
        self.addCleanup(terminal.close)
        terminal.wait(lambda: "catching up: " in terminal.raw and "Batch: 30\n" in terminal.screen.text(), 60, "30 batches")
        terminal.process.terminate()
        self.assertEqual(terminal.wait_exit(), 0)
        text = terminal.screen.text()
        batches = parse_console(text[text.index("-" * 43):].rstrip("\n") + "\n\n", truncate=True)
        self.assertEqual([b.id for b in batches], list(range(len(batches))))

    def test_no_progress_line_elsewhere(self):
        path = self.backlog(3000)
        for arguments, env in (((), {"TERM": "dumb"}), (("--log-format", "json"), {})):
            terminal = Terminal([SLUICE, "run", path, *arguments], columns=200, rows=100, env=env)
            self.addCleanup(terminal.close)
            terminal.wait_text(r"batch committed[^\0]*batch committed[^\0]*batch committed", 60)
            terminal.process.terminate()
            self.assertEqual(terminal.wait_exit(), 0)
            self.assertNotIn("\x1b", terminal.raw)
            self.assertNotIn("catching up", terminal.raw)

    def test_systemd_is_told(self):
        manager = Manager(self.directory / "notify")
        self.addCleanup(manager.socket.close)
        run = self.sluice("run", self.backlog(20000), env=manager.environment)
        run.wait(lambda: manager.has("READY=1"), 60, "READY=1")
        run.wait(lambda: manager.has(r"STATUS=[0-9.]+ %, .*; catching up: .*"), 60, "the progress")
        run.wait(lambda: manager.listen().count("WATCHDOG=1") >= 3, 60, "signs of life")
        self.assertEqual(manager.heard.count("READY=1"), 1)
        self.assertNotIn("STOPPING=1", manager.heard)
        self.assertEqual(run.stop(), 0)
        self.assertTrue(manager.has("STOPPING=1"))
        self.assertTrue(manager.has("STATUS=stopping"))

    def test_systemd_waits_for_the_source(self):
        """Ready is more than being there: without a broker it is not, and says why."""
        manager = Manager(self.directory / "notify")
        self.addCleanup(manager.socket.close)
        path = self.document({"subscribe": "t"}, brokers="127.0.0.1:1", trigger={"processingTime": "1 second"})
        run = self.sluice("run", path, env={**manager.environment, "WATCHDOG_PID": "1"})
        run.wait(lambda: manager.has("STATUS=starting: .*(refused|connect|broker).*"), 60, "the reason")
        self.assertFalse(manager.has("READY=1"))
        self.assertFalse(manager.has("WATCHDOG=1"), "another process is watched")
        run.stop()

    def test_unit_file(self):
        """systemd takes every line of the unit (where systemd is there), and sandboxes well."""
        unit = ROOT / "scripts" / "sluice@.service"
        text = unit.read_text()
        for line in ("Type=notify", "DynamicUser=yes", "ProtectSystem=strict", "StateDirectory=sluice/%i", "Restart=on-failure"):
            self.assertIn(f"\n{line}\n", text)
        self.assertRegex(text, r"\nWatchdogSec=\d+\n")
        try:
            subprocess.run(["systemd-analyze", "--version"], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            return
        copy = self.directory / "sluice@test.service"
        copy.write_text(text.replace("/usr/bin/sluice", os.path.realpath(SLUICE)))
        run = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
        mine = [line for line in run.stderr.splitlines() if "sluice@" in line]
        self.assertEqual(mine, [], run.stderr)


if __name__ == "__main__":
    unittest.main()
