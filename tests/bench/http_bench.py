#!/usr/bin/env python3
"""http_bench.py [MESSAGES [ROUNDS]]: what HTTP costs a stream that catches up on a backlog.

The stream reads MESSAGES (default 12,000,000) lab messages and groups them by window and type. Beside it a client, http_load, asks
2,000 times a second over 64 connections for /metrics and /status: for a second from nobody, for a second from a bare h2o of another
process, so that the machine has the same to do, for a second from the stream itself, for a second from that as fast as it can; and so
on, ROUNDS (default 3) times through the backlog. Prints a Markdown table of records per second, of all those seconds.
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
SLOT_S = 1.0


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



KINDS = ("none", "bare", "paced", "flood")


def go_through(directory, broker, topic, messages, bare_port, turn, totals):
    """One run through the backlog; adds records and seconds to totals[kind]. Returns the last report of the paced client."""
    path = pathlib.Path(directory) / "pipeline.json"
    path.write_text(json.dumps(document(broker, topic)))
    run = Sluice(directory, "run", path)
    try:
        run.wait(lambda: run.status()["sources"] and position(run) > messages / 50, 60, "the stream to run")
        while True:
            kind = KINDS[turn % len(KINDS)]
            port = {"bare": bare_port}.get(kind, run.address[1])
            with contextlib.ExitStack() as stack:
                if kind != "none":
                    stack.enter_context(client(port, 0 if kind == "flood" else RATE))
                began, first = time.monotonic(), position(run)
                time.sleep(SLOT_S)
                last, seconds = position(run), time.monotonic() - began
            if last >= messages:
                return turn
            totals[kind][0] += last - first
            totals[kind][1] += seconds
            turn += 1
    finally:
        run.kill()


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    broker = shared_broker()
    topic = fill(broker, messages // PARTITIONS * PARTITIONS)
    totals, turn = {kind: [0, 0.0] for kind in KINDS}, 0
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as directory, bare_server() as bare_port:
        for _ in range(rounds):
            turn = go_through(directory, broker, topic, messages // PARTITIONS * PARTITIONS, bare_port, turn, totals)
    broker.delete_topic(topic)
    rates = {kind: records / max(seconds, 1e-9) for kind, (records, seconds) in totals.items()}
    texts = {"none": "none", "bare": f"{RATE:,} requests/s of a bare h2o", "paced": f"{RATE:,} requests/s of the stream", "flood": "as fast as it can, of the stream"}
    print("| HTTP client | seconds | records/s | beside a bare h2o |\n|---|---:|---:|---:|")
    for kind in KINDS:
        print(f"| {texts[kind]} | {totals[kind][1]:.0f} | {rates[kind]:,.0f} | {100 * rates[kind] / max(rates['bare'], 1e-9):.0f} % |")


if __name__ == "__main__":
    main()
