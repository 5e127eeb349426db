#!/usr/bin/env python3
"""http_bench.py [MESSAGES]: what HTTP costs a stream that catches up on a backlog.

The stream reads MESSAGES (default 6,000,000) lab messages and groups them by window and type. Beside it runs one client, http_load:
2,000 requests/s over 64 connections against /metrics and /status. First against a bare h2o of another process, so that the machine has
the same to do; then against the stream itself; then as fast as it can, unpaced. Prints a Markdown table of records per second.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from harness import BUILD, LAB_SCHEMA, Sluice, shared_broker  # noqa: E402

PARTITIONS = 3
RATE, CONNECTIONS = 2000, 64
WARM, MEASURED = 0.1, 0.6  # shares of the backlog: what is left out at the start, and what is measured


def fill(broker, messages):
    """A topic with so many lab messages."""
    topic = broker.create_topic(f"http-{uuid.uuid4().hex[:8]}", PARTITIONS)
    counts = ",".join([str(messages // PARTITIONS)] * PARTITIONS)
    subprocess.run([BUILD / "tests" / "bench" / "bench_load", broker.brokers, topic, counts], check=True, stdout=subprocess.DEVNULL)
    return topic


def document(broker, topic):
    return {"name": "load",
            "source": {"name": "tx", "format": "kafka", "value": {"format": "json", "schema": LAB_SCHEMA},
                       "options": {"kafka.bootstrap.servers": broker.brokers, "subscribe": topic, "startingOffsets": "earliest"},
                       "watermark": {"eventTime": "timestamp", "delayThreshold": "1 minute"}},
            "trigger": {"processingTime": "1 second"},
            "queries": [{"name": "by_type", "sql": "SELECT window(timestamp, '1 minute') AS w, type, count(*) AS n, sum(amount) AS amount "
                                                   "FROM tx GROUP BY window(timestamp, '1 minute'), type",
                         "sinks": [{"name": "c", "format": "console"}]}],
            "http": {"listen": "127.0.0.1:0"}}


@contextlib.contextmanager
def bare_server(size=8000):
    process = subprocess.Popen([BUILD / "tests" / "bench" / "bare_http", str(size)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def client(port, rate, connections=CONNECTIONS, seconds=600):
    process = subprocess.Popen([BUILD / "tests" / "bench" / "http_load", str(port), str(rate), str(connections), str(seconds), "/metrics", "/status"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def position(run):
    return sum(p["position"] for source in run.status()["sources"] for p in source["partitions"])



def measure(directory, broker, topic, messages, kind):
    """Records per second in the middle of the backlog, with the client at: "none", "bare", "paced", "flood"."""

    path = pathlib.Path(directory) / "pipeline.json"
    path.write_text(json.dumps(document(broker, topic)))
    with contextlib.ExitStack() as stack:
        if kind == "bare":
            stack.enter_context(client(stack.enter_context(bare_server()), RATE))
        run = Sluice(directory, "run", path)
        stack.callback(run.kill)
        if kind in ("paced", "flood"):
            stack.enter_context(client(run.address[1], RATE if kind == "paced" else 0))
        run.wait(lambda: run.status()["sources"] and position(run) >= WARM * messages, 60, "the stream to run")
        began, first = time.monotonic(), position(run)
        run.wait(lambda: position(run) >= first + MEASURED * messages, 120, "the most of the backlog")
        return (position(run) - first) / (time.monotonic() - began)


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000_000
    broker = shared_broker()
    topic = fill(broker, messages)
    rates = {}
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as directory:
        for kind in ("none", "bare", "paced", "bare", "paced", "flood"):
            rates.setdefault(kind, []).append(measure(directory, broker, topic, messages, kind))
            print(f"{kind}: {rates[kind][-1]:,.0f} records/s", file=sys.stderr, flush=True)
    broker.delete_topic(topic)
    bare = max(rates["bare"])
    print("| HTTP client | records/s | against the bare h2o |\n|---|---:|---:|")
    for kind, text in (("none", "none"), ("bare", f"{RATE:,} requests/s against a bare h2o"), ("paced", f"{RATE:,} requests/s against the stream"),
                       ("flood", "as fast as it can against the stream")):
        print(f"| {text} | {max(rates[kind]):,.0f} | {100 * max(rates[kind]) / bare:.0f} % |")


if __name__ == "__main__":
    main()
