"""Schemas and rows at random: every type of a pipeline's schema, NULLs, edge values, late rows, batches without rows."""

import base64
import datetime
import json

# One letter per type, as in fuzz_functions.py.
NAMES = {"s": "STRING", "b": "BOOLEAN", "y": "TINYINT", "h": "SMALLINT", "i": "INT", "l": "BIGINT", "f": "FLOAT", "d": "DOUBLE",
         "m": "DECIMAL", "D": "DATE", "T": "TIMESTAMP", "x": "BINARY", "A": "ARRAY", "S": "ARRAY", "R": "STRUCT", "Z": "ARRAY"}

TEXTS = ["", "a", "abc", "b", "B a", "é", "Ünï 𝄞", " pad ", "12", "-7", "3.5", "1e3", "true", "no", "2024-02-29", "2024-03-01 10:02:03.5",
         "x,y,,z", "a%b_c", "ab\tc", "10:0", "2147483648", "NaN", "ßſİ", "zz", "0"]
KEYS = ["a", "b", "c", "é", ""]
EDGES = {"y": [127, -128, 0], "h": [32767, -32768, 0], "i": [2147483647, -2147483648, 0, 42], "l": [9223372036854775807, -9223372036854775808, 0, 5000000000]}
DATES = ["2024-02-29", "2024-03-01", "1970-01-01", "1969-12-31", "2023-12-31", "0001-01-01", "9999-12-31", "1600-02-29", "2024-03-31"]
STAMPS = ["2024-03-01T10:00:00.123456Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2024-02-29T23:30:00Z", "1900-06-15T12:00:00.5Z", "2024-12-31T23:59:59Z"]


class Column:
    def __init__(self, name, letter, ddl, low=False):
        self.name, self.letter, self.ddl, self.low = name, letter, ddl, low  # low: few different values, fit for a key


def make_columns(rng):
    """The key, the event time, and a column of each of about ten other types."""
    columns = [Column("k", "s", "STRING", True), Column("ts", "T", "TIMESTAMP")]
    precision = rng.randint(3, 38)
    scale = rng.randint(0, min(precision, rng.choice([2, 3, 6, 12])))
    columns += [Column("s1", "s", "STRING"), Column("b1", "b", "BOOLEAN", True), Column("i1", "i", "INT"), Column("l1", "l", "BIGINT"),
                Column("d1", "d", "DOUBLE"), Column("m1", "m", f"DECIMAL({precision},{scale})"), Column("y1", "y", "TINYINT", True),
                Column("h1", "h", "SMALLINT"), Column("f1", "f", "FLOAT"), Column("dt1", "D", "DATE", True), Column("t2", "T", "TIMESTAMP"),
                Column("x1", "x", "BINARY"), Column("ar1", "A", "ARRAY<INT>"), Column("sa1", "S", "ARRAY<STRING>"),
                Column("st1", "R", "STRUCT<a: INT, c: STRING, n: STRUCT<q: DOUBLE, e: DATE>>"), Column("m2", "m", "DECIMAL(10,2)"),
                Column("i2", "i", "INT", True), Column("d2", "d", "DOUBLE")]
    rng.shuffle(columns)
    return columns


def scalar(rng, column):
    letter, pick = column.letter, rng.random()
    if letter == "s":
        return rng.choice(KEYS if column.low else TEXTS)
    if letter == "b":
        return rng.random() < 0.6
    if letter in EDGES:
        return rng.randint(0, 2) if column.low else rng.choice(EDGES[letter]) if pick < 0.15 else rng.randint(-9, 30)
    if letter in "fd":
        if column.name == "d2":  # where digits and order show: never summed
            return rng.choice(["NaN", "Infinity", "-Infinity", -0.0, 1e300, -1e-7, 0.1, 123456.789, 1e16, 2.5])
        return rng.choice([0.0, -0.0, 0.5, -1.5]) if pick < 0.2 else rng.randint(-40, 200) / 8
    if letter == "m":
        return decimal_value(rng, column.ddl)
    if letter == "D":
        return rng.choice(DATES[:3] if column.low else DATES)
    if letter == "T":
        return rng.choice(STAMPS)
    if letter == "x":
        return base64.b64encode(rng.choice([b"", b"hi", b"\x00\xff", "é".encode(), b"abc"])).decode()
    if letter == "A":
        return [rng.choice([None, 1, 2, 3, -5, 2147483647]) for _ in range(rng.randint(0, 4))]
    if letter == "S":
        return [rng.choice([None, "a", "b", "é", ""]) for _ in range(rng.randint(0, 3))]
    return {"a": rng.choice([None, 1, 2]), "c": rng.choice(["x", "é", None]), "n": rng.choice([None, {"q": 1.5, "e": "2024-02-29"}, {"q": -0.25}, {}])}


class Exact(float):
    """A decimal number that json writes with the digits it was given."""

    def __new__(cls, text):
        self = float.__new__(cls, text)
        self.text = text
        return self

    def __repr__(self):
        return self.text


def decimal_value(rng, ddl):
    precision, scale = map(int, ddl[8:-1].split(","))
    digits = rng.choice([1, 2, precision, max(1, precision - 1), min(precision, 5)])
    number = rng.choice([0, rng.randrange(10 ** digits), -rng.randrange(10 ** digits), 10 ** digits - 1])
    text = str(abs(number)).rjust(scale + 1, "0")
    text = (text[:-scale] + "." + text[-scale:]) if scale else text
    return Exact(("-" if number < 0 else "") + text)


def dump(value):
    """As json.dumps, but decimals keep their digits."""
    if isinstance(value, Exact):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(json.dumps(k, ensure_ascii=False) + ": " + dump(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


BASE = datetime.datetime(2024, 3, 1, 10, 0, 0)
BEFORE_1970 = int((datetime.datetime(1969, 12, 31, 23, 56) - BASE).total_seconds()) // 60  # streams that cross it


def stamp(seconds):
    return (BASE + datetime.timedelta(seconds=seconds)).isoformat(timespec="microseconds") + "Z"


def event_time(rng, minute):
    """A time about `minute` minutes into the stream: often on a window's edge, sometimes late, sometimes none."""
    pick = rng.random()
    if pick < 0.05:
        return None
    seconds = minute * 60 + rng.choice([0, 0, 10, 30, 59.999999, 60, 60.000001, rng.randint(0, 119), rng.randint(0, 119) + 0.5])
    if pick < 0.25:
        seconds -= rng.choice([30, 60, 90, 180, 600])
    elif pick < 0.3:
        seconds = minute * 60
    return stamp(seconds)


def make_rows(rng, columns, count, minute=0):
    rows = []
    for _ in range(count):
        row = {}
        for column in columns:
            if column.name == "ts":
                row["ts"] = event_time(rng, minute)
            elif rng.random() < 0.12:
                if rng.random() < 0.5:
                    row[column.name] = None
            else:
                row[column.name] = scalar(rng, column)
        rows.append(row)
        if rng.random() < 0.1:
            rows.append(dict(row))
    return rows


def make_batches(rng, columns, stream):
    """One batch for queries without state, else three or four that go on in event time."""
    if not stream:
        return [make_rows(rng, columns, 10)]
    batches, minute = [], 0 if rng.random() < 0.85 else BEFORE_1970
    for i in range(rng.choice([3, 3, 4])):
        empty = i > 0 and rng.random() < 0.08
        rows = [] if empty else make_rows(rng, columns, rng.randint(3, 9), minute)
        if rows and rng.random() < 0.5:  # the watermark then comes to stand on the end of a window
            rows[-1]["ts"] = stamp((minute + 2) * 60)
        batches.append(rows)
        for late in rows[:-1]:
            if i > 0 and rng.random() < 0.15:
                late["ts"] = stamp(minute * 60 - rng.choice([10, 20, 30, 60, 90, 120, 150, 180]))
        minute += rng.choice([0, 1, 2, 3, 5])
    return batches


def touch_watermark(rng, batches, delay_seconds):
    """Sets a row of later batches to the very time before which rows of the batch are late."""
    for i in range(2, len(batches)):
        seen = [row["ts"] for rows in batches[:i - 1] for row in rows if row["ts"]]
        if seen and batches[i] and rng.random() < 0.5:
            latest = datetime.datetime.fromisoformat(max(seen).rstrip("Z")) - BASE - datetime.timedelta(seconds=delay_seconds)
            rng.choice(batches[i])["ts"] = stamp(latest // datetime.timedelta(milliseconds=1) / 1000)


def schema_ddl(columns):
    return ", ".join(f"{c.name} {c.ddl}" for c in columns)
