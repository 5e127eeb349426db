"""The Kafka sink against a real broker: every row once, all of a batch or nothing, the batch's id with it."""

import json
import queue
import signal
import subprocess
import threading
import time
import unittest
import uuid

from confluent_kafka import Consumer, TopicPartition

from harness import BUILD, Broker, Case, KafkaServer, wait_until

SCHEMA = "value STRING, key STRING, topic STRING, partition INT, headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
COMMITTED = {"isolation.level": "read_committed"}


class Tool:
    """tests/system/kafka_sink_tool.c as a subprocess."""

    def __init__(self, brokers, topic="", name=None, options=()):
        self.id = name or f"sluice-{uuid.uuid4().hex[:8]}-query-sink"
        self.process = subprocess.Popen([BUILD / "tests" / "system" / "kafka_sink_tool", brokers, self.id, topic, SCHEMA, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.health = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with self.process.stdout:
            for line in self.process.stdout:
                if line.startswith("health "):
                    self.health.append(line.strip())
                else:
                    self.lines.put(line.strip())

    def send(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def rows(self, rows):
        self.send(*("row " + json.dumps(row) for row in rows))

    def answer(self, timeout=60):
        try:
            return self.lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no answer in {timeout} s; {self.health}") from None

    def publish(self, number, rows, timeout=60):
        self.rows(rows)
        self.send(f"publish {number}")
        return self.answer(timeout)

    def committed(self, topic):
        self.send(f"committed {topic}")
        return self.answer()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)


class SinkCase(Case):
    def tool(self, *arguments, brokers=None, **options):
        tool = Tool(brokers or self.broker.brokers, *arguments, **options)
        self.addCleanup(tool.process.stdin.close)
        self.addCleanup(tool.process.wait)
        self.addCleanup(tool.process.kill)
        return tool

    def values(self, topic, partitions=1, broker=None):
        return [m.value() and m.value().decode() for m in (broker or self.broker).read(topic, partitions, COMMITTED)]

    def offset(self, group, topic):
        """The group's committed offset."""
        consumer = Consumer({"bootstrap.servers": self.broker.brokers, "group.id": group})
        try:
            return consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset
        finally:
            consumer.close()


class KafkaSink(SinkCase):
    def test_what_another_process_had_prepared_is_sent_once(self):
        topic = self.topic()
        first = self.tool(topic)
        self.assertEqual(first.publish(1, [{"value": "one"}]), "published 1")
        first.process.kill()
        tool = self.tool(topic, name=first.id)
        for number, value in ((1, "one"), (2, "two"), (2, "two")):
            tool.rows([{"value": value}])
            tool.send(f"recover {number}")
            self.assertEqual(tool.answer(), f"recovered {number}")
        self.assertEqual(tool.publish(3, [{"value": "three"}]), "published 3")
        self.assertEqual(self.values(topic), ["one", "two", "three"])

    def test_rows_arrive_as_they_are(self):
        topic = self.topic(3)
        tool = self.tool(topic)
        rows = [{"value": "a", "key": "k", "partition": 2, "headers": [{"key": "h", "value": "AAE="}, {"key": "n"}]},
                {"key": "no value", "partition": 1}, {"value": "", "key": "", "partition": 0, "headers": []}]
        self.assertEqual(tool.publish(7, rows), "published 7")
        got = {m.partition(): (m.key(), m.value(), m.headers()) for m in self.broker.read(topic, 3, COMMITTED)}
        self.assertEqual(got, {2: (b"k", b"a", [("h", b"\0\1"), ("n", None)]), 1: (b"no value", None, None), 0: (b"", b"", None)})
        self.assertEqual(self.offset(tool.id, topic), 8)
        self.assertEqual(tool.close(), 0)

    def test_batches_follow_each_other_and_none_comes_twice(self):
        topic = self.topic(1)
        tool = self.tool(topic)
        for number in range(3):
            self.assertEqual(tool.publish(number, [{"value": f"{number}-{i}"} for i in range(100)]), f"published {number}")
        self.assertEqual(tool.publish(3, []), "published 3")  # no rows: no transaction
        self.assertEqual(tool.committed(topic), "committed 2")
        self.assertEqual(tool.close(), 0)
        again = self.tool(topic, name=tool.id)
        self.assertEqual(again.publish(2, [{"value": f"2-{i}"} for i in range(100)]), "published 2")
        self.assertEqual(again.publish(3, [{"value": "3"}]), "published 3")
        self.assertEqual(again.committed(topic), "committed 3")
        self.assertEqual(self.values(topic), [f"{n}-{i}" for n in range(3) for i in range(100)] + ["3"])
        self.assertEqual(self.tool(topic).committed(topic), "committed -1")

    def test_rows_name_their_topics(self):
        one, two = self.topic(1), self.topic(1)
        tool = self.tool("")
        self.assertEqual(tool.publish(0, [{"value": str(i), "topic": two if i % 2 else one} for i in range(10)]), "published 0")
        self.assertEqual(self.values(one), ["0", "2", "4", "6", "8"])
        self.assertEqual(self.values(two), ["1", "3", "5", "7", "9"])
        self.assertIn("null topic present in the data", tool.publish(1, [{"value": "x"}]))

    def test_nothing_of_a_refused_batch_is_seen(self):
        topic = self.topic(1, {"max.message.bytes": "2000"})
        tool = self.tool(topic)
        self.assertEqual(tool.publish(0, [{"value": "first"}]), "published 0")
        rows = [{"value": f"{i}"} for i in range(1000)]
        answer = tool.publish(1, rows + [{"value": "x" * 5000}])
        self.assertRegex(answer, r"failed -1 .*a message of 5\d\d\d bytes.*nothing of the batch is published")
        self.assertEqual(self.values(topic), ["first"])
        self.assertEqual(tool.committed(topic), "committed 0")
        self.assertEqual(tool.publish(1, [{"value": "second"}]), "published 1")
        self.assertEqual(self.values(topic), ["first", "second"])

    def test_batches_fit_the_topic(self):
        topic = self.topic(1, {"max.message.bytes": "2000"})
        tool = self.tool(topic)
        rows = [{"value": f"{i}"} for i in range(1000)]
        self.assertEqual(tool.publish(0, rows), "published 0")
        self.assertEqual(self.values(topic), [row["value"] for row in rows])
        # A slow broker may ask for patience at the start; nothing of the batch is refused.
        self.assertEqual([line for line in tool.health if "starting transactions" not in line and line != "health well"], [])

    def test_missing_partition_is_an_error(self):
        topic = self.topic(1)
        tool = self.tool(topic)
        self.assertRegex(tool.publish(0, [{"value": "a"}, {"value": "x", "partition": 5}]), "failed -6 .*partition")
        self.assertEqual(self.values(topic), [])

    def test_a_newer_writer_fences_the_older(self):
        topic = self.topic(1)
        old = self.tool(topic)
        self.assertEqual(old.publish(0, [{"value": "old"}]), "published 0")
        new = self.tool(topic, name=old.id)
        self.assertEqual(new.publish(1, [{"value": "new"}]), "published 1")
        self.assertRegex(old.publish(2, [{"value": "never"}]), "failed -4 .*fenced")
        self.assertEqual(self.values(topic), ["old", "new"])
        self.assertEqual(old.close(), 0)


class BrokerAway(SinkCase):
    def setUp(self):
        super().setUp()
        self.kafka = KafkaServer(self.directory / "kafka")
        self.addCleanup(self.kafka.stop)
        self.kafka.start()
        self.real = Broker(self.kafka.brokers)
        self.name = self.real.create_topic(f"t-{uuid.uuid4().hex[:8]}", 3)

    def test_broker_restarts_in_the_middle(self):
        tool = self.tool(self.name, brokers=self.kafka.brokers, options=["queue.buffering.max.messages=200", "linger.ms=50"])
        self.assertEqual(tool.publish(0, [{"value": "first"}]), "published 0")
        tool.health.clear()
        rows = [{"value": str(i)} for i in range(60000)]
        tool.rows(rows)
        tool.send("publish 1")
        uncommitted = Broker(self.kafka.brokers, {"isolation.level": "read_uncommitted"})
        wait_until(lambda: sum(uncommitted.end_offsets(self.name, 3).values()) > 1000, 30, "rows on their way")
        self.kafka.stop(signal.SIGKILL)
        wait_until(lambda: tool.health, 30, "word that it fails")
        self.assertRegex(tool.health[0], "health failing sending: ")
        self.kafka.start()
        self.assertEqual(tool.answer(120), "published 1")
        self.assertEqual(tool.health[-1], "health well")
        self.assertEqual(sorted(self.values(self.name, 3, self.real)), sorted(["first"] + [str(i) for i in range(60000)]))

    def test_cancel_ends_while_the_broker_is_away(self):
        tool = self.tool(self.name, brokers=self.kafka.brokers)
        self.assertEqual(tool.publish(0, [{"value": "first"}]), "published 0")
        self.kafka.stop()
        tool.rows([{"value": "x"}])
        start = time.monotonic()
        tool.send("cancel 1 1500")
        self.assertRegex(tool.answer(), "failed -8 ")
        self.assertLess(time.monotonic() - start, 4)
        self.kafka.start()
        self.assertEqual(tool.publish(1, [{"value": "second"}]), "published 1")
        self.assertEqual(sorted(self.values(self.name, 3, self.real)), ["first", "second"])
        self.assertEqual(tool.close(), 0)


if __name__ == "__main__":
    unittest.main()
