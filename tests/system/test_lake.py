"""Files in S3 and directories: read by pyarrow, DuckDB and Spark, whole at any moment, partitioned, rolled, dead letters."""

import collections
import http.client
import json
import time
import unittest

from harness import LAB_SCHEMA
from lake import Bucket, LakeCase, judge, lab_messages

WINDOWED = ("SELECT window, type, location, count(*) AS n, sum(amount) AS total, avg(amount) AS mean FROM tx WHERE amount > 0 "
            "GROUP BY window(timestamp, '1 minute'), type, location")


class Lake(LakeCase):
    def assert_close(self, got, want):
        """Rows equal but for the last digits of doubles, which depend on the order of additions."""
        self.assertEqual(len(got), len(want))
        for a, b in zip(got, want):
            self.assertEqual(a.keys(), b.keys())
            for name in a:
                if isinstance(a[name], float):
                    self.assertAlmostEqual(a[name], b[name], delta=1e-9 * max(1, abs(b[name])), msg=name)
                else:
                    self.assertEqual(a[name], b[name], name)

    def windowed_into(self, store):
        bucket = Bucket(store)
        messages = lab_messages(30000, minutes=20)
        topic = self.lab_topic(messages, partitions=3)
        path = self.pipeline(topic, [{"name": "by_type", "sql": WINDOWED,
                                      "sinks": [{"name": "lake", "format": "parquet", "path": bucket.path("by_type")}]}],
                             s3=bucket.section(), watermark={"eventTime": "timestamp", "delayThreshold": "1 minute"})
        self.run_to_end(path)
        return bucket, topic

    def test_windowed_lab_pipeline_is_what_spark_computes(self):
        bucket, topic = self.windowed_into("minio")
        location = bucket.path("by_type")
        for key in bucket.objects():
            self.assertRegex(key, r"^by_type/part-[0-9a-f]{8}-\d{8}-by_type-lake-\d{5}\.snappy\.parquet$")
        self.assertEqual(bucket.uploads(), [])
        spark = bucket.judge("spark-windows", self.broker.brokers, topic, WINDOWED, LAB_SCHEMA, "1 minute")
        self.assertGreater(len(spark["rows"]), 100)
        for reader in ("pyarrow", "duckdb", "spark"):
            self.assert_close(bucket.judge("rows", reader, location), spark["rows"])
        self.assertEqual(bucket.judge("schema", "spark", location), spark["schema"])

    def test_windowed_lab_pipeline_into_versitygw(self):
        bucket, _ = self.windowed_into("versitygw")
        rows = bucket.judge("rows", "pyarrow", bucket.path("by_type"))
        self.assertEqual(sum(row["n"] for row in rows) % 1, 0)
        self.assertGreater(len(rows), 100)
        self.assertEqual(bucket.uploads(), [])

    def test_partitions_in_a_directory(self):
        topic = self.lab_topic(lab_messages(3000))
        out = self.directory / "lake"
        sql = "SELECT *, date_trunc('HOUR', timestamp) AS hour, nullif(location, 'store') AS place FROM tx"
        path = self.pipeline(topic, [{"name": "all", "sql": sql, "sinks": [
            {"name": "lake", "format": "parquet", "path": str(out), "partitionBy": ["type", "hour", "place"],
             "options": {"compression": "zstd", "maxRecordsPerFile": 200}}]}])
        self.run_to_end(path)
        directories = {str(p.parent.relative_to(out)) for p in out.rglob("*.parquet")}
        self.assertEqual(directories, {f"type={t}/hour=2025-12-26 21%3A00%3A00/place={p}" for t in ("purchase", "withdrawal", "transfer")
                                       for p in ("online", "__HIVE_DEFAULT_PARTITION__")})
        names = sorted(p.name for p in out.rglob("*.parquet"))
        self.assertTrue(all(n.endswith(".zstd.parquet") for n in names), names)
        self.assertEqual({n[-18:-13] for n in names}, {"00000", "00001", "00002"})
        for reader in ("pyarrow", "duckdb", "spark"):
            rows = judge("rows", reader, out)
            self.assertEqual(collections.Counter(r["transaction_id"] for r in rows), collections.Counter(f"txn_{i:07d}" for i in range(3000)))
            self.assertEqual(sum(r["place"] in (None, "__HIVE_DEFAULT_PARTITION__") for r in rows), 1500, reader)  # DuckDB keeps the word

    def test_a_stream_of_several_sinks(self):
        """Parquet, CSV and JSON at once; a lister sees whole files of committed batches only, and none changes."""
        topic = self.topic()
        sinks = [{"name": "p", "format": "parquet", "path": str(self.directory / "p"), "options": {"compression": "gzip"}},
                 {"name": "c", "format": "csv", "path": str(self.directory / "c"), "options": {"header": True, "compression": "gzip"}},
                 {"name": "j", "format": "json", "path": str(self.directory / "j"), "options": {"compression": "zstd"}}]
        path = self.pipeline(topic, [{"name": "all", "sql": "SELECT * FROM tx", "sinks": sinks}], trigger={"processingTime": "200 milliseconds"})
        run = self.sluice("run", path)
        run.wait_ready()
        messages = lab_messages(5000)
        seen = {}
        for start in range(0, 5000, 500):
            self.broker.produce(topic, messages[start:start + 500])
            run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) >= start + 500, 30, "the batch")
            for file in self.directory.glob("[pcj]/part-*"):
                content = file.read_bytes()
                self.assertEqual(seen.setdefault(file.name, content), content, "a published file changed")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertEqual(len(judge("rows", "pyarrow", self.directory / "p")), 5000)
        import gzip
        lines = [line for file in self.directory.glob("c/part-*.csv.gz") for line in gzip.open(file, "rt").read().splitlines()]
        heads = [line for line in lines if line.startswith("transaction_id,")]
        self.assertEqual(len(heads), len(list(self.directory.glob("c/part-*"))))
        self.assertEqual(len(lines) - len(heads), 5000)
        self.assertTrue(list(self.directory.glob("j/part-*.json.zst")))

    def test_thousands_of_partitions(self):
        """More directories than descriptors: the loop keeps turning, every row is there once."""
        topic = self.topic()
        self.broker.produce(topic, lab_messages(6000))
        sinks = [{"name": "lake", "format": "json", "path": str(self.directory / "lake"), "partitionBy": ["k"]}]
        path = self.pipeline(topic, [{"name": "all", "sql": "SELECT transaction_id, CAST(amount * 100 AS INT) % 2000 AS k FROM tx", "sinks": sinks}])
        run = self.sluice("run", path, wrapper=("sh", "-c", 'ulimit -n 400; exec "$@"', "limited"))
        worst = 0
        while run.process.poll() is None:
            try:
                began = time.monotonic()
                run.status()
                worst = max(worst, time.monotonic() - began)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # it has ended
        self.assertEqual(run.wait_exit(), 0, run.describe())
        rows = [json.loads(line) for file in (self.directory / "lake").rglob("part-*") for line in file.read_text().splitlines()]
        self.assertEqual(collections.Counter(r["transaction_id"] for r in rows), collections.Counter(f"txn_{i:07d}" for i in range(6000)))
        self.assertGreater(len(list((self.directory / "lake").iterdir())), 1500)
        self.assertNotIn("cannot write", run.stderr())
        print(f"slowest /status {worst * 1000:.0f} ms", flush=True)
        self.assertLess(worst, 0.5)

    def test_rolled_files(self):
        topic = self.topic()
        sinks = [{"name": "lake", "format": "parquet", "path": str(self.directory / "lake"), "options": {"targetFileSize": 30000}}]
        path = self.pipeline(topic, [{"name": "all", "sql": "SELECT * FROM tx", "sinks": sinks}], trigger={"processingTime": "100 milliseconds"})
        run = self.sluice("run", path)
        run.wait_ready()
        messages = lab_messages(6000)
        for start in range(0, 6000, 200):
            self.broker.produce(topic, messages[start:start + 200])
            run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) >= start + 200, 30, "the batch")
        batches = run.metric("sluice_batches_total")
        self.assertEqual(run.stop(), 0, run.describe())
        files = list(self.directory.glob("lake/part-*.parquet"))
        self.assertGreater(batches, 20)
        self.assertLess(len(files), batches / 3)
        rows = judge("rows", "pyarrow", self.directory / "lake")
        self.assertEqual(sorted(r["transaction_id"] for r in rows), [f"txn_{i:07d}" for i in range(6000)])

    def test_dead_letters_and_late_rows(self):
        bucket = Bucket()
        topic = self.topic()
        self.broker.produce(topic, [*lab_messages(100, minutes=10), "nonsense"])
        path = self.pipeline(topic, [{"name": "q", "sql": WINDOWED, "sinks": [{"format": "parquet", "path": bucket.path("q")}]}],
                             s3=bucket.section(), trigger={"processingTime": "200 milliseconds"},
                             watermark={"eventTime": "timestamp", "delayThreshold": "1 minute"},
                             deadLetter={"format": "parquet", "path": bucket.path("dead")},
                             lateRows={"format": "json", "path": bucket.path("late")})
        run = self.sluice("run", path)
        run.wait_ready()
        run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) > 0, 30, "the first windows")
        self.broker.produce(topic, lab_messages(3, minutes=1))
        run.wait(lambda: (run.metric("sluice_query_late_rows_total") or 0) == 3, 30, "the late rows")
        self.assertEqual(run.stop(), 0, run.describe())
        dead = bucket.judge("rows", "pyarrow", bucket.path("dead"))
        self.assertEqual([(d["topic"], d["offset"], d["value"], d["valueEncoding"]) for d in dead], [(topic, 100, "nonsense", "utf8")])
        self.assertEqual([k for k in bucket.objects("late/")], [k for k in bucket.objects("late/") if k.endswith(".json")])
        self.assertEqual(len(bucket.objects("late/")), 1)

    def test_wrong_credentials_and_buckets_are_told_at_start(self):
        bucket = Bucket()
        topic = self.topic()
        for section, path, pattern in (
                (bucket.section(secretAccessKey="wrong-secret"), bucket.path("q"), r"SignatureDoesNotMatch"),
                (bucket.section(accessKeyId="nobody"), bucket.path("q"), r"InvalidAccessKeyId"),
                (bucket.section(), "s3://no-such-bucket-here/q", r"NoSuchBucket.*|bucket no-such-bucket-here")):
            run = self.sluice("run", self.pipeline(topic, [{"name": "q", "sql": "SELECT * FROM tx", "sinks": [{"format": "parquet", "path": path}]}],
                                                   s3=section, trigger={"processingTime": "1 second"}))
            self.assertEqual(run.wait_exit(), 1, run.describe())
            self.assertRegex(run.stderr(), pattern)
            self.assertNotIn("wrong-secret", run.stderr())


if __name__ == "__main__":
    unittest.main()
