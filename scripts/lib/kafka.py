"""Kafka in one JVM (KRaft, broker and controller in one), from the jars of the public Maven repository."""

import base64
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import uuid

from process import Daemon, Failure, free_port, port_answers, port_is_free

VERSION = "3.9.1"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>services</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

LOG4J = """log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""

# For tests: one broker, everything replicated once, no waiting for group members, a cleaner that is never
# idle for long (compaction), and nothing deleted by age (tests produce records with old timestamps).
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "true",
    "num.partitions": "3",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "log.retention.ms": "-1",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.segment.delete.delay.ms": "1000",
    "message.max.bytes": "4194304",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


def cache_directory():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sluice"


def jars():
    """Directory of Kafka's jars; the first call fetches them with Maven."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"kafka-{VERSION}"
    with open(cache / "kafka.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            work = cache / f"kafka-{VERSION}.new"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            (work / "pom.xml").write_text(POM)
            command = ["mvn", "-B", "-q", "-f", str(work / "pom.xml"), "dependency:copy-dependencies",
                       "-DincludeScope=runtime", f"-DoutputDirectory={work}/jars"]
            for attempt in range(3):
                run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if run.returncode == 0:
                    break
            else:
                raise Failure(f"Maven could not fetch Kafka {VERSION}:\n{run.stdout}{run.stderr}")
            (work / "jars" / "log4j.properties").write_text(LOG4J)
            (work / "jars").rename(target)
            shutil.rmtree(work)
    return target


def java(*arguments, options=()):
    """The command line of one of the programs in Kafka's jars."""
    home = jars()
    return ["java", *options, "-Djava.awt.headless=true", f"-Dlog4j.configuration=file:{home}/log4j.properties",
            "-cp", f"{home}/*", *map(str, arguments)]


def tool(main_class, *arguments):
    """Runs one of Kafka's command-line tools and returns what it printed."""
    run = subprocess.run(java(main_class, *arguments, options=("-Xmx128m", "-XX:TieredStopAtLevel=1")),
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if run.returncode != 0:
        raise Failure(f"{main_class} failed:\n{run.stdout}{run.stderr}")
    return run.stdout


class KafkaServer:
    """One Kafka. `port` (plaintext) and the ports of `extra_listeners` stay the same over stop and start.

    extra_listeners: security protocols besides PLAINTEXT, e.g. ["SASL_PLAINTEXT", "SSL"]; `ports` maps each to its port.
    properties: further lines of server.properties. ports: what an earlier instance in this directory used.
    """

    def __init__(self, directory, extra_listeners=(), properties=None, ports=None):
        self.directory = pathlib.Path(directory)
        self.daemon = Daemon(self.directory, "kafka")
        self.properties = dict(properties or {})
        self.ports = dict(ports or {})
        for protocol in ["PLAINTEXT", "CONTROLLER", *extra_listeners]:
            while protocol not in self.ports:
                port = free_port()
                if port not in self.ports.values():
                    self.ports[protocol] = port

    @property
    def port(self):
        return self.ports["PLAINTEXT"]

    @property
    def brokers(self):
        return f"127.0.0.1:{self.port}"

    def running(self):
        return self.daemon.pid() is not None and port_answers(self.port)

    def start(self, timeout=90):
        if self.running():
            return
        for protocol, port in self.ports.items():
            if not port_is_free(port):
                raise Failure(f"port {port} ({protocol}) of kafka is taken by another process")
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = self._write_properties()
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(properties)
        self.daemon.start(java("kafka.Kafka", properties, options=("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")))
        self.daemon.wait_ready(self._ready, timeout)

    def stop(self, sig=signal.SIGTERM):
        self.daemon.stop(sig=sig)

    def _ready(self):
        return "Kafka Server started" in self.daemon.log.read_text(errors="replace") and port_answers(self.port)

    def _write_properties(self):
        listeners = ",".join(f"{p}://127.0.0.1:{port}" for p, port in self.ports.items())
        advertised = ",".join(f"{p}://127.0.0.1:{port}" for p, port in self.ports.items() if p != "CONTROLLER")
        protocols = ",".join(f"{p}:{'PLAINTEXT' if p == 'CONTROLLER' else p}" for p in self.ports)
        properties = {
            **PROPERTIES,
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['CONTROLLER']}",
            "listeners": listeners,
            "advertised.listeners": advertised,
            "listener.security.protocol.map": protocols,
            "log.dirs": str(self.directory / "data"),
            **self.properties,
        }
        path = self.directory / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        return path

    def _format(self, properties):
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        cluster = "s" + cluster[1:]  # the tool takes a leading dash for an option
        tool("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties)
