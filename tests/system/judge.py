"""Looks at objects and files with other people's programs (boto3, pyarrow, DuckDB, Spark); prints JSON. Run by lake.py.

judge.py make-bucket BUCKET | list BUCKET PREFIX | uploads BUCKET | begin-upload BUCKET KEY
judge.py rows READER LOCATION      READER: pyarrow, duckdb or spark; all rows below a directory or s3:// prefix, sorted, as JSON
judge.py ids COLUMN LOCATION       counts of a column
judge.py schema READER LOCATION    names and types as that reader has them
"""

import base64
import datetime
import decimal
import functools
import json
import os
import sys


@functools.lru_cache(maxsize=None)
def client():
    import boto3
    from botocore.config import Config
    return boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], config=Config(s3={"addressing_style": "path"}))


def make_bucket(bucket):
    client().create_bucket(Bucket=bucket)
    return bucket


def list_objects(bucket, prefix):
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {o["Key"]: o["Size"] for page in pages for o in page.get("Contents", [])}


def uploads(bucket):
    return [u["Key"] for u in client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def begin_upload(bucket, key):
    return client().create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]


def abort_uploads(bucket):
    """What a lifecycle rule does to unfinished uploads; returns their keys."""
    store, keys = client(), []
    for upload in store.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        store.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        keys.append(upload["Key"])
    return keys


def dump(bucket, prefix):
    """The content of each object, in base64."""
    store = client()
    return {key: base64.b64encode(store.get_object(Bucket=bucket, Key=key)["Body"].read()).decode() for key in list_objects(bucket, prefix)}


def put(bucket, key, content):
    client().put_object(Bucket=bucket, Key=key, Body=base64.b64decode(content))


def copy(bucket, pairs):
    """Objects under other keys, as uploads of one part: an ETag of such an upload stays what it was."""
    for source, target in pairs:
        upload = client().create_multipart_upload(Bucket=bucket, Key=target)["UploadId"]
        part = client().upload_part_copy(Bucket=bucket, Key=target, UploadId=upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": source})
        client().complete_multipart_upload(Bucket=bucket, Key=target, UploadId=upload,
                                           MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})


def delete(bucket, *keys):
    for key in keys:
        client().delete_object(Bucket=bucket, Key=key)


def lines(bucket, prefix):
    """The rows of a JSON sink's files."""
    store = client()
    return [json.loads(line) for key in list_objects(bucket, prefix)
            for line in store.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()]


def serve():
    """A command and its arguments in a line of JSON, the answer in a line of JSON, until the end of stdin."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        yield COMMANDS[name](*arguments)


# Rows

def arrow_dataset(location):
    import pyarrow.dataset
    import pyarrow.fs
    if not location.startswith("s3://"):
        return pyarrow.dataset.dataset(location, format="parquet", partitioning="hive")
    scheme, host = os.environ["S3_ENDPOINT"].split("://")
    files = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme, region="us-east-1",
                                    access_key=os.environ["AWS_ACCESS_KEY_ID"], secret_key=os.environ["AWS_SECRET_ACCESS_KEY"])
    return pyarrow.dataset.dataset(location[5:], filesystem=files, format="parquet", partitioning="hive")


def duckdb_view(location):
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if location.startswith("s3://"):
        # Without httpfs (an extension that is fetched): the files by pyarrow, the reading by DuckDB.
        import tempfile
        import pyarrow.fs
        directory = tempfile.mkdtemp()
        pyarrow.fs.copy_files(location[5:], directory, source_filesystem=arrow_dataset(location).filesystem)
        location = directory
    connection.execute(f"CREATE VIEW v AS SELECT * FROM read_parquet('{location}/**/*.parquet', hive_partitioning = true)")
    return connection


def spark_frame(location):
    return spark_session().read.parquet(location.replace("s3://", "s3a://"))


def spark_session(*packages):
    import pyspark.sql
    builder = (pyspark.sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
               .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
               .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC"))
    wanted = [*packages, *(["org.apache.hadoop:hadoop-aws:3.3.4"] if os.environ.get("S3_ENDPOINT") else [])]
    if wanted:
        builder = builder.config("spark.jars.packages", ",".join(wanted))
    if os.environ.get("S3_ENDPOINT"):
        for key, value in {"endpoint": os.environ["S3_ENDPOINT"], "access.key": os.environ["AWS_ACCESS_KEY_ID"],
                           "secret.key": os.environ["AWS_SECRET_ACCESS_KEY"], "path.style.access": "true"}.items():
            builder = builder.config(f"spark.hadoop.fs.s3a.{key}", value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def plain(value):
    """One form for what the readers give."""
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return value


def rows(reader, location):
    if reader == "pyarrow":
        found = arrow_dataset(location).to_table().to_pylist()
    elif reader == "duckdb":
        found = duckdb_view(location).execute("SELECT * FROM v").fetch_arrow_table().to_pylist()
    else:
        found = [row.asDict(recursive=True) for row in spark_frame(location).collect()]
    return sorted((plain(row) for row in found), key=lambda row: json.dumps(row, sort_keys=True))


def ids(column, location):
    """How many rows, how many different values of a column, the least and the greatest: by pyarrow, for many rows."""
    import pyarrow.compute
    values = arrow_dataset(location).to_table(columns=[column])[column]
    bounds = pyarrow.compute.min_max(values).as_py()
    return {"rows": len(values), "distinct": pyarrow.compute.count_distinct(values).as_py(), "least": bounds["min"], "most": bounds["max"]}


def schema(reader, location):
    if reader == "pyarrow":
        return {field.name: str(field.type) for field in arrow_dataset(location).schema}
    if reader == "duckdb":
        return {row[0]: row[1] for row in duckdb_view(location).execute("DESCRIBE v").fetchall()}
    return {field.name: field.dataType.simpleString() for field in spark_frame(location).schema.fields}


def spark_windows(brokers, topic, sql, value_schema, delay):
    """What Spark itself computes from the topic: the same query, in append mode, to the end of what is there."""
    import tempfile
    session = spark_session("org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.3")
    stream = (session.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
              .option("startingOffsets", "earliest").load())
    from pyspark.sql import functions
    parsed = stream.select(functions.from_json(stream.value.cast("string"), value_schema).alias("v")).select("v.*")
    parsed.withWatermark("timestamp", delay).createOrReplaceTempView("tx")
    target = tempfile.mkdtemp()
    query = (session.sql(sql).writeStream.format("parquet").option("path", f"{target}/out").option("checkpointLocation", f"{target}/checkpoint")
             .trigger(availableNow=True).outputMode("append").start())
    query.awaitTermination()
    frame = session.read.parquet(f"{target}/out")
    found = [row.asDict(recursive=True) for row in frame.collect()]
    return {"rows": sorted((plain(row) for row in found), key=lambda row: json.dumps(row, sort_keys=True)),
            "schema": {field.name: field.dataType.simpleString() for field in frame.schema.fields}}


COMMANDS = {"make-bucket": make_bucket, "list": list_objects, "uploads": uploads, "begin-upload": begin_upload, "abort-uploads": abort_uploads,
            "dump": dump, "put": put, "copy": copy, "delete": delete, "lines": lines, "rows": rows, "ids": ids,
            "schema": schema, "spark-windows": spark_windows}

if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(2, 1)  # what the programs print is not the answer
    with os.fdopen(out, "w") as stream:
        if sys.argv[1] == "serve":
            for answer in serve():
                print(json.dumps(answer), file=stream, flush=True)
        else:
            json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), stream)
