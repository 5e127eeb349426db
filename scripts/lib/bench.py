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
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import venv  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = (ROOT / (os.environ.get("SLUICE_BUILD") or "build")).absolute()
PARTITIONS = 3
SCHEMA = "transaction_id STRING, user_id STRING, amount DOUBLE, type STRING, timestamp TIMESTAMP, location STRING"
MB = 1 << 20
BARE = "bare librdkafka batch consumer"
PYARROW = "pyarrow writing the same rows from memory → Parquet on MinIO"
TO_PARQUET = "sluice, `SELECT *` → Parquet on MinIO"


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


WINDOWED = ("SELECT window, type, location, count(*) AS n, sum(amount) AS total, avg(amount) AS mean, min(amount) AS low, max(amount) AS high "
            "FROM tx WHERE amount > 0 GROUP BY window(timestamp, '1 minute'), type, location")


def many_functions():
    """200 calls over all columns; its rows are one in a thousand, so that what it costs is not what its rows cost."""
    text = ["upper({})", "lower({})", "length({})", "trim({})", "concat({}, '-x')", "substring({}, 2, 3)", "reverse({})", "instr({}, 'a')",
            "left({}, 2)", "right({}, 2)", "lpad({}, 12, '*')", "rpad({}, 12, '*')", "replace({}, 'a', 'b')", "repeat({}, 2)", "md5({})",
            "initcap({})", "coalesce({}, 'none')", "nullif({}, 'x')", "ascii({})", "{} LIKE 'a%'", "startswith({}, 'p')", "split_part({}, '_', 2)",
            "crc32({})", "hash({})", "translate({}, 'ab', 'cd')", "regexp_replace({}, '[0-9]+', '#')", "soundex({})", "base64(CAST({} AS BINARY))"]
    number = ["abs({})", "round({}, 1)", "floor({})", "ceil({})", "sqrt({})", "exp({} / 1000)", "ln({})", "log10({})", "sin({})", "cos({})", "tan({})",
              "pow({}, 2)", "sign({})", "bround({}, 1)", "greatest({}, 100)", "least({}, 100)", "CAST({} AS INT)", "CAST({} AS STRING)", "{} % 7",
              "if({} > 100, 'big', 'small')", "degrees({})", "radians({})", "atan({})", "cbrt({})", "CAST({} AS DECIMAL(12,2))", "pmod({}, 7)"]
    time = ["year({})", "month({})", "day({})", "hour({})", "minute({})", "second({})", "quarter({})", "dayofweek({})", "dayofyear({})",
            "weekofyear({})", "date_trunc('HOUR', {})", "to_date({})", "unix_timestamp({})", "date_format({}, 'yyyy-MM-dd')", "last_day({})",
            "{} + INTERVAL 1 HOUR", "unix_millis({})", "add_months({}, 1)", "date_add({}, 3)", "trunc({}, 'MM')", "weekday({})", "next_day({}, 'Mon')"]
    calls = [call.format(column) for column in ("transaction_id", "user_id", "type", "location") for call in text]
    calls += [call.format(column) for column in ("amount", "amount * 2", "amount + 1") for call in number]
    calls += [call.format("timestamp") for call in time]
    items = ", ".join(f"{call} AS c{i}" for i, call in enumerate(calls[:200]))
    return f"SELECT {items} FROM tx WHERE amount > 998.99"


def windowed(directory, brokers, topic, name, others=(), sink=None, s3=None):
    """The windowed pipeline, beside other queries; to JSON files, or another sink."""
    queries = [{"name": "by_type", "sql": WINDOWED,
                "sinks": [sink or {"name": "files", "format": "json", "path": str(directory / "lake" / name)}]}]
    queries += [{"name": f"other{i}", "sql": sql, "sinks": [{"name": "files", "format": "json", "path": str(directory / "lake" / f"{name}{i}")}]}
                for i, sql in enumerate(others)]
    return pipeline(directory, brokers, topic, name, queries, s3=s3,
                    watermark={"eventTime": "timestamp", "delayThreshold": "1 minute"})


def query(sql, sinks):
    return [{"name": "q", "sql": sql, "sinks": sinks}]


def pipeline(directory, brokers, topic, name, queries, s3=None, **source):
    path = directory / f"{name}.json"
    path.write_text(json.dumps({
        "name": name,
        "source": {"name": "tx", "format": "kafka",
                   "options": {"kafka.bootstrap.servers": brokers, "subscribe": topic, "startingOffsets": "earliest"},
                   "value": {"format": "json", "schema": SCHEMA}, **source},
        "trigger": {"availableNow": True},
        "queries": queries,
        "http": False,
        **({"s3": s3} if s3 else {}),
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


class Store:
    """A bucket in MinIO, and pyarrow beside it."""

    def __init__(self):
        up = subprocess.run([ROOT / "scripts" / "services", "up", "minio"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        exports = dict(line.removeprefix("export ").split("=", 1) for line in up.stdout.splitlines())
        self.section = {"endpoint": exports["S3_ENDPOINT"], "accessKeyId": exports["AWS_ACCESS_KEY_ID"],
                        "secretAccessKey": exports["AWS_SECRET_ACCESS_KEY"]}
        self.bucket = f"bench-{uuid.uuid4().hex[:8]}"
        self.script("make-bucket")

    def path(self, name):
        return f"s3://{self.bucket}/{name}"

    def script(self, *arguments):
        run = subprocess.run([venv.python(), ROOT / "tests" / "bench" / "pyarrow_lake.py", json.dumps(self.section), self.bucket, *arguments],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(run.stdout)


def contenders(directory, brokers, topic, messages, store):
    console = [{"format": "console", "options": {"numRows": 20}}]
    files = [{"name": "files", "format": "json", "path": str(directory / "lake")}]
    bare = [BUILD / "tests/bench/bench_bare", brokers, topic, PARTITIONS, messages]
    # With its defaults librdkafka sleeps 500 ms whenever a queue is full; the yardstick is the one that does not.
    return {
        BARE: [*bare, "fetch.error.backoff.ms=0", "queued.min.messages=1000000", "fetch.wait.max.ms=10"],
        "bare consumer, librdkafka's defaults": bare,
        "sluice, `WHERE amount < 0` → console": pipeline(
            directory, brokers, topic, "filter", query("SELECT * FROM tx WHERE amount < 0", console)),
        "sluice, `SELECT *` → console, 20 rows": pipeline(directory, brokers, topic, "all", query("SELECT * FROM tx", console)),
        "sluice, `SELECT *` → JSON files": pipeline(directory, brokers, topic, "files", query("SELECT * FROM tx", files)),
        "sluice, windowed: 5 aggregates by minute, type, location → JSON files": windowed(directory, brokers, topic, "windowed"),
        "the same beside a `SELECT` of 200 calls for 1 record in 1000": windowed(
            directory, brokers, topic, "beside", [many_functions()]),
        TO_PARQUET: pipeline(
            directory, brokers, topic, "parquet",
            query("SELECT * FROM tx", [{"name": "lake", "format": "parquet", "path": store.path("all")}]), s3=store.section),
        "sluice, windowed → Parquet on MinIO": windowed(
            directory, brokers, topic, "minio", sink={"name": "lake", "format": "parquet", "path": store.path("by_type")}, s3=store.section),
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
        store = Store()
        commands = contenders(directory, brokers, topic, arguments.messages, store)
        results = {name: [] for name in commands}
        measure(commands[BARE], directory)  # warms the page cache; not counted
        for number in range(arguments.rounds):
            for name, command in commands.items():
                print(f"round {number + 1}: {name}", file=sys.stderr)
                results[name].append(measure(command, directory))
                subprocess.run(["rm", "-rf", directory / "lake"], check=True)
                if name == TO_PARQUET:
                    print(f"round {number + 1}: {PYARROW}", file=sys.stderr)
                    answer = store.script("rewrite", "all")
                    results.setdefault(PYARROW, []).append((answer["seconds"], answer["cpu"], answer["peak"]))
                    sizes = answer["sizes"]
                store.script("clear")
    print(f"{arguments.messages:,} lab messages in {PARTITIONS} partitions, {arguments.rounds} rounds in turn, {os.cpu_count()} cores "
          f"({platform.machine()}), broker on the same machine; wall clock of the whole process.\n")
    table(results, arguments.messages)
    print(f"\nThe rows in Parquet: {sizes['sluice'] / MB:.1f} MB in {sizes['files']} files by sluice, {sizes['pyarrow'] / MB:.1f} MB in one file by pyarrow. "
          "pyarrow's time is that of `write_table` alone: its rows are in memory as columns already.")


if __name__ == "__main__":
    main()
