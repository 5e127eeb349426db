"""The live page in Chromium, against a server that answers what the test wants: what it says, and that it leaves alone what a person is at."""

import copy
import datetime
import http.server
import importlib.util
import json
import random
import shutil
import subprocess
import sys
import threading
import unittest

from harness import BUILD, ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from chromium import Chromium  # noqa: E402

PAGE = ROOT / "src" / "http" / "page.html"
SAMPLE = BUILD / "tests" / "unit" / "http" / "status_sample"


def policy():
    """The Content-Security-Policy the build gives the page."""
    spec = importlib.util.spec_from_file_location("embed", ROOT / "scripts" / "embed.py")
    embed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(embed)
    html = PAGE.read_text()
    return f"default-src 'none'; script-src {embed.hashes(html, 'script')}; style-src {embed.hashes(html, 'style')}; connect-src 'self'; img-src data:"


def at(seconds=0):
    """A time so many seconds from now, as /status has it."""
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


class Server:
    """Serves the page, .status and .samples. While .waits is not set there is no answer to /status."""

    def __init__(self, status, samples):
        self.status, self.samples, self.waits = status, samples, threading.Event()
        self.waits.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                page = self.path == "/"
                if self.path == "/status":
                    outer.waits.wait(30)
                document = {"/status": outer.status, "/samples": outer.samples}.get(self.path)
                body = PAGE.read_bytes() if page else (document if isinstance(document, str) else json.dumps(document)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/json")
                self.send_header("Content-Length", str(len(body)))
                if page:
                    self.send_header("Content-Security-Policy", policy())
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments):  # the browser has given up
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.waits.set()
        self.server.shutdown()
        self.server.server_close()


WORDS = "document.getElementById('word').textContent + ': ' + document.getElementById('why').textContent"


@unittest.skipUnless(shutil.which("chromium"), "no chromium: scripts/install pictures")
class Page(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.sample = json.loads(subprocess.run([SAMPLE, "full"], stdout=subprocess.PIPE, check=True).stdout)
        cls.browser = Chromium()
        cls.browser.__enter__()
        cls.addClassCleanup(cls.browser.__exit__, None, None, None)

    def status(self, partitions=40, **changes):
        status = copy.deepcopy(self.sample)
        status.update(state="running", reason=None, ready=True, notReady=None, progress=None, uncommittedSeconds=0.5, triggerIntervalMs=1000, lastCommit=at(-1))
        status["pace"] = {"readPerSecond": 400.0, "addedPerSecond": 400.0, "behind": 10}
        for query in status["queries"]:
            query["eventTime"] = {"max": at(-1), "watermark": at(-6)}
            query["timestamp"] = at(-1)
        source = status["sources"][0]
        source.update(connected=True, held=False, error=None, malformed=0)
        source["partitions"] = [{"topic": "tx", "partition": i, "position": 10, "end": 10 + i, "lag": i, "held": False, "leftOut": False} for i in range(partitions)]
        status.update(changes)
        return status

    def samples(self, columns=None, rows=None, **changes):
        columns = columns or [["w", "STRUCT<start: TIMESTAMP, end: TIMESTAMP>"], ["k", "STRING"], ["n", "BIGINT"], ["m", "BIGINT"]]
        if rows is None:
            rows = [{"w": {"start": f"2026-01-01T00:00:{s:02}.000Z", "end": f"2026-01-01T00:00:{s + 1:02}.000Z"}, "k": "a", "n": s, "m": 2 * s} for s in range(40)]
        query = {"name": "by_type", "columns": [{"name": name, "type": type_} for name, type_ in columns],
                 "rows": [row if "batchId" in row else {"batchId": 40, "bytes": 50, "row": row} for row in rows]}
        return {"runId": "r", "queries": [query], "malformed": [], "late": [], **changes}

    def open(self, status=None, samples=None, width=1440, until="document.querySelectorAll('#queries tbody tr').length"):
        server = Server(status or self.status(), samples or self.samples())
        self.addCleanup(server.close)
        seen = len(self.browser.complaints())
        self.addCleanup(lambda: self.assertEqual([c for c in self.browser.complaints()[seen:] if "ERR_" not in c], []))
        self.browser.open(server.url, width)
        self.browser.wait(f"document.getElementById('word').textContent != 'Connecting' && ({until})")
        return server

    def run_js(self, expression):
        return self.browser.run(expression)

    def after_polls(self, server, change):
        """Changes what is answered and waits until the page shows it."""
        change(server)
        server.status["name"] = "changed"
        self.browser.wait("document.getElementById('name').textContent == 'changed'")
        self.run_js("new Promise(done => setTimeout(done, 2500))")  # /samples is asked every two seconds

    # ---- what a person is at stays ----

    def test_scrolling_focus_and_choice_stay(self):
        server = self.open()
        self.run_js("window.region = document.querySelector('#partitions .scroll'), region.scrollTop = 200, region.focus(), 0")
        self.run_js("window.rows = document.querySelector('#queries .scroll'), rows.scrollTop = 150, 0")
        self.run_js("window.choice = document.querySelector('select'), choice.value = 'm', choice.dispatchEvent(new Event('change', {bubbles: true})), 0")

        def change(server):
            server.status["sources"][0]["partitions"][5]["lag"] = 1000
            server.samples["queries"][0]["rows"] = server.samples["queries"][0]["rows"][1:]
        self.after_polls(server, change)
        self.assertEqual(self.run_js("[region, rows, choice].map(e => e.isConnected)"), [True, True, True])
        self.assertEqual(self.run_js("[region.scrollTop, rows.scrollTop, choice.value]"), [200, 150, "m"])
        self.assertTrue(self.run_js("document.activeElement == region"))
        self.assertIn("1,000", self.run_js("region.querySelector('tbody tr').textContent"), "it is shown all the same")
        self.assertEqual(self.run_js("rows.querySelectorAll('tbody tr').length"), 39)
        self.run_js("choice.focus(), 0")
        self.after_polls(server, lambda server: server.samples["queries"][0]["rows"].pop())
        self.assertTrue(self.run_js("document.activeElement == choice"))

    def test_a_selection_stays(self):
        server = self.open()
        for where, change in (("#partitions td", lambda s: s.status["sources"][0]["partitions"][5].update(lag=1000)),
                              ("#queries td", lambda s: s.samples["queries"][0]["rows"].pop())):
            self.run_js(f"getSelection().selectAllChildren(document.querySelector('{where}'))")
            before = self.run_js("getSelection().toString()")
            server.status["name"] = "before"
            self.browser.wait("document.getElementById('name').textContent == 'before'")
            self.after_polls(server, change)
            self.assertEqual(self.run_js("getSelection().toString()"), before)
        self.run_js("getSelection().removeAllRanges()")
        self.browser.wait("document.querySelectorAll('#queries tbody tr').length == 39 && document.querySelector('#partitions tbody tr').textContent.includes('1,000')")

    def test_partitions_with_the_largest_lag_first(self):
        self.open()
        self.assertEqual(self.run_js("[...document.querySelectorAll('#partitions tbody td:first-child')].slice(0, 2).map(td => td.textContent)"), ["tx [39]", "tx [38]"])

    # ---- the verdict ----

    def verdict(self, **changes):
        self.open(self.status(**changes), until="true")
        return self.run_js(WORDS)

    def test_it_says_what_readyz_says(self):
        late = {"ready": False, "notReady": "records read 9 s ago are not committed", "uncommittedSeconds": 9}
        self.assertEqual(self.verdict(**late), "Degraded: records read 9 s ago are not committed.")
        self.assertEqual(self.verdict(state="catching_up", **late), "Degraded: records read 9 s ago are not committed.")
        self.assertEqual(self.verdict(**{**late, "uncommittedSeconds": 55}), "Stuck: Nothing has been committed for 55 s.")
        self.assertEqual(self.verdict(state="degraded", reason="It is down.", uncommittedSeconds=9), "Stuck: It is down. Nothing has been committed for 9 s.")
        self.assertEqual(self.verdict(state="degraded", reason="no broker"), "Degraded: no broker")
        self.assertEqual(self.verdict(), "OK: Records flow and are committed.")

    def test_a_long_start_is_a_warning(self):
        start = {"state": "starting", "reason": "no broker", "ready": False, "uncommittedSeconds": None}
        self.assertEqual(self.verdict(uptimeSeconds=5, **start), "Starting: no broker")
        self.assertIn("busy", self.run_js("document.getElementById('verdict').className"))
        self.assertEqual(self.verdict(uptimeSeconds=305, **start), "Starting: for 5 min 5 s: no broker")
        self.assertIn("warn", self.run_js("document.getElementById('verdict').className"))

    def test_back_pressure_is_said(self):
        status = self.status()
        status["sources"][0]["held"] = True
        self.open(status)
        self.browser.wait("document.getElementById('why').textContent.includes('Back pressure holds the source')")

    def test_a_watermark_ahead_of_the_clock(self):
        status = self.status()
        status["queries"][0]["eventTime"] = {"max": at(3 * 86400 + 60), "watermark": at(3 * 86400 + 30)}
        self.open(status)
        self.assertEqual(self.run_js(WORDS), "Warning: The watermark of by_type is 3 d 0 h ahead of the clock: records of now count as late.")
        tile = self.run_js("[...document.querySelectorAll('.tile.warn')].map(tile => tile.textContent).join()")
        self.assertRegex(tile, r"Event-time lag3 d 0 h ahead.*watermark")
        self.assertRegex(self.run_js("document.querySelector('#queries .facts').textContent"), r"Watermark\S+ \S+ \(3 d 0 h ahead\)")

    def test_no_answer(self):
        server = self.open()
        server.waits.clear()
        self.browser.wait("document.getElementById('word').textContent == 'No answer'", 15)
        self.assertRegex(self.run_js(WORDS), r"^No answer: since \S+ \(no answer within 5 s\); trying again every second\. What is below is as of \S+\.$")
        self.assertEqual(self.run_js("getComputedStyle(document.getElementById('tiles')).opacity"), "0.5")
        server.waits.set()
        self.browser.wait("document.getElementById('word').textContent == 'OK'", 15)
        self.assertEqual(self.run_js("getComputedStyle(document.getElementById('tiles')).opacity"), "1")

    # ---- the flow ----

    def test_rates_are_those_of_whole_batches(self):
        server = self.open()

        def commit(server):
            status = copy.deepcopy(server.status)
            status["lastCommit"] = at(random.random())  # commits take longer or shorter; triggers do not
            for query, share in zip(status["queries"], (1, 0.5)):
                query["batchId"] = (query["batchId"] or 0) + 1
                query["timestamp"] = at()
                query["totals"]["read"] += 400
                query["totals"]["accepted"] += int(400 * share)
                query["totals"]["outputRows"] += 100
            server.status = status
        for _ in range(5):
            commit(server)
            self.run_js("new Promise(done => setTimeout(done, 1500))")
        read, decoded, out = (float(text) for text in self.run_js("[...document.querySelectorAll('.arrow b')].map(b => b.textContent)"))
        self.assertEqual(read, decoded)
        self.assertAlmostEqual(read, 400 / 1.5, delta=40)
        self.assertAlmostEqual(out / read, 0.5, delta=0.02)
        self.assertEqual(self.run_js("[...document.querySelectorAll('.arrow')][1].textContent.includes('decoded/s')"), True)
        rates = [float(text.split()[0]) for text in self.run_js("[...document.querySelectorAll('.stage')][2].innerText").splitlines() if "accepted/s" in text]
        self.assertEqual(len(rates), 2)
        self.assertAlmostEqual(rates[0], read, delta=1)
        self.assertAlmostEqual(rates[1], read / 2, delta=1)

    def test_reading_goes_on_while_nothing_is_committed(self):
        self.open(self.status(uncommittedSeconds=9))
        self.assertEqual(self.run_js("[...document.querySelectorAll('.arrow b')].map(b => b.textContent)"), ["400", "–", "0"])

    def test_boxes_that_are_cut_say_so(self):
        status = self.status()
        sink = status["queries"][0]["sinks"][0]
        status["queries"][0]["sinks"] = [{**sink, "name": f"s{i}", "failing": i == 11, "error": "no room" if i == 11 else None} for i in range(12)]
        self.open(status)
        lines = self.run_js("[...document.querySelectorAll('.stage')][3].innerText").splitlines()
        self.assertIn("and 4 more", lines)
        self.assertEqual(next(line for line in lines if "by_type" in line), "by_type / s11", "failing ones first")
        self.assertEqual(self.run_js("document.querySelector('#sinks tbody td').textContent"), "by_type / s11")

    def test_another_run_has_other_queries(self):
        server = self.open()

        def restart(server):
            server.status["runId"] = "0b5a1c9e-1111-4222-8333-444455557777"
            server.status["queries"][0]["name"] = "renamed"
            server.samples["queries"][0]["name"] = "renamed"
        self.after_polls(server, restart)
        self.assertEqual(sorted(self.run_js("[...document.querySelectorAll('#queries h3')].map(h => h.textContent)")), ["new", "renamed"])
        self.assertEqual(self.run_js("document.querySelectorAll('#queries tbody tr').length"), 40)

    # ---- values ----

    def column(self, type_, values, samples=None):
        """How a column is written; None as a value: NULL."""
        rows = [{"v": value} if value is not None else {} for value in values]
        self.open(samples=samples or self.samples([["v", type_]], rows))
        return self.run_js("[...document.querySelectorAll('#queries tbody td')].map(td => td.textContent)")[::-1]

    def test_a_column_of_numbers_has_one_format(self):
        self.assertEqual(self.column("DOUBLE", [29106590, 29140519.19, 0.5, -3]), ["29,106,590.00", "29,140,519.19", "0.50", "-3.00"])
        self.assertEqual(self.column("DOUBLE", [0.0001234, -1e-300, 123456.789, 1e308, 0, 0.5]), ["1.234e-4", "-1e-300", "123,456.789000", "1e+308", "0.000000", "0.500000"])
        self.assertEqual(self.column("DOUBLE", [0.1 + 0.2, "NaN", 2]), ["0.3", "NaN", "2.0"])
        self.assertEqual(self.column("BIGINT", [9223372036854775807, -9007199254740993, 1234]), ["9,223,372,036,854,775,807", "-9,007,199,254,740,993", "1,234"])

    def test_decimals_are_exact(self):
        samples = json.dumps(self.samples([["v", "DECIMAL(30,10)"]], [{"v": 1}, {"v": 2}])).replace('{"v": 1}', '{"v": 12345678901234567890.1234567890}')
        self.assertEqual(self.column("DECIMAL", [], samples), ["12,345,678,901,234,567,890.1234567890", "2.0000000000"])

    def test_null_and_nothing_differ(self):
        self.assertEqual(self.column("STRING", [None, "", "null"]), ["null", "empty", "null"])
        self.assertEqual(self.run_js("[...document.querySelectorAll('#queries tbody td')].map(td => td.querySelectorAll('.nothing').length)"), [0, 1, 1])

    def test_times_have_milliseconds_and_a_zone(self):
        self.assertEqual(self.column("TIMESTAMP", ["2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05.000Z"]), ["2026-01-02 03:04:05.123", "2026-01-02 03:04:05.000"])
        self.assertIn("times in UTC", self.run_js("document.querySelector('#queries caption').textContent"))
        self.assertIn("times in UTC", self.run_js("document.getElementById('version').textContent"))
        self.assertEqual(self.column("TIMESTAMP", ["2026-01-02T03:04:05.000Z"]), ["2026-01-02 03:04:05"])

    def test_years_beyond_9999(self):
        window = {"start": "10000-01-01T00:00:00.000Z", "end": "300000-01-01T00:00:05.000Z"}
        text = self.column("STRUCT<start: TIMESTAMP, end: TIMESTAMP>", [window])[0]
        self.assertEqual(text, "10000-01-01 00:00:00 – 300000-01-01T00:00:05.000Z")

    def test_rows_that_are_not_committed(self):
        rows = [{"batchId": batch, "bytes": 9, "row": {"v": batch}} for batch in (41, 42, 43, 43)]
        server = self.open(samples=self.samples([["v", "INT"]], rows))
        caption = "document.querySelector('#queries caption').textContent"
        self.assertEqual(self.run_js(caption), "Newest rows, last of batch 43; 2 of them are not committed yet")
        server.status["queries"][0]["batchId"] = 43
        self.browser.wait(f"{caption} == 'Newest rows, last of batch 43'")

    def test_what_does_not_fit_can_be_seen(self):
        rows = [{"k": "x" * 200, "n": 1}, {"batchId": 40, "bytes": 5427, "row": None}]
        self.open(samples=self.samples([["k", "STRING"], ["n", "INT"]], rows))
        self.assertEqual(self.run_js("document.querySelector('#queries td[title]').title"), "x" * 200)
        self.assertEqual(self.run_js("[...document.querySelectorAll('#queries td')].find(td => td.textContent.includes('too long')).colSpan"), 2)

    # ---- small screens, long names ----

    def test_long_names_do_not_widen_the_page(self):
        long = "L" * 900
        rows = [{"w": {"start": f"2026-01-01T00:00:{s:02}.000Z", "end": f"2026-01-01T00:00:{s + 1:02}.000Z"}, "k": long, "n": s, "m": s} for s in range(5)]
        for some in (rows, rows[:1]):  # lines, bars
            self.open(samples=self.samples(rows=some), width=375)
            self.assertLessEqual(self.run_js("document.documentElement.scrollWidth"), 375)
            self.assertLess(len(self.run_js("document.querySelector('.chart svg').getAttribute('aria-label')")), 200)
            self.assertEqual(self.run_js("[...document.querySelectorAll('.chart text')].filter(t => t.getBoundingClientRect().right > t.closest('svg').getBoundingClientRect().right + 1).length"), 0)

    def test_small_screens_cut_no_number(self):
        lost = [{"reason": "late", "query": "by_type", "topic": "tx", "partition": 0, "offset": 123456789, "timestampMs": 0, "bytes": 900, "value": "v" * 900}]
        rows = [{"k": "purchase", "n": 1234567890123, "m": 9876543210987, "o": 1.25} for _ in range(5)]
        columns = [["k", "STRING"], ["n", "BIGINT"], ["m", "BIGINT"], ["o", "DOUBLE"], ["a_longer_name", "BIGINT"], ["another_one", "BIGINT"]]
        self.open(samples=self.samples(columns, rows, late=lost), width=375, until="document.querySelector('#lost td') && document.querySelector('#queries td')")
        for where in ("#queries", "#lost"):
            self.assertEqual(self.run_js(f"[...document.querySelectorAll('{where} td')].filter(td => td.getBoundingClientRect().right > 375 || td.scrollWidth > td.clientWidth + 1).length"), 0)
        self.assertLess(*self.run_js("[...document.querySelectorAll('#lost td')].filter((td, i) => i == 0 || i == 3).map(td => td.getBoundingClientRect().top)"))
        self.assertEqual(self.run_js("document.querySelector('#queries td').getAttribute('role')"), "cell")
        self.open(samples=self.samples(columns, rows, late=lost), until="document.querySelector('#lost td')")
        self.assertEqual(self.run_js("getComputedStyle(document.querySelector('#lost td')).verticalAlign"), "top")

    def test_axes_of_a_chart(self):
        rows = [{"w": {"start": f"2026-01-01T00:00:{s:02}.000Z", "end": f"2026-01-01T00:00:{s + 1:02}.000Z"}, "k": "a", "n": 0, "m": 0} for s in range(5)]
        self.open(samples=self.samples(rows=rows))
        marks = self.run_js("[...document.querySelectorAll('.chart text[text-anchor=end]')].map(t => t.textContent).slice(0, -1)")
        self.assertEqual(len(marks), len(set(marks)))
        self.assertIn("1", marks)


if __name__ == "__main__":
    unittest.main()
