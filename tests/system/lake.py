"""What tests of the lake share: object stores, lab messages, and the files of a sink read by pyarrow.

Files are judged in a Python of their own (scripts/lib/venv.py: pyarrow, duckdb, pyspark, boto3): the rest of the tests need none.
"""

import json
import os
import pathlib
import subprocess
import sys
import uuid

from harness import Case, LAB_SCHEMA, ROOT, service

sys.path.insert(0, str(ROOT / "scripts" / "lib"))
import venv as venvs  # noqa: E402

JUDGE = pathlib.Path(__file__).with_name("judge.py")


class Bucket:
    """A new bucket in a store of scripts/services ("minio" or "versitygw")."""

    def __init__(self, name="minio", exports=None):
        exports = exports or service(name)
        self.endpoint = exports["S3_ENDPOINT"]
        self.key, self.secret = exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]
        self.name = f"lake-{uuid.uuid4().hex[:10]}"
        self.judge("make-bucket", self.name)

    def section(self, **more):
        """The document's `s3`."""
        return {"endpoint": self.endpoint, "region": "us-east-1", "accessKeyId": self.key, "secretAccessKey": self.secret, **more}

    def path(self, name):
        return f"s3://{self.name}/{name}"

    def judge(self, *arguments, timeout=300):
        return judge(*arguments, endpoint=self.endpoint, key=self.key, secret=self.secret, timeout=timeout)

    def objects(self, prefix=""):
        return self.judge("list", self.name, prefix)

    def uploads(self):
        """Keys of unfinished multipart uploads."""
        return self.judge("uploads", self.name)


def judge(*arguments, endpoint="", key="", secret="", timeout=300):
    """Runs judge.py and returns what it printed as JSON."""
    run = subprocess.run([venvs.python(), JUDGE, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                         env={**os.environ, "S3_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                              "AWS_DEFAULT_REGION": "us-east-1"})
    if run.returncode != 0:
        raise AssertionError(f"judge.py {' '.join(map(str, arguments))} failed: {run.returncode}\n{run.stderr.decode()[-3000:]}")
    return json.loads(run.stdout)


def lab_messages(count, minutes=10, start_second=0):
    """Lab messages over so many minutes of event time, in order; user and amount follow from the number."""
    messages = []
    for i in range(count):
        second = start_second + i * minutes * 60 // count
        messages.append(json.dumps({
            "transaction_id": f"txn_{i:07d}", "user_id": f"user_{i * 7919 % 100}", "amount": (i * 7 % 100000 + 1) / 100,
            "type": ("purchase", "withdrawal", "transfer")[i % 3], "timestamp": f"2025-12-26 {21 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
            "location": ("store", "online")[i // 3 % 2]}))
    return messages


class LakeCase(Case):
    """A test whose pipelines write lab rows."""

    def lab_topic(self, messages, partitions=1):
        topic = self.topic(partitions)
        for partition in range(partitions):
            self.broker.produce(topic, messages[partition::partitions], partition=partition)
        return topic

    def pipeline(self, topic, queries, s3=None, trigger=None, **source):
        path = self.document({"subscribe": topic}, value={"format": "json", "schema": LAB_SCHEMA}, trigger=trigger)
        document = json.loads(path.read_text())
        document["source"].update(source)
        document["queries"] = queries
        if s3:
            document["s3"] = s3
        path.write_text(json.dumps(document))
        return path
