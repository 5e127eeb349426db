"""Documents against the program: options, metrics, alerts, examples, links. Needs no server.

Environment: SLUICE (the binary; default build/sluice).
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLUICE = os.environ.get("SLUICE") or str(ROOT / "build" / "sluice")
DOCS = ROOT / "docs"
DASHBOARDS = ROOT / "dashboards"
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
import cli_docs  # noqa: E402

# Of Prometheus itself, or made by rules.yml.
OTHER_METRICS = {"up", "ALERTS"}


def declared_metrics():
    """Names with the suffixes of histograms."""
    names = set()
    for kind, name in re.findall(r'METRIC\(\w+, (\w+), \w+, "(\w+)"', (ROOT / "src" / "base" / "metrics.def").read_text()):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "HISTOGRAM" else {name}
    return names


def rules():
    return [rule for group in yaml.safe_load((DASHBOARDS / "rules.yml").read_text())["groups"] for rule in group["rules"]]


def metrics_of(expression):
    text = re.sub(r'"[^"]*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\b(?:by|without|ignoring|on)\s*\([^)]*\)|\[[^\]]*\]", "", text)
    return set(re.findall(r"\b(?:sluice:[\w:]+|sluice_\w+|process_\w+|up|ALERTS)\b", text))


def anchor(heading):
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


class Documents(unittest.TestCase):
    def test_commands(self):
        self.assertEqual((DOCS / "cli.md").read_text(), cli_docs.markdown(SLUICE),
                         "write it again: scripts/lib/cli_docs.py build/sluice > docs/cli.md")

    def test_keys_and_options_of_the_document(self):
        """All that the tables in src/plan take has its place in docs/pipeline.md and in its schema."""
        reference, schema = (DOCS / "pipeline.md").read_text(), (DOCS / "pipeline.schema.json").read_text()
        names = {name for path in (ROOT / "src" / "plan").glob("*.c") for name in re.findall(r'\{"([^"]+)", FORM_', path.read_text())}
        self.assertGreater(len(names), 45)
        for name in sorted(names):
            with self.subTest(name):
                self.assertIn(f"`{name}`", reference)
                self.assertIn(f'"{name}"', schema)

    def test_runbooks(self):
        headings = {anchor(line.lstrip("# ")) for line in (DOCS / "operations.md").read_text().splitlines() if line.startswith("#")}
        for rule in rules():
            if "alert" in rule:
                self.assertEqual(rule["annotations"]["runbook"], f"docs/operations.md#{rule['alert'].lower()}")
                self.assertIn(rule["alert"].lower(), headings)
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))

    def test_limits_are_documented(self):
        text = (DOCS / "operations.md").read_text()
        for rule in rules():
            if rule.get("record", "").startswith("sluice:limit_"):
                self.assertIn(f"`{rule['record']}`", text)

    def test_links(self):
        for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
            text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if "://" in target:
                    continue
                name, _, part = target.partition("#")
                file = path.parent / name if name else path
                with self.subTest(file=path.name, link=target):
                    self.assertTrue(file.exists())
                    if part and file.suffix == ".md":
                        self.assertIn(part, {anchor(line.lstrip("# ")) for line in file.read_text().splitlines() if line.startswith("#")})

    def test_pipelines_in_documents(self):
        """Every whole pipeline that a document shows is valid."""
        count = 0
        for path in DOCS.glob("*.md"):
            for block in re.findall(r"```jsonc?\n(.*?)```", path.read_text(), re.S):
                if not re.search(r'^ {0,2}"queries"', block, re.M):
                    continue
                count += 1
                with tempfile.NamedTemporaryFile("w", suffix=".json") as file, self.subTest(file=path.name):
                    file.write(block)
                    file.flush()
                    run = subprocess.run([SLUICE, "validate", file.name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
                    self.assertEqual(run.returncode, 0, run.stderr)
        self.assertGreater(count, 0)


class Dashboards(unittest.TestCase):
    def test_promtool(self):
        for command in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
            run = subprocess.run(["promtool", *command], cwd=DASHBOARDS, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_metrics_are_there(self):
        known = declared_metrics() | OTHER_METRICS | {rule["record"] for rule in rules() if "record" in rule}
        expressions = [rule["expr"] for rule in rules()]
        dashboard = json.loads((DASHBOARDS / "sluice.json").read_text())
        for panel in dashboard["panels"]:
            expressions += [target["expr"] for target in panel.get("targets", [])]
        self.assertGreater(len(expressions), 60)
        for expression in expressions:
            used = metrics_of(expression)
            self.assertTrue(used or expression.startswith("vector("), expression)
            self.assertLessEqual(used, known, expression)

    def test_every_metric_is_looked_at(self):
        """By the dashboard, itself or through a rule."""
        dashboard = (DASHBOARDS / "sluice.json").read_text()
        text = dashboard + "".join(rule["expr"] for rule in rules())
        missing = {name for name in declared_metrics() if not re.search(rf"\b{name}\b", text)}
        histograms = {re.sub("_(bucket|sum|count)$", "", name) for name in missing}
        self.assertEqual({name for name in histograms if name not in text}, {"sluice_batch_id"})

    def test_every_alert_is_tested(self):
        tested = re.findall(r"alertname: (\w+)", (DASHBOARDS / "rules_test.yml").read_text())
        self.assertEqual(set(tested), {rule["alert"] for rule in rules() if "alert" in rule})

    def test_panels(self):
        dashboard = json.loads((DASHBOARDS / "sluice.json").read_text())
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        cells = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), cells, panel["title"])
                    cells.add((x, y))
            for target in panel.get("targets", []):
                self.assertIn("pipeline", target["expr"] if "limit_" not in target["expr"] else "pipeline", panel["title"])
                self.assertEqual(target["datasource"]["uid"], "${datasource}")
        self.assertEqual([v["name"] for v in dashboard["templating"]["list"]], ["datasource", "pipeline", "query"])


if __name__ == "__main__":
    unittest.main()
