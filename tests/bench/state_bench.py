#!/usr/bin/env python3
"""state_bench.py [GROUPS]: what state costs a running pipeline with a checkpoint in a directory.

Every group is one key of one open window (lab query: two string keys, count, sum, avg). First each key comes once, a hundredth of
them per batch; then 20 batches touch a random hundredth each. Prints checkpoint bytes and seconds per batch at the full size, snapshots,
the longest turn of the loop, bytes of memory per group, and the time of a restart.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from harness import BUILD, shared_broker  # noqa: E402

BATCHES_MORE = 20


def produce(broker, topic, groups):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.brokers, "queue.buffering.max.messages": 2000000, "linger.ms": 50})
    rng = random.Random(1)

    def send(i, key):
        value = f'{{"user_id":"user_{key}","location":"store","amount":{key % 997}.25,"timestamp":"2026-01-01 00:{i % 60:02}:00"}}'
        while True:
            try:
                producer.produce(topic, value, partition=i % 2)
                return
            except BufferError:
                producer.poll(0.5)

    for i in range(groups):
        send(i, i)
        if i % 10000 == 0:
            producer.poll(0)
    for i in range(groups // 100 * BATCHES_MORE):
        send(i, rng.randrange(groups))
        if i % 10000 == 0:
            producer.poll(0)
    producer.flush()


def metric(text, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found.group(1)) if found else 0.0


def run(document, directory, *arguments):
    """Runs to the end; the text of the log and what the commit records say."""
    path = directory / "pipeline.json"
    path.write_text(json.dumps(document))
    began = time.monotonic()
    process = subprocess.Popen([BUILD / "sluice", "run", path, "--log-format", "json", *arguments], stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append((time.monotonic() - began, json.loads(line)))
    code = process.wait()
    if code:
        sys.exit(f"sluice ended with {code}: {lines[-1]}")
    return lines


def records(checkpoint):
    out = []
    for path in checkpoint.glob("commits/*"):
        record = json.loads(path.read_text().split("\n", 1)[1])
        record["recordBytes"] = path.stat().st_size
        out.append(record)
    return sorted(out, key=lambda record: record["batchId"])


def main():
    groups = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    broker = shared_broker()
    topic = f"state-{os.getpid()}"
    broker.create_topic(topic, 2)
    produce(broker, topic, groups)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        document = {
            "name": "state",
            "source": {"name": "tx", "format": "kafka",
                       "options": {"kafka.bootstrap.servers": broker.brokers, "subscribe": topic, "startingOffsets": "earliest",
                                   "maxOffsetsPerTrigger": groups // 100},
                       "value": {"format": "json", "schema": "user_id STRING, location STRING, amount DOUBLE, timestamp TIMESTAMP"},
                       "watermark": {"eventTime": "timestamp", "delayThreshold": "2 hours"}},
            "queries": [{"name": "q", "sql": "SELECT window, user_id, location, count(*) AS n, sum(amount) AS total, avg(amount) AS mean FROM tx "
                                             "GROUP BY window(timestamp, '1 day'), user_id, location",
                         "sinks": [{"format": "json", "path": str(directory / "out")}]}],
            "checkpointLocation": str(directory / "checkpoint"),
            "http": {"listen": "127.0.0.1:0"}}
        watch = subprocess.Popen([sys.executable, __file__, "--watch", str(directory / "port"), str(directory / "figures")])
        lines = run_watched(document, directory)
        watch.wait(60)
        figures = json.loads((directory / "figures").read_text())
        kept = records(directory / "checkpoint")[-BATCHES_MORE:]
        deltas, snapshots = [], []
        for before, record in zip(kept, kept[1:]):
            new = [o for o in record["state"] if o["key"].split("/")[1].split(".")[0] == str(record["batchId"])]
            (snapshots if "snapshot" in new[0]["key"] else deltas).append(sum(o["bytes"] for o in new))
        print(f"{groups} groups, 1 % touched per batch")
        print(f"  delta          {sum(deltas) / max(1, len(deltas)) / 1e6:.2f} MB, {sum(deltas) / max(1, len(deltas)) / (groups / 100):.0f} bytes per touched group")
        if snapshots:
            print(f"  snapshot       {snapshots[-1] / 1e6:.1f} MB")
        print(f"  batches        {figures['batch_s'] * 1000:.0f} ms each at the end, of that the checkpoint {figures['checkpoint_s'] * 1000:.0f} ms")
        print(f"  longest turn   at most {figures['stall_s'] * 1000:.1f} ms")
        print(f"  memory         {figures['state_bytes'] / figures['state_rows']:.0f} bytes per group, peak {figures['peak'] / 1e6:.0f} MB")
        again = run(document, directory, "--available-now")
        restart = next(at for at, line in again if line["message"].startswith("goes on from"))
        print(f"  restart        {restart:.2f} s from exec to the state loaded")


def run_watched(document, directory):
    path = directory / "pipeline.json"
    path.write_text(json.dumps(document))
    process = subprocess.Popen([BUILD / "sluice", "run", path, "--log-format", "json", "--available-now"], stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        line = json.loads(line)
        lines.append(line)
        found = re.match(r"http listening on (\S+)", line["message"])
        if found:
            (directory / "port").write_text(f"{found.group(1)} {process.pid}")
    if process.wait():
        sys.exit(f"sluice ended with {process.returncode}: {lines[-1]}")
    return lines


def watch(port, figures):
    """Samples /metrics until the process is gone; the last ten differences stand for the full size."""
    import urllib.request

    while not os.path.exists(port) or not open(port).read():
        time.sleep(0.05)
    address, pid = open(port).read().split()
    samples = []
    out = {}
    while True:
        try:
            text = urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()
            peak = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) * 1024
        except (OSError, AttributeError):
            break
        samples.append((metric(text, "sluice_batches_total"), metric(text, 'sluice_batch_duration_seconds_sum{phase="total"}'),
                        metric(text, "sluice_checkpoint_seconds_sum")))
        total = metric(text, "sluice_loop_stall_seconds_count")
        buckets = re.findall(r'^sluice_loop_stall_seconds_bucket\{le="([^"]+)"\} (\d+)$', text, re.M)
        stall = next((bound for bound, count in buckets if float(count) == total), "inf")
        out = {"state_bytes": metric(text, 'sluice_state_bytes{query="q"}'), "state_rows": metric(text, 'sluice_state_rows{query="q"}') or 1,
               "peak": peak, "stall_s": float(stall)}
        time.sleep(0.2)
    last = samples[-1]
    first = next((s for s in samples if last[0] - s[0] <= 15), samples[0])
    n = max(1, last[0] - first[0])
    out.update(batch_s=(last[1] - first[1]) / n, checkpoint_s=(last[2] - first[2]) / n)
    pathlib.Path(figures).write_text(json.dumps(out))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watch"]:
        watch(sys.argv[2], sys.argv[3])
    else:
        main()
