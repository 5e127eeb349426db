"""What the soak left in MinIO against the producer's record. Run by soak.py with the Python of venv.py.

soak_check.py make-bucket BUCKET | compare BUCKET RECORD       S3_ENDPOINT and the keys are in the environment
"""

import collections
import json
import os
import sys

import boto3
import numpy
import pyarrow.fs
import pyarrow.parquet
from botocore.config import Config

SHOWN = 5


def client():
    return boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))


def make_bucket(bucket):
    client().create_bucket(Bucket=bucket)
    return 0


def tables(bucket, prefix, columns):
    """File after file: there are many, and together they need not fit into memory."""
    scheme, host = os.environ["S3_ENDPOINT"].split("://")
    files = pyarrow.fs.S3FileSystem(endpoint_override=host, scheme=scheme, region="us-east-1", access_key=os.environ["AWS_ACCESS_KEY_ID"],
                                    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"])
    for info in files.get_file_info(pyarrow.fs.FileSelector(f"{bucket}/{prefix}", recursive=True, allow_not_found=True)):
        if info.is_file:
            yield pyarrow.parquet.read_table(info.path, filesystem=files, columns=columns)


def compare_ids(bucket, count):
    """Every id once: how often each was seen, a byte each."""
    seen = numpy.zeros(count, dtype=numpy.uint8)
    rows, twice, foreign = 0, 0, []
    for table in tables(bucket, "ids", ["id"]):
        ids = table["id"].to_numpy()
        rows += len(ids)
        inside = ids[(ids >= 0) & (ids < count)]
        foreign += list(ids[(ids < 0) | (ids >= count)][:SHOWN])
        unique = numpy.unique(inside)
        twice += len(inside) - len(unique)
        seen[unique] += 1
    missing, more = numpy.flatnonzero(seen == 0), numpy.flatnonzero(seen > 1)
    print(f"ids: {rows} rows, {count} sent, {len(missing)} missing {missing[:SHOWN].tolist()}, {len(more) + twice} too many {more[:SHOWN].tolist()}"
          + (f", foreign {foreign[:SHOWN]}" if foreign else ""))
    return rows == count and not len(missing) and not len(more) and not twice and not foreign


def compare_sums(bucket, expected):
    found, rows = collections.defaultdict(list), 0
    for table in tables(bucket, "sums", None):
        for row in table.to_pylist():
            rows += 1
            found[f"{row['start'].replace(tzinfo=None).isoformat(' ')}/{row['k']}"].append([row["c"], row["total"]])
    different = [key for key in sorted(set(found) | set(expected)) if found.get(key) != [expected.get(key)]]
    print(f"windows: {rows} rows, {len(expected)} expected, {len(different)} different")
    for key in different[:SHOWN]:
        print(f"  {key}: expected {expected.get(key)}, found {found.get(key)}")
    return not different


def compare(bucket, record):
    with open(record) as file:
        record = json.load(file)
    equal = compare_ids(bucket, record["count"])
    equal = compare_sums(bucket, record["sums"]) and equal
    uploads = client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    print(f"unfinished uploads: {len(uploads)}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit({"make-bucket": make_bucket, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
