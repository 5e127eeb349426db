"""What tests of checkpoints share: numbered messages and what must come out of them, and places (a directory, a prefix in S3)
whose files can be read and replaced."""

import base64
import collections
import functools
import json
import os
import pathlib
import re
import subprocess

from confluent_kafka import KafkaError, KafkaException

import lake
from harness import BUILD, ROOT, read_json_parts, wait_until
from lake import JUDGE, Bucket, LakeCase

SCHEMA = "id BIGINT, k STRING, n BIGINT, t TIMESTAMP"
ALL = "SELECT id, n FROM tx"
SUMS = "SELECT window.start AS start, k, count(*) AS c, sum(n) AS total FROM tx GROUP BY window(t, '10 seconds'), k"
PER_SECOND, KEYS = 10, 3
WINDOW = 10 * PER_SECOND  # messages


@functools.lru_cache(maxsize=None)
def failpoints_build():
    """The binary with failpoints, made once."""
    subprocess.run([ROOT / "scripts" / "build", "failpoints"], stdin=subprocess.DEVNULL, check=True)
    return str(BUILD.with_name(BUILD.name + "-fail") / "sluice")


def numbered(first, count):
    """Messages first, first + 1 ...: ten a second of event time."""
    return [json.dumps({"id": i, "k": f"k{i % KEYS}", "n": i * 7919 % 1000, "t": clock(i // PER_SECOND)}) for i in range(first, first + count)]


def clock(second, letter=" "):
    return f"2025-01-01{letter}{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def expected_sums(count):
    """Rows of SUMS once `count` messages are read and the watermark is at the last one's time."""
    sums = collections.Counter()
    rows = {}
    for i in range(count // WINDOW * WINDOW):
        group = (i // WINDOW, i % KEYS)
        sums[group] += i * 7919 % 1000
        rows[group] = rows.get(group, 0) + 1
    closed = (count - 1) // PER_SECOND // 10  # windows that end at or before the last message's time
    return sorted((clock(w * 10, "T") + ".000Z", f"k{k}", n, sums[w, k]) for (w, k), n in rows.items() if w < closed)


class Store:
    """A bucket, asked by one judge.py that stays."""

    def __init__(self, case, exports=None):
        self.bucket = Bucket(exports=exports)
        self.process = subprocess.Popen(
            [lake.venvs.python(), JUDGE, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "S3_ENDPOINT": self.bucket.endpoint, "AWS_ACCESS_KEY_ID": self.bucket.key,
                 "AWS_SECRET_ACCESS_KEY": self.bucket.secret, "AWS_DEFAULT_REGION": "us-east-1"})
        case.addCleanup(self.close)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)

    def ask(self, *command):
        print(json.dumps(command), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def place(self, name):
        return Prefix(self, name)


class Prefix:
    """Files below a prefix."""

    def __init__(self, store, name):
        self.store, self.name, self.location = store, name, store.bucket.path(name)

    def sibling(self, suffix):
        return self.store.place(self.name + suffix)

    def keys(self):
        return {key[len(self.name) + 1:] for key in self.store.ask("list", self.store.bucket.name, self.name + "/")}

    def dump(self):
        files = self.store.ask("dump", self.store.bucket.name, self.name + "/")
        return {key[len(self.name) + 1:]: base64.b64decode(content) for key, content in files.items()}

    def put(self, key, content):
        self.store.ask("put", self.store.bucket.name, f"{self.name}/{key}", base64.b64encode(content).decode())

    def delete(self, *keys):
        self.store.ask("delete", self.store.bucket.name, *(f"{self.name}/{key}" for key in keys))

    def copy_to(self, other, keys):
        """Into another prefix of the bucket; for objects that were uploaded in one part."""
        self.store.ask("copy", self.store.bucket.name, [(f"{self.name}/{key}", f"{other.name}/{key}") for key in sorted(keys)])

    def rows(self):
        return self.store.ask("lines", self.store.bucket.name, self.name + "/")


class Directory:
    """The same for a directory."""

    def __init__(self, path):
        self.path, self.location = pathlib.Path(path), str(path)

    def sibling(self, suffix):
        return Directory(f"{self.path}{suffix}")

    def files(self):
        return [p for p in self.path.rglob("*") if p.is_file()]

    def keys(self):
        return {str(p.relative_to(self.path)) for p in self.files()}

    def dump(self):
        return {str(p.relative_to(self.path)): p.read_bytes() for p in self.files()}

    def put(self, key, content):
        (self.path / key).parent.mkdir(parents=True, exist_ok=True)
        (self.path / key).write_bytes(content)

    def delete(self, *keys):
        for key in keys:
            (self.path / key).unlink()

    def rows(self):
        return read_json_parts(self.path)


def newest_batch(place):
    """The number of the newest decision, -1: there is none."""
    return max((int(key.split("/")[1]) for key in place.keys() if re.fullmatch(r"commits/\d+", key)), default=-1)


class CheckpointCase(LakeCase):
    """A test of a pipeline with a checkpoint: query all (pass-through) and sums (windows), into JSON files."""

    def files(self, name, sql, out, **more):
        return {"name": name, "sql": sql, "sinks": [{"name": "files", "format": "json", "path": f"{out}/{name}", **more}]}

    def numbered(self, topic, checkpoint, out, queries=None, trigger="100 milliseconds", s3=None, options=None, **top):
        """The document's path; `checkpoint` and `out` are locations."""
        path = self.document({"subscribe": topic, **(options or {})}, value={"format": "json", "schema": SCHEMA},
                             trigger={"processingTime": trigger} if trigger else None, checkpointLocation=str(checkpoint), **top)
        document = json.loads(path.read_text())
        document["source"]["watermark"] = {"eventTime": "t", "delayThreshold": "0 seconds"}
        document["queries"] = queries or [self.files("all", ALL, out), self.files("sums", SUMS, out)]
        if s3:
            document["s3"] = s3
        path.write_text(json.dumps(document, indent=2))
        return path

    def changed(self, path, change):
        """A new document: `change` is called with the old one's content."""
        document = json.loads(path.read_text())
        change(document)
        path = path.with_name(f"{path.stem}x.json")
        path.write_text(json.dumps(document, indent=2))
        return path

    def failing(self, failpoint, *arguments, **options):
        """A run of the build with failpoints."""
        return self.sluice(*arguments, env={"SLUICE_FAILPOINT": failpoint}, binary=failpoints_build(), **options)

    def remake(self, topic, partitions):
        """Deletes a topic, if there is one, and makes another of its name."""
        self.broker.delete_topic(topic)
        wait_until(lambda: topic not in self.broker.admin.list_topics(timeout=10).topics, 30, "the topic to be gone")

        def again():
            try:
                return self.broker.create_topic(topic, partitions)
            except KafkaException as error:  # it is still being deleted, or a client's question has made it
                if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    self.broker.delete_topic(topic)
                return None
        wait_until(again, 30, "the topic to be made")

    def wait_rows(self, run, place, count, timeout=60):
        run.wait(lambda: len(place.rows()) >= count, timeout, f"{count} rows in {place.location}")

    def wait_oracle(self, run, all_place, sums_place, count, timeout=60):
        """Until all rows of the first `count` messages are there."""
        self.wait_rows(run, all_place, count, timeout)
        self.wait_rows(run, sums_place, len(expected_sums(count)), timeout)

    def assert_ids(self, rows, count):
        ids = collections.Counter(row["id"] for row in rows)
        self.assertEqual(sorted(set(range(count)) - set(ids))[:5], [], "missing")
        self.assertEqual([i for i, n in ids.items() if n > 1 or not 0 <= i < count][:5], [], "too many")

    def assert_sums(self, rows, count):
        self.assertEqual(sorted((r["start"], r["k"], r["c"], r["total"]) for r in rows), expected_sums(count))

    def assert_oracle(self, all_place, sums_place, count):
        self.assert_ids(all_place.rows(), count)
        self.assert_sums(sums_place.rows(), count)
