"""Kafka sinks: each batch one transaction, in every output mode, through restarts of the broker."""

import collections
import json
import unittest

from harness import Case, KafkaServer, LAB_SCHEMA, Broker
from lake import lab_messages

COMMITTED = {"isolation.level": "read_committed"}


class KafkaSink(Case):
    def pipeline(self, topic, sql, out, mode="append", trigger=None, brokers=None, **source):
        path = self.document({"subscribe": topic}, value={"format": "json", "schema": LAB_SCHEMA}, trigger=trigger, brokers=brokers)
        document = json.loads(path.read_text())
        document["source"].update(source)
        options = {"kafka.bootstrap.servers": brokers or self.broker.brokers, **({"topic": out} if out else {})}
        document["queries"] = [{"name": "q", "sql": sql, "outputMode": mode, "sinks": [{"name": "out", "format": "kafka", "options": options}]}]
        path.write_text(json.dumps(document))
        return path

    def test_rows_keys_topics_and_headers(self):
        topic, one, two = self.topic(), self.topic(2), self.topic()
        self.broker.produce(topic, lab_messages(1000))
        sql = (f"SELECT transaction_id AS value, user_id AS key, if(location = 'store', '{one}', '{two}') AS topic, "
               "array(struct('type' AS key, CAST(type AS BINARY) AS value)) AS headers FROM tx")
        try:
            self.run_to_end(self.pipeline(topic, sql, None))
        except AssertionError:
            sql = sql.replace(", array(struct('type' AS key, CAST(type AS BINARY) AS value)) AS headers",
                              ", array(named_struct('key', 'type', 'value', CAST(type AS BINARY))) AS headers")
            self.run_to_end(self.pipeline(topic, sql, None))
        expected = [json.loads(m) for m in lab_messages(1000)]
        for out, partitions, location in ((one, 2, "store"), (two, 1, "online")):
            got = {m.value().decode(): (m.key().decode(), m.headers()[0][1].decode()) for m in self.broker.read(out, partitions, COMMITTED)}
            self.assertEqual(got, {e["transaction_id"]: (e["user_id"], e["type"]) for e in expected if e["location"] == location})

    def test_update_and_complete(self):
        topic, updates, complete = self.topic(), self.topic(), self.topic()
        sql = "SELECT type AS key, CAST(count(*) AS STRING) AS value FROM tx GROUP BY type"
        for mode, out in (("update", updates), ("complete", complete)):
            run = self.sluice("run", self.pipeline(topic, sql, out, mode, trigger={"processingTime": "200 milliseconds"}))
            run.wait_ready()
            before = run.metric("sluice_query_records_total") or 0
            self.broker.produce(topic, lab_messages(3))
            run.wait(lambda: (run.metric("sluice_batches_total") or 0) >= 2 and run.metric("sluice_sink_objects_total") is not None
                     and (run.metric("sluice_query_records_total") or 0) > before, 30, "the first rows")
            self.broker.produce(topic, lab_messages(1))
            want = self.broker.end_offsets(topic, 1)[0]
            run.wait(lambda: sum(run.status()["queries"][0]["totals"][k] for k in ("read",)) == want, 30, "the last row")
            self.assertEqual(run.stop(), 0, run.describe())
            last = {}
            for message in self.broker.read(out, 1, COMMITTED):
                last[message.key().decode()] = int(message.value())
            self.assertEqual(sum(last.values()), want)

    def test_a_broker_that_goes_and_comes_back(self):
        """The sink's broker is another than the source's: what was read is sent once when it is back."""
        topic = self.topic()
        server = KafkaServer(self.directory / "kafka")
        server.start()
        self.addCleanup(server.stop)
        other = Broker(server.brokers)
        other.create_topic("out")
        path = self.pipeline(topic, "SELECT transaction_id AS value FROM tx", "out", trigger={"processingTime": "200 milliseconds"})
        document = json.loads(path.read_text())
        document["queries"][0]["sinks"][0]["options"]["kafka.bootstrap.servers"] = server.brokers
        path.write_text(json.dumps(document))
        run = self.sluice("run", path)
        run.wait_ready()
        self.broker.produce(topic, lab_messages(1000))
        run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) == 1000, 60, "the first rows")
        server.stop()
        self.broker.produce(topic, lab_messages(2000)[1000:])
        run.wait(lambda: (run.metric("sluice_sink_failing") or 0) == 1, 60, "the metric to show the outage")
        self.assertEqual(run.request("/readyz")[0], 503)
        server.start()
        run.wait(lambda: (run.metric("sluice_query_output_rows_total") or 0) == 2000, 120, "the rows of the outage")
        self.assertEqual(run.stop(), 0, run.describe())
        got = collections.Counter(m.value().decode() for m in other.read("out", 1, COMMITTED))
        self.assertEqual(got, collections.Counter(f"txn_{i:07d}" for i in range(2000)))
        self.assertEqual(run.stderr().count("a sink cannot write"), run.stderr().count("a sink writes again"))

    def test_an_absent_topic_is_told(self):
        topic = self.topic()
        self.broker.produce(topic, lab_messages(1))
        run = self.sluice("run", self.pipeline(topic, "SELECT 1 AS value FROM tx", "t"))
        self.assertEqual(run.wait_exit(), 2, "value has a wrong type")
        self.assertIn("value attribute unsupported type", run.stderr())


if __name__ == "__main__":
    unittest.main()
