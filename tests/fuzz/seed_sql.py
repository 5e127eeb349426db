#!/usr/bin/env python3
"""seed_sql.py: writes corpus/fuzz_sql from the queries of tests/unit/sql/cases: those that bring a word no other has."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "unit" / "sql" / "cases"
CORPUS = HERE / "corpus" / "fuzz_sql"
LONGEST = 2000  # bytes


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for old in CORPUS.glob("*.sql"):
        old.unlink()
    seen = set()
    for path in sorted(CASES.glob("*.txt")):
        queries = {line[6:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("query ")}
        for number, query in enumerate(sorted(queries, key=lambda q: (len(q), q))):
            words = set(re.findall(r"[a-z_]+[(]?", re.sub(r"'[^']*'", "", query.lower())))
            if words - seen and len(query.encode()) <= LONGEST:
                seen |= words
                (CORPUS / f"{path.stem}_{number}.sql").write_text(query, encoding="utf-8")


if __name__ == "__main__":
    main()
