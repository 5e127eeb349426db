#!/usr/bin/env python3
"""record_cases.py [--check] cases/NAME.txt...: records what Spark 3.5.3 gives for the queries of each file.

Needs pyspark==3.5.3 and a JDK 17. A file is lines; these are written by hand:
  # comment
  schema DDL            a table of its own begins: its columns, as in a pipeline's value.schema
  row JSON              one message value, read by from_json; before the first query
  query SELECT ...      over the view tx; one line
and these are written behind each query, replacing what was there:
  type DDL              the result's columns, as Spark names and types them
  out JSON              one row, as toJSON writes it
  error TEXT            instead: Spark refuses the query (the first words of its message)
Timestamps in `out` are cut to milliseconds: CAST AS STRING or unix_micros() show the rest.
"""

import sys

from pyspark.sql import SparkSession, types as T
from pyspark.sql.functions import col, from_json


def ddl(kind):
    if isinstance(kind, T.StructType):
        return "STRUCT<" + ", ".join(f"{f.name}: {ddl(f.dataType)}" for f in kind.fields) + ">"
    if isinstance(kind, T.ArrayType):
        return "ARRAY<" + ddl(kind.elementType) + ">"
    return kind.simpleString().upper()


def record(spark, lines):
    out, rows, schema, frame = [], [], None, None
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in ("type", "out", "error"):
            continue
        out.append(line)
        if word == "schema":
            schema, rows, frame = rest, [], None
        elif word == "row":
            rows.append((rest,))
        elif word == "query":
            if frame is None:
                raw = spark.createDataFrame(rows, "value STRING").coalesce(1)
                frame = raw.select(from_json(col("value"), schema).alias("d")).select("d.*")
                frame = spark.createDataFrame(frame.collect(), frame.schema).coalesce(1)
            frame.createOrReplaceTempView("tx")
            try:
                result = spark.sql(rest)
                got = result.toJSON().collect()
            except Exception as error:  # Spark's own message is the useful part
                out.append("error " + str(error).strip().split("\n")[0][:160])
                continue
            out.append("type " + ddl(result.schema)[7:-1].replace("\n", " "))
            out += ["out " + text for text in got]
    return out


def main():
    check = "--check" in sys.argv[1:]
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.ansi.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    different = 0
    for path in [a for a in sys.argv[1:] if not a.startswith("--")]:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        lines = lines[:-1] if lines[-1] == "" else lines
        got = record(spark, lines)
        if check:
            different += got != lines
            print("same" if got == lines else "DIFFERENT", path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(got) + "\n")
            print(path, sum(line.startswith("query ") for line in got), "queries,", sum(line.startswith("error ") for line in got), "refused")
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
