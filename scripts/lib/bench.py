"""The benchmark: rounds of all contenders in turn, so that the machine's moods hit them alike; medians in a table."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = (ROOT / (os.environ.get("SLUICE_BUILD") or "build")).absolute()
PARTITIONS = 3
SCHEMA = "transaction_id STRING, user_id STRING, amount DOUBLE, type STRING, timestamp TIMESTAMP, location STRING"
MB = 1 << 20
BARE = "bare librdkafka batch consumer"


def measure(command, directory):
    """Runs a command to its end; (seconds, CPU seconds, peak resident bytes)."""
    with open(directory / "out", "wb") as out, open(directory / "err", "wb") as err:
        started = time.monotonic()
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{(directory / 'err').read_text()[-3000:]}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def pipeline(directory, brokers, topic, name, sql, sinks):
    path = directory / f"{name}.json"
    path.write_text(json.dumps({
        "name": name,
        "source": {"name": "tx", "format": "kafka",
                   "options": {"kafka.bootstrap.servers": brokers, "subscribe": topic, "startingOffsets": "earliest"},
                   "value": {"format": "json", "schema": SCHEMA}},
        "trigger": {"availableNow": True},
        "queries": [{"name": "q", "sql": sql, "sinks": sinks}],
        "http": False,
    }, indent=2))
    return [BUILD / "sluice", "run", path]


def load(brokers, messages):
    """A topic of lab messages; the name tells how many, so that it is loaded once per Kafka."""
    counts = [messages // PARTITIONS + (1 if p < messages % PARTITIONS else 0) for p in range(PARTITIONS)]
    topic = f"bench-{messages}"
    stamp = pathlib.Path(os.environ.get("SLUICE_SERVICES_DIR") or ROOT / ".services") / "kafka" / topic
    if not stamp.exists():
        print(f"loading {messages} messages", file=sys.stderr)
        subprocess.run([BUILD / "tests/bench/bench_load", brokers, topic, ",".join(map(str, counts))], check=True,
                       stdout=sys.stderr)
        stamp.touch()
    return topic


def contenders(directory, brokers, topic, messages):
    console = [{"format": "console", "options": {"numRows": 20}}]
    files = [{"name": "files", "format": "json", "path": str(directory / "lake")}]
    bare = [BUILD / "tests/bench/bench_bare", brokers, topic, PARTITIONS, messages]
    # With its defaults librdkafka sleeps 500 ms whenever a queue is full; the yardstick is the one that does not.
    return {
        BARE: [*bare, "fetch.error.backoff.ms=0", "queued.min.messages=1000000", "fetch.wait.max.ms=10"],
        "bare consumer, librdkafka's defaults": bare,
        "sluice, `WHERE amount < 0` → console": pipeline(
            directory, brokers, topic, "filter", "SELECT * FROM tx WHERE amount < 0", console),
        "sluice, `SELECT *` → console, 20 rows": pipeline(directory, brokers, topic, "all", "SELECT * FROM tx", console),
        "sluice, `SELECT *` → JSON files": pipeline(directory, brokers, topic, "files", "SELECT * FROM tx", files),
    }


def table(results, messages):
    base = statistics.median(seconds for seconds, _, _ in results[BARE])
    print("| | messages/s (median) | lowest – highest | of bare | CPU s | peak memory |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, runs in results.items():
        seconds = [r[0] for r in runs]
        median = statistics.median(seconds)
        print(f"| {name} | {messages / median / 1e6:.2f} M | {messages / max(seconds) / 1e6:.2f} – "
              f"{messages / min(seconds) / 1e6:.2f} M | {base / median:.2f} | {statistics.median(r[1] for r in runs):.2f} | "
              f"{max(r[2] for r in runs) / MB:.0f} MB |")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=5_000_000)
    arguments = parser.parse_args()
    up = subprocess.run([ROOT / "scripts" / "services", "up", "kafka"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                        check=True)
    brokers = up.stdout.strip().split("=", 1)[1]
    topic = load(brokers, arguments.messages)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as temporary:
        directory = pathlib.Path(temporary)
        commands = contenders(directory, brokers, topic, arguments.messages)
        results = {name: [] for name in commands}
        measure(commands[BARE], directory)  # warms the page cache; not counted
        for number in range(arguments.rounds):
            for name, command in commands.items():
                print(f"round {number + 1}: {name}", file=sys.stderr)
                results[name].append(measure(command, directory))
                subprocess.run(["rm", "-rf", directory / "lake"], check=True)
    print(f"{arguments.messages:,} lab messages in {PARTITIONS} partitions, {arguments.rounds} rounds in turn, {os.cpu_count()} cores "
          f"({platform.machine()}), broker on the same machine; wall clock of the whole process.\n")
    table(results, arguments.messages)


if __name__ == "__main__":
    main()
