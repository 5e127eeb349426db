"""Bugs to plant one by one, each a small wrong rule as somebody might write it, and the check that finds them.

A bug is (name, file below src, text there, text instead). The text must be in the file exactly once.
"""

import os
import pathlib
import shutil
import subprocess
import time

import fuzz_sluice

BUGS = [
    ("late: a window is late only when its end lies before the watermark", "engine/state_fold.c",
     "if (can_be_late && time_add(start, grouping->size_us) <= fold->late_us) {", "if (can_be_late && time_add(start, grouping->size_us) < fold->late_us) {"),
    ("late: judged by the batch's own watermark, not by the one before", "engine/watermark.c",
     "    mark->times = (struct watermark_times){0};\n}", "    mark->times = (struct watermark_times){0};\n    mark->late_us = mark->closing_us;\n}"),
    ("window: the start offset is forgotten", "engine/state_fold.c", "windowed ? grouping->start_us : 0);", "0);"),
    ("window: times before 1970 are rounded towards zero", "engine/state_fold.c", "(past < 0 ? past + slide : past)", "past"),
    ("window: a slide that does not divide the size gives one window less", "engine/state_fold.c",
     "(uint32_t)((grouping->size_us - 1) / grouping->slide_us) + 1;", "(uint32_t)(grouping->size_us / grouping->slide_us);"),
    ("session: sessions that touch are not joined", "engine/session_seal.c", "start <= session_at(join->state->sessions, join->last - 1)->end;",
     "start < session_at(join->state->sessions, join->last - 1)->end;"),
    ("session: a session joined with an old one keeps its end", "engine/session_seal.c", "    if (end > last->end)\n        last->end = end;\n", "    (void)end;\n"),
    ("append: a window closes only when the watermark is past its end", "engine/state_seal.c",
     "while (state->due.count && state->due.entries[0].time_us <= closing_us) {", "while (state->due.count && state->due.entries[0].time_us < closing_us) {"),
    ("dedup: a value is forgotten without the delay", "engine/dedup.c", "time_add(time, dedup->delay_us)", "time_add(time, 0)"),
    ("dedup: rows at the watermark are not late", "engine/dedup.c", "if (!null && times->i64[i] <= late_us) {", "if (!null && times->i64[i] < late_us) {"),
    ("HAVING is dropped", "sql/bind_group.c", "    if (code == 0 && query->having)\n        code = bind_having", "    if (code == 0 && query->having && query->distinct)\n        code = bind_having"),
    ("AND: FALSE AND NULL is NULL", "sql/kernel_logic.c", "{a.true_bits & b.true_bits, a.false_bits | b.false_bits};",
     "{a.true_bits & b.true_bits,\n                             (a.false_bits | b.false_bits) & (a.true_bits | a.false_bits) &\n                                 (b.true_bits | b.false_bits)};"),
    ("NULL <=> NULL is false", "sql/kernel_logic.c", "(a & b & equal) | (~a & ~b)", "a & b & equal"),
    ("count(a, b) counts rows in which one is not NULL", "sql/agg_count.c", "        bool all = groups[i] != NULL;\n        for (uint32_t a = 0; a < call->arg_count; a++)\n            all = all && !vec_is_null(&args[a], i);",
     "        bool all = false;\n        for (uint32_t a = 0; a < call->arg_count; a++)\n            all = all || (groups[i] && !vec_is_null(&args[a], i));"),
    ("sum of a DECIMAL has nine digits more, not ten", "sql/agg_sum.c", "set_decimal(call, &decimal_ops, 10, 0)", "set_decimal(call, &decimal_ops, 9, 1)"),
    ("first: NULLs are passed over", "sql/agg_first.c", "(call->ignore_nulls && vec_is_null(vec, i))", "vec_is_null(vec, i)"),
    ("max of numbers: NaN is below all", "sql/agg_minmax.c", "#define GREATER_FLOAT(x, y) ((x) > (y) || ((x) != (x) && (y) == (y)))", "#define GREATER_FLOAT(x, y) ((x) > (y) || ((y) != (y) && (x) == (x)))"),
    ("lower gives upper case", "sql/catalogue_string.c", "TYPE_STRING, kernel_lower, NULL,", "TYPE_STRING, kernel_upper, NULL,"),
    ("round: halves go to the even digit", "sql/kernel_math_round.c", "        away = half >= 0;\n", "        away = half > 0 || (half == 0 && odd);\n"),
    ("dayofweek begins with Monday", "sql/kernel_time_field.c", "DATE_FIELD(kernel_day_of_week, (weekday(days) + 1) % 7 + 1)", "DATE_FIELD(kernel_day_of_week, weekday(days) + 1)"),
    ("substring counts from 0", "sql/kernel_string.c", "    int64_t start = position > 0 ? position - 1LL : position < 0 ? chars + position : 0;\n    int64_t end = start + length;\n    end = end > INT32_MAX",
     "    int64_t start = position >= 0 ? position : chars + position;\n    int64_t end = start + length;\n    end = end > INT32_MAX"),
    ("min: a merge keeps the older value", "sql/agg_minmax.c", "if (b->seen && (!a->seen || before(b->value, a->value)))", "if (b->seen && !a->seen)"),
]


def run(command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)


def prepare(root):
    """A copy of the committed and uncommitted sources with a build directory of its own."""
    copy = pathlib.Path(os.environ.get("FUZZ_PLANT_DIR") or root / ".cache" / "planted")
    for name in ("meson.build", "meson_options.txt"):
        copy.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, copy / name)
    for name in ("src", "tests", "docs", "subprojects", "examples", "scripts"):
        run(["rsync", "-a", "--delete", "--checksum", f"{root}/{name}/", f"{copy}/{name}/"]) if shutil.which("rsync") else mirror(root / name, copy / name)
    if not (copy / "build" / "build.ninja").exists():
        done = run(["meson", "setup", copy / "build", copy, "-Dbuildtype=plain", "-Dc_args=-O1"])
        if done.returncode != 0:
            raise SystemExit(f"the copy cannot be set up: {done.stdout}{done.stderr}")
    return copy


def mirror(source, target):
    """Copies what changed and leaves times of the rest, so that a build goes on where it was."""
    if not source.exists():
        return
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists() or place.read_bytes() != path.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            shutil.copymode(path, place)
    for place in list(target.rglob("*")):
        if place.is_file() and not (source / place.relative_to(target)).exists():
            place.unlink()


def build(copy):
    done = run(["ninja", "-C", copy / "build", "sluice"])
    return "" if done.returncode == 0 else "\n".join(line for line in done.stdout.split("\n") if "error" in line)[:500] or done.stdout[-500:]


def outcomes(sluice, directories):
    """Which cases are not ok, both ways."""
    found = set()
    for extra in ((), ("--restart-each-batch",)):
        for directory, outcome in fuzz_sluice.test(sluice, directories, extra).items():
            if outcome.kind != "ok" and not fuzz_sluice.explained(outcome):
                found.add(directory)
    return found


def check(root, keep):
    """Plants each bug and runs the cases that an earlier run kept below `keep`. Exit 1 when more than one is not found."""
    if not keep or not (keep / "cases").is_dir():
        raise SystemExit("--plant-check needs --keep DIR with the cases of an earlier run")
    directories = sorted((keep / "cases").iterdir())
    copy = prepare(root)
    why = build(copy)
    if why:
        raise SystemExit(f"the sources do not build: {why}")
    sluice = copy / "build" / "sluice"
    known = outcomes(sluice, directories)
    print(f"{len(directories)} cases; without a bug {len(known)} differ", flush=True)
    found, missed, unfit = 0, [], []
    for name, file, before, after in BUGS:
        path = copy / "src" / file
        good = path.read_text()
        if good.count(before) != 1:
            unfit.append(name)
            print(f"DOES NOT FIT  {name}: src/{file} has changed", flush=True)
            continue
        began = time.monotonic()
        path.write_text(good.replace(before, after))
        why = build(copy)
        differ = set() if why else outcomes(sluice, directories) - known
        path.write_text(good)
        if why:
            unfit.append(name)
            print(f"DOES NOT BUILD  {name}: {why}", flush=True)
            continue
        found += bool(differ)
        missed += [] if differ else [name]
        seen = ", ".join(sorted(d.name for d in differ)[:3])
        print(f"{'found' if differ else 'MISSED'}  {name}: {len(differ)} cases{' (' + seen + ')' if seen else ''}, {time.monotonic() - began:.0f} s", flush=True)
    build(copy)
    print(f"{found} of {found + len(missed)} planted bugs found" + (f"; {len(unfit)} could not be planted" if unfit else ""))
    return 1 if len(missed) > 1 or unfit else 0
