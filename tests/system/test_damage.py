"""Files of a checkpoint that are cut, turned, gone or newer: a precise error, nothing overwritten, and --recover-to goes on."""

import re
import shutil
import unittest

from checkpoints import ALL, SUMS, CheckpointCase, Directory, Store, expected_sums, newest_batch, numbered
from fault_s3 import FaultServer
from harness import PART

FIRST, ALL_ROWS = 1050, 1500
COMPLETE = r"POST .*uploadId="
# What the message says of the file, by what was done to it. State and staged files are known by size and checksum.
SAYS = {"cut": r"cut|short|bytes|damaged|incomplete", "turned": r"checksum|damaged|not ours|no .*file",
        "gone": r"missing|no such|not found|does not exist|not there", "newer": r"newer|version|checksum|damaged|bytes"}


def cut(content):
    return content[:len(content) // 2]


def turned(content):
    middle = len(content) * 2 // 3
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1:]


def newer(content):
    """The version in the first line of an envelope, or the number behind a state file's magic."""
    if re.match(rb"sluice \w+ \d+ ", content):
        return re.sub(rb"^(sluice \w+) \d+ ", rb"\1 99 ", content)
    return content[:8] + b"\x63" + content[9:]


DAMAGES = {"cut": cut, "turned": turned, "gone": lambda content: None, "newer": newer}


class Damage(CheckpointCase):
    """A checkpoint whose newest batch is decided and not published: its publishing is refused by the store, then SIGKILL."""

    def make(self, place):
        self.store = getattr(place, "store", None) or Store(self)
        server = FaultServer(self.store.bucket.endpoint)
        server.__enter__()
        self.addCleanup(server.__exit__)
        self.place, self.topic_name, sent = place, self.topic(), self.topic()
        self.all_place, self.sums_place = self.store.place("out/all"), self.store.place("out/sums")
        out = self.store.bucket.path("out")
        queries = [self.files("all", ALL, out), self.files("sums", SUMS, out),
                   {"name": "sent", "sql": "SELECT CAST(id AS STRING) AS value FROM tx", "sinks": [
                       {"name": "kafka", "format": "kafka", "options": {"kafka.bootstrap.servers": self.broker.brokers, "topic": sent}}]},
                   {"name": "rolled", "sql": "SELECT id FROM tx", "sinks": [
                       {"name": "files", "format": "parquet", "path": self.store.bucket.path("rolled"), "options": {"rollInterval": "1 hour"}}]}]
        self.document_path = self.numbered(self.topic_name, place.location, out, queries, options={"maxOffsetsPerTrigger": 200},
                                           s3=self.store.bucket.section(endpoint=server.url))
        self.broker.produce(self.topic_name, numbered(0, FIRST))
        run = self.sluice("run", self.document_path)
        self.wait_oracle(run, self.all_place, self.sums_place, FIRST)
        server.fault("500", count=10 ** 6, match=COMPLETE)
        before = newest_batch(place)
        self.broker.produce(self.topic_name, numbered(FIRST, ALL_ROWS - FIRST))
        run.wait(lambda: newest_batch(place) > before and "500" in server.met(), 30, "a batch that is decided and not published")
        run.kill()
        server.state.faults = []
        self.base, self.newest = place.dump(), newest_batch(place)
        self.out, self.removed = self.store.place("out"), self.store.place("removed")
        self.id8 = PART.search(min(self.out.keys()))["id"]

    def restore(self, place, files):
        place.delete(*(place.keys() - set(files)))
        for key, content in files.items():
            place.put(key, content)

    def named(self, pattern):
        """The newest file of the checkpoint whose name matches and that the newest decision names."""
        commit = self.base[f"commits/{self.newest}"].decode()
        keys = [key for key in self.base if re.fullmatch(pattern, key) and (not key.startswith("st") or f'"{key}"' in commit)]
        self.assertTrue(keys, f"no file like {pattern} in {sorted(self.base)}")
        return max(keys, key=lambda key: [int(n) for n in re.findall(r"\d+", key)])

    def damaged(self, key, mode):
        """Damages the file; returns the files as they are then."""
        self.restore(self.place, self.base)
        content = DAMAGES[mode](self.base[key])
        if content is None:
            self.place.delete(key)
            return {k: v for k, v in self.base.items() if k != key}
        self.place.put(key, content)
        return {**self.base, key: content}

    def refused(self, files, *patterns):
        """A run ends with 1 and these in its message; nothing that was there has changed."""
        run = self.sluice("run", self.document_path)
        self.assertEqual(run.wait_exit(60), 1, run.describe())
        reason = next(line for line in run.stderr().splitlines() if " ERROR " in line)
        for pattern in patterns:
            self.assertRegex(reason, pattern)
        after = self.place.dump()
        self.assertEqual([key for key, content in files.items() if key != ".lock" and after.get(key) != content], [], "files that changed")
        self.assertEqual([key for key in after if key not in files and not re.match(r"(owner|commits)/|\.|_", key)], [], "files that came")

    def test_decision_that_is_gone_after_its_batch_was_published(self):
        place, out = Directory(self.directory / "checkpoint"), Directory(self.directory / "all")
        topic = self.topic()
        self.broker.produce(topic, numbered(0, 100))
        path = self.numbered(topic, place.location, self.directory)
        run = self.sluice("run", path)
        self.wait_rows(run, out, 100)
        self.assertEqual(run.stop(), 0, run.describe())
        newest = newest_batch(place)
        place.delete(f"commits/{newest}")
        run = self.sluice("run", path)
        self.assertEqual(run.wait_exit(30), 1, run.describe())
        self.assertRegex(run.stderr(), rf"commits/{newest} is missing: that batch was published; .*--recover-to")

    def verify(self, *patterns):
        """`checkpoint verify` says so too; the batch it offers."""
        run = self.sluice("checkpoint", "verify", self.place.location, "--pipeline", self.document_path)
        self.assertEqual(run.wait_exit(30), 1 if patterns else 0, run.describe())
        for pattern in patterns:
            self.assertRegex(run.stdout() + run.stderr(), pattern)
        found = re.search(r"last batch for --recover-to: (\d+)", run.stdout())
        return int(found[1]) if found else -1

    def recover(self, batch, count=ALL_ROWS):
        """Goes on from the batch in a new location: the oracle's rows, once the files it lists are removed."""
        new = self.place.sibling("-new").location
        run = self.sluice("run", self.document_path, "--recover-to", f"{batch}={new}")
        self.wait_rows(run, self.all_place, count)  # with those that come again there may be more
        run.wait(lambda: run.metric("sluice_source_lag_records") == 0 and "goes on from the checkpoint" in run.stderr(), 60, "no lag")
        run.wait(lambda: run.ready() and self.complete(run, count), 60, "all rows")
        self.assertEqual(run.stop(), 0, run.describe())
        self.assert_oracle(self.all_place, self.sums_place, count)

    def complete(self, run, count):
        listed = re.findall(r'come again.*?file="?([^" ]+)', run.stderr())
        keys = {path.removeprefix(self.out.location + "/") for path in listed} & self.out.keys()
        self.out.copy_to(self.removed, keys)
        self.out.delete(*keys)
        return len(self.all_place.rows()) >= count and len(self.sums_place.rows()) >= len(expected_sums(count))

    def new_location(self):
        """Removes what an earlier recovery left, and its rows, and puts back what it had listed."""
        new = self.place.sibling("-new")
        new.delete(*new.keys())
        if isinstance(new, Directory):
            shutil.rmtree(new.path, ignore_errors=True)
        self.out.delete(*(key for key in self.out.keys() if PART.search(key)["id"] != self.id8))
        self.removed.copy_to(self.out, self.removed.keys())

    def each_file(self, files):
        """Recovery once for each file: it does not depend on what is wrong with that."""
        for what, (pattern, modes) in files.items():
            for mode in modes:
                with self.subTest(file=what, damage=mode):
                    key = self.named(pattern)
                    state = self.damaged(key, mode)
                    self.refused(state, re.escape(key), SAYS[mode], "--recover-to")
                    batch = self.verify(rf"NOT IN ORDER {re.escape(key)}: .*({SAYS[mode]})")
                    self.assertLess(batch, self.newest)
                    if mode == modes[0]:
                        self.recover(batch)
                        self.new_location()

    def test_expired_upload(self):
        """What was decided cannot be published any more: the store has removed its upload."""
        self.make(Directory(self.directory / "checkpoint"))
        self.assertTrue(self.store.ask("abort-uploads", self.store.bucket.name))
        self.refused(self.base, "query (all|sums|rolled), sink files: ", r"s3://\S+/part-\S+", "the unfinished upload is gone", "--recover-to")
        batch = self.verify()
        self.assertEqual(batch, self.newest - 1)
        self.recover(batch)

    EACH = ("cut", "turned", "gone", "newer")
    FILES = {"metadata": ("metadata", EACH), "decision": (r"commits/\d+", ("cut", "turned", "newer")),
             "delta": (r"state/.*\.delta", EACH), "staged": (r"staged/.*\.sent\.kafka", EACH),
             "rolled": (r"staged/.*\.rolled", EACH)}

    def test_each_file_of_a_directory(self):
        self.make(Directory(self.directory / "checkpoint"))
        self.each_file(self.FILES)

    def test_each_file_in_s3(self):
        self.make(Store(self).place("checkpoint"))
        self.each_file({**self.FILES, "owner": (r"owner/\d+", ("cut", "turned", "newer"))})


if __name__ == "__main__":
    unittest.main()
