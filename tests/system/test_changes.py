"""A pipeline that was changed between two runs of one checkpoint: what goes on, what is refused, and the ways out."""

import unittest

from checkpoints import CheckpointCase, Directory, SUMS, WINDOW, clock, expected_sums, newest_batch, numbered

FIRST, SECOND = 1050, 1000  # messages; the first run leaves a window open


class Changes(CheckpointCase):
    def setUp(self):
        super().setUp()
        self.place = Directory(self.directory / "checkpoint")
        self.all_place, self.sums_place = Directory(self.directory / "all"), Directory(self.directory / "sums")

    def first_run(self, queries=None, count=FIRST, **source):
        """Reads `count` messages and ends; returns topic and document."""
        topic = self.topic(2)
        self.broker.produce(topic, numbered(0, count), partition=0)
        path = self.numbered(topic, self.place.location, self.directory, queries)
        if source:
            path = self.changed(path, lambda document: document["source"].update(source))
        run = self.sluice("run", path)
        self.wait_rows(run, self.all_place, count)
        self.wait_sums(run, count)
        self.assertEqual(run.stop(), 0, run.describe())
        return topic, path

    def read_to_end(self, path, count, *arguments):
        """A run until all rows of query all are there."""
        run = self.sluice("run", path, *arguments)
        self.wait_rows(run, self.all_place, count)
        run.wait(lambda: run.metric("sluice_source_lag_records") == 0, 30, "no lag")
        self.assertEqual(run.stop(), 0, run.describe())
        return run

    def more(self, topic, first=FIRST, count=SECOND):
        self.broker.produce(topic, numbered(first, count), partition=0)

    def wait_sums(self, run, count):
        self.wait_rows(run, self.sums_place, len(expected_sums(count)))

    def sums_query(self, sql=SUMS, name="sums"):
        return self.files(name, sql, self.directory)

    def goes_on(self, change, count=FIRST + SECOND):
        """The second run, with the document changed, reads the rest; returns it."""
        topic, path = self.first_run()
        self.more(topic)
        path = self.changed(path, change)
        run = self.sluice("run", path)
        self.wait_rows(run, self.all_place, count)
        self.wait_sums(run, count)
        self.assertEqual(run.stop(), 0, run.describe())
        return run

    def refused(self, path, *patterns):
        """The run ends with 1, says why, and changes nothing that the first run wrote."""
        before = self.place.dump()
        run = self.sluice("run", path)
        self.assertEqual(run.wait_exit(30), 1, run.describe())
        for pattern in patterns:
            self.assertRegex(run.stderr(), pattern)
        after = self.place.dump()
        self.assertEqual([key for key in before if not key.startswith(("owner/", ".")) and after.get(key) != before[key]], [])
        self.assertEqual(newest_batch(self.place), max(int(k.split("/")[1]) for k in before if k.startswith("commits/")))
        return run

    def way_out(self, path, topic, name):
        """--reset-query: this query begins anew at the current offsets, the others go on."""
        self.more(topic)
        run = self.sluice("run", path, "--reset-query", name)
        self.wait_rows(run, self.all_place, FIRST + SECOND)
        run.wait(lambda: run.metric("sluice_source_lag_records") == 0, 30, "no lag")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_ids(self.all_place.rows(), FIRST + SECOND)

    # What may be changed

    def test_sinks_trigger_and_options(self):
        def change(document):
            document["trigger"] = {"processingTime": "0 seconds"}
            document["source"]["options"].update({"maxOffsetsPerTrigger": 400, "kafka.fetch.min.bytes": 1, "startingOffsets": "latest"})
            document["queries"][1]["sinks"].append({"name": "more", "format": "json", "path": str(self.directory / "more")})
            document["queries"][0]["sinks"][0]["options"] = {"ignoreNullFields": False}
            document["source"]["deadLetter"] = {"format": "json", "path": str(self.directory / "dead")}
        self.goes_on(change)
        self.assert_oracle(self.all_place, self.sums_place, FIRST + SECOND)
        # The new sink has what came out from then on.
        before = expected_sums(FIRST)
        more = sorted((r["start"], r["k"], r["c"], r["total"]) for r in Directory(self.directory / "more").rows())
        self.assertEqual(more, [row for row in expected_sums(FIRST + SECOND) if row not in before])

    def test_sink_moved(self):
        moved = self.directory / "moved"

        def change(document):
            document["queries"][1]["sinks"][0]["path"] = str(moved)
        topic, path = self.first_run()
        self.more(topic)
        run = self.sluice("run", self.changed(path, change))
        before = expected_sums(FIRST)
        expected = [row for row in expected_sums(FIRST + SECOND) if row not in before]
        self.wait_rows(run, Directory(moved), len(expected))
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertEqual(sorted((r["start"], r["k"], r["c"], r["total"]) for r in Directory(moved).rows()), expected)
        self.assert_sums(self.sums_place.rows(), FIRST)

    def test_filter_of_a_stateless_query(self):
        def change(document):
            document["queries"][0]["sql"] = f"SELECT id, n, k FROM tx WHERE id < {FIRST} OR id % 2 = 0"
        self.goes_on(change, FIRST + SECOND // 2)
        ids = sorted(row["id"] for row in self.all_place.rows())
        self.assertEqual(ids, [*range(FIRST), *range(FIRST, FIRST + SECOND, 2)])

    def test_new_query_starts_at_the_current_offsets_and_a_removed_one_is_dropped(self):
        topic, path = self.first_run()
        self.more(topic)

        def change(document):
            document["queries"][1] = self.files("counts", "SELECT window.start AS start, count(*) AS c FROM tx GROUP BY window(t, '10 seconds')",
                                                self.directory)
            document["queries"].append(self.files("fresh", "SELECT id FROM tx", self.directory))
        run = self.sluice("run", self.changed(path, change))
        self.wait_rows(run, self.all_place, FIRST + SECOND)
        self.wait_rows(run, Directory(self.directory / "counts"), SECOND // WINDOW)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_ids(self.all_place.rows(), FIRST + SECOND)
        self.assert_sums(self.sums_place.rows(), FIRST)
        fresh = sorted(row["id"] for row in Directory(self.directory / "fresh").rows())
        self.assertEqual(fresh, list(range(FIRST, FIRST + SECOND)))
        counts = {row["start"]: row["c"] for row in Directory(self.directory / "counts").rows()}
        self.assertEqual(counts[clock(FIRST // 10 // 10 * 10, "T") + ".000Z"], 50)  # the open window's second half

    def test_the_watermark_of_a_larger_delay_does_not_go_back(self):
        topic, path = self.first_run()
        self.broker.produce(topic, [numbered(0, 1)[0]], partition=1)  # late for the old watermark

        def change(document):
            document["source"]["watermark"]["delayThreshold"] = "1 hour"
        self.read_to_end(self.changed(path, change), FIRST + 1)
        self.assert_sums(self.sums_place.rows(), FIRST)

    # What may not

    def test_changed_aggregate(self):
        topic, path = self.first_run()

        def change(document):
            document["queries"][1]["sql"] = SUMS.replace("sum(n) AS total", "max(n) AS total")
        path = self.changed(path, change)
        self.refused(path, "sums", r"max|sum\(", "--reset-query sums", "checkpointLocation")
        self.way_out(path, topic, "sums")

    def test_changed_keys(self):
        topic, path = self.first_run()

        def change(document):
            document["queries"][1]["sql"] = SUMS.replace("k, count", "n, count").replace(", k", ", n").replace("sum(n)", "sum(id)")
        path = self.changed(path, change)
        self.refused(path, "sums", "--reset-query sums", "checkpointLocation")
        self.way_out(path, topic, "sums")

    def test_changed_window(self):
        topic, path = self.first_run()

        def change(document):
            document["queries"][1]["sql"] = SUMS.replace("10 seconds", "20 seconds")
        path = self.changed(path, change)
        self.refused(path, "sums", r"20 seconds|10 seconds|\d+", "--reset-query sums", "checkpointLocation")
        self.way_out(path, topic, "sums")

    def test_changed_watermark_column(self):
        _, path = self.first_run()

        def change(document):
            document["source"]["transform"] = "SELECT id, k, n, t, t AS other FROM source"
            document["source"]["watermark"]["eventTime"] = "other"
            document["queries"][1]["sql"] = SUMS.replace("window(t,", "window(other,")
        path = self.changed(path, change)
        self.refused(path, "sums", "window of other", "--reset-query sums", "checkpointLocation")

    def test_changed_dedup_columns(self):
        _, path = self.first_run(dropDuplicatesWithinWatermark=["id"])

        def change(document):
            document["source"]["dropDuplicatesWithinWatermark"] = ["id", "k"]
        path = self.changed(path, change)
        self.refused(path, "(?i)drop duplicates of.*k", "checkpointLocation")

    def test_reset_of_an_unknown_query(self):
        _, path = self.first_run(count=10)
        run = self.sluice("run", path, "--reset-query", "sum")
        self.assertEqual(run.wait_exit(30), 2, run.describe())
        self.assertIn('did you mean "sums"', run.stderr())

    def test_new_location_begins_anew(self):
        """The other way out: all queries, from startingOffsets."""
        _, path = self.first_run()

        def change(document):
            document["checkpointLocation"] = str(self.directory / "checkpoint-2")
            document["queries"][1]["sql"] = SUMS.replace("sum(n)", "max(n)")
            for query in document["queries"]:
                query["sinks"][0]["path"] += "-2"
        run = self.sluice("run", self.changed(path, change))
        self.wait_rows(run, Directory(self.directory / "all-2"), FIRST)
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_ids(Directory(self.directory / "all-2").rows(), FIRST)


if __name__ == "__main__":
    unittest.main()
