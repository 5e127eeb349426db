"""Runs case directories with `sluice test` and sorts out what differs."""

import json
import math
import re
import struct
import subprocess

CHUNK = 100

# Differences that are meant, as docs/spark-compatibility.md lists them: (what sluice says at validate, or None for a
# rule in `known_rows`; the reason).
DELIBERATE = []


class Outcome:
    """What sluice made of a case: "ok", "different", "refused" or "crashed", and the text that goes with it."""

    def __init__(self, kind, text=""):
        self.kind, self.text = kind, text


def functions(sluice):
    """Names of the functions of `sluice help functions`, aliases too; None when the program has no such list."""
    run = subprocess.run([sluice, "help", "functions"], capture_output=True, text=True)
    if run.returncode != 0:
        return None
    names = {"struct"}  # the grammar's own
    names |= set(re.findall(r"^\s{2,}([a-z_][a-z0-9_]*)\(", run.stdout, flags=re.M))
    for more in re.findall(r"\(also ([a-z0-9_ ]+)\)$", run.stdout, flags=re.M):
        names |= set(more.split())
    return names


def run_chunk(sluice, directories, options):
    command = [sluice, "test", *options, *map(str, directories)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10 + len(directories) / 5)
    except subprocess.TimeoutExpired:
        return None, "it does not end"
    if run.returncode < 0 or run.returncode > 2:
        return None, f"exit {run.returncode}: {run.stderr[-2000:]}"
    return run, ""


def test(sluice, directories, options=()):
    """{directory: Outcome}."""
    result = {}
    for i in range(0, len(directories), CHUNK):
        chunk = directories[i:i + CHUNK]
        run, why = run_chunk(sluice, chunk, options)
        if run is None and len(chunk) > 1:  # one of them ends the process: look for it
            half = len(chunk) // 2
            result.update(test(sluice, chunk[:half], options))
            result.update(test(sluice, chunk[half:], options))
        elif run is None:
            result[chunk[0]] = Outcome("crashed", why)
        else:
            result.update(sort_out(run, chunk))
    return result


def about(errors, name):
    """The part of the error output that is about one case: from a line with its name to "N errors"."""
    lines, inside = [], False
    for line in errors.split("\n"):
        inside = inside or name + "/" in line or name + ":" in line
        if inside:
            lines.append(line)
        if re.match(r"\d+ errors?$", line):
            inside = False
    return "\n".join(lines) or errors[-1000:]


def sort_out(run, chunk):
    result, before = {}, []
    by_name = {str(d): d for d in chunk}
    for line in run.stdout.split("\n"):
        word, _, name = line.partition(" ")
        if word in ("ok", "DIFFERENT", "BAD") and name in by_name:
            kind = {"ok": "ok", "DIFFERENT": "different", "BAD": "refused"}[word]
            text = "\n".join(before)
            if kind == "refused":
                text = about(run.stderr, name)
            result[by_name[name]] = Outcome(kind, text)
            before = []
        else:
            before.append(line)
    return result


def plain(value):
    """A value with its numbers as numbers, also inside text, so that only digits of doubles fall together."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return re.sub(r"-?\d[\d,]*\.\d+(E-?\d+)?", lambda m: repr(float(m.group().replace(",", ""))), value)
    if isinstance(value, float) and math.isfinite(value):
        if abs(value) < 3e38 and float(f"{value:.9g}") == value:  # a FLOAT, perhaps
            return struct.unpack("f", struct.pack("f", value))[0]
        return float(f"{value:.9g}")
    return value


def only_digits(text):
    """Whether a diff's rows are equal but for the digits in which JDK 17 writes doubles as text."""
    sides = {"-": [], "+": []}
    for line in text.split("\n"):
        if line[:1] in sides and line[1:].strip().startswith("{"):
            try:
                sides[line[0]].append(json.dumps(plain(json.loads(line[1:])), sort_keys=True))
            except ValueError:
                return False
    return bool(sides["-"]) and sorted(sides["-"]) == sorted(sides["+"])


def explained(outcome):
    """The reason of a deliberate difference, or None."""
    if outcome.kind == "different" and only_digits(outcome.text):
        return "JDK 17 writes some doubles with more digits than needed"
    if outcome.kind == "refused":
        for pattern, reason in DELIBERATE:
            if re.search(pattern, outcome.text):
                return reason
    return None
