"""Runs pipeline documents on Apache Spark: the reference that scripts/fuzz-spark and tests/record_conformance.py ask.

Needs pyspark 3.5.3 and a JDK 17 (with javac). Nothing here knows sluice.
"""

import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, from_json

# Hadoop's local file system starts a process `chmod` for every file it makes; checkpoints make hundreds of them.
PLAIN_FILES = """
public class PlainFiles extends org.apache.hadoop.fs.RawLocalFileSystem {
    public void setPermission(org.apache.hadoop.fs.Path path, org.apache.hadoop.fs.permission.FsPermission mode) {}
}
"""
FILE_MANAGER = "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"


class Refused(Exception):
    """Spark does not take the query; the text is Spark's first sentence."""


def scratch(name):
    """A new directory, in memory where there is such a place."""
    return pathlib.Path(tempfile.mkdtemp(prefix=name + "-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))


def strip_comments(text):
    """A pipeline document without its // and /* */ comments."""
    pattern = r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, lambda m: m.group() if m.group()[0] == '"' else " ", text, flags=re.S)


def load_pipeline(path):
    return json.loads(strip_comments(pathlib.Path(path).read_text(encoding="utf-8")))


def sql_text(value):
    return "\n".join(value) if isinstance(value, list) else value


def reason(error):
    """Spark's message without the plan and the Java stack behind it."""
    text = str(error).split("\n\nJVM stacktrace")[0].split(";\n")[0]
    if "terminated with exception: " in text:
        text = text.split("terminated with exception: ", 1)[1]
    causes = re.findall(r"^Caused by: (.*)", text, flags=re.M)
    if causes:
        text = causes[-1]
    return text.strip()


def class_path(work):
    jars = os.path.join(os.path.dirname(pyspark.__file__), "jars", "*")
    (work / "PlainFiles.java").write_text(PLAIN_FILES)
    subprocess.run(["javac", "-cp", jars, "-d", work / "classes", work / "PlainFiles.java"], check=True)
    return str(work / "classes")


class Spark:
    """One session in one JVM. `generated` False lets Spark interpret expressions instead of compiling each query
    to Java, which is several times faster for queries that run once and has to give the same rows."""

    def __init__(self, generated=False):
        self.work = scratch("spark")
        self.count = 0
        options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -XX:ReservedCodeCacheSize=512m"
        if not generated:
            options += " -Dspark.testing=true"  # without it factoryMode is not looked at
        settings = {
            "spark.driver.memory": "3g", "spark.driver.extraJavaOptions": options, "spark.driver.extraClassPath": class_path(self.work),
            "spark.hadoop.fs.file.impl": "PlainFiles", "spark.driver.host": "127.0.0.1",
            "spark.local.dir": str(self.work), "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": str(self.work / "warehouse"), "spark.sql.shuffle.partitions": "1",
            "spark.sql.adaptive.enabled": "false", "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "false", "spark.sql.streaming.metricsEnabled": "false",
            "spark.sql.streaming.stateStore.maintenanceInterval": "1h", "spark.sql.streaming.pollingDelay": "1ms",
            "spark.sql.ui.explainMode": "simple", "spark.sql.maxPlanStringLength": "100",
            "spark.sql.planChangeValidation": "false",
            "spark.sql.streaming.checkpointFileManagerClass": FILE_MANAGER}
        if not generated:
            settings.update({"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"})
        builder = SparkSession.builder.master("local[1]").appName("reference")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")

    def stop(self):
        self.session.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def lines(self, frame):
        """The rows of a Java data frame as toJSON writes them, with one call into the JVM."""
        rows = frame.toJSON().collectAsList()
        if rows.size() == 0:
            return []
        return self.session._jvm.java.lang.String.join("\n", rows).split("\n")

    def view(self, source, raw):
        """The view that the queries of a pipeline read, over a frame of message values; returns its name."""
        value = source.get("value", {})
        options = {k: v for k, v in value.items() if k not in ("format", "schema")}
        if options.get("mode") == "DROPMALFORMED":
            raise Refused("from_json does not know DROPMALFORMED")
        frame = raw.select(from_json(col("value"), value["schema"], options).alias("d")).select("d.*")
        if source.get("transform"):
            frame.createOrReplaceTempView("source")
            frame = self.session.sql(sql_text(source["transform"]))
        mark = source.get("watermark")
        if mark:
            frame = frame.withWatermark(mark["eventTime"], mark["delayThreshold"])
        if source.get("dropDuplicatesWithinWatermark"):
            frame = frame.dropDuplicatesWithinWatermark(source["dropDuplicatesWithinWatermark"])
        frame.createOrReplaceTempView(source["name"])
        return frame

    def stage(self, inputs):
        """Copies input files (one micro-batch each) with times that keep their order."""
        staged = self.work / f"in{self.count}"
        staged.mkdir()
        for i, path in enumerate(sorted(inputs)):
            copy = staged / os.path.basename(path)
            shutil.copyfile(path, copy)
            os.utime(copy, (1_700_000_000 + i * 10, 1_700_000_000 + i * 10))
        return staged

    def start(self, source, query, staged):
        """Starts one query; returns (handle, rows by batch, console tables by batch), filled as it runs."""
        self.count += 1
        rows, shown = {}, {}
        console = next((s for s in query.get("sinks", []) if s["format"] == "console"), None)
        try:
            # A view may be planned once only: two starts on the same frame would share its watermark's id.
            raw = self.session.readStream.format("text").option("maxFilesPerTrigger", 1).load(str(staged))
            self.view(source, raw)
            result = self.session.sql(sql_text(query["sql"]))
        except Refused:
            raise
        except Exception as error:  # pyspark raises many kinds; the text is the useful part
            raise Refused(reason(error)) from error

        def capture(frame, batch):
            got = self.lines(frame._jdf)
            if got:
                rows[batch] = got
            if console is not None:
                cut = console.get("options", {}).get("truncate", True)
                width = 20 if cut is True else 0 if cut is False else int(cut)
                shown[batch] = frame._jdf.showString(int(console.get("options", {}).get("numRows", 20)), width, False)

        try:
            handle = (result.writeStream.outputMode(query.get("outputMode", "append")).foreachBatch(capture)
                      .option("checkpointLocation", str(self.work / f"checkpoint{self.count}"))
                      .trigger(availableNow=True).start())
        except Exception as error:
            raise Refused(reason(error)) from error
        return handle, rows, shown

    def finish(self, handle):
        try:
            handle.awaitTermination()
        except Exception as error:
            raise Refused(reason(error)) from error

    def table(self, source, lines):
        """The view of a pipeline without watermark and dedup over message values as one table in memory."""
        jvm = self.session._jvm
        values = jvm.java.util.ArrayList()
        for line in lines:
            values.add(line)
        raw = self.session._jsparkSession.createDataset(values, jvm.org.apache.spark.sql.Encoders.STRING()).toDF()
        frame = self.view(source, DataFrame(raw, self.session))
        # Decoded once here; the optimizer then works each query out over the rows, without a job.
        rows = self.session._jsparkSession.createDataFrame(frame._jdf.collectAsList(), frame._jdf.schema())
        rows.createOrReplaceTempView(source["name"])

    def ask(self, sql):
        """The rows of a query without state over the table, as JSON lines."""
        try:
            return self.lines(self.session._jsparkSession.sql(sql))
        except Exception as error:
            raise Refused(reason(error)) from error

    def clean(self):
        for path in glob.glob(str(self.work / "in*")) + glob.glob(str(self.work / "checkpoint*")):
            shutil.rmtree(path, ignore_errors=True)

    def run(self, pipeline, inputs, parallel=4):
        """Every query of a document over the input files, as a stream: {query name: (rows by batch, tables by batch)},
        or Refused in place of the pair."""
        result, queries = {}, pipeline["queries"]
        staged = self.stage(inputs)
        for i in range(0, len(queries), parallel):
            under_way = []
            for query in queries[i:i + parallel]:
                try:
                    under_way.append((query["name"], *self.start(pipeline["source"], query, staged)))
                except Refused as error:
                    result[query["name"]] = error
            for name, handle, rows, shown in under_way:
                try:
                    self.finish(handle)
                    result[name] = (rows, shown)
                except Refused as error:
                    result[name] = error
        self.clean()
        return result
