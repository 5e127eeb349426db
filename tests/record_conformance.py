#!/usr/bin/env python3
"""record_conformance.py [--check] [--slow] CASE_DIR...: records what Spark 3.5.3 outputs for each case, or compares with what is recorded.

A case directory holds
    pipeline.json             a pipeline document; its source's options, trigger and sinks other than console are not looked at
    input/NN.ndjson           one micro-batch per file, one message value per line
    expected/QUERY/NN.ndjson  written: the rows of micro-batch NN as toJSON gives them, sorted as text; no file: no rows
    console/QUERY/NN.txt      written where the query has a console sink: the table that `show` prints

Numbers beyond the last input are Spark's no-data batches. Spark runs with one core, session zone UTC, ANSI mode off, reading
from_json over a text stream of one file per trigger with availableNow. All cases share one JVM. Expressions are interpreted,
not compiled, which is faster; --slow compiles them as a user's Spark does, and has to give the same.

Needs pyspark 3.5.3 and a JDK 17:  /path/to/venv/bin/python tests/record_conformance.py tests/conformance/NAME
"""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts" / "lib"))
import fuzz_spark  # noqa: E402


def read_expected(case):
    """{query: {batch: sorted rows}} as recorded."""
    result = {}
    for path in case.glob("expected/*/*.ndjson"):
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        result.setdefault(path.parent.name, {})[int(path.stem)] = lines
    return result


def write(case, got):
    for kind in ("expected", "console"):
        shutil.rmtree(case / kind, ignore_errors=True)
    for query, (rows, shown) in got.items():
        for batch, lines in rows.items():
            path = case / "expected" / query / f"{batch:02d}.ndjson"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
        for batch, text in shown.items():
            path = case / "console" / query / f"{batch:02d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def main():
    cases = [pathlib.Path(a) for a in sys.argv[1:] if not a.startswith("--")]
    if not cases:
        raise SystemExit(__doc__)
    spark = fuzz_spark.Spark(generated="--slow" in sys.argv)
    failed = 0
    for case in cases:
        got = spark.run(fuzz_spark.load_pipeline(case / "pipeline.json"), case.glob("input/*.ndjson"))
        refused = [f"{name}: {answer}" for name, answer in got.items() if isinstance(answer, fuzz_spark.Refused)]
        if refused:
            print("REFUSED", case, *refused, sep="\n    ", flush=True)
            failed += 1
        elif "--check" in sys.argv:
            now = {name: {batch: sorted(lines) for batch, lines in rows.items()} for name, (rows, _) in got.items() if rows}
            failed += now != read_expected(case)
            print("same" if now == read_expected(case) else "DIFFERENT", case, flush=True)
        else:
            write(case, got)
            print(case, {name: sum(map(len, rows.values())) for name, (rows, _) in got.items()}, flush=True)
    spark.stop()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
