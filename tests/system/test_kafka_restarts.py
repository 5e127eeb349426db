"""What may have happened in Kafka while sluice was down: records deleted, topics made anew, partitions added."""

import json
import unittest
import uuid

from confluent_kafka import Consumer, TopicPartition

from checkpoints import CheckpointCase, Directory
from harness import wait_until
import kafka

GROUP_WAIT_S = 20


class KafkaRestarts(CheckpointCase):
    def setUp(self):
        super().setUp()
        self.place, self.all_place = Directory(self.directory / "checkpoint"), Directory(self.directory / "all")
        self.sums_place = Directory(self.directory / "sums")

    def pass_through(self, topic, name="t", **options):
        """Values as text with their offsets, into JSON files in out/."""
        path = self.document({"subscribe": topic, **options}, trigger={"processingTime": "100 milliseconds"}, name=name,
                             checkpointLocation=str(self.place.location))
        return path

    def until(self, path, count, *arguments):
        """A run until `count` rows are in out/."""
        run = self.sluice("run", path, *arguments)
        run.wait(lambda: len(self.out()) >= count, 60, f"{count} rows")
        run.wait(lambda: run.metric("sluice_source_lag_records") == 0, 30, "no lag")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertEqual(len(self.out()), count)
        return run

    def fails(self, path, *patterns):
        before = self.place.dump()
        run = self.sluice("run", path)
        self.assertEqual(run.wait_exit(60), 1, run.describe())
        for pattern in patterns:
            self.assertRegex(run.stderr(), pattern)
        after = self.place.dump()
        self.assertEqual([k for k in before if k.startswith(("commits/", "state/")) and after.get(k) != before[k]], [])

    def delete_records(self, topic, offset, partition=0):
        request = self.directory / "delete.json"
        request.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": partition, "offset": offset}]}))
        kafka.tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", self.broker.brokers, "--offset-json-file", request)

    def test_retention_passed_the_checkpoint(self):
        topic = self.topic()
        self.broker.produce(topic, [f"a{i}" for i in range(50)], partition=0)
        path = self.pass_through(topic)
        self.until(path, 50)
        self.broker.produce(topic, [f"b{i}" for i in range(50)], partition=0)
        self.delete_records(topic, 70)
        self.fails(path, rf"topic {topic}, partition 0: .*offset 50; some data may have been lost.*failOnDataLoss")
        lenient = self.changed(path, lambda document: document["source"]["options"].update(failOnDataLoss=False))
        run = self.until(lenient, 80)
        self.assertRegex(run.stderr(), r"WARN.*some data may have been lost")
        self.assert_rows(self.out(), [(0, i, f"a{i}") for i in range(50)] + [(0, 50 + i, f"b{i}") for i in range(20, 50)])
        # The loss is behind: the strict pipeline goes on.
        self.broker.produce(topic, ["c"], partition=0)
        self.until(path, 81)

    def test_topic_made_anew_with_fewer_records(self):
        topic = self.topic()
        self.broker.produce(topic, [f"a{i}" for i in range(50)], partition=0)
        path = self.pass_through(topic)
        self.until(path, 50)
        self.remake(topic, 1)
        self.broker.produce(topic, [f"b{i}" for i in range(10)], partition=0)
        self.fails(path, rf"topic {topic}, partition 0: .*offset 50; some data may have been lost.*failOnDataLoss")
        lenient = self.changed(path, lambda document: document["source"]["options"].update(failOnDataLoss=False))
        run = self.sluice("run", lenient)
        run.wait_log(r"WARN.*some data may have been lost", 30)
        run.wait_ready()
        self.broker.produce(topic, ["c0", "c1"], partition=0)
        run.wait(lambda: {"c0", "c1"} <= {row["value"] for row in self.out()}, 30, "the rows that came later")
        self.assertEqual(run.stop(), 0, run.describe())
        values = [row["value"] for row in self.out()]
        self.assertEqual(len(values), len(set(values)), "a row came twice")
        self.assertLessEqual({f"a{i}" for i in range(50)}, set(values))

    def test_partition_that_is_gone(self):
        topic = self.topic(3)
        for partition in range(3):
            self.broker.produce(topic, [f"p{partition}-{i}" for i in range(10)], partition=partition)
        path = self.pass_through(topic)
        self.until(path, 30)
        self.remake(topic, 1)
        self.broker.produce(topic, [f"x{i}" for i in range(12)], partition=0)
        self.fails(path, rf"partition [12] of topic {topic}, which was read up to offset 10, is gone.*failOnDataLoss")

    def test_partitions_added_while_down(self):
        """They start at earliest, though the pipeline starts at latest."""
        topic = self.topic()
        path = self.pass_through(topic, startingOffsets="latest")
        run = self.sluice("run", path)
        run.wait_ready()
        run.wait(lambda: "metadata" in self.place.keys() and (run.metric("sluice_batches_total") or 0) >= 1, 30, "batch 0")
        self.broker.produce(topic, ["a"], partition=0)
        run.wait(lambda: len(self.out()) == 1, 30, "the first row")
        self.assertEqual(run.stop(), 0, run.describe())
        self.broker.add_partitions(topic, 3)
        wait_until(lambda: len(self.broker.admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3, 30, "the new partitions")
        for partition in (1, 2):
            self.broker.produce(topic, [f"n{partition}"], partition=partition)
        self.until(path, 3)
        self.assert_rows(self.out(), [(0, 0, "a"), (1, 0, "n1"), (2, 0, "n2")])

    def test_topics_added_and_removed(self):
        one, two = self.topic(), self.topic()
        self.broker.produce(one, ["a"])
        self.broker.produce(two, ["b"])
        path = self.pass_through(one)
        self.until(path, 1)
        both = self.changed(path, lambda document: document["source"]["options"].update(subscribe=f"{one},{two}", startingOffsets="latest"))
        self.until(both, 2)
        self.broker.produce(two, ["c"])
        second = self.changed(path, lambda document: document["source"]["options"].update(subscribe=two))
        run = self.until(second, 3)
        self.assertRegex(run.stderr(), rf"WARN.*topic {one}, partition 0 is not read any more")
        self.assertEqual(sorted(row["value"] for row in self.out()), ["a", "b", "c"])

    def test_gaps_of_transactions_over_a_restart(self):
        """The checkpoint's offsets lie on a commit marker and behind aborted records."""
        topic = self.topic(2)
        for partition in (0, 1):
            self.broker.produce(topic, [f"c{i}" for i in range(5)], partition=partition, transaction="commit")
        self.broker.produce(topic, ["x"] * 5, partition=1, transaction="abort")
        path = self.pass_through(topic)
        self.until(path, 10)
        self.broker.produce(topic, [f"d{i}" for i in range(5)], partition=0, transaction="commit")
        self.broker.produce(topic, ["y"] * 5, partition=1, transaction="abort")
        self.broker.produce(topic, [f"d{i}" for i in range(5)], partition=1, transaction="commit")
        self.until(path, 20)
        expected = [(p, i, f"c{i}") for p in (0, 1) for i in range(5)]
        self.assert_rows(self.out(), expected + [(0, 6 + i, f"d{i}") for i in range(5)] + [(1, 18 + i, f"d{i}") for i in range(5)])

    def test_compaction_over_a_restart(self):
        """Records on both sides of the checkpoint's offset are compacted away while sluice is down."""
        topic = self.topic(config={"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01",
                                   "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "100"})
        self.broker.produce(topic, [f"k-{i}" for i in range(30)], key="k")
        path = self.pass_through(topic)
        self.until(path, 30)
        self.broker.produce(topic, [f"k-{30 + i}" for i in range(30)], key="k")

        def compacted():
            self.broker.produce(topic, ["tick"], key="tick")
            return len([m for m in self.broker.read(topic, 1) if m.key() == b"k"]) < 20
        wait_until(compacted, 90, "the log cleaner", interval=0.5)
        run = self.sluice("run", path)
        run.wait(lambda: any(row["value"] == "k-59" for row in self.out()), 30, "the last record")
        self.assertEqual(run.stop(), 0, run.describe())
        offsets = [row["_offset"] for row in self.out()]
        self.assertEqual(len(offsets), len(set(offsets)), "an offset came twice")
        self.assertEqual(sorted(offsets)[:30], list(range(30)))

    def test_large_and_null_values_over_a_kill(self):
        """Messages of 3 MB under a small budget, and values that are NULL; SIGKILL in between."""
        topic = self.topic(config={"max.message.bytes": "4194304"})
        values = [("x" * 3_000_000 if i % 5 == 0 else None if i % 5 == 1 else f"v{i}") for i in range(20)]
        self.broker.config["message.max.bytes"] = 4_000_000
        self.addCleanup(self.broker.config.pop, "message.max.bytes")
        self.broker.produce(topic, values[:10], partition=0)
        path = self.changed(self.pass_through(topic, **{"kafka.fetch.message.max.bytes": 65536}), lambda document: document["queries"][0].update(
            sql="SELECT _offset, length(value) AS n FROM tx"))
        run = self.sluice("run", path, "--memory", "32m")
        run.wait(lambda: len(self.out()) >= 10, 60, "the first rows")
        run.kill()
        self.broker.produce(topic, values[10:], partition=0)
        run = self.sluice("run", path, "--memory", "32m")
        run.wait(lambda: len(self.out()) >= 20, 60, "all rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertEqual(sorted((row["_offset"], row.get("n")) for row in self.out()),
                         [(i, len(value) if value is not None else None) for i, value in enumerate(values)])

    # The group's offsets

    def committed(self, group, topic, partitions):
        consumer = Consumer({**self.broker.config, "group.id": group})
        try:
            found = consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=10)
            return [p.offset for p in found]
        finally:
            consumer.close()

    def test_group_offsets_follow_each_batch(self):
        """For lag tools: the group is named as the pipeline; what it says is never read back."""
        topic = self.topic(2)
        group = f"g-{uuid.uuid4().hex[:8]}"
        path = self.pass_through(topic, name=group)
        for partition in (0, 1):
            self.broker.produce(topic, ["a"] * (10 + partition), partition=partition)
        run = self.sluice("run", path)
        run.wait(lambda: len(self.out()) == 21, 30, "the rows")
        run.wait(lambda: self.committed(group, topic, 2) == [10, 11], GROUP_WAIT_S, "the group's offsets of the first rows")
        self.broker.produce(topic, ["b"] * 5, partition=0)
        run.wait(lambda: self.committed(group, topic, 2) == [15, 11], GROUP_WAIT_S, "the group's offsets of the next rows")
        self.assertEqual(run.stop(), 0, run.describe())
        # Somebody moves the group; the checkpoint counts.
        consumer = Consumer({**self.broker.config, "group.id": group})
        consumer.commit(offsets=[TopicPartition(topic, 0, 2), TopicPartition(topic, 1, 2)], asynchronous=False)
        consumer.close()
        self.broker.produce(topic, ["c"], partition=1)
        run = self.sluice("run", path)
        run.wait(lambda: len(self.out()) == 27, 30, "the last row")
        run.wait(lambda: self.committed(group, topic, 2) == [15, 12], GROUP_WAIT_S, "the group's offsets of the last row")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertEqual(len(self.out()), 27)


if __name__ == "__main__":
    unittest.main()
