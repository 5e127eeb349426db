"""Where reading starts, where it ends, and what is read: the source's options against a real Kafka."""

import json
import re
import time
import unittest
import uuid

from harness import Case, parse_console, shared_brokers

import kafka


def values(partition, start, end):
    return [(partition, i, f"p{partition}-{i}") for i in range(start, end)]


class Offsets(Case):
    def filled_topic(self, counts, **options):
        topic = self.topic(partitions=len(counts), **options)
        for partition, count in enumerate(counts):
            self.fill(topic, partition, 0, count)
        return topic

    def fill(self, topic, partition, start, end):
        self.broker.produce(topic, [v for _, _, v in values(partition, start, end)], partition=partition)

    def test_earliest(self):
        topic = self.filled_topic([50, 30, 0])
        self.run_to_end(self.document({"subscribe": topic}))
        rows = self.out()
        self.assert_rows(rows, values(0, 0, 50) + values(1, 0, 30))
        self.assertEqual({r["_topic"] for r in rows}, {topic})

    def test_deleted_topic_is_data_loss(self):
        topic = self.filled_topic([5, 5])
        run = self.sluice("run", self.document({"subscribe": topic}, trigger={"processingTime": "1 second"}))
        run.wait_ready()
        self.broker.delete_topic(topic)
        self.assertEqual(run.wait_exit(120), 1, run.describe())
        self.assertIn("deleted", run.stderr())
        self.assertIn("failOnDataLoss", run.stderr())

    def test_deleted_topic_does_not_hold_up_the_end(self):
        topic = self.filled_topic([5])
        run = self.sluice("run", self.document({"subscribe": topic, "failOnDataLoss": False},
                                               trigger={"processingTime": "1 second"}))
        run.wait_ready()
        self.broker.delete_topic(topic)
        run.wait_log("deleted", 60)
        self.assertEqual(run.stop(30), 0, run.describe())

    def test_order_inside_a_batch_is_topic_partition_offset(self):
        topic = self.filled_topic([40, 40])
        self.run_to_end(self.document({"subscribe": topic}))
        for partition in (0, 1):
            offsets = [r["_offset"] for r in self.out() if r["_partition"] == partition]
            self.assertEqual(offsets, sorted(offsets))

    def test_latest(self):
        topic = self.filled_topic([10, 10])
        run = self.sluice("run", self.document({"subscribe": topic, "startingOffsets": "latest"},
                                               trigger={"processingTime": "200 milliseconds"}))
        run.wait_ready()
        self.fill(topic, 0, 10, 15)
        run.wait(lambda: len(self.out()) >= 5, 20, "5 rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_rows(self.out(), values(0, 10, 15))

    def test_latest_is_the_default_and_available_now_then_reads_nothing(self):
        topic = self.filled_topic([10])
        self.run_to_end(self.document({"subscribe": topic, "startingOffsets": None}))
        self.assertEqual(self.out(), [])

    def test_per_partition(self):
        topic = self.filled_topic([50, 30, 20])
        offsets = json.dumps({topic: {"0": 23, "1": -2, "2": -1}})
        self.run_to_end(self.document({"subscribe": topic, "startingOffsets": offsets}))
        self.assert_rows(self.out(), values(0, 23, 50) + values(1, 0, 30))

    def test_starting_timestamp(self):
        topic = self.topic(partitions=2)
        start = 1_700_000_000_000
        for partition in (0, 1):
            self.broker.produce(topic, [f"p{partition}-{i}" for i in range(40)], partition=partition,
                                timestamps_ms=[start + 1000 * i for i in range(40)])
        self.run_to_end(self.document({"subscribe": topic, "startingOffsets": None, "startingTimestamp": str(start + 25_000)}))
        self.assert_rows(self.out(), values(0, 25, 40) + values(1, 25, 40))

    def test_assign(self):
        topic = self.filled_topic([10, 20, 30])
        self.run_to_end(self.document({"assign": json.dumps({topic: [0, 2]})}))
        self.assert_rows(self.out(), values(0, 0, 10) + values(2, 0, 30))

    def test_subscribe_pattern(self):
        mark = uuid.uuid4().hex[:8]
        first = self.filled_topic([5], prefix=f"a{mark}-one")
        second = self.filled_topic([7], prefix=f"a{mark}-two")
        self.filled_topic([9], prefix=f"b{mark}")
        self.run_to_end(self.document({"subscribePattern": f"a{mark}-.*"}))
        topics = [r["_topic"] for r in self.out()]
        self.assertEqual((topics.count(first), topics.count(second), len(topics)), (5, 7, 12))

    def test_two_topics(self):
        first, second = self.filled_topic([5]), self.filled_topic([6, 7])
        self.run_to_end(self.document({"subscribe": f"{first},{second}"}))
        topics = [r["_topic"] for r in self.out()]
        self.assertEqual((topics.count(first), topics.count(second)), (5, 13))

    def test_cap_per_trigger(self):
        topic = self.filled_topic([100, 50, 10])
        sinks = [{"format": "console", "options": {"numRows": 1000, "truncate": False}}]
        path = self.document({"subscribe": topic, "maxOffsetsPerTrigger": 20}, sinks=sinks,
                             sql="SELECT _partition, _offset, value FROM tx")
        batches = [b for b in parse_console(self.run_to_end(path).stdout()) if b.rows]
        for batch in batches:
            self.assertLessEqual(len(batch.rows), 20, f"batch {batch.id}")
        self.assertGreaterEqual(len(batches), 8)
        rows = sorted((int(p), int(o), v) for b in batches for p, o, v in b.rows)
        self.assertEqual(rows, values(0, 0, 100) + values(1, 0, 50) + values(2, 0, 10))

    def test_new_partitions_start_at_earliest(self):
        topic = self.filled_topic([3, 3])
        run = self.sluice("run", self.document(
            {"subscribe": topic, "startingOffsets": "latest", "kafka.topic.metadata.refresh.interval.ms": 500},
            trigger={"processingTime": "200 milliseconds"}))
        run.wait_ready()
        self.broker.add_partitions(topic, 4)
        self.fill(topic, 3, 0, 25)
        run.wait(lambda: len(self.out()) >= 25, 90, "the new partition's rows")
        self.fill(topic, 0, 3, 5)
        run.wait(lambda: len(self.out()) >= 27, 20, "the old partition's rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_rows(self.out(), values(3, 0, 25) + values(0, 3, 5))

    def test_unknown_topic(self):
        name = f"absent-{uuid.uuid4().hex[:8]}"
        run = self.sluice("run", self.document({"subscribe": name}))
        started = time.monotonic()
        self.assertEqual(run.wait_exit(60), 1, run.describe())
        print(f"unknown topic: exit after {time.monotonic() - started:.1f} s", flush=True)
        self.assertIn(name, run.stderr())
        self.assertRegex(run.stderr(), r"(?i)unknown|does not exist|no such topic")

    def test_empty_topic(self):
        topic = self.topic(partitions=2)
        self.run_to_end(self.document({"subscribe": topic}))
        self.assertEqual(self.out(), [])

    def truncated_topic(self):
        """100 records of which DeleteRecords has taken the first 50."""
        topic = self.filled_topic([100, 10])
        request = self.directory / "delete.json"
        request.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 50}]}))
        kafka.tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", shared_brokers(),
                   "--offset-json-file", request)
        return topic

    def test_out_of_range_fails(self):
        topic = self.truncated_topic()
        offsets = json.dumps({topic: {"0": 10, "1": 0}})
        run = self.sluice("run", self.document({"subscribe": topic, "startingOffsets": offsets}))
        self.assertEqual(run.wait_exit(60), 1, run.describe())
        self.assertIn("failOnDataLoss", run.stderr())
        self.assertIn(topic, run.stderr())

    def test_out_of_range_goes_on_with_a_warning(self):
        topic = self.truncated_topic()
        offsets = json.dumps({topic: {"0": 10, "1": 0}})
        run = self.run_to_end(self.document({"subscribe": topic, "startingOffsets": offsets, "failOnDataLoss": False}))
        self.assert_rows(self.out(), values(0, 50, 100) + values(1, 0, 10))
        self.assertRegex(run.stderr(), rf"WARN.*{re.escape(topic)}")

    def test_earliest_after_deletion_is_no_loss(self):
        topic = self.truncated_topic()
        self.run_to_end(self.document({"subscribe": topic}))
        self.assert_rows(self.out(), values(0, 50, 100) + values(1, 0, 10))

    def test_offset_past_the_end_fails(self):
        topic = self.filled_topic([10])
        offsets = json.dumps({topic: {"0": 5000}})
        run = self.sluice("run", self.document({"subscribe": topic, "startingOffsets": offsets}))
        self.assertEqual(run.wait_exit(60), 1, run.describe())
        self.assertIn(topic, run.stderr())


if __name__ == "__main__":
    unittest.main()
