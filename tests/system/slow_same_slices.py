"""Results do not depend on when what arrives: the same slices give the same files, byte for byte, but for the id in their names."""

import json
import unittest

from crash_scenarios import SCENARIOS
from harness import PART
from slow_crash_matrix import Matrix, Trial

# How the client fetches: as it likes; one set of records of one partition at a time; all late; little of each partition.
SMALL = {"kafka.fetch.message.max.bytes": 500, "kafka.fetch.max.bytes": 1000, "kafka.message.max.bytes": 1000}
FETCHES = [
    {},
    {**SMALL, "kafka.fetch.wait.max.ms": 1},
    {"kafka.fetch.min.bytes": 50000, "kafka.fetch.wait.max.ms": 40},
    {**SMALL, "kafka.queued.max.messages.kbytes": 1},
    {"kafka.fetch.message.max.bytes": 2000},
]


class SameSlices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.matrix = Matrix()
        cls.addClassCleanup(cls.matrix.close)

    def one_run(self, worker, scenario, options):
        """(slices of all batches, {name without id: hash}, [blocks of records as they came])."""
        trial = Trial(worker, scenario, "local")
        try:
            hits = trial.run_well(*(a for k, v in options.items() for a in ("--set", f"source.options.{k}={v}")))
            commits = worker.reader.ask("text", trial.place("_checkpoint/commits"))
            records = [json.loads(text.split("\n", 1)[1]) for _, text in sorted(commits.items(), key=lambda c: int(c[0]))]
            # What is told apart is the parts of this process; where a slice ended, by topic and partition.
            slices = [(r["batchId"], r["reason"], [(o["partition"], o["end"]) for o in r["offsets"]], r["slices"]) for r in records]
            files = {}
            for place in scenario.places:
                for name, digest in worker.reader.ask("hash", trial.place(place)).items():
                    directory, _, last = name.rpartition("/")
                    files[place, directory, last.replace(PART.fullmatch(last)["id"], "ID", 1)] = digest
            arrival = "".join("|" if h == "batch.slice" else "." for h in hits if h in ("batch.records", "batch.slice"))
            return slices, files, arrival
        finally:
            trial.close()

    def same(self, name):
        scenario = SCENARIOS[name]
        self.matrix.prepare(scenario)
        runs = [self.matrix.with_worker(lambda w: self.one_run(w, scenario, options)) for options in FETCHES]
        slices, files, _ = runs[0]
        for other_slices, other_files, _ in runs[1:]:
            self.assertEqual(other_slices, slices, "the slices differ")
            self.assertEqual(other_files.keys(), files.keys())
            self.assertEqual([n for n in files if files[n] != other_files[n]], [], "contents differ")
        arrivals = {arrival for _, _, arrival in runs}
        print(f"{name}: {len(runs)} runs, {len(arrivals)} ways of arriving (blocks: {sorted(a.count('.') for a in arrivals)}), "
              f"{sum(len(s[3]) for s in slices)} slices, {len(files)} files", flush=True)
        self.assertGreater(len(arrivals), 1, "every run read in the same way: nothing is proven")
        self.assertGreater(len(files), 1)

    def test_windows(self):
        self.same("windows")

    def test_session(self):
        self.same("session")

    def test_dedup(self):
        self.same("dedup")

    def test_pass_through(self):
        self.same("pass")

    def test_rolled(self):
        self.same("rolled")


if __name__ == "__main__":
    unittest.main()
