"""The command line: exit codes, help, the corpora of broken and of valid pipelines."""

import datetime
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

from harness import ROOT, SLUICE, Case

BAD = sorted((ROOT / "tests" / "pipelines" / "bad").glob("*.json"))
VALID = sorted((ROOT / "tests" / "pipelines" / "valid").glob("*.json"))
COMMANDS = ("run", "demo", "produce", "validate", "test", "top", "checkpoint")


def sluice(*arguments, env=None):
    return subprocess.run([SLUICE, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


class CommandLine(Case):
    def test_version(self):
        run = sluice("--version")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertRegex(run.stdout, r"^sluice \d+\.\d+\.\d+")

    def test_help(self):
        run = sluice("help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for command in COMMANDS:
            self.assertIn(command, run.stdout)
            one = sluice("help", command)
            self.assertEqual((one.returncode, one.stderr), (0, ""), command)
            self.assertIn(f"sluice {command}", one.stdout)
            self.assertEqual(sluice(command, "--help").stdout, one.stdout)

    def test_usage_errors(self):
        for arguments in ((), ("frobnicate",), ("run",), ("run", "--nonsense", "x.json"), ("validate",), ("test",),
                          ("produce", "--count", "many"), ("demo", "--rate"), ("help", "frobnicate"),
                          ("checkpoint",), ("checkpoint", "show"), ("checkpoint", "list", "cp"), ("checkpoint", "show", "gs://cp"),
                          ("checkpoint", "verify", "cp", "--set", "name=x"),
                          ("run", "no-such-file.json")):
            run = sluice(*arguments)
            self.assertEqual(run.returncode, 2, f"{arguments}: {run.stderr}")
            self.assertEqual(run.stdout, "", arguments)
            self.assertTrue(run.stderr, arguments)

    def test_suggestion(self):
        self.assertIn("validate", sluice("validat").stderr)

    def test_broken_pipelines(self):
        self.assertTrue(BAD)
        messages = set()
        for path in BAD:
            with self.subTest(path.name):
                expected = path.with_suffix(".expect").read_text().splitlines()
                run = sluice("validate", path)
                self.assertEqual(run.returncode, 2, run.stderr)
                found = []
                for line in run.stderr.splitlines():
                    if line.startswith(f"{path}:") and ": error: " in line:
                        place, message = line.removeprefix(f"{path}:").split(": error: ", 1)
                        found.append(f"{place}: {message}")
                self.assertEqual(found, [line for line in expected if line])
                messages.update(line.split(": ", 1)[1] for line in found)
        self.assertGreaterEqual(len(messages), 60, "distinct messages in the corpus")

    def test_run_refuses_a_broken_pipeline_as_validate_does(self):
        path = BAD[0]
        self.assertEqual(sluice("run", path).returncode, 2)

    def test_valid_pipelines(self):
        self.assertTrue(VALID)
        for path in [*VALID, *sorted((ROOT / "examples").glob("*.json"))]:
            with self.subTest(path.name):
                run = sluice("validate", path)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertTrue(run.stdout, "the plan is printed")

    def test_set_and_environment(self):
        path = self.document({"subscribe": "t", "kafka.client.id": "${TEST_CLIENT:-none}"}, brokers="localhost:1")
        self.assertEqual(sluice("validate", path).returncode, 0)
        document = path.read_text().replace("${TEST_CLIENT:-none}", "${TEST_CLIENT}")
        path.write_text(document)
        run = sluice("validate", path)
        self.assertEqual(run.returncode, 2)
        self.assertIn("TEST_CLIENT", run.stderr)
        self.assertEqual(sluice("validate", path, env={"TEST_CLIENT": "x"}).returncode, 0)
        run = sluice("run", path, "--set", "source.options.startingOffsets=sometimes", env={"TEST_CLIENT": "x"})
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("sometimes", run.stderr)

    def test_validate_needs_no_network(self):
        path = self.document({"subscribe": "t"}, brokers="192.0.2.1:9092")
        self.assertEqual(sluice("validate", path).returncode, 0)


    def test_checkpoint_or_a_warning(self):
        path = self.document({"subscribe": "t"}, brokers="192.0.2.1:9092")
        run = sluice("validate", path)
        self.assertIn("checkpoint: none\n  warning: no checkpointLocation, so no recovery", run.stdout)
        run = sluice("validate", path, "--set", f"checkpointLocation={self.directory}/cp")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f"checkpoint: {self.directory}/cp\n", run.stdout)
        self.assertNotIn("warning", run.stdout)

    def test_options_about_a_checkpoint(self):
        path = self.document({"subscribe": "t"}, brokers="192.0.2.1:9092")
        checkpoint = ("--set", f"checkpointLocation={self.directory}/cp")
        for options, problem in (
                (("--recover-to", "7"), "expected BATCH=LOCATION"),
                ((*checkpoint, "--recover-to", "7=gs://x"), "must be a directory or start with s3://"),
                ((*checkpoint, "--recover-to", f"7={self.directory}/cp"), 'is "checkpointLocation"'),
                ((*checkpoint, "--recover-to", "7=new", "--preview", "5"), "--preview"),
                (("--recover-to", "7=new"), 'has no "checkpointLocation"'),
                (("--reset-query", "all"), 'has no "checkpointLocation"'),
                ((*checkpoint, "--reset-query", "al"), 'did you mean "all"?')):
            with self.subTest(options):
                run = sluice("run", path, *options)
                self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
                self.assertIn(problem, run.stderr)

    def test_output_that_cannot_be_written(self):
        for command in ("validate %s >/dev/full", "validate %s >&-", "--version >/dev/full"):
            command = command.replace("%s", str(ROOT / "examples" / "transactions.json"))
            run = subprocess.run(f"{SLUICE} {command}", shell=True, capture_output=True, text=True, timeout=60)
            self.assertEqual(run.returncode, 1, (command, run.stderr))
            self.assertIn("standard output", run.stderr)

    def test_output_larger_than_a_file_may_be(self):
        run = subprocess.run(f"ulimit -f 0; {SLUICE} --version >{self.directory}/out", shell=True, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("standard output", run.stderr)


class Reference(Case):
    """The man page and the completions say what --help says."""

    def options(self, command):
        return re.findall(r"^  (--[a-z-]+)", sluice(command, "--help").stdout, re.M)

    def complete(self, *words):
        """What bash would offer for the last word; the words before it are typed. As bash does, "=" is a word."""
        script = self.directory / "completion"
        script.write_text(sluice("help", "--format", "bash").stdout)
        program = (f"source {script}; COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; "
                   f"_sluice; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        run = subprocess.run(["bash", "-u", "-c", program], cwd=self.directory, capture_output=True, text=True, timeout=60)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout.split()

    def test_bash(self):
        self.assertEqual(set(self.complete("sluice", "")), {*COMMANDS, "help", "--version"})
        self.assertEqual(self.complete("sluice", "val"), ["validate"])
        for command in COMMANDS:
            self.assertEqual(self.complete("sluice", command, "--"), self.options(command), command)
        self.assertEqual(self.complete("sluice", "run", "--log-f"), ["--log-format"])
        self.assertEqual(self.complete("sluice", "run", "--log-format", ""), ["text", "json"])
        self.assertEqual(self.complete("sluice", "run", "--log-format", "="), ["text", "json"])
        self.assertEqual(self.complete("sluice", "run", "--log-level", "=", "w"), ["warn"])
        self.assertEqual(self.complete("sluice", "run", "--http", ""), [])
        self.assertEqual(self.complete("sluice", "checkpoint", ""), ["show", "verify"])
        self.assertEqual(self.complete("sluice", "help", "pro"), ["produce"])
        (self.directory / "pipe.json").write_text("{}")
        for words in (("run", "pi"), ("validate", "pi"), ("checkpoint", "show", "pi"), ("checkpoint", "show", "--pipeline", "pi")):
            self.assertEqual(self.complete("sluice", *words), ["pipe.json"], words)

    def test_zsh_and_fish(self):
        zsh, fish = (sluice("help", "--format", name).stdout for name in ("zsh", "fish"))
        self.assertTrue(zsh.startswith("#compdef sluice\n"))
        for command in COMMANDS:
            section = re.search(rf"^    {command}\)\n(.*?)^      ;;", zsh, re.M | re.S)[1]
            self.assertEqual(re.findall(r"^ +'\*?(--[a-z-]+)", section, re.M), self.options(command))
            lines = re.findall(rf"seen_subcommand_from {command}' -l (\S+)", fish)
            self.assertEqual([f"--{name}" for name in lines], self.options(command))
        for shell, text, check in (("zsh", zsh, "-n"), ("fish", fish, "-n")):
            if shutil.which(shell):
                file = self.directory / shell
                file.write_text(text)
                self.assertEqual(subprocess.run([shell, check, file], capture_output=True, text=True).stderr, "")

    def test_man_page(self):
        page = self.directory / "sluice.1"
        page.write_text(sluice("help", "--format", "man").stdout)
        run = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", page], capture_output=True, text=True, timeout=60)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for command in COMMANDS:
            self.assertRegex(run.stdout, rf"(?m)^   sluice {command}\b")
            for option in self.options(command):
                self.assertRegex(run.stdout, rf"(?m)^ +{option}\b")
        self.assertIn("Exit codes: 0 done, 1 failed, 2 invalid.", run.stdout)

    def test_usage(self):
        for arguments in (("help", "--format"), ("help", "--format", "html"), ("help", "--format=man", "x"), ("run", "--help=html")):
            run = sluice(*arguments)
            self.assertEqual((run.returncode, run.stdout), (2, ""), arguments)


class CaseRunner(Case):
    """sluice test: 0 all pass, 1 a difference, 2 a bad case."""

    def copy(self):
        target = self.directory / "case"
        shutil.copytree(ROOT / "tests" / "conformance" / "filter_project", target)
        return target

    def test_pass(self):
        run = sluice("test", self.copy())
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_difference(self):
        case = self.copy()
        file = case / "expected" / "big" / "00.ndjson"
        file.write_text(file.read_text() + '{"never": 1}\n')
        run = sluice("test", case)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("never", run.stdout + run.stderr)

    def test_missing_row(self):
        case = self.copy()
        file = case / "expected" / "big" / "00.ndjson"
        file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
        self.assertEqual(sluice("test", case).returncode, 1)

    def test_bad_cases(self):
        case = self.copy()
        (case / "pipeline.json").write_text("{")
        self.assertEqual(sluice("test", case).returncode, 2)
        self.assertEqual(sluice("test", self.directory / "absent").returncode, 2)

    def test_expected_of_a_batch_that_did_not_run(self):
        case = self.copy()
        shutil.copy(case / "expected" / "big" / "00.ndjson", case / "expected" / "big" / "77.ndjson")
        run = sluice("test", case)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("77.ndjson", run.stdout)

    def test_expected_of_a_query_that_is_not_there(self):
        case = self.copy()
        (case / "console" / "absent").mkdir(parents=True)
        run = sluice("test", case)
        self.assertEqual(run.returncode, 2, run.stdout + run.stderr)
        self.assertIn("absent", run.stderr)

    def test_records_come_now(self):
        """A record's own time is the batch's, as it would be from a broker: futureLimit judges against it."""
        case = self.copy()
        shutil.rmtree(case / "expected")
        now = datetime.datetime.now(datetime.timezone.utc)
        (case / "pipeline.json").write_text(json.dumps({
            "name": "case", "source": {
                "name": "tx", "format": "kafka", "options": {"kafka.bootstrap.servers": "localhost:9092", "subscribe": "t"},
                "value": {"format": "json", "schema": "id INT, ts TIMESTAMP"},
                "watermark": {"eventTime": "ts", "delayThreshold": "0 seconds", "futureLimit": "1 hour"}},
            "queries": [{"name": "big", "sql": "SELECT id FROM tx", "sinks": [{"format": "json"}]}]}))
        shutil.rmtree(case / "input")
        (case / "input").mkdir()
        (case / "input" / "00.ndjson").write_text("".join(
            json.dumps({"id": hours, "ts": (now + datetime.timedelta(hours=hours)).isoformat()}) + "\n" for hours in (-5, 0, 2)))
        (case / "expected" / "big").mkdir(parents=True)
        (case / "expected" / "big" / "00.ndjson").write_text('{"id":-5}\n{"id":0}\n')
        run = sluice("test", case)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_no_input(self):
        case = self.copy()
        shutil.rmtree(case / "input")
        self.assertEqual(sluice("test", case).returncode, 2)


if __name__ == "__main__":
    unittest.main()
