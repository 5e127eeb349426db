"""The broker goes away, at the start and in the middle; nothing is lost, nothing comes twice, no hand is needed."""

import signal
import threading
import unittest
import uuid

from confluent_kafka import Producer

from harness import Broker, Case, KafkaServer


class BrokerRestart(Case):
    def setUp(self):
        super().setUp()
        self.kafka = KafkaServer(self.directory / "kafka")
        self.addCleanup(self.kafka.stop)

    def restart(self, sig):
        self.kafka.start()
        broker = Broker(self.kafka.brokers)
        topic = broker.create_topic(f"t-{uuid.uuid4().hex[:8]}", 3)
        path = self.document({"subscribe": topic}, brokers=self.kafka.brokers, trigger={"processingTime": "500 milliseconds"})
        run = self.sluice("run", path)
        run.wait_ready()

        # An idempotent producer that goes on over the restart: what it was told is sent is in the topic exactly once.
        producer = Producer({"bootstrap.servers": self.kafka.brokers, "enable.idempotence": True, "linger.ms": 5})
        delivered, stop = [], threading.Event()

        def feed():
            number = 0
            while not stop.is_set():
                value = f"m{number}"
                producer.produce(topic, value, partition=number % 3,
                                 on_delivery=lambda e, m: delivered.append(m.value().decode()) if e is None else None)
                number += 1
                producer.poll(0.002)
            producer.flush(60)

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            run.wait(lambda: len(self.out()) > 500, 30, "500 rows")
            self.kafka.stop(sig)
            run.wait(lambda: run.request("/readyz")[0] == 503, 60, "/readyz to say 503")
            before = len(self.out())
            self.kafka.start()
            run.wait_ready(60)
            run.wait(lambda: len(self.out()) > before + 500, 60, "rows after the restart")
        finally:
            stop.set()
            feeder.join()
        self.assertEqual(len(delivered), len(set(delivered)))
        run.wait(lambda: len(self.out()) >= len(delivered), 60, "all rows")
        self.assertEqual(run.stop(), 0, run.describe())
        values = [row["value"] for row in self.out()]
        self.assertEqual(len(values), len(set(values)), "a row came twice")
        self.assertEqual(set(values), set(delivered))
        self.assertRegex(run.stderr(), r"(?i)(WARN|ERROR).*(broker|connect|kafka)")

    def test_orderly_restart(self):
        self.restart(signal.SIGTERM)

    def test_killed_broker(self):
        self.restart(signal.SIGKILL)

    def test_broker_down_at_start(self):
        path = self.document({"subscribe": "later"}, brokers=self.kafka.brokers, trigger={"processingTime": "500 milliseconds"})
        run = self.sluice("run", path)
        run.wait_log(r"(?i)(WARN|ERROR).*(broker|connect|kafka)", 30)
        status, _, body = run.request("/readyz")
        self.assertEqual(status, 503, body)
        self.assertEqual(run.request("/healthz")[0], 200)
        self.kafka.start()
        # The topic comes with the broker; until it does its absence must not be fatal at once.
        broker = Broker(self.kafka.brokers)
        broker.create_topic("later", 2)
        run.wait_ready(60)
        broker.produce("later", ["a", "b", "c"], partition=1)
        run.wait(lambda: len(self.out()) == 3, 30, "the rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_rows(self.out(), [(1, 0, "a"), (1, 1, "b"), (1, 2, "c")])

    def test_stop_while_the_broker_is_down(self):
        path = self.document({"subscribe": "never"}, brokers=self.kafka.brokers, trigger={"processingTime": "1 second"})
        run = self.sluice("run", path)
        run.wait_log(r"(?i)(WARN|ERROR).*(broker|connect|kafka)", 30)
        self.assertEqual(run.stop(20), 0, run.describe())


if __name__ == "__main__":
    unittest.main()
