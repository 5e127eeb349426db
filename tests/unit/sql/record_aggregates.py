#!/usr/bin/env python3
"""record_aggregates.py [--check] cases_agg/NAME.txt...: records what Spark 3.5.3 gives for aggregates in a stream.

Needs pyspark==3.5.3 and a JDK 17. A file is lines; these are written by hand:
  # comment
  schema DDL            a table of its own begins: its columns, as in a pipeline's value.schema
  row JSON              one message value, read by from_json
  rows FIRST COUNT      COUNT messages {"n":FIRST}, {"n":FIRST+1}, ...
  batch                 ends a micro-batch
  query SELECT ...      over the view tx, without GROUP BY, run as a stream in complete mode; one line
and these are written behind each query, replacing what was there:
  type DDL              the result's columns, as Spark names and types them
  out JSON              the one row after each micro-batch, as toJSON writes it
  error TEXT            instead: Spark refuses the query (the first words of its message)
"""

import os
import shutil
import sys
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

from record_cases import ddl


def run(spark, schema, batches, query):
    staged, checkpoint, got = tempfile.mkdtemp(), tempfile.mkdtemp(), []
    for i, rows in enumerate(batches):
        path = os.path.join(staged, f"{i:03}.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(row + "\n" for row in rows))
        os.utime(path, (1_700_000_000 + i * 10, 1_700_000_000 + i * 10))
    try:
        raw = spark.readStream.format("text").option("maxFilesPerTrigger", 1).load(staged)
        raw.select(from_json(col("value"), schema).alias("d")).select("d.*").createOrReplaceTempView("tx")
        result = spark.sql(query)
        stream = (result.writeStream.outputMode("complete").foreachBatch(lambda f, _: got.append(f.toJSON().collect()))
                  .option("checkpointLocation", checkpoint).trigger(availableNow=True).start())
        stream.awaitTermination()
        return ["type " + ddl(result.schema)[7:-1].replace("\n", " ")] + ["out " + row for rows in got for row in rows]
    except Exception as error:  # Spark's own message is the useful part
        return ["error " + str(error).strip().split("\n")[0][:160]]
    finally:
        shutil.rmtree(staged)
        shutil.rmtree(checkpoint)


def record(spark, lines):
    out, batches, schema = [], [[]], None
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in ("type", "out", "error"):
            continue
        out.append(line)
        if word == "schema":
            schema, batches = rest, [[]]
        elif word == "row":
            batches[-1].append(rest)
        elif word == "rows":
            first, count = map(int, rest.split())
            batches[-1] += ['{"n":%d}' % n for n in range(first, first + count)]
        elif word == "batch":
            batches.append([])
        elif word == "query":
            out += run(spark, schema, batches[:-1] if not batches[-1] else batches, rest)
    return out


def main():
    check = "--check" in sys.argv[1:]
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.ansi.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    different = 0
    for path in [a for a in sys.argv[1:] if not a.startswith("--")]:
        with open(path, encoding="utf-8") as file:
            lines = file.read().rstrip("\n").split("\n")
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
