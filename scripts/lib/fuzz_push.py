"""scripts/fuzz-spark --pushdown: which conditions act before the watermark, for thousands of queries in minutes.

Makes WHERE and HAVING terms at random, and compares the filter below EventTimeWatermark in Spark's optimized plan with the line
`filter:` of `sluice validate`: both are asked of rows of all combinations of a few values, in SQLite. Nothing runs as a stream.
"""

import itertools
import json
import random
import re
import sqlite3
import subprocess
import tempfile

import fuzz_spark

SCHEMA = "ts TIMESTAMP, t2 TIMESTAMP, a INT, b INT, c INT, st STRUCT<a: INT>"
CONSTANT = "TIMESTAMP'2025-01-01 00:00:00'"
WITH_TIME = [
    "ts IS NULL", "ts IS NOT NULL", f"ts > {CONSTANT}", "hour(ts) = 1", f"ts = {CONSTANT}", "t2 = ts", "ts <= t2", "t2 <=> ts", "NOT (t2 < ts)",
    "hour(ts) >= a", "b + hour(ts) >= 0", "hour(ts) > st.a", "concat(ts, a) = '1'", "ts BETWEEN t2 - INTERVAL 1 HOUR AND t2", "ts IN (t2)",
    "round(hour(ts) + a) > 1", "(hour(ts) = a) = (b = c)", "NOT (hour(ts) <=> a)", "hour(ts) > a IS NOT TRUE",
]
WINDOWS = {"window(ts, '1 minute')": "window", "window(ts, '2 minutes', '1 minute')": "window", "window(ts, '3 minutes', '2 minutes')": "window",
           "session_window(ts, '1 minute')": "session_window", "ts": None}
TIMES = [None, "2024-12-31 00:00:00", "2025-01-01 00:00:00", "2025-02-01 00:00:00"]


class Terms:
    """`window`: the name of the window where the terms are of HAVING, "" where it has none; None in WHERE."""

    def __init__(self, rng, window):
        self.rng, self.window = rng, window

    def atom(self):
        rng, having = self.rng, self.window is not None
        column = lambda: rng.choice("ab" if having else "abc")
        kind = rng.random()
        if having and kind < 0.25:
            of_window = [f"{self.window}.start > {CONSTANT}", f"{self.window}.end IS NOT NULL", f"hour({self.window}.start) = 1"] if self.window else []
            return rng.choice(["n > 1", "n < 5", "n = b", "n IS NULL"] + of_window)
        if not having and kind < 0.35:
            return rng.choice(WITH_TIME + ["t2 IS NULL", f"t2 > {CONSTANT}"])
        return rng.choice([
            rng.choice(["true", "false", "1 = 1", "a = NULL"]), f"{column()} IS NULL", f"{column()} IS NOT NULL", f"{column()} = {column()}",
            f"{column()} {rng.choice(['<', '>=', '<>', '<=>'])} {column()}", f"{column()} IN ({rng.choice(['1', '1, 2', '0, 2, NULL'])})",
            f"{column()} BETWEEN 0 AND 1", f"{column()} + 1 > {rng.randint(0, 2)}", f"{column()} {rng.choice(['=', '<', '>', '<>'])} {rng.randint(0, 2)}"])

    def nested(self, depth):
        kind = self.rng.random()
        if depth == 0 or kind < 0.2:
            return self.atom()
        one = lambda: self.nested(depth - 1)
        if kind < 0.8:
            return f"({one()} {'AND' if kind < 0.5 else 'OR'} {one()})"
        if kind < 0.93:
            return f"NOT ({one()})"
        return f"CASE WHEN {one()} THEN {one()} ELSE {one()} END" if kind < 0.97 else f"coalesce({one()}, {self.rng.choice(['true', 'false'])})"

    def shared(self, depth, pool=None):
        """Terms that occur several times."""
        pool = pool or [self.nested(1) for _ in range(3)]
        if depth == 0 or self.rng.random() < 0.15:
            term = self.rng.choice(pool)
            return term if self.rng.random() < 0.75 else f"NOT ({term})"
        return f"({self.shared(depth - 1, pool)} {self.rng.choice(['AND', 'OR'])} {self.shared(depth - 1, pool)})"

    def condition(self):
        return (self.shared if self.rng.random() < 0.5 else self.nested)(self.rng.randint(1, 3))


def make_query(rng):
    group = rng.choice(list(WINDOWS) + ["window(ts, '1 minute')"] * 2)
    where, having = Terms(rng, None), Terms(rng, WINDOWS[group] or "")
    clauses = ["", f" GROUP BY {group}, a, b", ""]
    if rng.random() < 0.7:
        clauses[0] = " WHERE " + where.condition()
    else:
        clauses[0] = " WHERE " + where.nested(1) if rng.random() < 0.3 else ""
        clauses[2] = " HAVING " + having.condition()
    return "SELECT a, b, count(*) AS n FROM tx" + "".join(clauses)


def spark_filters(session, query):
    """The conditions below the watermark; without a watermark Spark found that there are no rows."""
    optimizer = session._jsparkSession.sessionState().optimizer()
    nodes, found = [(optimizer.execute(session.sql(query)._jdf.queryExecution().analyzed()), False)], None
    while nodes:
        node, below = nodes.pop()
        name = node.nodeName()
        if name == "EventTimeWatermark":
            below, found = True, []
        elif below and name in ("Filter", "LocalRelation"):
            found.append(node.condition().sql() if name == "Filter" else "false")
        children = node.children()
        nodes += [(children.apply(i), below) for i in range(children.size())]
    return ["false"] if found is None else found


def sluice_filters(sluice, queries):
    document = {"name": "p", "source": {
        "name": "tx", "format": "kafka", "options": {"kafka.bootstrap.servers": "x:1", "subscribe": "t"}, "value": {"format": "json", "schema": SCHEMA},
        "watermark": {"eventTime": "ts", "delayThreshold": "30 seconds"}}, "queries": [
            {"name": f"q{i}", "sql": query, "outputMode": "append", "sinks": [{"format": "console"}]} for i, query in enumerate(queries)]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        run = subprocess.run([sluice, "validate", file.name], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"sluice refuses a query:\n{run.stderr}")
    shown = run.stdout
    parts = re.split(r"^query q\d+:", shown, flags=re.M)[1:]
    return [re.findall(r"^  filter: (.*)$", part, flags=re.M) for part in parts]


def rows_of(database, filters):
    """The rows that pass, or None where SQLite cannot tell."""
    text = " AND ".join(f"({f})" for f in filters) or "true"
    text = re.sub(r"\btx\.", "", text).replace("`", "").replace("st.a", "sta").replace("<=>", " IS ")
    text = re.sub(r"TIMESTAMP ?'([^']*)'|(?<!')(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?!')", lambda m: f"'{m[1] or m[2]}'", text)
    text = re.sub(r"CAST\((NULL|\w+) AS (INT|BIGINT)\)", r"\1", text)
    try:
        return [row for row, in database.execute("SELECT rowid FROM t WHERE " + text)]
    except sqlite3.Error:
        return None


def check(sluice, seed, count):
    rng, session = random.Random(seed), fuzz_spark.Spark(generated=True)
    queries = [make_query(rng) for _ in range(count)]
    empty = fuzz_spark.scratch("pushdown")
    raw = session.session.readStream.schema(SCHEMA).json(str(empty))
    raw.withWatermark("ts", "30 seconds").createOrReplaceTempView("tx")
    database = sqlite3.connect(":memory:")
    database.create_function("hour", 1, lambda text: text and int(text[11:13]))
    database.execute("CREATE TABLE t (a, b, c, t2, sta)")
    values = itertools.product([None, 0, 1, 2], [None, 0, 1, 2], [None, 0, 1], TIMES, [None, 1])
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", values)
    unknown = different = 0
    for query, ours in zip(queries, sluice_filters(sluice, queries)):
        theirs = spark_filters(session.session, query)
        rows = rows_of(database, theirs), rows_of(database, ours)
        if None in rows:
            unknown += 1
        elif rows[0] != rows[1]:
            different += 1
            print(f"\n{query}\n  Spark:  {' AND '.join(theirs)}\n  sluice: {' AND '.join(ours)}")
    session.stop()
    empty.rmdir()
    print(f"\nseed {seed}: {count} queries, {different} with other filters before the watermark, {unknown} that SQLite cannot compare")
    return 1 if different else 0
