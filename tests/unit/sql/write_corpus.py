#!/usr/bin/env python3
"""write_corpus.py: writes tests/pipelines/bad/sql_NAME.json and .expect from errors.tsv, which the unit tests read too."""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
BAD = HERE.parent.parent / "pipelines" / "bad"
CARET = "\u2038"
SCHEMA = "transaction_id STRING, user_id STRING, amount DOUBLE, type STRING, timestamp TIMESTAMP, location STRING, n INT, ok BOOLEAN, day DATE"


def document(name, sql):
    lines = sql.split("\n")
    text = json.dumps(lines[0] if len(lines) == 1 else lines, ensure_ascii=False)
    return f"""{{
  "name": "bad",
  "source": {{
    "name": "tx",
    "format": "kafka",
    "options": {{ "kafka.bootstrap.servers": "localhost:9092", "subscribe": "transactions" }},
    "value": {{ "format": "json", "schema": "{SCHEMA}" }}
  }},
  "queries": [
    {{ "name": "{name}",
      "sql": {text},
      "sinks": [ {{ "format": "console" }} ] }}
  ]
}}
"""


def main():
    for line in (HERE / "errors.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, _, sql, message = line.split("\t")
        sql = sql.replace("\\n", "\n")
        marked = document(name, sql)
        before = marked[: marked.index(CARET)]
        where = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        if "\n" in sql:
            message += f" (line {sql[: sql.index(CARET)].count(chr(10)) + 1} of the query)"
        (BAD / f"sql_{name}.json").write_text(marked.replace(CARET, ""), encoding="utf-8")
        (BAD / f"sql_{name}.expect").write_text(f"{where}: {message}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
