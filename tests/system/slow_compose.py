"""compose/: what docker-compose makes of it, and its configuration files and commands with the real servers, without containers.

Each command of the compose file runs as it stands there; only names of hosts, ports and directories are replaced, because all run on one host.
Kafka's scripts are replaced by the classes they start.
"""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import unittest
import urllib.request

import yaml
from harness import BUILD, ROOT, SLUICE, Case, free_port, wait_until
from monitoring import Pending, Prometheus, dashboard_expressions

from kafka import java
from process import Daemon, port_answers
from services import go_program

COMPOSE = ROOT / "compose"
ONE_SHOT = {"topics", "bucket"}
SCRIPTS = {"kafka-server-start.sh": "kafka.Kafka", "kafka-storage.sh": "kafka.tools.StorageTool",
           "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
           "zookeeper-server-start.sh": "org.apache.zookeeper.server.quorum.QuorumPeerMain"}


def compose_config(*arguments, profiles="zookeeper,minio"):
    """The compose file with all variables replaced, as docker-compose understands it."""
    run = subprocess.run(["docker-compose", "config", *arguments], cwd=COMPOSE, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env={**os.environ, "COMPOSE_PROFILES": profiles})
    if run.returncode != 0:
        raise AssertionError(run.stderr)
    return yaml.safe_load(run.stdout.replace("$$", "$"))


class ComposeFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = compose_config()["services"]

    def test_profiles(self):
        for kafka, store in (("zookeeper", "minio"), ("kraft", "versitygw")):
            compose_config("-q", profiles=f"{kafka},{store}")
        raw = yaml.safe_load((COMPOSE / "docker-compose.yml").read_text())["services"]
        self.assertEqual({name: s["profiles"] for name, s in raw.items() if "profiles" in s}, {
            "zookeeper": ["zookeeper"], "kafka": ["zookeeper"], "kafka-kraft": ["kraft"], "minio": ["minio"], "versitygw": ["versitygw"]})
        for name, s in raw.items():  # or the profile without them would not start
            for other in s.get("depends_on", {}):
                self.assertIn(raw[other].get("profiles"), (None, s.get("profiles")), f"{name} depends on {other}")

    def test_versions_are_pinned(self):
        for name, s in self.services.items():
            self.assertRegex(s["image"], r":(v?\d+\.\d+\.\d+|RELEASE\.[-0-9TZ]+|local)$", name)
        self.assertEqual(set(re.findall(r"^FROM (\S+)", (COMPOSE / "Dockerfile").read_text(), re.M)), {"debian:12.11-slim"})

    def test_all_have_health_checks_and_listen_here_only(self):
        for name, s in self.services.items():
            self.assertTrue(name in ONE_SHOT or "healthcheck" in s or name == "sluice", f"{name} has no health check")
            for port in s.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
        self.assertIn("HEALTHCHECK", (COMPOSE / "Dockerfile").read_text())

    def test_what_is_mounted_is_there(self):
        for name, s in self.services.items():
            for volume in s.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue("/" not in source or pathlib.Path(source).exists(), f"{name}: {volume}")

    def test_the_image_has_every_library(self):
        """Those of Debian packages that the binary is linked with, by name."""
        installed = (COMPOSE / "Dockerfile").read_text().split("apt-get install")[1].split("&&")[0].split()
        dynamic = subprocess.run(["readelf", "-d", SLUICE], capture_output=True, text=True, check=True).stdout
        paths = dict(re.findall(r"(\S+) => (/\S+)", subprocess.run(["ldd", SLUICE], capture_output=True, text=True, check=True).stdout))
        for library in re.findall(r"NEEDED.*\[(.*)\]", dynamic):
            owner = subprocess.run(["dpkg-query", "-S", f"*/{os.path.basename(os.path.realpath(paths[library]))}"], capture_output=True, text=True)
            packages = {line.split(":")[0] for line in owner.stdout.splitlines()}
            if not packages & {"libc6", "libasan6", "libasan8", "libubsan1"}:
                self.assertTrue(packages & set(installed), f"{library} of {packages}")

    def test_the_user_is_nobody(self):
        self.assertRegex((COMPOSE / "Dockerfile").read_text(), r"(?m)^USER 10001$")
        for name in ("sluice", "producer"):
            self.assertEqual((self.services[name]["read_only"], self.services[name]["cap_drop"]), (True, ["ALL"]))


class Stack(Case):
    """The services of a set of profiles as processes."""

    def begin(self, kafka, store):
        self.services = compose_config(profiles=f"{kafka},{store}")["services"]
        self.replaced = {f"/opt/kafka/bin/{script}": self.script(script, main) for script, main in SCRIPTS.items()}
        self.ports = {}
        for name in ("zookeeper", "controller", "internal", "host", "store", "console", "sluice"):
            self.ports[name] = free_port()
        here = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        self.replaced.update({
            "kafka:9092": here["internal"], "http://store:9000": f"http://{here['store']}", "kafka/9092": f"127.0.0.1/{self.ports['internal']}", "/dev/tcp/127.0.0.1/2181": f"/dev/tcp/127.0.0.1/{self.ports['zookeeper']}",
            "http://127.0.0.1:9000": f"http://{here['store']}", "0.0.0.0:8080": here["sluice"], "sluice:8080": here["sluice"],
            "/make-bucket.sh": str(COMPOSE / "make-bucket.sh"), "/etc/sluice/pipeline.json": str(COMPOSE / "pipeline.json")})
        self.endpoint = f"http://{here['store']}"

    def script(self, name, main):
        """A stand-in for one of Kafka's scripts."""
        path = self.directory / name
        command = java(main, options=("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"))
        path.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def here(self, words, **more):
        """Words of a command with names and paths of this host."""
        def replace(word):
            for old, new in {**self.replaced, **more}.items():
                word = word.replace(old, new)
            return word
        return [replace(word) for word in words]

    def properties(self, mounted, values):
        """A copy of a properties file, other only in these keys, each of which it must have."""
        text = (COMPOSE / "kafka" / mounted).read_text()
        for key, value in values.items():
            text, count = re.subn(rf"^{re.escape(key)}=.*$", f"{key}={value}", text, flags=re.M)
            self.assertEqual(count, 1, f"{key} in {mounted}")
        path = self.directory / mounted
        path.write_text(text)
        return str(path)

    def launch(self, name, command, ready, env=None):
        daemon = Daemon(self.directory / name, name)
        self.addCleanup(daemon.stop)
        daemon.start(command, env={**os.environ, **(env or {})})
        daemon.wait_ready(ready, 90)
        return daemon

    def healthy(self, name, **more):
        kind, *words = self.here(self.services[name]["healthcheck"]["test"], **more)
        command = words if kind == "CMD" else ["sh", "-c", words[0]]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    def start_zookeeper(self):
        file = self.properties("zookeeper.properties", {"dataDir": self.directory / "zookeeper-data", "clientPort": self.ports["zookeeper"]})
        self.launch("zookeeper", self.here(self.services["zookeeper"]["command"], **{"/etc/sluice/zookeeper.properties": file}),
                    lambda: self.healthy("zookeeper"))

    def start_kafka(self, kind):
        listeners = f"INTERNAL://127.0.0.1:{self.ports['internal']},HOST://127.0.0.1:{self.ports['host']}"
        controller = f"127.0.0.1:{self.ports['controller']}"
        values = {"advertised.listeners": listeners, "log.dirs": self.directory / "kafka-data"}
        if kind == "kraft":
            values.update({"listeners": f"{listeners},CONTROLLER://{controller}", "controller.quorum.voters": f"1@{controller}"})
        else:
            values.update({"listeners": listeners, "zookeeper.connect": f"127.0.0.1:{self.ports['zookeeper']}"})
        file = self.properties(f"server-{kind}.properties", values)
        name = "kafka-kraft" if kind == "kraft" else "kafka"
        daemon = self.launch(name, self.here(self.services[name]["command"], **{"/etc/sluice/server.properties": file}),
                             lambda: port_answers(self.ports["internal"]))
        wait_until(lambda: self.healthy(name), 60, "Kafka's health check", interval=0.5)
        return daemon

    def start_store(self, name):
        modules = {"minio": "github.com/minio/minio", "versitygw": "github.com/versity/versitygw/cmd/versitygw"}
        for directory in ("data", "metadata"):
            (self.directory / f"store-{directory}").mkdir()
        words = [{":9000": f"127.0.0.1:{self.ports['store']}", ":9001": f"127.0.0.1:{self.ports['console']}",
                  "/data": str(self.directory / "store-data"), "/metadata": str(self.directory / "store-metadata")}.get(word, word)
                 for word in self.services[name]["command"]]
        health = "/health" if name == "versitygw" else "/minio/health/ready"
        self.launch(name, [go_program(name, modules[name]), *words], lambda: self.answers(self.endpoint + health), self.services[name]["environment"])

    def answers(self, url):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def one_shot(self, name):
        service = self.services[name]
        command = self.here(service.get("entrypoint", []) + service.get("command", []))
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                             env={**os.environ, **service.get("environment", {})})
        self.assertEqual(run.returncode, 0, f"{name}: {run.stdout}{run.stderr}")

    def start_sluice(self):
        service = self.services["sluice"]
        words = [word for word in self.here(service["command"]) if word != "--http-insecure"]  # here it listens on 127.0.0.1
        env = dict(zip(service["environment"], self.here(service["environment"].values())))
        run = self.sluice(*words, env=env)
        self.producer = self.sluice(*self.here(self.services["producer"]["command"]))
        return run

    def check(self, kafka, store):
        self.begin(kafka, store)
        if kafka == "zookeeper":
            self.start_zookeeper()
        broker = self.start_kafka(kafka)
        self.start_store(store)
        for name in ("topics", "bucket", "topics", "bucket"):  # also when both are there already
            self.one_shot(name)
        prometheus = Prometheus(self.directory / "prometheus", exact=True)
        targets = self.here([(COMPOSE / "targets" / "sluice.yml").read_text()])[0]
        (prometheus.directory / "targets" / "sluice.yml").write_text(targets)
        prometheus.start()
        self.addCleanup(prometheus.stop)
        run = self.start_sluice()
        later = ("panel Why", "annotation", "panel Left out")
        Pending(prometheus, dashboard_expressions(), ranges={"$__rate_interval": "20s"}).wait(except_for=later, timeout=60)
        self.assertEqual({labels["pipeline"] for labels, _ in prometheus.query("sluice:health")}, {"lab"})
        self.assertEqual(subprocess.run(["bash", COMPOSE / "healthcheck.sh", str(self.ports["sluice"])]).returncode, 0)
        run.wait(lambda: run.metric("sluice_sink_objects_total"), 30, "an object in the lake")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assertNotEqual(subprocess.run(["bash", COMPOSE / "healthcheck.sh", str(self.ports["sluice"])], stderr=subprocess.DEVNULL).returncode, 0)
        self.producer.stop()
        broker.stop(sig=signal.SIGKILL)  # while ZooKeeper is still there; nothing to keep

    def test_zookeeper_and_minio(self):
        self.check("zookeeper", "minio")

    def test_kraft_and_versitygw(self):
        self.check("kraft", "versitygw")


if __name__ == "__main__":
    unittest.main()
