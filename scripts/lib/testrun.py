"""Runs the groups of scripts/test and counts: one for each unit test, conformance case, rule and system test."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = (ROOT / (os.environ.get("SLUICE_BUILD") or "build")).absolute()
SANITIZE = BUILD.with_name(BUILD.name + "-san")
ENV = {**os.environ, "SLUICE_BUILD": str(BUILD), "SLUICE": str(BUILD / "sluice"), "PYTHONDONTWRITEBYTECODE": "1",
       "ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, []

    def add(self, name, ok):
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED: {name}", flush=True)

    def text(self):
        return f"{self.passed} passed, {len(self.failed)} failed"


def command(*arguments, env=None, timeout=3600):
    """Runs a command with its output shown as it comes; returns (exit code, output)."""
    process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT, env=env or ENV)
    lines = []
    deadline = time.monotonic() + timeout
    for line in process.stdout:
        lines.append(line)
        print(line, end="", flush=True)
        if time.monotonic() > deadline:
            process.kill()
    return process.wait(), "".join(lines)


def quiet(*arguments):
    return subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", cwd=ROOT, env=ENV)


def build(tally, *kinds):
    for kind in kinds:
        tally.add(f"build {kind}", command("scripts/build", "--tests", kind)[0] == 0)


def unit_tests(tally, directory):
    """meson test; Criterion's executables say how many tests they hold, any other counts as one."""
    code = quiet("meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs")
    report = directory / "meson-logs" / "testlog.json"
    failed_before, suites = len(tally.failed), 0
    for line in report.read_text().splitlines() if report.exists() else []:
        test = json.loads(line)
        name = f"{directory.name}: {test['name']}"
        output = test.get("stdout", "") + test.get("stderr", "")
        counts = re.search(r"Synthesis: Tested: \D*(\d+)\D* \| Passing: \D*(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", output))
        suites += counts is not None
        tested, passed = map(int, counts.groups()) if counts else (1, 1 if test["result"] == "OK" else 0)
        tally.passed += passed
        for _ in range(tested - passed):
            tally.add(name, False)
        if test["result"] != "OK" and passed == tested:  # all said ok, the process did not, as after a leak
            tally.add(f"{name}: {test['result']}", False)
    if suites == 0:
        tally.add(f"{directory.name}: no unit test is built", False)
    if code.returncode != 0 or not report.exists():
        print(code.stdout + code.stderr, flush=True)
        if len(tally.failed) == failed_before:
            tally.add(f"{directory.name}: meson test", False)


def conformance(tally, directory):
    """Every case as it is, and with the state saved, dropped and read back after each batch."""
    for case in sorted(p for p in (ROOT / "tests" / "conformance").iterdir() if (p / "pipeline.json").exists()):
        for options in ([], ["--restart-each-batch"]):
            run = quiet(directory / "sluice", "test", *options, case)
            if run.returncode != 0:
                print(run.stdout + run.stderr, flush=True)
            tally.add(" ".join([f"{directory.name}: conformance {case.name}", *options]), run.returncode == 0)


def rules(tally, *arguments):
    code, output = command("scripts/check", "--build", BUILD, *arguments)
    found = re.findall(r"^(ok|not ok) - (.*)$", output, re.M)
    for verdict, name in found:
        tally.add(f"check {name}", verdict == "ok")
    if not found or (code != 0 and all(v == "ok" for v, _ in found)):
        tally.add("scripts/check", False)


def python_tests(tally, files, directory=None):
    env = dict(ENV)
    if directory is not None:
        env.update(SLUICE=str(directory / "sluice"), SLUICE_BUILD=str(directory))
    for file in files:
        started = time.monotonic()
        code, output = command("/usr/bin/python3", "-m", "unittest", "-v", file.stem, env={**env, "PYTHONPATH": str(file.parent)},
                               timeout=3600)
        ran = re.search(r"^Ran (\d+) tests? in", output, re.M)
        bad = re.findall(r"^(?:ERROR|FAIL): (\S+)", output, re.M)
        skipped = len(re.findall(r"\.\.\. skipped ", output))
        for name in dict.fromkeys(bad):
            tally.add(f"{file.stem}.{name}", False)
        tally.passed += max(0, (int(ran.group(1)) if ran else 0) - len(set(bad)) - skipped)
        if skipped or not ran or (code != 0 and not bad):
            tally.add(f"{file.stem}: {'skipped tests' if skipped else f'exit {code}'}", False)
        print(f"{file.stem}: {time.monotonic() - started:.1f} s", flush=True)


def quick(tally):
    build(tally, "plain", "sanitize")
    for directory in (BUILD, SANITIZE):
        unit_tests(tally, directory)
        conformance(tally, directory)
    rules(tally, "--selftest")
    rules(tally)
    python_tests(tally, [ROOT / "tests" / "system" / "test_docs.py"])


def system(tally):
    build(tally, "plain", "sanitize")
    tests = ROOT / "tests" / "system"
    python_tests(tally, sorted(tests.glob("test_*.py")))
    # Once more where memory errors show: the tests that visit the most code.
    python_tests(tally, [tests / f"test_{name}.py" for name in ("cli", "offsets", "gaps", "http", "leak", "s3_store")], SANITIZE)


def simulation(tally):
    """tests/sim, all of it: one for each kind of trouble and pipeline."""
    code, output = command(BUILD / "tests" / "sim" / "sim", "--long")
    jobs = re.findall(r"^(\S+) +\d+ runs, (\d+) failed, ", output, re.M)
    for name, failures in jobs:
        tally.add(f"sim {name}", failures == "0")
    if not jobs or (code != 0 and all(failures == "0" for _, failures in jobs)):
        tally.add("tests/sim", False)


def slow(tally):
    build(tally, "plain", "failpoints")
    simulation(tally)
    python_tests(tally, sorted((ROOT / "tests" / "system").glob("slow_*.py")))
    rules(tally, "--fuzz", "40")


GROUPS = {"quick": quick, "system": system, "slow": slow}


def main(group):
    tally = Tally()
    started_services = quiet("scripts/services", "status", "kafka").returncode != 0
    try:
        for name in GROUPS if group == "all" else [group]:
            print(f"== {name}", flush=True)
            started, before = time.monotonic(), (tally.passed, len(tally.failed))
            GROUPS[name](tally)
            print(f"== {name}: {tally.passed - before[0]} passed, {len(tally.failed) - before[1]} failed, "
                  f"{time.monotonic() - started:.0f} s", flush=True)
    finally:
        if started_services and "KAFKA_BROKERS" not in os.environ:
            quiet("scripts/services", "down")
    for name in tally.failed:
        print(f"failed: {name}")
    print(tally.text(), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
