"""dashboards/ under test: a Prometheus of one's own with its configuration and rules, and the expressions of dashboard and rules.

Times in the files are minutes, as people want them; `shorten` makes them seconds, as tests want them. Nothing else is changed.
"""

import json
import math
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

import yaml
from harness import ROOT, free_port, wait_until

from process import Daemon

DASHBOARDS = ROOT / "dashboards"
# Long ranges stay long enough for what they count to happen in a test.
SHORT = {"30s": "10s", "1m": "5s", "5m": "10s", "10m": "10s", "15m": "60s", "1h": "60s", "$__rate_interval": "5s"}


def shorten(text, ranges=None):
    text = re.sub(r"\[(\d+[smh]|\$__rate_interval)\]", lambda m: f"[{(ranges or SHORT).get(m[1], m[1])}]", text)
    text = re.sub(r"^( +for:) \w+$", r"\1 1s", text, flags=re.MULTILINE)
    return re.sub(r"^( +(?:scrape|evaluation|refresh)_interval:) \w+$", r"\1 1s", text, flags=re.MULTILINE)


def rules():
    """All rules of rules.yml, as written there."""
    return [rule for group in yaml.safe_load((DASHBOARDS / "rules.yml").read_text())["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboard_expressions():
    """{where: expression} of the dashboard: panels, annotations, and what its variables ask for."""
    dashboard = json.loads((DASHBOARDS / "sluice.json").read_text())
    found = {}
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found[f"panel {panel['title']}, {target['refId']}"] = target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        found[f"annotation {annotation['name']}"] = annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            found[f"variable {variable['name']}"] = f"count by ({label}) ({metric})"
    return found


class Prometheus:
    """limits: {name of a sluice:limit_ rule: number} instead of those of rules.yml."""

    def __init__(self, directory, limits=None, exact=False):
        self.directory = pathlib.Path(directory)
        self.daemon = Daemon(self.directory, "prometheus")
        self.port = free_port()
        self.shorten = (lambda text: text) if exact else shorten
        (self.directory / "targets").mkdir(parents=True)
        (self.directory / "prometheus.yml").write_text(self.shorten((DASHBOARDS / "prometheus.yml").read_text()))
        self.write_rules(limits or {})

    def write_rules(self, limits):
        text = self.shorten((DASHBOARDS / "rules.yml").read_text())
        for name, number in limits.items():
            text, count = re.subn(rf"(record: {name}\n +expr: vector)\(\S+\)", rf"\1({number})", text)
            assert count == 1, name
        (self.directory / "rules.yml").write_text(text)

    def start(self):
        self.daemon.start(["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data",
                           f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-lifecycle"])
        self.daemon.wait_ready(self.ready, 60)

    def stop(self):
        self.daemon.stop()

    def ready(self):
        try:
            return self.get("/-/ready")
        except OSError:
            return False

    def get(self, path, data=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10, data=data) as answer:
            return answer.read().decode()

    def set_limits(self, limits):
        self.write_rules(limits)
        self.get("/-/reload", data=b"")

    def target(self, pipeline, address):
        targets = self.directory / "targets"
        (targets / f"{pipeline}.yml").write_text(yaml.safe_dump([{"targets": [address], "labels": {"pipeline": pipeline}}]))

    def query(self, expression):
        """[(labels, number)]; a wrong expression is an AssertionError with Prometheus's words."""
        try:
            answer = json.loads(self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        result = answer["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in result]

    def number(self, expression):
        found = self.query(expression)
        return found[0][1] if found else None

    def has_data(self, expression):
        """Numbers, not only NaN."""
        return any(math.isfinite(value) for _, value in self.query(expression))

    def firing(self, pipeline):
        return {labels["alertname"] for labels, _ in self.query(f'ALERTS{{alertstate="firing", pipeline="{pipeline}"}}')}


class Pending:
    """Expressions that have not returned data yet."""

    def __init__(self, prometheus, expressions, ranges=None):
        """ranges: as for shorten."""
        self.prometheus = prometheus
        self.left = {where: shorten(text, ranges or SHORT).replace("$pipeline", ".*").replace("$query", ".*")
                     for where, text in expressions.items()}

    def sweep(self):
        self.left = {where: text for where, text in self.left.items() if not self.prometheus.has_data(text)}
        return self.left

    def wait(self, except_for=(), timeout=45):
        """Until all but these have returned data."""
        def done():
            return all(any(where.startswith(word) for word in except_for) for where in self.sweep())
        try:
            wait_until(done, timeout, "data", interval=0.5)
        except Exception:
            raise AssertionError(f"no data of {self.left}") from None
