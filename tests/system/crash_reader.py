"""Lists and reads what a pipeline wrote, in a directory or in MinIO, with other people's programs (boto3, pyarrow).

Run by crash_places.py in the Python of scripts/lib/venv.py, for as long as a worker of the crash matrix lives: a request is
a line of JSON on stdin, its answer a line on stdout. A place is a directory or s3://bucket/prefix.

{"op": "list", "place": P}     {name: identity} of what a reader of the place sees; an identity changes when the file is replaced
{"op": "rows", "place": P}     {name: [row, ...]} of all these files; raises when one is not whole
{"op": "hash", "place": P}     {name: SHA-256} of all these files
{"op": "hidden", "place": P}   names of unfinished files (directories alone)
{"op": "text", "place": P}     {name: text}
{"op": "clear", "place": P}
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import sys


def client():
    import boto3
    from botocore.config import Config
    return boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], config=Config(s3={"addressing_style": "path"}))


class Directory:
    def __init__(self, place):
        self.root = pathlib.Path(place)

    def files(self):
        return [p for p in self.root.rglob("*") if p.is_file()]

    def list(self):
        found = {}
        for path in self.files():
            try:
                stat = path.stat()
            except FileNotFoundError:  # a temporary that got its name just now
                continue
            found[str(path.relative_to(self.root))] = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        return found

    def read(self, name):
        return (self.root / name).read_bytes()

    def clear(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Prefix:
    s3 = None

    def __init__(self, place):
        Prefix.s3 = Prefix.s3 or client()
        self.bucket, self.prefix = place.removeprefix("s3://").split("/", 1)
        self.prefix += "/"

    def objects(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        return [o for page in pages for o in page.get("Contents", [])]

    def list(self):
        return {o["Key"].removeprefix(self.prefix): [o["Size"], o["ETag"], o["LastModified"].isoformat()] for o in self.objects()}

    def read(self, name):
        return self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()

    def clear(self):
        keys = [{"Key": o["Key"]} for o in self.objects()]
        for i in range(0, len(keys), 1000):
            self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys[i:i + 1000], "Quiet": True})


def is_hidden(name):
    return any(part.startswith((".", "_")) for part in name.split("/"))


def parquet_rows(data):
    import pyarrow.parquet
    rows = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    for row in rows:
        row.pop("pad", None)
    return rows


def rows_of(name, data):
    if name.endswith(".parquet"):
        return parquet_rows(data)
    if name.endswith(".gz"):
        data = gzip.decompress(data)
    text = data.decode()
    assert text.endswith("\n"), f"{name} does not end with its line"
    return [json.loads(line) for line in text.splitlines()]


def with_partitions(name, rows):
    values = dict(part.split("=", 1) for part in name.split("/")[:-1])
    return [{**row, **values} for row in rows]


def answer(request):
    place = (Prefix if request["place"].startswith("s3://") else Directory)(request["place"])
    if request["op"] == "clear":
        place.clear()
        return None
    if request["op"] == "hidden":
        return [n for n in place.list() if is_hidden(n)]
    names = {n: i for n, i in place.list().items() if not is_hidden(n)}
    if request["op"] == "list":
        return names
    if request["op"] == "hash":
        return {n: hashlib.sha256(place.read(n)).hexdigest() for n in names}
    if request["op"] == "text":
        return {n: place.read(n).decode("latin-1") for n in names}
    return {n: with_partitions(n, rows_of(n, place.read(n))) for n in names}


def main():
    for line in sys.stdin:
        try:
            result = {"result": answer(json.loads(line))}
        except Exception as failure:  # the worker tells it
            result = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(result, default=str), flush=True)


if __name__ == "__main__":
    main()
