#!/usr/bin/env python3
"""record_vectors.py > spark_vectors.tsv: runs every query below in Spark 3.5.3 and records what it gives.

Needs pyspark==3.5.3 and a JDK. The file: lines of fields parted by tabs.
  column NAME TYPE VALUE...   a column of the table tx, in order
  query SQL                   a query over tx, then for each column of its result
  result NAME TYPE VALUE...
A value is \\N (NULL), an integer (DATE: days, TIMESTAMP: microseconds since 1970), true, false, the digits of a DOUBLE or
FLOAT in hexadecimal (float.hex), hexadecimal bytes (BINARY), or text with \\t \\n \\r \\0 and \\\\ escaped.
"""

import math
import sys

from pyspark.sql import SparkSession
from pyspark.sql import types as T

NAN, INF = float("nan"), float("inf")
STRINGS = [None, "", " 12 ", "1e3", "abc", "-7", "3.99", "Привет", "東京", "😀 Straße ŉ", "true", "2025-12-26 21:16:18.5", "2025-12-26", "NaN",
           "9223372036854775807", "9223372036854775808", "0x1p3", "1d", "+5", ".5", "5.", "-Infinity", "ΑΣ ΣΑΣ", "İi", " tRue\t", "12 3",
           "2147483648", "128", "-128.9", "a'b\"c\\d"]
OTHER = ["a", None, "abc", "", "Z", "-7", "4", "привет", "京", "x", "TRUE", "2025-12-26", "2025-12-27", "1", "2", "3", "8", "1.0", "5", "0.5",
         "5", "-inf", "ας", "i", "true", "12", "2147483647", "127", "-128", "b"]
INTS = [None, 0, 1, -1, -2147483648, 2147483647, 7, -7, 2, 3, 100, 500, 5, 10, 4, 6, 8, 9, 12, -12, 16777217, 127, 128, -128, 32767, 32768, 65536,
        1000000, 20, 12]
LONGS = [0, None, 1, -1, -9223372036854775808, 9223372036854775807, 2147483648, -2147483649, 7, -3, 1766772978, -1, 2, 3, 9007199254740993, 5, 6, 7,
         8, 9, 10, 256, -256, 255, 86400, -86400, 4294967296, 12, 0, 100]
DOUBLES = [0.0, -0.0, None, NAN, INF, -INF, 1.5, -2.5, 1e300, 9.3e18, 2147483648.5, -2147483649.0, 0.1, 5e-324, 1.7976931348623157e308, 100.0,
           1e7, 1.0e-3, 12345.678, 0.5, 500.0, 500.5, 3.0, -7.9, 127.6, -129.2, 1e-5, 123456789.125, 2.0, 7.0]
FLOATS = [1.5, NAN, 0.0, -0.0, None, INF, -INF, 16777216.0, 0.5, 3.0, -2.5, 1.0, 2.0, 7.0, 100.25, 2147483648.0, 0.1, 0.2, 9.0, 1e30, 1e-30, 4.0,
          5.0, 6.0, 7.5, 8.5, 12.0, -12.0, 3.25, 10.0]
BYTES = [0, 1, -1, 127, -128, None, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 100, -100, 50, 51, 52, 53, 54, 55, 56, 57]
SHORTS = [None, 1, -1, 32767, -32768, 0, 2, 3, 4, 5, 128, 127, -128, -129, 300, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]
BOOLEANS = ([True, False, None] * 10)[:30]
BOOLEANS2 = [True] * 10 + [False] * 10 + [None] * 10
MICROS = [0, None, 1766783778123000, 1766783778123456, -1, -62135596800000000, 253402300799999999, 86400000000, 1, -86400000001, 1735689600000000,
          1766783778000000, 1766707200000000] + [1766707200000000 + i * 3600000001 for i in range(17)]
DAYS = [0, 1, None, -1, 20448, 20449, -719162, 2932896, 11016, 19782] + [20000 + i for i in range(20)]
BINARIES = [b"", b"a", None, b"\x00\xff", "東京".encode(), b"abc"] + [bytes([i, 200]) for i in range(24)]

COLUMNS = [("i", "INT", INTS), ("l", "BIGINT", LONGS), ("b", "TINYINT", BYTES), ("h", "SMALLINT", SHORTS), ("f", "FLOAT", FLOATS), ("d", "DOUBLE", DOUBLES),
           ("s", "STRING", STRINGS), ("t", "STRING", OTHER), ("z", "BOOLEAN", BOOLEANS), ("y", "BOOLEAN", BOOLEANS2), ("ts", "TIMESTAMP", MICROS),
           ("dt", "DATE", DAYS), ("bin", "BINARY", BINARIES), ("Ünï", "INT", INTS)]

QUERIES = """
SELECT * FROM tx
SELECT tx.*, i AS again FROM tx
SELECT i + 1, l - 1, b * 2, h * h, b + h, i + l, f + d, f * 2, l + f, d - i, b + 1Y, h - 1S FROM tx
SELECT i % 7, l % -1, b % 3Y, i % 0, d % 2.5D, f % 0.7F, d % 0, i % i, h % b, l % i FROM tx
SELECT i / 2, d / 0, i / l, b / h, f / 2, d / d, f / f FROM tx
SELECT i DIV 2, l DIV -1, i DIV 0, b DIV h, l DIV i FROM tx
SELECT -i, -l, -b, -h, -f, -d, +i, - -1, -(-1), ~i, ~b, i & 12, i | l, h ^ b FROM tx
SELECT s + 1, s * 2, -s, +s, s / 2, s % 2, t - s, 1 + s FROM tx
SELECT s > 5, s = 12, s < 5L, s >= 1.5D, s = 3.99, s <=> 12, s <> t, s = true, s > dt, s = ts, 5 < s, s = d FROM tx
SELECT i = l, i < d, i <=> NULL, i != 7, i == 1, b < h, l > f, d = f, i !< 2, i !> 2, l = d FROM tx
SELECT d = d, d < 1, d > 1, d <= d, d >= 1e300, d <=> d, f = f, f < 0, f > 100, d = 0, d > f, f = 0.1, f = 0.1F, d = 0.1 FROM tx
SELECT s = t, s < t, s <= t, s > t, s >= t, s <=> t, s = 'abc', bin = bin, bin < X'61', bin > s, 'b' > t FROM tx
SELECT z = y, z < y, z <=> y, z = 1, z = 0, z <> 1, z <=> 0, z = i, z = true, y >= z FROM tx
SELECT ts < dt, ts = '2025-12-26 21:16:18.123', dt = '2025-12-26', dt < DATE '2025-01-01', ts >= TIMESTAMP '2025-12-26 00:00:00', dt <=> ts FROM tx
SELECT i > 1.5, i >= 1.5, i < 1.5, i <= -1.5, 1.5 < i, 1.5 >= l, l > 1e1, i > 99999999999999999999.5, b < 99999999999999999999.5 FROM tx
SELECT z AND y, z OR y, NOT z, z AND NOT y OR z, z AND NULL, z OR NULL, NULL AND NULL, NOT NULL, !z, z AND true, z OR false, z AND i > 5 FROM tx
SELECT z AND y AND z AND y AND z, z OR y OR z, (z OR y) AND (y OR z) FROM tx
SELECT i IS NULL, d IS NOT NULL, NULL IS NULL, z IS TRUE, z IS NOT TRUE, z IS FALSE, z IS NOT FALSE, z IS UNKNOWN, i IS DISTINCT FROM l, s IS NOT DISTINCT FROM t, i IS TRUE, isnull(s), isnotnull(s) FROM tx
SELECT i IN (1, 7, 500), i NOT IN (1, NULL), s IN ('abc', t), s IN (12, 5), d IN (0, 1.5), d IN (0.1), i IN (l, b), dt IN ('2025-12-26'), l IN (7), i IN (NULL), NULL IN (1), z IN (true, y) FROM tx
SELECT i BETWEEN 1 AND 10, i NOT BETWEEN 1 AND 10, d BETWEEN 0 AND 1.5D, s BETWEEN 'a' AND t, i + 1 BETWEEN b AND l, upper(s) BETWEEN 'A' AND 'B', s BETWEEN 1 AND 20 FROM tx
SELECT CASE WHEN i > 5 THEN 'big' WHEN i > 0 THEN s END, CASE i WHEN 1 THEN 'one' WHEN 7 THEN 'seven' ELSE 'other' END, CASE WHEN z THEN i ELSE d END, CASE WHEN z THEN 1 END, CASE s WHEN 12 THEN true ELSE false END, CASE WHEN z THEN NULL ELSE l END, CASE WHEN z AND y THEN s WHEN z THEN i ELSE d END FROM tx
SELECT if(z, i, l), if(i > 5, 'big', 'small'), IF(NULL, 1, 2), if(z, s, i), if(z, NULL, 1), if(true, i, l) FROM tx
SELECT coalesce(i, 1), coalesce(s, t, 'none'), coalesce(NULL, d), coalesce(i, l, b), coalesce(dt, ts), coalesce(i, s), coalesce(NULL, NULL), nvl(s, '?'), ifnull(i, 0), nvl(i, 's'), coalesce(l, f), coalesce(d, 1.5), coalesce(z, y) FROM tx
SELECT nullif(s, t), nullif(i, 1), nullif(d, 0), nvl2(s, 1, 2), nvl2(i, l, d), nullif(i, '7') FROM tx
SELECT upper(s), lower(s), UCASE(t), lcase(t), upper(i), lower(d > 1), upper(NULL), upper(t || 'ß') FROM tx
SELECT length(s), char_length(s), character_length(t), len(s), length(bin), length(i), length(NULL), length('東京') FROM tx
SELECT concat(s, '-', t), s || t, s || i, concat(), concat(i, l), concat(s, NULL), bin || bin, CAST(concat(bin, s) AS BINARY), 'a' || 'b' || t, concat(z, ts, dt) FROM tx
SELECT substring(s, 2, 3), substring(s, -2), substring(s, 0, 2), substr(s, 3), substring(s, 2, -1), substring(s, i), substring(t FROM 2), substring(t FROM 1 FOR 1), substring(s, -100, 101), substring('abc', -5, 4) FROM tx
SELECT trim(s), ltrim(s), rtrim(s), trim('  x '), abs(i), abs(l), abs(b), abs(d), abs(f), abs(s), abs(-5) FROM tx
SELECT CAST(s AS TINYINT), CAST(s AS SMALLINT), CAST(s AS INT), CAST(s AS BIGINT), CAST(s AS FLOAT), CAST(s AS DOUBLE), CAST(s AS BOOLEAN), CAST(s AS DATE), CAST(s AS TIMESTAMP), CAST(s AS BINARY), CAST(s AS STRING) FROM tx
SELECT CAST(d AS TINYINT), CAST(d AS SMALLINT), CAST(d AS INT), CAST(d AS BIGINT), CAST(d AS FLOAT), CAST(d AS BOOLEAN), CAST(d AS TIMESTAMP) FROM tx
SELECT CAST(f AS TINYINT), CAST(f AS SMALLINT), CAST(f AS INT), CAST(f AS BIGINT), CAST(f AS DOUBLE), CAST(f AS BOOLEAN), CAST(f AS TIMESTAMP) FROM tx
SELECT CAST(l AS TINYINT), CAST(l AS SMALLINT), CAST(l AS INT), CAST(l AS FLOAT), CAST(l AS DOUBLE), CAST(l AS BOOLEAN), CAST(l AS TIMESTAMP), CAST(l AS STRING), CAST(l AS BINARY), CAST(i AS BINARY), CAST(b AS BINARY), CAST(h AS BINARY) FROM tx
SELECT CAST(i AS TINYINT), CAST(i AS SMALLINT), CAST(i AS BIGINT), CAST(i AS FLOAT), CAST(i AS DOUBLE), CAST(i AS BOOLEAN), CAST(i AS TIMESTAMP), CAST(i AS STRING), CAST(b AS INT), CAST(h AS TINYINT), CAST(b AS STRING), CAST(h AS DOUBLE) FROM tx
SELECT CAST(z AS TINYINT), CAST(z AS SMALLINT), CAST(z AS INT), CAST(z AS BIGINT), CAST(z AS FLOAT), CAST(z AS DOUBLE), CAST(z AS STRING), CAST(z AS TIMESTAMP), CAST(z AS BOOLEAN) FROM tx
SELECT CAST(ts AS TINYINT), CAST(ts AS SMALLINT), CAST(ts AS INT), CAST(ts AS BIGINT), CAST(ts AS FLOAT), CAST(ts AS DOUBLE), CAST(ts AS BOOLEAN), CAST(ts AS DATE), CAST(ts AS STRING) FROM tx
SELECT CAST(dt AS STRING), CAST(dt AS TIMESTAMP), CAST(dt AS INT), CAST(dt AS BOOLEAN), CAST(dt AS DOUBLE), CAST(CAST(bin AS STRING) AS BINARY), CAST(NULL AS INT), CAST(NULL AS STRING) FROM tx
SELECT TRY_CAST(s AS INT), TRY_CAST(s AS BIGINT), TRY_CAST(s AS TINYINT), TRY_CAST(s AS DOUBLE), TRY_CAST(s AS BOOLEAN), TRY_CAST(i AS BIGINT), TRY_CAST(s AS TIMESTAMP), TRY_CAST(i + 1 AS STRING) FROM tx
SELECT CAST(i + 1 AS STRING), CAST(1 AS STRING), CAST(CAST(i AS BIGINT) AS DOUBLE), upper(CAST(i AS STRING)), string(i), string(i + 1), int(s), double(s), boolean(s), date(s), timestamp(s), bigint(d), float(i), tinyint(i), smallint(i), binary(s), CAST('12' AS INT) + 1, CAST(s AS VARCHAR(3)) FROM tx
SELECT 1, 'x', NULL, true, FALSE, 1L, 1S, 1Y, 1.5D, 1.5F, 1e3, 3000000000, -1, - 1, 2147483648, -2147483648, 9223372036854775807, -9223372036854775808, .5D, 5.D, 1.e3, 1e-3, 0.1F, 1E10D, 007, 100.0D, 1e7, 12345678.9F FROM tx
SELECT 'a' 'b', 'it''s', "dq", r'raw\\n', 'a\\tb', 'a\\%b', 'a\\_b', '\\u0041\\U0001F600\\101\\Z', 'a\\qb', 'it\\'s', "a\\"b", R"x\\y", '\\\\', '\\ud83d\\ude00', '\\07', '\\200' FROM tx
SELECT DATE '2020-01-01', DATE '2020', TIMESTAMP '2020-01-01 00:00:00.5Z', timestamp'2020-01-01', X'1F', x'0aBc', X'1', TIMESTAMP '2020-01-01 00:00:00+03:00' FROM tx
SELECT tx.i, TX.I, `i`, i AS x, i x, `tx`.`d`, i AS `a``b`, `Ünï`, `ünï` + 1 FROM tx
SELECT i + l * 2 - 3 % 2, (i + l) * 2, 1 | 2 ^ 3 & 4, 1 + 2 || 3, -i * 2, 2 - -i, NOT z = y, NOT z IS NULL, - i IS NULL, i = 1 = z, i < 2 = true FROM tx
SELECT 1 + 1, 2147483647 + 1, 1 / 0, 'a' = 'b', upper('x') || 1, 1 = 1 AND NULL, coalesce(NULL, 1 + 2), NULL + 1, NULL = 1, NULL + NULL, NULL / 1, -NULL, NULL DIV 1, NULL % 2, NULL || 'a', NULL > 's', NULL <=> NULL, NULL = NULL, ~NULL, abs(NULL) FROM tx
SELECT i + 1 AS a, a * 2 AS b2, b2 + a, a FROM tx
SELECT i + 1 AS d, d FROM tx
SELECT x.i, x.* FROM TX AS x WHERE x.i > 5
SELECT i AS id, d * 2 AS twice, upper(s) AS kind FROM tx WHERE d > 1 AND t <> 'x'
SELECT i, s FROM tx WHERE i > 1000000000
SELECT i, s FROM tx WHERE z
SELECT i, 1, s || 'x', 'c', NULL FROM tx WHERE z OR y
SELECT i FROM tx WHERE NULL = 1
SELECT i FROM tx WHERE true
SELECT i FROM tx WHERE 1 = 2
SELECT d, f, b, h, l, ts, dt, bin, z, s FROM tx WHERE i % 2 = 1 OR s IS NULL
SELECT upper(s) AS u, length(u) AS n, n + n AS m, m BETWEEN n AND 10 FROM tx WHERE length(s) > 2
SELECT ALL i, i AS i, s FROM tx WHERE s IN ('abc', 'true') ;
SELECT i -- comment
 /* a /* nested */ comment */ , s FROM tx
SELECT f * 2.5, d * 2.5, d = 2.5, 1.5 + d, d > 0.5, f > 0.5, d + 1.50, double(1.1), float(1.1), CAST(1.1 AS DOUBLE), s > 0.5, s + 1.5 FROM tx
SELECT 1.1F + 1.1D, 16777217 + 0F, CAST(16777217 AS FLOAT), 0.1F = 0.1D, 0.1F = 0.1, CAST(0.1F AS DOUBLE), CAST(CAST('0.1' AS FLOAT) AS DOUBLE) FROM tx
SELECT CAST(1.0E10D AS STRING), CAST(100.0D AS STRING), CAST(1.5F AS STRING), CAST(-0.0D AS STRING), CAST(CAST('NaN' AS DOUBLE) AS STRING), CAST(1e-5 AS STRING), CAST(123456789.125D AS STRING) FROM tx
"""


def split_queries(text):
    out = []
    for line in text.strip("\n").split("\n"):
        if line.startswith("SELECT"):
            out.append(line)
        else:
            out[-1] += "\n" + line
    return out


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")


def show(value, kind):
    if value is None:
        return "\\N"
    if kind in ("DOUBLE", "FLOAT"):
        return "nan" if math.isnan(value) else value.hex()
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind == "BINARY":
        return "x" + bytes(value).hex()
    return escape(value) if kind == "STRING" else str(value)


def plain(kind, name):
    quoted = "`" + name.replace("`", "``") + "`"
    return {"TIMESTAMP": f"unix_micros({quoted})", "DATE": f"unix_date({quoted})"}.get(kind, quoted)


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.ansi.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    kinds = {"INT": T.IntegerType(), "BIGINT": T.LongType(), "TINYINT": T.ByteType(), "SMALLINT": T.ShortType(), "FLOAT": T.FloatType(), "DOUBLE": T.DoubleType(),
             "STRING": T.StringType(), "BOOLEAN": T.BooleanType(), "TIMESTAMP": T.LongType(), "DATE": T.IntegerType(), "BINARY": T.BinaryType()}
    assert len({len(values) for _, _, values in COLUMNS}) == 1
    rows = list(zip(*[[None if v is None else bytearray(v) if k == "BINARY" else v for v in values] for _, k, values in COLUMNS]))
    schema = T.StructType([T.StructField(name, kinds[kind]) for name, kind, _ in COLUMNS])
    convert = {"TIMESTAMP": "timestamp_micros({0}) AS {0}", "DATE": "date_from_unix_date({0}) AS {0}"}
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    frame.selectExpr(*[convert.get(kind, "`{0}`").format(name) for name, kind, _ in COLUMNS]).createOrReplaceTempView("tx")
    out = sys.stdout
    floats = {"FLOAT"}
    for name, kind, values in COLUMNS:
        if kind in floats:
            values = [row[0] for row in spark.sql(f"SELECT {name} FROM tx").collect()]
        out.write("\t".join(["column", name, kind] + [show(v, kind) for v in values]) + "\n")
    for query in split_queries(QUERIES):
        try:
            result = spark.sql(query)
            fields = [(f.name, f.dataType.simpleString().upper()) for f in result.schema.fields]
            fresh = result.toDF(*[f"c{i}" for i in range(len(fields))])
            fresh = fresh.selectExpr(*[plain(kind, f"c{i}") for i, (_, kind) in enumerate(fields)])
            got = fresh.collect()
        except Exception as error:  # the list above is at fault
            sys.exit(f"{query}\n{str(error)[:1000]}")
        out.write("query\t" + escape(query) + "\n")
        for i, (name, kind) in enumerate(fields):
            out.write("\t".join(["result", escape(name), kind] + [show(row[i], kind) for row in got]) + "\n")


if __name__ == "__main__":
    main()
