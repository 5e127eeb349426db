"""The pipelines of the crash matrix, the records they read, and oracles in plain Python for what they must have put out.

A scenario's records lie in a topic of three partitions; those of `closing` lie in a second topic, which the last run of a
combination reads besides: it closes what is open by then, so that also rows in open windows, in rolled files and in other
state are seen to be there once.

An oracle gets what was read of the sinks and returns a list of complaints.
"""

import base64
import collections
import datetime
import json
import random

PARTITIONS = 3
START = datetime.datetime(2025, 1, 1)


def stamp(seconds):
    return str(START + datetime.timedelta(seconds=seconds))


def count_complaints(what, got, want):
    """Two multisets that must be equal."""
    got, want = collections.Counter(got), collections.Counter(want)
    missing, extra = list((want - got).items()), list((got - want).items())
    return [f"{what}: missing {len(missing)} {missing[:3]}, too many {len(extra)} {extra[:3]}"] if missing or extra else []


class Scenario:
    """source: further members of the document's source. places: sinks that are read by their part of the location."""

    name = None
    schema = "seq BIGINT, k STRING, ts TIMESTAMP"
    records_per_batch = 120
    watermark = None
    source = {}
    kafka_sink = False
    places = ("out",)
    arguments = ()  # of all runs
    closing_set = ()  # further --set of the closing run

    def records(self):
        """In order of production; record i goes to partition i % 3."""
        raise NotImplementedError

    def closing(self):
        return []

    def queries(self, place, out_topic):
        raise NotImplementedError

    def complaints(self, rows, messages):
        """rows: {place: [row]}; messages: [(key, value)] of the output topic."""
        raise NotImplementedError

    def document(self, brokers, topic, place, checkpoint, out_topic, s3):
        """place(name): where a sink of that name writes."""
        source = {"name": "tx", "format": "kafka", "value": {"format": "json", "schema": self.schema},
                  "options": {"kafka.bootstrap.servers": brokers, "subscribe": topic, "startingOffsets": "earliest",
                              "maxOffsetsPerTrigger": self.records_per_batch}}
        source.update({k: v for k, v in self.source.items()})
        if self.watermark:
            source["watermark"] = {"eventTime": "ts", "delayThreshold": self.watermark}
        if "late" in self.places:
            source["lateRows"] = {"format": "json", "path": place("late")}
        queries = self.queries(place, out_topic)
        for query in queries:
            for sink in query["sinks"]:
                if sink["format"] == "kafka":
                    sink["options"]["kafka.bootstrap.servers"] = brokers
        return {"name": "crash", "source": source, "trigger": {"availableNow": True}, "queries": queries,
                "checkpointLocation": checkpoint, "http": False, **({"s3": s3} if s3 else {})}


def json_record(seq, k, seconds, **more):
    return json.dumps({"seq": seq, "k": k, "ts": stamp(seconds), **more})


def late_seqs(rows):
    return [row["row"]["seq"] for row in rows if row["reason"] == "late"]


class Grouped(Scenario):
    """Rows in closed and open groups and late rows are what was produced, each in its group."""

    count = 1200
    records_per_batch = 150
    watermark = "5 seconds"
    places = ("out", "late")
    group = None
    keys = 4

    def is_late(self, seq):
        return seq > 400 and seq % 97 == 0

    def seconds(self, seq):
        raise NotImplementedError

    def key(self, seq):
        return f"k{seq % self.keys}"

    def records(self):
        return [json_record(s, self.key(s), -100 if self.is_late(s) else self.seconds(s)) for s in range(self.count)]

    def closing(self):
        return [json_record(-1, "closing", 80000)]

    def queries(self, place, out_topic):
        return [{"name": "grouped", "sql": f"SELECT {self.group[0]} AS w, k, count(*) AS n, sort_array(collect_list(seq)) AS seqs "
                                           f"FROM tx GROUP BY {self.group[1]}, k",
                 "sinks": [{"name": "lake", "path": place("out"), **self.sink}]}]

    def groups(self):
        """{(key, start in seconds): [seq]}"""
        raise NotImplementedError

    def complaints(self, rows, messages):
        got = [(row["k"], *row["seqs"]) for row in rows["out"]]
        want = [(key, *sorted(seqs)) for (key, _), seqs in self.groups().items()]
        sizes = [f"a count is not that of its rows: {row}" for row in rows["out"] if row["n"] != len(row["seqs"])]
        return (count_complaints("groups", got, want) + sizes[:3] +
                count_complaints("late rows", late_seqs(rows["late"]), [s for s in range(self.count) if self.is_late(s)]))


class Windows(Grouped):
    name = "windows"
    group = "window.start", "window(ts, '10 seconds')"
    keys = 2
    # Several files of one batch.
    sink = {"format": "parquet", "partitionBy": ["k"]}

    def seconds(self, seq):
        return seq / 5

    def groups(self):
        found = collections.defaultdict(list)
        for s in range(self.count):
            if not self.is_late(s):
                found[self.key(s), int(self.seconds(s)) // 10].append(s)
        return found


class Sessions(Grouped):
    name = "session"
    group = "session_window.start", "session_window(ts, '3 seconds')"
    sink = {"format": "json"}

    def seconds(self, seq):
        return seq / 5 + seq // 50 * 10

    def groups(self):
        found, last = collections.defaultdict(list), {}
        for s in range(self.count):
            if self.is_late(s):
                continue
            key, at = self.key(s), self.seconds(s)
            begun = last[key][0] if key in last and at <= last[key][1] + 3 else at
            last[key] = (begun, at)
            found[key, begun].append(s)
        return found


class Dedup(Scenario):
    """Every id is published once, or is in lateRows."""

    name = "dedup"
    schema = "seq BIGINT, id STRING, ts TIMESTAMP"
    count = 2400
    records_per_batch = 300
    watermark = "30 seconds"
    source = {"dropDuplicatesWithinWatermark": ["id"]}
    places = ("out", "late")

    def is_late(self, seq):
        return seq > 1000 and seq % 97 == 0

    def of(self, seq):
        """The record whose id it has."""
        return seq - 31 if seq > 40 and seq % 5 == 0 and not self.is_late(seq - 31) else seq

    def id(self, seq):
        return f"id-{self.of(seq):08d}-{'x' * 60}"

    def record(self, seq):
        return json.dumps({"seq": seq, "id": self.id(seq), "ts": stamp(-1000 if self.is_late(seq) else self.of(seq) / 5)})

    def records(self):
        return [self.record(s) for s in range(self.count)]

    def closing(self):
        """Again the last ones: known by the state alone."""
        return [self.record(s) for s in range(self.count - 60, self.count) if not self.is_late(s)]

    def queries(self, place, out_topic):
        return [{"name": "once", "sql": "SELECT id, seq FROM tx", "sinks": [{"name": "lake", "format": "json", "path": place("out")}]}]

    def complaints(self, rows, messages):
        late = [s for s in range(self.count) if self.is_late(s)]
        published = {self.id(s) for s in range(self.count) if not self.is_late(s)}
        return (count_complaints("ids", [row["id"] for row in rows["out"]], published) +
                count_complaints("late rows", late_seqs(rows["late"]), late))


def noise(count, size, seed):
    """Text that does not compress."""
    draw = random.Random(seed)
    return [base64.b64encode(draw.randbytes(size)).decode() for _ in range(count)]


class PassThrough(Scenario):
    """Files of several parts; the multiset of ids."""

    name = "pass"
    schema = "seq BIGINT, k STRING, ts TIMESTAMP, pad STRING"
    count = 2300
    records_per_batch = 1150
    arguments = ("--memory", "256m")  # else slices end to spare memory, sooner or later by how records came

    def records(self):
        return [json_record(s, f"k{s % 2}", s, pad=pad) for s, pad in enumerate(noise(self.count, 3800, 1))]

    def queries(self, place, out_topic):
        return [{"name": "all", "sql": "SELECT seq, k, pad FROM tx",
                 "sinks": [{"name": "lake", "format": "parquet", "path": place("out"), "options": {"parquet.block.size": 1 << 20}}]}]

    def complaints(self, rows, messages):
        return count_complaints("ids", [row["seq"] for row in rows["out"]], range(self.count))


class Rolled(Scenario):
    """Files that stay open over batches and restarts: their uploads, tails and encoders go on."""

    name = "rolled"
    schema = "seq BIGINT, k STRING, ts TIMESTAMP, pad STRING"
    count = 1600
    records_per_batch = 270
    places = ("out", "text")
    arguments = ("--memory", "256m")  # else files end to spare memory
    closing_set = ("queries.all.sinks.lake.options.targetFileSize=1", "queries.text.sinks.lake.options.targetFileSize=1")

    def records(self):
        return [json_record(s, f"k{s % 2}", s, pad=pad) for s, pad in enumerate(noise(self.count, 3800, 2))]

    def closing(self):
        return [json_record(-1, "k0", 0, pad="-")]

    def queries(self, place, out_topic):
        return [{"name": "all", "sql": "SELECT seq, k, pad FROM tx", "sinks": [
                    {"name": "lake", "format": "parquet", "path": place("out"),
                     "options": {"targetFileSize": 6000000, "rollInterval": "1 hour", "parquet.block.size": 1 << 20}}]},
                {"name": "text", "sql": "SELECT seq, substr(pad, 1, 100) AS t FROM tx", "sinks": [
                    {"name": "lake", "format": "json", "path": place("text"), "options": {"targetFileSize": 50000, "compression": "gzip"}}]}]

    def complaints(self, rows, messages):
        return sum((count_complaints(f"ids in {place}", [row["seq"] for row in rows[place]], range(-1, self.count)) for place in self.places), [])


class IntoKafka(Scenario):
    count = 1200
    records_per_batch = 100
    kafka_sink = True
    places = ()
    mode = None

    def records(self):
        return [json_record(s, f"k{s % 7}", s) for s in range(self.count)]

    def closing(self):
        return [json_record(self.count + s, f"k{s}", s) for s in range(7)]

    def queries(self, place, out_topic):
        return [{"name": "counts", "outputMode": self.mode,
                 "sql": "SELECT k AS key, to_json(named_struct('n', count(*), 's', sum(seq))) AS value FROM tx GROUP BY k",
                 "sinks": [{"name": "out", "format": "kafka", "options": {"topic": out_topic}}]}]

    def totals(self):
        found = {f"k{i}": {"n": 0, "s": 0} for i in range(7)}
        for record in map(json.loads, self.records() + self.closing()):
            found[record["k"]]["n"] += 1
            found[record["k"]]["s"] += record["seq"]
        return found


class Update(IntoKafka):
    """The last row per key."""

    name = "update"
    mode = "update"

    def complaints(self, rows, messages):
        last, found = {}, []
        for key, value in messages:
            if value["n"] <= last.get(key, {"n": 0})["n"]:
                found.append(f"{key} was {last[key]} and then {value}: sent twice")
            last[key] = value
        return found[:3] + ([f"last rows {last}, wanted {self.totals()}"] if last != self.totals() else [])


class Complete(IntoKafka):
    """The rows of the last batch."""

    name = "complete"
    mode = "complete"

    def complaints(self, rows, messages):
        batches = [messages[i:i + 7] for i in range(0, len(messages), 7)]
        sums = [sum(value["n"] for _, value in batch) for batch in batches]
        found = [f"a batch has keys {[k for k, _ in batch]}" for batch in batches if len(dict(batch)) != 7]
        found += [f"batches with {a} and then {b} records: sent twice" for a, b in zip(sums, sums[1:]) if b <= a]
        return found[:3] + ([f"the last batch {batches[-1:]}, wanted {self.totals()}"] if dict(messages[-7:]) != self.totals() else [])


SCENARIOS = {s.name: s for s in (Windows(), Sessions(), Dedup(), PassThrough(), Rolled(), Update(), Complete())}
