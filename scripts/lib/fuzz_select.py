"""Whole queries and pipelines at random, and their case directories."""

import copy
import json
import random

import fuzz_data
from fuzz_query import Expressions, Node

SIZES = ["1 minute", "30 seconds", "2 minutes", "90 seconds", "5 minutes"]
DELAYS = {"0 seconds": 0, "30 seconds": 30, "1 minute": 60, "2 minutes": 120, "90 seconds": 90}


class Query:
    """One query of one pipeline: trees for what is selected, kept, grouped; `text()` writes it."""

    def __init__(self):
        self.items, self.where, self.keys, self.window, self.having = [], [], [], None, None  # items: [(node, alias or None)]
        self.distinct, self.mode, self.uses, self.grouped, self.by = False, "append", [], False, "text"

    def group_terms(self):
        terms = [] if self.window is None else [self.window.text()]
        for i, key in enumerate(self.keys):
            place = next((n + 1 for n, (node, alias) in enumerate(self.items) if node is key), None)
            alias = next((alias for node, alias in self.items if node is key), None)
            terms.append(str(place) if self.by == "ordinal" and place else alias if self.by == "alias" and alias else key.text())
        return terms

    def text(self):
        items = ", ".join(node.text() + (f" AS {alias}" if alias else "") for node, alias in self.items)
        sql = f"SELECT {'DISTINCT ' if self.distinct else ''}{items} FROM tx"
        if self.where:
            sql += " WHERE " + " AND ".join(node.text() for node in self.where)
        terms = self.group_terms()
        if terms:
            sql += " GROUP BY " + ", ".join(terms)
        if self.having:
            sql += " HAVING " + self.having.text()
        return sql

    def nodes(self):
        roots = [node for node, _ in self.items] + self.where + self.keys + [n for n in (self.window, self.having) if n]
        for root in roots:
            yield from root.walk()

    def features(self):
        found = {use for node in self.nodes() for use in node.uses} | set(self.uses) | {"mode:" + self.mode}
        if self.distinct:
            found.add("clause:DISTINCT")
        if self.having:
            found.add("clause:HAVING")
        if self.where:
            found.add("clause:WHERE")
        if self.grouped:
            found.add("clause:GROUP BY")
        return found


class Pipeline:
    def __init__(self, columns, batches):
        self.columns, self.batches = columns, batches
        self.transform, self.watermark, self.dedup = None, None, None

    def document(self, *queries):
        source = {"name": "tx", "format": "kafka", "options": {"kafka.bootstrap.servers": "localhost:9092", "subscribe": "t"},
                  "value": {"format": "json", "schema": fuzz_data.schema_ddl(self.columns)}}
        if self.transform:
            source["transform"] = self.transform
        if self.watermark:
            source["watermark"] = {"eventTime": "ts", "delayThreshold": self.watermark}
        if self.dedup:
            source["dropDuplicatesWithinWatermark"] = self.dedup
        return {"name": "case", "source": source, "trigger": {"processingTime": "10 seconds"},
                "queries": [{"name": f"q{i}" if i else "q", "sql": query.text(), "outputMode": query.mode, "sinks": [{"format": "json"}]}
                            for i, query in enumerate(queries)]}

    def write(self, directory, *queries):
        (directory / "input").mkdir(parents=True)
        (directory / "pipeline.json").write_text(json.dumps(self.document(*queries), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for i, rows in enumerate(self.batches):
            (directory / "input" / f"{i:02d}.ndjson").write_text("".join(fuzz_data.dump(row) + "\n" for row in rows), encoding="utf-8")

    def stateless(self):
        return not self.watermark and not self.dedup

    def features(self):
        found = {"pipeline:watermark"} if self.watermark else set()
        found |= {"pipeline:dedup"} if self.dedup else set()
        found |= {"pipeline:transform"} if self.transform else set()
        return found


def write_expected(directory, rows, name="q"):
    for batch, lines in rows.items():
        path = directory / "expected" / name / f"{batch:02d}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")


def make_where(rng, make, stream):
    """Mostly conditions that leave some rows; in streams also such that name the event time or not."""
    simple = ["i1 > -8", "k IS NOT NULL", "b1 IS NOT FALSE", "i2 < 2", "k IN ('a', 'b', 'c')", "coalesce(i1, 1) <> 42", "(d1 < 15 OR d1 IS NULL)", "length(k) < 3"]
    timed = ["minute(ts) < 9", "ts >= TIMESTAMP'2024-03-01 09:58:00'", "(ts < TIMESTAMP'2024-03-01 10:06:00' OR b1)", "ts IS NOT NULL"]
    terms = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        pick = rng.random()
        if pick < 0.5:
            terms.append(Node("b", rng.choice(simple)))
        elif pick < 0.7 and stream:
            terms.append(Node("b", rng.choice(timed), uses=("clause:WHERE on event time",)))
        else:
            terms.append(Node("b", "(", make.make("b", 2), " OR i1 % 2 = 0)", uses=("op:OR",)))
    return terms


def name_items(rng, query, nodes, star=False):
    """Gives names, at times none, but never two columns of one name (JSON has one value per name)."""
    for i, node in enumerate(nodes):
        taken = {n.text().lower().split(".")[-1] for n, alias in query.items if not alias}
        bare = rng.random() < 0.15 and not star and node.text().lower().split(".")[-1] not in taken
        query.items.append((node, None if bare else f"c{i}"))


def plain_query(rng, make, stream):
    query = Query()
    nodes = [make.make(rng.choice("sssiiiildmbDTTyhfxASRZ"), rng.choice([1, 2, 2, 3]), exact=False) for _ in range(rng.randint(2, 8))]
    nodes += [make.inexact() for _ in range(rng.choice([0, 1, 1]))]
    if stream:
        nodes.append(Node("T", "ts"))  # Spark fails where dedup is and nothing reads the event time
    if rng.random() < 0.05:
        nodes.append(Node("e", "*"))
    star = nodes[-1].text() == "*"
    name_items(rng, query, [n for n in nodes if n.text() != "*"], star)
    if star:
        query.items.append((Node("e", "*", uses=("clause:star",)), None))
    if rng.random() < 0.5:
        query.where = make_where(rng, make, stream)
    if stream and not star and rng.random() < 0.4:
        query.items.append((Node("R", f"window(ts, '{rng.choice(SIZES)}')", uses=("window:projected",)), "w"))
    query.mode = rng.choice(["append", "append", "update"]) if stream else "append"
    return query


def make_key(rng, make):
    low = lambda letter: make.column(letter, low=True) or Node("i", "1")
    forms = [lambda: low("s"), lambda: low("s"), lambda: low("b"), lambda: low("i"), lambda: low("y"), lambda: low("D"),
             lambda: Node("s", "upper(", low("s"), ")", uses=("function:upper",)), lambda: Node("i", "(", low("i"), " % 2)", uses=("op:%",)),
             lambda: make.column("m"), lambda: make.column("R"), lambda: make.column("d"), lambda: make.column("x"), lambda: make.column("h"),
             lambda: Node("i", make.column("R"), ".a", uses=("op:field",)), lambda: make.make(rng.choice("bis"), 2), lambda: make.column("f"), lambda: make.column("l"),
             lambda: Node("s", "CASE WHEN ", make.make("b", 1), " THEN 'x' ELSE ", low("s"), " END", uses=("op:CASE",)),
             lambda: Node("D", "CAST(ts AS DATE)", uses=("op:CAST",))]
    return rng.choice(forms)()


def make_window(rng, query, kind):
    """The window of a query; returns what it may select of it."""
    if kind == "tumbling":
        text = f"window(ts, '{rng.choice(SIZES)}')"
        if rng.random() < 0.3:
            text = f"window(ts, '1 minute', '1 minute', '{rng.choice(['15 seconds', '-10 seconds', '59 seconds'])}')"
            query.uses.append("window:start offset")
    elif kind == "sliding":
        size, slide = rng.choice([("2 minutes", "1 minute"), ("1 minute", "20 seconds"), ("50 seconds", "30 seconds"), ("3 minutes", "70 seconds")])
        offset = f", '{rng.choice(['5 seconds', '-5 seconds'])}'" if rng.random() < 0.25 else ""
        text = f"window(ts, '{size}', '{slide}'{offset})"
    elif kind == "session":
        text = f"session_window(ts, '{rng.choice(['30 seconds', '1 minute', '10 seconds', '2 minutes'])}')"
    else:
        text = "session_window(ts, " + rng.choice(["CASE WHEN b1 THEN '30 seconds' ELSE '2 minutes' END", "CASE i2 WHEN 1 THEN '10 seconds' ELSE '1 minute' END",
                                                   "if(i1 > 5, '90 seconds', '20 seconds')", "concat(coalesce(abs(i2), 1) + 1, ' minutes')",
                                                   "CASE WHEN b1 THEN '1 minute' END"]) + ")"
    query.window = Node("R", text)
    query.uses.append("window:" + kind)
    name = "session_window" if kind.startswith("session") else "window"
    return [Node("R", rng.choice([name, name, name + ".start", name + ".end", f"unix_timestamp({name}.end)"])) for _ in range(rng.choice([0, 1, 1, 2]))]


def group_query(rng, make, pipeline, kind, mode):
    query = Query()
    query.grouped, query.mode = True, mode
    nodes = make_window(rng, query, kind) if kind in ("tumbling", "sliding", "session", "session dynamic") else []
    session = kind.startswith("session")
    if kind == "event time":
        query.keys.append(Node("T", "ts", uses=("type:TIMESTAMP",)))
        query.uses.append("window:event time key")
    for _ in range(0 if kind == "global" else rng.choice([1, 1, 2]) if session or kind == "keys" else rng.choice([0, 1, 1, 2])):
        key = make_key(rng, make)
        if key.text() not in [k.text() for k in query.keys] and key.text() != "1":
            query.keys.append(key)
    if (session or kind == "keys") and not query.keys:
        query.keys.append(Node("s", "k", uses=("type:STRING",)))
    nodes += [key for key in query.keys if rng.random() < 0.8]
    nodes += [make.over_aggregates(query.keys, rng.choice([0, 1, 1, 2]), session) for _ in range(rng.randint(1, 5))]
    if pipeline.dedup and not query.window and not query.keys:
        nodes.append(Node("T", "max(ts)", uses=("aggregate:max",)))
    elif pipeline.dedup and not query.window:
        nodes.append(Node("T", "count(ts)", uses=("aggregate:count",)))
    rng.shuffle(nodes)
    name_items(rng, query, nodes)
    query.by = rng.choice(["text", "text", "alias", "ordinal"])
    if rng.random() < 0.5:
        query.where = make_where(rng, make, True)
    if rng.random() < 0.3:
        query.having = make_having(rng, make, query, session)
    return query


def make_having(rng, make, query, session):
    forms = [lambda: Node("b", rng.choice(["count(*) >= 1", "count(*) > 1", "max(i1) > 0 OR max(i1) IS NULL"]))]
    if query.keys and not any("(" in k.text() for k in query.keys):
        key = query.keys[0]
        forms.append(lambda: Node("b", f"{key.text()} IS NOT NULL", uses=("clause:HAVING on key",)))
        forms.append(lambda: Node("b", f"{key.text()} IS NOT NULL AND count(*) > 0", uses=("clause:HAVING on key",)))
    if query.window:
        name = "session_window" if session else "window"
        forms.append(lambda: Node("b", f"{name}.start < TIMESTAMP'2024-03-01 10:04:00'", uses=("clause:HAVING on window",)))
        forms.append(lambda: Node("b", f"{name}.end > TIMESTAMP'2024-03-01 10:01:00' AND count(*) > 0", uses=("clause:HAVING on window",)))
    return rng.choice(forms)()


def distinct_query(rng, make, pipeline):
    query = Query()
    query.distinct, query.grouped = True, True
    nodes = [make_key(rng, make) for _ in range(rng.randint(1, 3))]
    nodes = [n for i, n in enumerate(nodes) if n.text() not in [m.text() for m in nodes[:i]]]
    query.mode = "update"
    if pipeline.watermark and rng.random() < 0.5:
        nodes.append(Node("T", "ts", uses=("type:TIMESTAMP",)))
        query.mode = rng.choice(["append", "update"])
    name_items(rng, query, nodes)
    if rng.random() < 0.4:
        query.where = make_where(rng, make, True)
    return query


def make_pipeline(seed, stream):
    rng = random.Random(f"pipeline {seed} {stream}")
    columns = fuzz_data.make_columns(rng)
    pipeline = Pipeline(columns, fuzz_data.make_batches(rng, columns, stream))
    if stream:
        pipeline.watermark = rng.choice(list(DELAYS)) if rng.random() < 0.8 else None
        if pipeline.watermark:
            fuzz_data.touch_watermark(rng, pipeline.batches, DELAYS[pipeline.watermark])
        if pipeline.watermark and rng.random() < 0.2:
            pipeline.dedup = rng.choice([["k"], ["k", "i2"], ["s1"], ["i1", "b1"]])
    if rng.random() < 0.2:
        # Columns keep their names and types, so that queries need not know.
        changed = {"ts": rng.choice(["ts + INTERVAL 10 SECONDS AS ts", "CAST(CAST(ts AS STRING) AS TIMESTAMP) AS ts", "ts"]),
                   "s1": rng.choice(["upper(s1) AS s1", "CAST(i1 AS STRING) AS s1", "s1"]), "i1": rng.choice(["CAST(i1 + 1 AS INT) AS i1", "i1"])}
        names = [changed.get(c.name, c.name) for c in columns]
        pipeline.transform = "SELECT " + ", ".join(names) + " FROM source" + rng.choice(["", " WHERE i2 IS NOT NULL", " WHERE NOT (k = 'é' AND b1)"])
    return pipeline


def make_query(seed, pipeline, stream, allowed, count):
    rng = random.Random(f"query {seed}")
    make = Expressions(rng, pipeline.columns, allowed, count)
    if not stream:
        return plain_query(rng, make, False)
    kinds = ["plain"] + ["keys", "global", "distinct"] * 2
    if pipeline.watermark:
        kinds = ["plain", "plain", "keys", "global", "distinct", "event time", "event time", "session", "session", "session dynamic", "session dynamic"] + ["tumbling", "sliding"] * 4
    else:
        kinds += ["tumbling", "sliding", "session", "session dynamic"]
    if pipeline.dedup:
        kinds = [k for k in kinds if k != "distinct"] + ["plain"] * 4
    kind = rng.choice(kinds)
    if kind == "plain":
        return plain_query(rng, make, True)
    if kind == "distinct":
        return distinct_query(rng, make, pipeline)
    if kind.startswith("session"):
        mode = rng.choice(["append", "append", "append", "complete"]) if pipeline.watermark else "complete"
    elif kind in ("tumbling", "sliding", "event time"):
        mode = rng.choice(["append", "append", "update", "complete"]) if pipeline.watermark else rng.choice(["update", "complete"])
    else:
        mode = rng.choice(["update", "update", "complete"])
    return group_query(rng, make, pipeline, kind, mode)


def duplicate(query):
    return copy.deepcopy(query)
