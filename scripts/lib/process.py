"""Background processes that outlive the script that started them, free ports, and waiting for conditions."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time


class Failure(Exception):
    """A service could not be brought where it should be; the text is for the user."""


def wait_until(condition, timeout, what, interval=0.05):
    """Returns the first true value of condition(); raises Failure after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout} s in vain for {what}")
        time.sleep(interval)


def free_port():
    """A port nobody listens on, below the range the kernel hands out to outgoing connections: a client that
    keeps trying a stopped server's port from that range can end up connected to itself and hold the port."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(200):
        port = random.randrange(max(1024, low - 12000), low)
        if port_is_free(port):
            return port
    raise Failure("no free port found")


def port_is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def start_time(pid):
    """Start time of a living process in clock ticks since boot, or None; with the pid it names a process for good."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2:].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Daemon:
    """One background process with its record (pid, start time) and log in `directory`."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.log = self.directory / "log"
        self.record = self.directory / "process.json"
        self.child = None

    def pid(self):
        """Pid of the running process, or None; a pid that now belongs to somebody else does not count."""
        try:
            record = json.loads(self.record.read_text())
        except (OSError, ValueError):
            return None
        if start_time(record["pid"]) != record["start_time"]:
            return None
        return record["pid"]

    def start(self, command, env=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old"))
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                                          env=env, start_new_session=True)
        pid = self.child.pid
        started = start_time(pid)
        if started is not None:
            self.record.write_text(json.dumps({"pid": pid, "start_time": started}))

    def wait_ready(self, condition, timeout):
        def ready():
            if self.child is not None:
                self.child.poll()
            if self.pid() is None:
                raise Failure(f"{self.name} ended while starting; the end of {self.log}:\n{self.tail()}")
            return condition()

        try:
            wait_until(ready, timeout, f"{self.name} to be ready (log: {self.log})")
        except Failure:
            self.stop()
            raise

    def stop(self, timeout=20, sig=signal.SIGTERM):
        """Ends the process this record names, harshly when it takes too long."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, sig)
            try:
                wait_until(self._gone, timeout, f"{self.name} to end")
            except Failure:
                if self.pid() == pid:
                    os.kill(pid, signal.SIGKILL)
                wait_until(self._gone, 10, f"{self.name} to end")
        self.record.unlink(missing_ok=True)

    def _gone(self):
        if self.child is not None:
            self.child.poll()
        return self.pid() is None

    def tail(self, lines=20):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"
