"""Offsets without messages: compacted topics and transaction markers must not stall a target."""

import unittest

from harness import Case, wait_until


class Gaps(Case):
    def test_compacted_topic(self):
        topic = self.topic(config={"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01",
                                   "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "100"})
        for round_ in range(4):
            for key in ("a", "b", "c"):
                self.broker.produce(topic, [f"{key}-{round_}-{i}" for i in range(20)], key=key)

        def compacted():
            # Each look adds a record, so that the segment before it is closed and can be cleaned.
            self.broker.produce(topic, ["tick"], key="tick")
            return len(self.broker.read(topic, 1)) < 60
        wait_until(compacted, 90, "the log cleaner", interval=0.5)

        run = self.sluice("run", self.document({"subscribe": topic}))
        self.assertEqual(run.wait_exit(60), 0, run.describe())
        now = {m.offset(): m.value().decode() for m in self.broker.read(topic, 1)}
        got = {r["_offset"]: r["value"] for r in self.out()}
        self.assertEqual(len(got), len(self.out()), "no offset twice")
        # Compaction may have gone on meanwhile; what is still there must have been read.
        self.assertLessEqual(set(now.items()), set(got.items()))
        self.assertGreater(max(got) + 1, len(got), "the topic has gaps")

    def transactional_topic(self):
        topic = self.topic(partitions=2)
        for partition in (0, 1):
            self.broker.produce(topic, [f"c{i}" for i in range(10)], partition=partition, transaction="commit")
            self.broker.produce(topic, [f"a{i}" for i in range(10)], partition=partition, transaction="abort")
        self.broker.produce(topic, [f"d{i}" for i in range(5)], partition=0, transaction="commit")
        return topic  # partition 0 ends with a commit marker, partition 1 with an abort marker

    def test_committed_rows_only_by_default(self):
        topic = self.transactional_topic()
        self.run_to_end(self.document({"subscribe": topic}))
        # offsets: c 0-9, marker 10, a 11-20, marker 21, d 22-26, marker 27
        expected = [(p, i, f"c{i}") for p in (0, 1) for i in range(10)] + [(0, 22 + i, f"d{i}") for i in range(5)]
        self.assert_rows(self.out(), expected)

    def test_read_uncommitted(self):
        topic = self.transactional_topic()
        self.run_to_end(self.document({"subscribe": topic, "kafka.isolation.level": "read_uncommitted"}))
        expected = [(p, i, f"c{i}") for p in (0, 1) for i in range(10)] + [(0, 22 + i, f"d{i}") for i in range(5)]
        expected += [(p, 11 + i, f"a{i}") for p in (0, 1) for i in range(10)]
        self.assert_rows(self.out(), expected)

    def test_small_triggers_over_markers(self):
        """A cap that makes targets fall on markers and on aborted records."""
        topic = self.transactional_topic()
        self.run_to_end(self.document({"subscribe": topic, "maxOffsetsPerTrigger": 3}))
        expected = [(p, i, f"c{i}") for p in (0, 1) for i in range(10)] + [(0, 22 + i, f"d{i}") for i in range(5)]
        self.assert_rows(self.out(), expected)

    def test_nothing_but_markers_and_aborted_records(self):
        topic = self.topic()
        self.broker.produce(topic, ["x"] * 5, partition=0, transaction="abort")
        self.run_to_end(self.document({"subscribe": topic}))
        self.assertEqual(self.out(), [])

    def test_open_transaction(self):
        """What comes after the start of an open transaction is not there yet."""
        topic = self.topic()
        self.broker.produce(topic, ["a", "b"], partition=0)
        producer = self.broker.produce(topic, ["c", "d"], partition=0, transaction="open")
        self.run_to_end(self.document({"subscribe": topic}))
        self.assert_rows(self.out(), [(0, 0, "a"), (0, 1, "b")])
        producer.abort_transaction(30)

    def test_running_stream_over_transactions(self):
        topic = self.topic()
        run = self.sluice("run", self.document({"subscribe": topic}, trigger={"processingTime": "200 milliseconds"}))
        run.wait_ready()
        expected = []
        offset = 0
        for round_ in range(6):
            kind = ("commit", "abort")[round_ % 2]
            self.broker.produce(topic, [f"r{round_}-{i}" for i in range(4)], partition=0, transaction=kind)
            if kind == "commit":
                expected += [(0, offset + i, f"r{round_}-{i}") for i in range(4)]
            offset += 5
        run.wait(lambda: len(self.out()) >= len(expected), 30, "the committed rows")
        run.wait(lambda: run.metric("sluice_source_lag_records") == 0, 30, "no lag")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_rows(self.out(), expected)


if __name__ == "__main__":
    unittest.main()
