"""Windows, late rows, dead letters, batches without data and idle sources, against a real Kafka."""

import json
import unittest

from harness import Case, parse_console, read_json_parts

SCHEMA = "id STRING, n INT, t TIMESTAMP"
COUNTS = "SELECT window.start AS start, count(*) AS c FROM tx GROUP BY window(t, '10 seconds')"


def message(identity, second):
    return json.dumps({"id": identity, "n": 1, "t": f"2025-01-01 00:{second // 60:02d}:{second % 60:02d}"})


class Windows(Case):
    def pipeline(self, topic, queries, trigger=None, **source):
        path = self.document({"subscribe": topic}, value={"format": "json", "schema": SCHEMA}, trigger=trigger)
        document = json.loads(path.read_text())
        document["source"].update({"watermark": {"eventTime": "t", "delayThreshold": "0 seconds"}, **source})
        document["queries"] = queries
        path.write_text(json.dumps(document))
        return path

    def files(self, name, sql, mode="append"):
        return {"name": name, "sql": sql, "outputMode": mode, "sinks": [{"format": "json", "path": str(self.directory / name)}]}

    def extra(self, name):
        return {"format": "json", "path": str(self.directory / name)}

    def test_available_now_closes_what_it_can(self):
        topic = self.topic()
        self.broker.produce(topic, [message("a", 5), message("b", 25), "nonsense", message("c", 6)])
        path = self.pipeline(topic, [self.files("q", COUNTS)], deadLetter=self.extra("dead"), lateRows=self.extra("late"))
        self.run_to_end(path)
        self.assertEqual(read_json_parts(self.directory / "q"), [{"start": "2025-01-01T00:00:00.000Z", "c": 2}])
        dead = read_json_parts(self.directory / "dead")
        self.assertEqual([(d["topic"], d["partition"], d["offset"], d["value"], d["valueEncoding"]) for d in dead],
                         [(topic, 0, 2, "nonsense", "utf8")])
        self.assertEqual(read_json_parts(self.directory / "late"), [])
        names = [p.name for p in (self.directory / "dead").rglob("part-*")]
        self.assertRegex(names[0], r"^part-[0-9a-f]{8}-00000000-tx-deadLetter-00000\.json$")

    def test_state_larger_than_the_memory_budget_is_warned_of_once(self):
        topic = self.topic()
        self.broker.produce(topic, [json.dumps({"id": f"{i:0100}"}) for i in range(150000)])
        query = {"name": "q", "sql": "SELECT id, count(*) FROM tx GROUP BY id", "outputMode": "update",
                 "sinks": [{"format": "console", "options": {"numRows": 1}}]}
        run = self.run_to_end(self.pipeline(topic, [query]), "--memory", "16m")
        self.assertEqual(run.stderr().count("state of the queries alone is larger than --memory"), 1, run.stderr())

    def test_late_rows_books_and_status(self):
        topic = self.topic()
        path = self.pipeline(topic, [self.files("q", COUNTS)], trigger={"processingTime": "200 milliseconds"}, lateRows=self.extra("late"))
        run = self.sluice("run", path)
        run.wait_ready()
        self.broker.produce(topic, [message("a", 5), message("b", 25)])
        run.wait(lambda: run.metric("sluice_query_output_rows_total") == 1, 30, "the first window")
        self.broker.produce(topic, [message("late", 1), message("c", 25)])
        run.wait(lambda: run.metric("sluice_query_late_rows_total") == 1, 30, "the late row")
        query = run.status()["queries"][0]
        self.assertEqual(query["eventTime"]["watermark"][:19], "2025-01-01T00:00:25")
        operator = query["stateOperators"][0]
        self.assertEqual(operator["numRowsTotal"], 1)
        self.assertGreater(operator["memoryUsedBytes"], 0)
        self.assertEqual(run.metric("sluice_state_rows"), 1)
        self.assertEqual(run.stop(), 0, run.describe())
        late = read_json_parts(self.directory / "late")
        self.assertEqual([(r["query"], r["reason"], r["row"]["id"], r["watermark"]) for r in late],
                         [("q", "late", "late", "2025-01-01T00:00:25.000Z")])

    def test_a_query_without_reason_takes_no_part_in_a_batch_without_data(self):
        topic = self.topic()
        self.broker.produce(topic, [message("a", 5), message("b", 25)])
        console = [{"format": "console", "options": {"truncate": False}}]
        path = self.pipeline(topic, [{"name": "q", "sql": COUNTS, "sinks": console},
                                     {"name": "rows", "sql": "SELECT id FROM tx", "sinks": console}])
        run = self.run_to_end(path)
        batches = parse_console(run.stdout())
        self.assertEqual(sorted((b.id, tuple(b.columns)) for b in batches),
                         [(0, ("id",)), (0, ("start", "c")), (1, ("start", "c"))])
        self.assertEqual([b.rows for b in batches if b.id == 1], [[("2025-01-01 00:00:00", "1")]])

    def test_silence_closes_windows(self):
        topic = self.topic()
        path = self.pipeline(topic, [self.files("q", COUNTS)], trigger={"processingTime": "200 milliseconds"},
                             watermark={"eventTime": "t", "delayThreshold": "0 seconds", "idleTimeout": "1 second"})
        run = self.sluice("run", path)
        run.wait_ready()
        self.broker.produce(topic, [message("a", 5)])
        run.wait(lambda: run.metric("sluice_query_output_rows_total") == 1, 30, "the last window")
        self.assertEqual(run.stop(), 0, run.describe())


if __name__ == "__main__":
    unittest.main()
