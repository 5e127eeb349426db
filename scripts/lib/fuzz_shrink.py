"""Cuts a difference down: fewer columns, terms, batches, rows and smaller expressions, while Spark and sluice still differ."""

import copy
import re
import shutil
import time

import fuzz_main
import fuzz_select
import fuzz_sluice
from fuzz_query import Node

SECONDS = 150  # for one difference


def without(things, i):
    return things[:i] + things[i + 1:]


def smaller_queries(query):
    """Queries that are a little less than this one, the boldest first."""
    for i in range(len(query.items)):
        if len(query.items) > 1:
            yield edited(query, lambda q, i=i: setattr(q, "items", without(q.items, i)))
    for i in range(len(query.where)):
        yield edited(query, lambda q, i=i: setattr(q, "where", without(q.where, i)))
    if query.having:
        yield edited(query, lambda q: setattr(q, "having", None))
    for i in range(len(query.keys)):
        yield edited(query, lambda q, i=i: setattr(q, "keys", without(q.keys, i)))
    if query.distinct and query.mode == "append":
        yield edited(query, lambda q: setattr(q, "distinct", False))
    if query.by != "text":
        yield edited(query, lambda q: setattr(q, "by", "text"))
    places = [(index, part) for index, node in enumerate(query.nodes()) for part in range(len(node.parts)) if isinstance(node.parts[part], Node)]
    for index, part in places:
        target = list(query.nodes())[index].parts[part]
        for inner in target.walk():
            if inner is not target and inner.letter == target.letter:
                yield edited(query, lambda q, a=index, b=part, n=inner: replace(q, a, b, n))
        if target.children():
            yield edited(query, lambda q, a=index, b=part, t=target: replace(q, a, b, Node(t.letter, "NULL")))
    for i, (node, _) in enumerate(query.items):
        for inner in node.walk():
            if inner is not node and not query.grouped:
                yield edited(query, lambda q, i=i, n=inner: q.items.__setitem__(i, (copy.deepcopy(n), q.items[i][1])))


def edited(query, change):
    result = copy.deepcopy(query)
    change(result)
    return result


def replace(query, index, part, node):
    """The tree was copied: nodes have the same places in it. A key that is selected too is one node in both."""
    list(query.nodes())[index].parts[part] = copy.deepcopy(node)


def smaller_pipelines(pipeline, query):
    for name in ("transform", "dedup", "watermark"):
        if getattr(pipeline, name):
            yield changed(pipeline, **{name: None})
    for i in range(len(pipeline.batches)):
        if len(pipeline.batches) > 1:
            yield changed(pipeline, batches=without(pipeline.batches, i))
    for i, rows in enumerate(pipeline.batches):
        for half in (rows[:len(rows) // 2], rows[len(rows) // 2:]):
            if len(rows) > 2:
                yield changed(pipeline, batches=pipeline.batches[:i] + [half] + pipeline.batches[i + 1:])
        for j in range(len(rows)):
            yield changed(pipeline, batches=pipeline.batches[:i] + [without(rows, j)] + pipeline.batches[i + 1:])
    text = f"{query.text()} {pipeline.transform or ''} {pipeline.dedup or ''}"
    unused = {c.name for c in pipeline.columns if not re.search(rf"\b{c.name}\b", text) and c.name != "ts"}
    if unused and not pipeline.transform and "*" not in text.replace("count(*)", "").replace(" * ", ""):
        rows = [[{k: v for k, v in row.items() if k not in unused} for row in batch] for batch in pipeline.batches]
        yield changed(pipeline, columns=[c for c in pipeline.columns if c.name not in unused], batches=rows)


def changed(pipeline, **fields):
    result = copy.copy(pipeline)
    for name, value in fields.items():
        setattr(result, name, value)
    return result


class Shrinker:
    def __init__(self, case, outcome, sluice, spark, extra, work):
        self.best, self.outcome, self.deadline = case, outcome, time.monotonic() + SECONDS
        self.sluice, self.spark, self.extra, self.work = sluice, spark, extra, work

    def differs(self, pipeline, query):
        """Takes the candidate as the best when Spark answers it and sluice is wrong in the same way."""
        directory = self.work / (self.best.directory.name + "-try")
        shutil.rmtree(directory, ignore_errors=True)
        if pipeline.stateless() and not query.grouped and len(pipeline.batches) == 1:
            rows = fuzz_main.ask_table(self.spark, pipeline, [query])[0][1]
        else:
            rows = fuzz_main.ask_stream(self.spark, pipeline, [query], self.work / "scratch")[0][1]
        if not isinstance(rows, dict):
            return False
        pipeline.write(directory, query)
        fuzz_select.write_expected(directory, rows)
        outcome = fuzz_sluice.test(self.sluice, [directory], self.extra)[directory]
        if outcome.kind != self.outcome.kind or fuzz_sluice.explained(outcome):
            return False
        if outcome.kind == "refused" and first_error(outcome.text) != first_error(self.outcome.text):
            return False
        self.best = fuzz_main.Case(self.best.directory, pipeline, query)
        self.outcome = outcome
        return True

    def step(self):
        """Tries smaller ones until one still differs; False when none does."""
        best = self.best
        for query in smaller_queries(best.query):
            if time.monotonic() > self.deadline:
                return False
            if len(query.text()) < len(best.query.text()) and self.differs(best.pipeline, query):
                return True
        for pipeline in smaller_pipelines(best.pipeline, best.query):
            if time.monotonic() > self.deadline:
                return False
            if self.differs(pipeline, best.query):
                return True
        return False


def first_error(text):
    found = re.search(r"error: (.*)", text)
    return re.sub(r'".*?"', "", found.group(1)) if found else ""


def shrink(case, outcome, sluice, spark, extra, work):
    """(the smaller case, what sluice makes of it); the smaller case is written below `work`."""
    work.mkdir(parents=True, exist_ok=True)
    shrinker = Shrinker(case, outcome, sluice, spark, extra, work)
    while time.monotonic() < shrinker.deadline and shrinker.step():
        pass
    best = fuzz_main.Case(work / case.directory.name, shrinker.best.pipeline, shrinker.best.query)
    shutil.rmtree(best.directory, ignore_errors=True)
    shrinker.best = best
    shrinker.differs(best.pipeline, best.query)
    trial = work / (best.directory.name + "-try")
    if trial.exists():
        trial.rename(best.directory)
    return best, shrinker.outcome
