#!/usr/bin/env python3
"""record_text_files.py [--check]: records the files Spark 3.5.3 writes, into text_files.ndjson.

Needs pyspark==3.5.3 and a JDK 17. One line is one case: {"format", "options", "schema", "rows", "out"}: rows are JSON texts, read
by from_json with the schema (a DDL string); out is the file, with NUL bytes shown as U+2400; instead "error": the first line of
what Spark says. --check records again and compares.
"""

import json
import pathlib
import random
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

FILE = pathlib.Path(__file__).with_name("text_files.ndjson")

STRINGS = [
    "plain", "", " ", "   ", "\t", "\n", "\r\n", "a\nb", "a\rb", "a\r\nb", "\nx", "x\n", " lead", "trail ", " both ", "a b", "a,b",
    ",", ",,", '"', '""', '"""', 'say "hi"', '"quoted"', '"quoted" tail', 'a"b', 'a"b,c', 'a,b"c', ' "x" ', ' "x', "'", "'x'",
    "a'b,c", "\\", "\\\\", "a\\b", "a\\,b", 'a\\"b', "a,\\b", "x\\", "x,\\", "\\n", "#", "#x", " #x", "x#", ";", "a;b", "a;;b", "a||b", "a|b",
    "a\tb", "\u00e9\u00e8", "\U0001f600,\u4e2d", "\u00a0x\u00a0", "a\u007f,", "NULL", "null", "-", "EMPTY", "0", "\\\"", "\"\\", "~x~,y", "^x,^", "\u00a7x\u00a7,",
    " ,", ", ", "\"\n", "\\\n", "a \"b\" ", "a \\ ",
]
OPTIONS = [
    {}, {"header": "true"}, {"sep": ";"}, {"sep": "\t"}, {"sep": "||"}, {"sep": ";;"}, {"quote": "'"}, {"quote": ""}, {"quote": "\u00a7"},
    {"escape": '"'}, {"escape": "^"}, {"escape": ""}, {"nullValue": "NULL"}, {"nullValue": "-"}, {"nullValue": "a,b"},
    {"nullValue": '"n"'}, {"nullValue": " "}, {"emptyValue": ""}, {"emptyValue": "EMPTY"}, {"emptyValue": " "}, {"emptyValue": "e,e"}, {"quoteAll": "true"},
    {"quoteAll": "true", "nullValue": "NULL", "emptyValue": "EMPTY"}, {"quoteAll": "true", "emptyValue": ""},
    {"escapeQuotes": "false"}, {"escapeQuotes": "false", "escape": '"'}, {"escapeQuotes": "false", "quoteAll": "true"},
    {"ignoreLeadingWhiteSpace": "false"}, {"ignoreTrailingWhiteSpace": "false"},
    {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"},
    {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false", "quoteAll": "true"},
    {"charToEscapeQuoteEscaping": "~"}, {"charToEscapeQuoteEscaping": "~", "escape": "^"}, {"charToEscapeQuoteEscaping": "\\", "escape": '"'},
    {"lineSep": "\r\n"}, {"lineSep": ";"}, {"lineSep": "\r"}, {"comment": "'"}, {"comment": "a"}, {"escape": "\u00a7"},
    {"sep": "|", "quote": "'", "escape": "^", "header": "true", "nullValue": "NULL"},
]
VALUES = "b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT, i64 BIGINT, f FLOAT, d DOUBLE, m DECIMAL(10,2), s DECIMAL(38,18), dt DATE, ts TIMESTAMP"
VALUE_ROWS = [
    '{}',
    '{"b":true,"i8":-128,"i16":32767,"i32":-1,"i64":9223372036854775807,"f":1.1,"d":1e-5,"m":12.3,"s":0.0000001,"dt":"2024-02-29",'
    '"ts":"2024-02-29 12:34:56.123456"}',
    '{"b":false,"i8":0,"i16":0,"i32":0,"i64":0,"f":1e10,"d":123456789.125,"m":0,"s":0,"dt":"1970-01-01","ts":"1970-01-01 00:00:00"}',
    '{"f":"NaN","d":"-Infinity","m":-0.05,"s":-1.5,"dt":"0001-01-01","ts":"0001-01-01 00:00:00"}',
    '{"f":-0.0,"d":"Infinity","dt":"+10000-01-01","ts":"+12345-06-07 08:09:10.9999"}',
    '{"dt":"-0003-12-31","ts":"-0003-12-31 23:59:59.9999","m":99999999.99,"d":100.0}',
    '{"ts":"1969-12-31 23:59:59.999999","dt":"1969-12-31"}',
]
TIMES = [
    {"timestampFormat": "yyyy/MM/dd HH:mm:ss"}, {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "dateFormat": "dd.MM.yyyy"},
    {"dateFormat": "MMM d, yyyy", "timestampFormat": "EEE, dd MMM yyyy, hh:mm a"}, {"dateFormat": "D/yy", "timestampFormat": "yyyyMMdd[ HHmm]"},
    {"timestampFormat": "\"yyyy\"", "dateFormat": "yyyy\\MM"},
]
WEIRD = "`a` STRING, `b,c` INT, `q\"x` STRING, ` ` STRING, `#h` INT"
NESTED = "a STRING, s STRUCT<x: INT, y: STRING, t: TIMESTAMP, d: DATE>, l ARRAY<INT>, w ARRAY<STRUCT<k: DATE, v: DOUBLE>>, x BINARY"
NESTED_ROWS = [
    '{}', '{"a":null,"s":{"x":1},"l":[1,null],"w":[{"k":"2024-01-02"},{},null]}',
    '{"a":"x\\"y","s":{"x":null,"y":"é","t":"2024-01-02 03:04:05.678901","d":"2024-01-02"},"l":[],"w":[{"k":"2024-01-02","v":1.5}],"x":"AQI="}',
]


def string_rows(strings):
    """Each value alone in a row's two columns in turn, beside a value that is plain, empty or NULL."""
    beside = ["x", "", None]
    rows = []
    for i, s in enumerate(strings):
        rows += [{"s": s, "t": beside[i % 3]}, {"s": beside[(i + 1) % 3], "t": s}]
    return [json.dumps({k: v for k, v in row.items() if v is not None}) for row in rows + [{}]]


def random_strings(seed, count):
    chance = random.Random(seed)
    return ["".join(chance.choice('a ,"\\#\n\r\'^;|') for _ in range(chance.randint(0, 6))) for _ in range(count)]


def without_blanks(strings):
    """With ignoreLeadingWhiteSpace false alone, Spark garbles a value of white space: ' ' becomes ' \\"\\'. We write emptyValue."""
    return [s for s in strings if s == "" or s.strip(" \t\r\n")]


def cases():
    for number, options in enumerate(OPTIONS):
        pick = without_blanks if options == {"ignoreLeadingWhiteSpace": "false"} else list
        yield "csv", options, "s STRING, t STRING", string_rows(pick(STRINGS + random_strings(number, 30)))
        yield "csv", options, "s STRING", [json.dumps({"s": s}) for s in pick(STRINGS[:20])] + ["{}"]
    for options in [{}, {"nullValue": "NULL", "quoteAll": "true"}, {"sep": "."}, {"sep": "-", "escape": "1"}, *TIMES]:
        yield "csv", options, VALUES, VALUE_ROWS
    for options in [{"header": "true"}, {"header": "true", "quoteAll": "true"}]:
        yield "csv", options, WEIRD, ['{"a":"x","b,c":1}']
        yield "csv", options, WEIRD, []
    yield "csv", {}, "s STRING", []
    for schema in ["a INT, `b c` STRUCT<x: INT, y: STRING>", "l ARRAY<DECIMAL(10,2)>", "x BINARY", "`q x` ARRAY<STRUCT<a: DATE>>"]:
        yield "csv", {}, schema, ["{}"]
    for options in [{}, {"ignoreNullFields": "false"}, *TIMES[:4], {"ignoreNullFields": "false", **TIMES[2]}, {"lineSep": "\r\n"}, {"timestampFormat": "'\"\\'yyyy"}]:
        yield "json", options, VALUES, VALUE_ROWS
        yield "json", options, NESTED, NESTED_ROWS
    yield "json", {"ignoreNullFields": "false"}, WEIRD, ["{}"]


def write(spark, kind, options, schema, rows):
    raw = spark.createDataFrame([(row,) for row in rows], "value STRING").coalesce(1)
    frame = raw.select(from_json(col("value"), schema).alias("d")).select("d.*")
    with tempfile.TemporaryDirectory() as temporary:
        target = pathlib.Path(temporary) / "out"
        try:
            frame.write.format(kind).options(**options).save(str(target))
        except Exception as error:  # Spark's own message is the useful part
            return {"error": str(error).strip().split("\n")[0]}
        parts = [p.read_bytes() for p in sorted(target.glob("part-*"))]
        shutil.rmtree(target)
    assert len(parts) == 1, (options, schema, len(parts))
    return {"out": parts[0].decode().replace("\0", "\u2400")}


def main():
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    lines = []
    for kind, options, schema, rows in cases():
        case = {"format": kind, "options": options, "schema": schema, "rows": rows, **write(spark, kind, options, schema, rows)}
        lines.append(json.dumps(case, ensure_ascii=False))
    text = "\n".join(lines) + "\n"
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text() == text else 1
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
