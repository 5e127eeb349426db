"""The lab pipeline against a real broker, as the README shows it."""

import collections
import datetime
import os
import subprocess
import time
import unittest

from harness import ROOT, SLUICE, Case, lab_row, parse_console

EXAMPLE = ROOT / "examples" / "transactions.json"


class RunConsole(Case):
    def test_every_message_once_in_sparks_format_on_multiples_of_ten_seconds(self):
        topic = self.topic(partitions=3)
        run = self.sluice("run", EXAMPLE,
                          "--set", f"source.options.kafka.bootstrap.servers={self.broker.brokers}",
                          "--set", f"source.options.subscribe={topic}", "--http", "127.0.0.1:0")
        run.wait_ready()

        producer = self.sluice("produce", "--brokers", self.broker.brokers, "--topic", topic, "--count", "1000",
                               "--rate", "100")
        timestamps = {}

        def rows_seen():
            query = run.status()["queries"][0]
            if query["batchId"] is not None and query["batchId"] >= 0:
                timestamps[query["batchId"]] = query["timestamp"]
            return sum(len(b.rows) for b in parse_console(whole_batches(run.stdout()))) >= 1000

        run.wait(lambda: rows_seen() or producer.process.poll() is not None, 60, "the end of the producer")
        self.assertEqual(producer.wait_exit(1), 0, producer.describe())
        # The next trigger takes all that is there: it may be 10 seconds away, and the machine busy.
        run.wait(rows_seen, 15, "1000 rows on stdout")
        self.assertEqual(run.stop(), 0, run.describe())

        batches = parse_console(run.stdout())
        self.assertEqual([b.id for b in batches], list(range(len(batches))))
        self.assertEqual(batches[0].columns, ["transaction_id", "user_id", "amount", "type", "timestamp", "location"])
        self.assertEqual(batches[0].rows, [], "batch 0 starts at the end of the topic")
        self.assertLessEqual(len(batches), 4, "batch 0 and the triggers of 10 to 12 seconds")
        self.assertGreaterEqual(len(batches), 3, "1000 messages at 100/s span at least two triggers")
        sent = collections.Counter(lab_row(m.value()) for m in self.broker.read(topic, 3))
        self.assertEqual(sum(sent.values()), 1000)
        self.assertEqual(collections.Counter(row for b in batches for row in b.rows), sent)
        for batch, text in timestamps.items():
            if batch > 0:
                at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
                self.assertLess(at % 10, 1.0, f"batch {batch} ran at {text}")

    def test_produce_prints_a_line_per_message(self):
        topic = self.topic()
        started = time.monotonic()
        producer = self.sluice("produce", "--brokers", self.broker.brokers, "--topic", topic, "--count", "3",
                               "--interval", "200ms", "--seed", "7", "--users", "5")
        self.assertEqual(producer.wait_exit(30), 0, producer.describe())
        self.assertGreaterEqual(time.monotonic() - started, 0.4)
        lines = producer.stdout().splitlines()
        self.assertEqual(len(lines), 3, producer.stdout())
        messages = self.broker.read(topic, 1)
        for i, message in enumerate(messages):
            row = lab_row(message.value())
            self.assertEqual(lines[i], f"[{i}] {row[3]}: ${float(row[2]):.2f} ({row[5]})")
            self.assertEqual(message.key().decode(), row[1])

    def test_preview_prints_rows_and_commits_nothing(self):
        topic = self.topic()
        self.broker.produce(topic, [f"m{i}" for i in range(20)])
        path = self.document({"subscribe": topic, "startingOffsets": "latest"}, trigger={"processingTime": "1 second"})
        run = self.sluice("run", path, "--preview", "5", "--set", "source.options.startingOffsets=earliest")
        self.assertEqual(run.wait_exit(), 0, run.describe())
        self.assertIn("m4", run.stdout())
        self.assertNotIn("m5", run.stdout())
        self.assertFalse((self.directory / "out").exists() and any((self.directory / "out").iterdir()))

    def test_preview_at_latest_takes_what_comes(self):
        topic = self.topic()
        path = self.document({"subscribe": topic, "startingOffsets": "latest"}, trigger={"processingTime": "1 second"})
        run = self.sluice("run", path, "--preview", "3")
        run.wait_ready()
        self.broker.produce(topic, [f"m{i}" for i in range(5)])
        self.assertEqual(run.wait_exit(), 0, run.describe())
        self.assertIn("m2", run.stdout())
        self.assertNotIn("m3", run.stdout())

    def test_a_reader_that_stands_still_costs_nothing(self):
        topic = self.topic()
        self.broker.produce(topic, [f"m{i}" * 20 for i in range(20000)])
        sinks = [{"format": "console", "options": {"numRows": 100000, "truncate": False}}]
        path = self.document({"subscribe": topic, "startingOffsets": "earliest"}, trigger={"processingTime": "1 second"},
                             sinks=sinks)
        reader, writer = os.pipe()
        run = subprocess.Popen([SLUICE, "run", path, "--http", "127.0.0.1:0"], stdout=writer, stderr=subprocess.DEVNULL)
        os.close(writer)
        try:
            os.read(reader, 1)  # the batch is being written; the next trigger falls into the window measured
            ticks = self.cpu_ticks(run.pid)
            time.sleep(3)
            self.assertLess((self.cpu_ticks(run.pid) - ticks) / os.sysconf("SC_CLK_TCK"), 1, "CPU seconds in 3 s")
        finally:
            run.kill()
            run.wait()
            os.close(reader)

    @staticmethod
    def cpu_ticks(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def test_second_signal_and_stop_while_idle(self):
        topic = self.topic()
        path = self.document({"subscribe": topic}, trigger={"processingTime": "1 hour"})
        run = self.sluice("run", path)
        run.wait_ready()
        started = time.monotonic()
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertLess(time.monotonic() - started, 10)

    def test_stop_seals_what_was_read(self):
        """Rows read between two triggers are committed by SIGTERM, not lost."""
        topic = self.topic()
        path = self.document({"subscribe": topic}, trigger={"processingTime": "1 hour"})
        run = self.sluice("run", path)
        run.wait_ready()
        run.wait(lambda: run.metric("sluice_batches_total") == 1, 20, "batch 0")
        self.broker.produce(topic, [f"m{i}" for i in range(10)])
        run.wait(lambda: run.metric("sluice_source_records_total") == 10, 20, "10 records read")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_rows(self.out(), [(0, i, f"m{i}") for i in range(10)])


def whole_batches(text):
    """A console stream up to the last complete batch."""
    end = text.rfind("+\n\n")
    return text[:end + 3] if end >= 0 else ""


if __name__ == "__main__":
    unittest.main()
