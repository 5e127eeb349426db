"""kafka.* options reach librdkafka: SASL and TLS against a broker that asks for them; secrets stay secret."""

import pathlib
import subprocess
import tempfile
import unittest
import uuid

from harness import Broker, Case, KafkaServer

PASSWORD = "correct-horse-7Q"
WRONG = "wrong-battery-9Z"


class Security(Case):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="sluice-test-")
        cls.addClassCleanup(temporary.cleanup)
        directory = pathlib.Path(temporary.name)
        cls.ca = make_certificates(directory)
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        cls.kafka = KafkaServer(directory / "kafka", extra_listeners=["SASL_PLAINTEXT", "SSL", "SASL_SSL"], properties={
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{login} user_alice="{PASSWORD}";',
            "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{login} user_alice="{PASSWORD}";',
            "ssl.keystore.type": "PEM", "ssl.keystore.location": str(directory / "server.pem"),
        })
        cls.addClassCleanup(cls.kafka.stop)
        cls.kafka.start()

    @property
    def broker(self):
        return Broker(self.kafka.brokers)

    def secured(self, protocol, **options):
        """A document that reads a topic of three records over the listener of `protocol`."""
        topic = self.broker.create_topic(f"t-{uuid.uuid4().hex[:8]}")
        self.broker.produce(topic, ["a", "b", "c"], partition=0)
        if protocol.startswith("SASL"):
            options = {"kafka.sasl.mechanism": "PLAIN", "kafka.sasl.username": "alice",
                       "kafka.sasl.password": "${TEST_KAFKA_PASSWORD}", **options}
        if protocol.endswith("SSL"):
            options = {"kafka.ssl.ca.location": str(self.ca), **options}
        return {"subscribe": topic, "kafka.security.protocol": protocol, **options}

    def read(self, protocol):
        path = self.document(self.secured(protocol), brokers=f"127.0.0.1:{self.kafka.ports[protocol]}")
        run = self.sluice("run", path, "--log-level", "debug", env={"TEST_KAFKA_PASSWORD": PASSWORD})
        self.assertEqual(run.wait_exit(60), 0, run.describe())
        self.assert_rows(self.out(), [(0, 0, "a"), (0, 1, "b"), (0, 2, "c")])
        self.assertNotIn(PASSWORD, run.stderr() + run.stdout())

    def test_sasl(self):
        self.read("SASL_PLAINTEXT")

    def test_tls(self):
        self.read("SSL")

    def test_sasl_over_tls(self):
        self.read("SASL_SSL")

    def test_wrong_password(self):
        path = self.document(self.secured("SASL_PLAINTEXT"), brokers=f"127.0.0.1:{self.kafka.ports['SASL_PLAINTEXT']}",
                             trigger={"processingTime": "1 second"})
        run = self.sluice("run", path, "--log-level", "debug", env={"TEST_KAFKA_PASSWORD": WRONG})
        run.wait_log(r"(?i)(WARN|ERROR).*auth", 30)
        code, _, body = run.request("/readyz")
        self.assertEqual(code, 503, body)
        everything = body + "".join(run.request(p)[2] for p in ("/status", "/metrics", "/"))
        self.assertEqual(run.stop(20), 0, run.describe())
        self.assertNotIn(WRONG, everything + run.stderr() + run.stdout())

    def test_untrusted_certificate(self):
        options = self.secured("SSL")
        del options["kafka.ssl.ca.location"]
        path = self.document(options, brokers=f"127.0.0.1:{self.kafka.ports['SSL']}", trigger={"processingTime": "1 second"})
        run = self.sluice("run", path)
        run.wait_log(r"(?i)(WARN|ERROR).*(certificate|ssl)", 30)
        self.assertEqual(run.request("/readyz")[0], 503)
        self.assertEqual(run.stop(20), 0, run.describe())

    def test_secrets_do_not_show_in_errors(self):
        options = self.secured("SASL_PLAINTEXT", **{"kafka.sasl.password": PASSWORD, "kafka.sasl.mechanisms": "NONSENSE-1"})
        run = self.sluice("validate", self.document(options))
        run.wait_exit(20)
        self.assertNotIn(PASSWORD, run.stdout() + run.stderr())
        run = self.sluice("run", self.document(options))
        self.assertIn(run.wait_exit(60), (1, 2), run.describe())
        self.assertNotIn(PASSWORD, run.stdout() + run.stderr())


def make_certificates(directory):
    """A CA and a server certificate for 127.0.0.1; returns the CA's path."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test ca", "-keyout", "ca.key",
            "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (directory / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "server.crt")
    (directory / "server.pem").write_text((directory / "server.key").read_text() + (directory / "server.crt").read_text())
    return directory / "ca.pem"


if __name__ == "__main__":
    unittest.main()
