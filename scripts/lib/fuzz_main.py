"""scripts/fuzz-spark: makes the queries, asks Spark, asks sluice, reports."""

import argparse
import collections
import json
import os
import pathlib
import shutil
import sys
import time

import fuzz_functions
import fuzz_select
import fuzz_sluice
from fuzz_data import NAMES
from fuzz_query import OPERATORS

PER_TABLE, PER_STREAM = 12, 4  # queries that share one pipeline
WINDOWS = ["tumbling", "sliding", "session", "session dynamic", "start offset", "event time key", "projected"]
CLAUSES = ["WHERE", "WHERE on event time", "GROUP BY", "HAVING", "HAVING on key", "HAVING on window", "DISTINCT", "star"]


class Case:
    def __init__(self, directory, pipeline, query):
        self.directory, self.pipeline, self.query, self.rows = directory, pipeline, query, 0


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    for name, kind, default in (("seed", int, 1), ("queries", int, 200), ("keep", pathlib.Path, None), ("coverage", pathlib.Path, None),
                                ("floor", int, None), ("sluice", str, None), ("shrink", int, 10), ("sample", int, 0),
                                ("pushdown", int, 0)):
        parser.add_argument("--" + name, type=kind, default=default)
    for name in ("generated", "cached", "plant-check", "all-functions"):
        parser.add_argument("--" + name, action="store_true")
    return parser.parse_args()


def plan(seed):
    """Endless (name, whether it is a stream) of pipelines: 3 of 5 are streams, a third of the queries."""
    number = 0
    while True:
        number += 1
        yield f"{seed}/{number}", number % 5 in (0, 2, 4)


def ask_table(spark, pipeline, queries):
    """[(query, rows by batch or Refused)] of queries without state."""
    import fuzz_spark
    source = pipeline.document(queries[0])["source"]
    spark.table(source, [fuzz_select.fuzz_data.dump(row) for row in pipeline.batches[0]])
    answers = []
    for query in queries:
        try:
            rows = spark.ask(query.text())
            answers.append((query, {0: rows} if rows else {}))
        except fuzz_spark.Refused as error:
            answers.append((query, error))
    return answers


def ask_stream(spark, pipeline, queries, scratch):
    import fuzz_spark
    shutil.rmtree(scratch, ignore_errors=True)
    pipeline.write(scratch, *queries)
    document = pipeline.document(*queries)
    got = spark.run(document, (scratch / "input").glob("*.ndjson"), parallel=len(queries))
    shutil.rmtree(scratch)
    answers = [got[q["name"]] for q in document["queries"]]
    return [(q, a if isinstance(a, fuzz_spark.Refused) else a[0]) for q, a in zip(queries, answers)]


def write_joined(pipeline, answers, directory):
    """The queries of a pipeline once more as one document: they share what the source decodes, and no more."""
    if len(answers) < 2:
        return
    pipeline.write(directory, *[query for query, _ in answers])
    for i, (_, rows) in enumerate(answers):
        fuzz_select.write_expected(directory, rows, f"q{i}" if i else "q")


def make_cases(options, spark, allowed, work):
    """Queries that Spark answered, as case directories, and those that it refused."""
    cases, refused, used = [], [], collections.Counter()
    began, last = time.monotonic(), time.monotonic()
    for name, stream in plan(options.seed):
        if len(cases) >= options.queries:
            break
        pipeline = fuzz_select.make_pipeline(name, stream)
        count = PER_STREAM if stream else PER_TABLE
        queries = [fuzz_select.make_query(f"{name}/{i}", pipeline, stream, allowed, used) for i in range(count)]
        if stream:
            answers = ask_stream(spark, pipeline, queries, work / "scratch")
        else:
            answers = ask_table(spark, pipeline, queries)
        number = name.split("/")[1].zfill(4)
        if stream:
            write_joined(pipeline, [(q, rows) for q, rows in answers if isinstance(rows, dict)], work / "joined" / number)
        for i, (query, rows) in enumerate(answers):
            directory = work / "cases" / f"{number}-{i:02d}"
            if not isinstance(rows, dict):
                refused.append((query.text(), query.mode, str(rows).split("\n")[0]))
                pipeline.write(work / "refused" / f"{number}-{i:02d}", query)
                continue
            pipeline.write(directory, query)
            fuzz_select.write_expected(directory, rows)
            case = Case(directory, pipeline, query)
            case.rows = sum(map(len, rows.values()))
            (directory / "uses.json").write_text(json.dumps({"rows": case.rows, "uses": sorted(query.features() | pipeline.features())}))
            cases.append(case)
        if time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"... {len(cases)} queries, {len(refused)} refused by Spark, {last - began:.0f} s", file=sys.stderr, flush=True)
    return cases[:options.queries], refused


def compare_ways(cases, work):
    """Asks Spark the queries again with its expressions compiled; says where that gives other rows."""
    import fuzz_spark
    spark, different = fuzz_spark.Spark(generated=True), []
    for case in cases:
        stream = case.query.grouped or not case.pipeline.stateless() or len(case.pipeline.batches) > 1
        answer = ask_stream(spark, case.pipeline, [case.query], work / "scratch") if stream else ask_table(spark, case.pipeline, [case.query])
        rows = answer[0][1]
        before = {int(p.stem): p.read_text(encoding="utf-8").split("\n")[:-1] for p in case.directory.glob("expected/q/*.ndjson")}
        if not isinstance(rows, dict) or {b: sorted(lines) for b, lines in rows.items()} != before:
            different.append(case)
            print("\n=== Spark itself gives other rows when it compiles:", case.directory, case.query.text(), sep="\n")
    spark.stop()
    print(f"{len(cases)} queries asked with compiled expressions too: {len(different)} differ")
    return different


def wanted(allowed):
    """Everything that has to be used: {kind: [name]}."""
    scalars, aggregates = fuzz_functions.signatures()
    pick = lambda rows: sorted({row[1] for row in rows if allowed is None or row[1] in allowed})
    return {"op": OPERATORS + ["FILTER", "over aggregate"], "function": pick(scalars) + fuzz_functions.OF_INTERVALS, "aggregate": pick(aggregates), "type": sorted(set(NAMES.values()) | {"VOID"}), "window": WINDOWS,
            "mode": ["append", "update", "complete"], "clause": CLAUSES, "pipeline": ["watermark", "dedup", "transform"]}


def coverage(uses, allowed, floor):
    """Prints how many queries used each thing; returns the counts and what is under the floor."""
    counts = collections.Counter(use for of_query in uses for use in of_query)
    low = []
    for kind, names in wanted(allowed).items():
        numbers = {name: counts[f"{kind}:{name}"] for name in names}
        low += [f"{kind}:{name}" for name in names if numbers[name] < floor]
        print(f"{kind} ({len(names)}): " + ", ".join(f"{name} {number}" for name, number in sorted(numbers.items(), key=lambda x: (x[1], x[0]))))
    return counts, low


def report(case, outcome, shrunk, options):
    print("\n=== " + case.directory.name + (" " + " ".join(options) if options else "") + f": {outcome.kind}")
    show = shrunk or case
    print(f"-- {show.query.mode}, watermark {show.pipeline.watermark}, dedup {show.pipeline.dedup}, transform {show.pipeline.transform}, {len(show.pipeline.batches)} batches")
    print(show.query.text())
    print(outcome.text[:1500])
    print("case directory:", show.directory, flush=True)


def judge(options, sluice, cases, spark, work):
    """Runs sluice over all cases, both ways; returns the differences that nothing explains."""
    open_differences, reasons, shrunk_count = [], collections.Counter(), 0
    failed_before, not_ok = set(), set()
    for extra in ((), ("--restart-each-batch",)):
        outcomes = fuzz_sluice.test(sluice, [c.directory for c in cases], extra)
        kinds = collections.Counter(outcome.kind for outcome in outcomes.values())
        print("sluice test", *extra, dict(kinds), flush=True)
        for case in cases:
            outcome = outcomes[case.directory]
            if outcome.kind == "ok" or case.directory in failed_before:
                continue
            not_ok.add(case.directory.name.split("-")[0])
            reason = fuzz_sluice.explained(outcome)
            if reason:
                reasons[reason] += 1
                continue
            failed_before.add(case.directory)
            shrunk = None
            if spark and case.query and shrunk_count < options.shrink:
                import fuzz_shrink
                shrunk_count += 1
                shrunk, outcome = fuzz_shrink.shrink(case, outcome, sluice, spark, extra, work / "shrunk")
            if case.query:
                report(case, outcome, shrunk, extra)
            else:
                print("\n===", case.directory, *extra, outcome.kind, outcome.text[:800], sep="\n")
            open_differences.append(case)
    for directory, outcome in fuzz_sluice.test(sluice, sorted((work / "joined").glob("*"))).items():
        if outcome.kind != "ok" and directory.name not in not_ok and not fuzz_sluice.explained(outcome):
            print("\n=== several queries in one pipeline:", directory, outcome.text[:1500], sep="\n")
            open_differences.append(directory)
    taken = [d for d, outcome in fuzz_sluice.test(sluice, sorted((work / "refused").glob("*"))).items() if outcome.kind != "refused"]
    if taken:
        print(f"{len(taken)} queries that Spark refuses and sluice takes (no difference of rows):", *(d.name for d in taken))
    for reason, number in reasons.items():
        print(f"deliberate: {number} x {reason}")
    return open_differences


def check_table(allowed):
    """Functions that sluice has and the generator's table does not."""
    if allowed is None:
        return []
    scalars, aggregates = fuzz_functions.signatures()
    return sorted(allowed - {row[1] for row in scalars + aggregates} - set(fuzz_functions.LEFT_OUT) - set(fuzz_functions.OF_INTERVALS))


def load_cached(keep):
    cases = []
    for directory in sorted((keep / "cases").iterdir()):
        case = Case(directory, None, None)
        case.uses = json.loads((directory / "uses.json").read_text())
        case.rows = case.uses["rows"]
        cases.append(case)
    return cases


def main(root, doc):
    options = arguments(doc)
    sluice = options.sluice or os.environ.get("SLUICE") or str(root / "build" / "sluice")
    if options.pushdown:
        import fuzz_push
        return fuzz_push.check(sluice, options.seed, options.pushdown)
    allowed = None if options.all_functions else fuzz_sluice.functions(sluice)
    missing = check_table(allowed)
    if missing:
        print("functions that scripts/lib/fuzz_functions.py does not know:", ", ".join(missing))
    if options.plant_check:
        import fuzz_bugs
        return fuzz_bugs.check(root, options.keep)
    spark = None
    if options.cached:
        work, refused = options.keep, []
        cases = load_cached(work)
    else:
        import fuzz_spark
        work = options.keep or fuzz_spark.scratch("fuzz")
        for name in ("cases", "shrunk", "joined", "refused"):
            shutil.rmtree(work / name, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        spark = fuzz_spark.Spark(options.generated)
        cases, refused = make_cases(options, spark, allowed, work)
        print(f"Spark answered {len(cases)} queries and refused {len(refused)} in {time.monotonic() - began:.0f} s")
        (work / "refused.txt").write_text("\n".join(f"{why}\n    [{mode}] {sql}" for sql, mode, why in refused) + "\n")
    differences = judge(options, sluice, cases, spark, work)
    uses = [set(json.loads((c.directory / "uses.json").read_text())["uses"]) for c in cases]
    floor = options.floor if options.floor is not None else max(1, 20 * len(cases) // 2000)
    counts, low = coverage(uses, allowed, floor)
    if options.coverage:
        options.coverage.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    with_rows = sum(1 for c in cases if c.rows) / max(1, len(cases))
    print(f"\nseed {options.seed}: {len(cases)} queries, {with_rows:.0%} with rows, {len(differences)} differences that nothing explains")
    print(f"used by fewer than {floor} queries: {', '.join(low) or 'nothing'}")
    if spark:
        spark.stop()
    if options.sample and spark:
        step = max(1, len(cases) // options.sample)
        compare_ways(cases[::step][:options.sample], work)
    return 1 if differences or low or missing or with_rows < 0.7 else 0
