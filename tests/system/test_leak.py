"""Nothing is left behind: memory of whole runs, under valgrind or in a sanitizer build."""

import re
import unittest

from harness import SANITIZED, Case

# Everything a run allocates is freed, except what libraries keep for the life of the process (still reachable).
VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99")


class Leak(Case):
    def check(self, *arguments, stop_when=None):
        wrapper = () if SANITIZED else VALGRIND
        run = self.sluice(*arguments, wrapper=wrapper, env={"ASAN_OPTIONS": "detect_leaks=1:exitcode=99"})
        if stop_when:
            run.wait(lambda: stop_when(run), 120, "the moment to stop")
            self.assertEqual(run.stop(120), 0, run.describe())
        else:
            self.assertEqual(run.wait_exit(180), 0, run.describe())
        self.assertIsNone(re.search(r"definitely lost|indirectly lost|LeakSanitizer|AddressSanitizer|runtime error|Invalid (read|write)",
                                    run.stderr()), run.describe())

    def test_demo(self):
        self.check("demo", "--duration", "5s", "--http", "127.0.0.1:0")

    def test_demo_stopped_by_a_signal(self):
        self.check("demo", "--duration", "10m", "--http", "127.0.0.1:0", stop_when=lambda run: "|txn" in run.stdout())

    def test_run_to_the_end(self):
        topic = self.topic(partitions=3)
        self.broker.produce(topic, [f"m{i}" for i in range(3000)])
        self.check("run", self.document({"subscribe": topic}))
        self.assertEqual(len(self.out()), 3000)

    def test_run_that_fails(self):
        run = self.sluice("run", self.document({"subscribe": "absent-topic-of-the-leak-test"}),
                          wrapper=() if SANITIZED else VALGRIND)
        self.assertEqual(run.wait_exit(120), 1, run.describe())


if __name__ == "__main__":
    unittest.main()
