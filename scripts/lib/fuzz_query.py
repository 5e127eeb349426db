"""Queries at random: typed expressions as trees that can be cut down again, and the SELECT around them."""

import fuzz_functions
from fuzz_data import NAMES

SIMPLE = "silbdmDT"
LITERALS = {
    "s": ["'a'", "'abc'", "''", "'é'", "'12'", "'2024-03-01'", "'it''s'".replace("''s", "\\'s"), '"dq"', "'%'", "'true'"],
    "b": ["TRUE", "FALSE"], "y": ["1Y", "-5Y", "127Y"], "h": ["3S", "-300S"], "i": ["0", "1", "2", "-3", "10", "2147483647"],
    "l": ["1L", "5000000000", "-9223372036854775808L", "7L"], "f": ["0.5F", "-2F"], "d": ["1.5D", "0D", "-0.25D", "1e2", "1e300"],
    "m": ["1.5", "0.01", "-3.25BD", "100.000", "99999999.99"], "D": ["DATE'2024-02-29'", "DATE'1970-01-01'", "DATE '2024-12-31'"],
    "T": ["TIMESTAMP'2024-03-01 10:02:00'", "TIMESTAMP'1970-01-01 00:00:00.5'", "TIMESTAMP '2024-03-01T10:00:00Z'"],
    "x": ["X'4869'", "X''"], "A": ["array(1, 2, 3)", "array(1, NULL)"], "S": ["array('a', 'é')", "array('x', NULL)"],
    "R": ["named_struct('a', 1, 'z', 'q')"], "Z": ["array(named_struct('v', 1))"]}
INTERVALS = ["INTERVAL 1 DAY", "INTERVAL '2' HOUR", "INTERVAL '1 day 3 hours'", "INTERVAL '90' MINUTE", "INTERVAL 10 SECONDS", "INTERVAL -1 WEEK",
             "INTERVAL '1:30' HOUR TO MINUTE", "INTERVAL 1 MONTH", "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL 0.5 SECONDS", "make_interval(0, 1, 0, -3, 2)", "make_dt_interval(1, 2, i2)", "make_ym_interval(1, i2)"]
DATE_INTERVALS = ["INTERVAL 1 DAY", "INTERVAL '2' DAY", "INTERVAL 1 MONTH", "INTERVAL '1' YEAR", "INTERVAL 2 WEEKS"]
CASTS = {"s": "silbdmDT", "b": "sil", "y": "il", "h": "ils", "i": "slbdm", "l": "simdTb", "f": "dsi", "d": "silm", "m": "sild", "D": "sT",
         "T": "sDl", "x": "s"}
# What Spark converts by itself where another type is asked for.
IMPLICIT = {"s": "ilDTbm", "d": "ilmsfyh", "l": "iyh", "i": "yhs", "D": "Ts", "T": "Ds", "m": "il", "x": "s"}
OPERATORS = ["+", "-", "*", "/", "%", "DIV", "unary -", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "<=>", "AND", "OR", "NOT", "||", "&", "|", "^",
             "~", "BETWEEN", "NOT BETWEEN", "IN", "NOT IN", "LIKE", "NOT LIKE", "RLIKE", "ILIKE", "IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE",
             "IS DISTINCT FROM", "CASE", "CASE value", "CAST", "INTERVAL", "field", "subscript", "literal", "EXTRACT"]

CONDITIONS = OPERATORS[OPERATORS.index("="):OPERATORS.index("||")] + OPERATORS[OPERATORS.index("BETWEEN"):OPERATORS.index("CASE")]


class Node:
    """A piece of SQL: texts and nodes in turn, the letter of its type, and what it uses."""
    __slots__ = ("parts", "letter", "uses")

    def __init__(self, letter, *parts, uses=()):
        self.parts, self.letter, self.uses = list(parts), letter, uses

    def text(self):
        return "".join(p if isinstance(p, str) else p.text() for p in self.parts)

    def children(self):
        return [p for p in self.parts if isinstance(p, Node)]

    def walk(self):
        yield self
        for child in self.children():
            yield from child.walk()


class Expressions:
    """Makes expressions over some columns. `allowed` are the names of functions to use, `count` how often each thing was used."""

    def __init__(self, rng, columns, allowed, count):
        self.rng, self.columns, self.count = rng, columns, count
        scalars, aggregates = fuzz_functions.signatures()
        self.by_result = {}
        for row in scalars:
            if allowed is None or row[1] in allowed:
                for letter in self.results(row):
                    self.by_result.setdefault(letter, []).append(row)
        self.aggregates = [row for row in aggregates if allowed is None or row[1] in allowed]

    @staticmethod
    def results(row):
        _, _, arguments, result, _ = row
        if result != "=":
            return result
        return "ildmyhf" if "n" in arguments else "ilyh" if "o" in arguments else SIMPLE

    def rarest(self, things, key):
        """One of the things, the least used more often."""
        few = self.rng.sample(things, min(len(things), self.rng.choice([4, 16, 400])))
        return min(few, key=lambda thing: self.count[key(thing)])

    def column(self, letter, low=False):
        fit = [c for c in self.columns if c.letter == letter and (c.low or not low)]
        if not fit:
            return None
        return Node(letter, self.rng.choice(fit).name, uses=("type:" + NAMES[letter],))

    def field(self, letter):
        """A field of the struct, or an element of an array."""
        struct = self.column("R")
        paths = {"i": "a", "s": "c", "d": "n.q", "D": "n.e"}
        if struct and letter in paths and self.rng.random() < 0.7:
            return Node(letter, struct, "." + paths[letter], uses=("op:field",))
        arrays = {"i": "A", "s": "S"}
        array = self.column(arrays[letter]) if letter in arrays else None
        if array:
            return Node(letter, array, f"[{self.rng.choice([0, 1, 5])}]", uses=("op:subscript",))
        return None

    def leaf(self, letter):
        pick = self.rng.random()
        node = self.field(letter) if pick < 0.12 else None
        node = node or (self.column(letter) if pick < 0.8 else None)
        if node:
            return node
        if self.rng.random() < 0.03 and letter in SIMPLE:
            return Node(letter, "NULL", uses=("type:VOID",))
        if self.rng.random() < 0.08:
            kind = {"m": "DECIMAL(12,3)", "A": "ARRAY<INT>", "S": "ARRAY<STRING>"}.get(letter) or NAMES[letter]
            if letter != "R":
                return Node(letter, f"CAST(NULL AS {kind})", uses=("op:CAST",))
        return Node(letter, self.rng.choice(LITERALS[letter]), uses=("op:literal", "type:" + NAMES[letter]))

    def make(self, letter, depth, exact=True):
        """An expression of a type; with `exact` none whose last digits depend on a library."""
        rng = self.rng
        if depth <= 0:
            return self.leaf(letter)
        for _ in range(8):
            pick = rng.random()
            if pick < 0.12:
                node = self.leaf(letter)
            elif pick < 0.55:
                node = self.call(letter, depth, exact)
            elif pick < 0.82:
                node = self.operator(letter, depth, exact)
            elif pick < 0.92:
                node = self.case(letter, depth, exact)
            else:
                node = self.cast(letter, depth)
            if node:
                for name in node.uses:
                    self.count[name] += 1
                return node
        return self.leaf(letter)

    def argument(self, kind, depth, shared, exact=True):
        rng = self.rng
        if kind[0] == "'":
            return rng.choice(fuzz_functions.POOLS[kind[1:]])
        if kind == "q":
            return str(rng.choice([0, 1, 2, 5, -1, 12])) if rng.random() < 0.7 else self.column(rng.choice("iy"), low=True)
        if kind == "k":
            return str(rng.choice([0, 1, 2, 3, 5, -1, 7, 12])) if rng.random() < 0.75 else self.make("i", 0)
        if kind == "n" or kind == "o" or kind == "e":
            return self.make(shared, depth - 1, exact)
        if kind == "?":
            return self.make(rng.choice(SIMPLE + "yhfx"), depth - 1)
        if kind in "vw":
            return self.tame(depth - 1)
        if kind in IMPLICIT and rng.random() < 0.08:
            return self.make(rng.choice(IMPLICIT[kind]), depth - 1)
        return self.make(kind, depth - 1, exact)

    def arguments(self, kinds, depth, shared, exact=True):
        """The text and nodes between a call's parentheses."""
        parts, rng = [], self.rng
        for kind in kinds:
            if kind[0] == "[":
                if rng.random() < 0.5:
                    break
                kind = kind[1:-1]
            for _ in range(rng.randint(1, 3) if kind[-1] == "*" else 1):
                parts += [", "] if parts else []
                parts.append(self.argument(kind.rstrip("*"), depth, shared, exact))
        return parts

    def inexact(self):
        """A call whose last digits depend on a library: nothing may be made of it."""
        return self.call("d", 2, exact=False, only=True)

    def call(self, letter, depth, exact, only=False):
        rows = [r for r in self.by_result.get(letter, []) if r[4] or not only]
        rows = [r for r in rows if not (exact and r[4])]
        if not rows:
            return None
        _, name, kinds, result, inexact = self.rarest(rows, lambda row: "function:" + row[1])
        shared = letter if result == "=" else self.rng.choice("ildmyh" if "n" in kinds else "ilyh" if "o" in kinds else SIMPLE)
        keep = result == "=" and name in ("coalesce", "if", "ifnull", "nvl", "nvl2")  # the value itself goes through
        parts = self.arguments(kinds, depth, shared, exact or not keep)
        if only:
            self.count["function:" + name] += 1
        spelt = name if self.rng.random() < 0.85 else name.upper()
        return Node(letter, spelt + "(", *parts, ")", uses=("function:" + name,))

    def binary(self, letter, left, operator, right, use=None):
        return Node(letter, "(" if self.rng.random() < 0.8 else " (", left, f" {operator} ", right, ")", uses=("op:" + (use or operator),))

    def comparable(self, depth):
        """Two expressions that can be compared, at times of different types."""
        letter = self.rng.choice(SIMPLE + "yf")
        if self.rng.random() < 0.12:  # NULL on both sides, at times
            same = self.rng.choice([c for c in self.columns if c.letter in SIMPLE])
            return Node(same.letter, same.name), Node(same.letter, "CASE WHEN ", self.make("b", 0), " THEN ", same.name, " END", uses=("op:CASE",))
        other = self.rng.choice(IMPLICIT.get(letter, letter)) if self.rng.random() < 0.2 and letter in "dliDTm" else letter
        return self.make(letter, depth - 1), self.make(other, depth - 1)

    def boolean(self, depth):
        rng = self.rng
        use = self.rarest(CONDITIONS, lambda o: "op:" + o)
        if use in ("AND", "OR"):
            return self.binary("b", self.make("b", depth - 1), use, self.make("b", depth - 1))
        if use == "NOT":
            return Node("b", "(NOT ", self.make("b", depth - 1), ")", uses=("op:NOT",))
        if use in ("IS NULL", "IS NOT NULL"):
            return Node("b", "(", self.make(rng.choice(SIMPLE + "yhfxAR"), depth - 1), f" {use})", uses=("op:" + use,))
        if use in ("IS TRUE", "IS FALSE"):
            return Node("b", "(", self.make("b", depth - 1), f" {use})", uses=("op:" + use,))
        if use in ("LIKE", "NOT LIKE", "ILIKE", "RLIKE"):
            pool = fuzz_functions.POOLS["regex" if use == "RLIKE" else "like"]
            return Node("b", "(", self.make("s", depth - 1), f" {use} {rng.choice(pool)})", uses=("op:" + use,))
        left, right = self.comparable(depth)
        if use in ("BETWEEN", "NOT BETWEEN"):
            return Node("b", "(", left, f" {use} ", right, " AND ", self.make(left.letter, depth - 1), ")", uses=("op:" + use,))
        if use in ("IN", "NOT IN"):
            more = [", ", self.make(left.letter, 0)] if rng.random() < 0.6 else []
            more += [", NULL"] if rng.random() < 0.2 else []
            return Node("b", "(", left, f" {use} (", right, *more, "))", uses=("op:" + use,))
        return self.binary("b", left, use, right)

    def operator(self, letter, depth, exact):
        rng = self.rng
        if letter == "b":
            return self.boolean(depth)
        if letter == "s":
            return self.binary("s", self.make("s", depth - 1), "||", self.make(rng.choice("ssi"), depth - 1))
        if letter in "yhil" and rng.random() < 0.12:
            return Node(letter, f"({rng.choice('-~')}", self.make(letter, depth - 1), ")", uses=("op:unary -",)) if rng.random() < 0.5 else \
                Node(letter, "(~", self.make(letter, depth - 1), ")", uses=("op:~",))
        if letter == "i" and rng.random() < 0.15:
            part, kind = rng.choice([("YEAR", "D"), ("MONTH", "T"), ("DAY", "T"), ("HOUR", "T"), ("WEEK", "D")])
            return Node("i", f"EXTRACT({part} FROM ", self.make(kind, depth - 1), ")", uses=("op:EXTRACT",))
        if letter == "l" and rng.random() < 0.25:
            return self.binary("l", self.make(rng.choice("il"), depth - 1), "DIV", self.make(rng.choice("il"), depth - 1))
        if letter in "yhil":
            narrower = {"y": "y", "h": "hy", "i": "ihy", "l": "lihy"}[letter]
            other = rng.choice(narrower) if rng.random() < 0.2 else letter
            return self.binary(letter, self.make(letter, depth - 1), self.rarest(["+", "-", "*", "%", "&", "|", "^"], lambda o: "op:" + o), self.make(other, depth - 1))
        if letter == "d" and rng.random() < 0.3:
            return self.binary("d", self.make(rng.choice("ild"), depth - 1), "/", self.make(rng.choice("ild"), depth - 1))
        if letter in "fdm":
            other = rng.choice({"f": "fyh", "d": "ilmfs", "m": "il"}[letter]) if rng.random() < 0.2 else letter
            return self.binary(letter, self.make(letter, depth - 1), rng.choice("+-*%/" if letter != "f" else "+-*%"), self.make(other, depth - 1))
        if letter in "DT":
            interval = rng.choice(DATE_INTERVALS if letter == "D" else INTERVALS if rng.random() < 0.8 else INTERVALS[-3:])
            if letter == "D" and rng.random() < 0.3:
                return self.binary("D", self.make("D", depth - 1), rng.choice("+-"), str(rng.choice([1, 30, -365])))
            node = self.binary(letter, self.make(letter, depth - 1), rng.choice("+-"), interval)
            node.uses += ("op:INTERVAL",) if interval[0] == "I" else ("function:" + interval.split("(")[0],)
            return node
        return None

    def case(self, letter, depth, exact):
        rng, parts = self.rng, []
        if letter == "R":
            return None
        use = rng.choice(["CASE", "CASE value"])
        tested = rng.choice(SIMPLE)
        head = ["CASE"] if use == "CASE" else ["CASE ", self.make(tested, depth - 2)]
        for _ in range(rng.randint(1, 2)):
            parts += [" WHEN ", self.make("b", depth - 1) if use == "CASE" else self.make(tested, depth - 2), " THEN ", self.make(letter, depth - 1, exact)]
        if rng.random() < 0.7:
            parts += [" ELSE ", self.make(letter, depth - 1, exact)]
        return Node(letter, *head, *parts, " END", uses=("op:" + use,))

    def cast(self, letter, depth):
        if letter not in CASTS:
            return None
        kind = NAMES[letter] if letter != "m" else self.rng.choice(["DECIMAL(10,2)", "DECIMAL(38,10)", "DECIMAL(5,0)", "DECIMAL(20,4)"])
        return Node(letter, "CAST(", self.make(self.rng.choice(CASTS[letter]), depth - 1), f" AS {kind})", uses=("op:CAST", "type:" + NAMES[letter]))

    def tame(self, depth):
        """A number for sums: no sum of it depends on the order of adding beyond the last digits."""
        rng = self.rng
        fit = [c for c in self.columns if c.letter in "yhilfdm" and c.name != "d2"]
        column = rng.choice(fit)
        node = Node(column.letter, column.name, uses=("type:" + NAMES[column.letter],))
        if depth > 0 and rng.random() < 0.4:
            more = rng.choice([("+", "1"), ("*", "2"), ("-", "0.5"), ("%", "7"), ("/", "4")])
            node = Node("d", "(", node, f" {more[0]} {more[1]})", uses=("op:" + more[0],))
        elif rng.random() < 0.15:
            node = Node("d", "CASE WHEN ", self.make("b", depth), " THEN ", node, " END", uses=("op:CASE",))
        return node

    def aggregate(self, depth, session=False):
        """A call of an aggregate function, at times with FILTER. Its letter is `W` where the type depends on the argument."""
        rng = self.rng
        rows = self.aggregates
        if session:  # rows of a session that a merge brings together have no order
            rows = [r for r in rows if r[1] not in ("first", "last", "first_value", "last_value", "any_value", "collect_list", "array_agg", "max_by", "min_by")]
        _, name, kinds, result, inexact = self.rarest(rows, lambda row: "aggregate:" + row[1])
        shared = rng.choice("ilyh" if "o" in kinds else SIMPLE + "f" if name in ("max", "min", "first", "last", "any_value") else SIMPLE)
        if kinds == ["*"]:
            parts = ["*"]
        elif "[b0]" in kinds:
            parts = [self.make(shared, depth)] + ([rng.choice([", true", ", false"])] if rng.random() < 0.4 else [])
        elif name in ("max", "min") and rng.random() < 0.25:  # where NaN and the zeros are
            shared, parts = "d", [Node("d", "d2", uses=("type:DOUBLE",))]
        elif name in ("max_by", "min_by"):
            parts = [self.make(shared, depth), ", ", self.make(rng.choice("ildsT"), 0)]
        else:
            parts = self.arguments(kinds, depth + 1, shared)
        call = Node(shared if result == "=" else result, name + "(", *parts, ")", uses=("aggregate:" + name,))
        if rng.random() < 0.15:
            call = Node(call.letter, name + "(", *parts, ") FILTER (WHERE ", self.make("b", 1), ")", uses=("aggregate:" + name, "op:FILTER"))
        if name == "collect_set":  # its order is nobody's promise
            call = Node("S", "sort_array(", call, ")", uses=("function:sort_array",))
        if inexact:
            call.letter = "~"
        self.count["aggregate:" + name] += 1
        return call

    def over_aggregates(self, keys, depth, session):
        """An expression over aggregates and keys."""
        rng = self.rng
        first = self.aggregate(depth, session)
        pick = rng.random()
        if pick < 0.6 or first.letter in "~":
            return first
        if first.letter in "ilyhd":
            return Node("d", "(", first, rng.choice([" + 1", " * 2", " / count(*)", " - 0.5", " % 3", " > 2", " IS NULL"]), ")", uses=("op:over aggregate",))
        if first.letter in "bs":
            return Node("s", "coalesce(CAST(", first, " AS STRING), '-')", uses=("function:coalesce", "op:over aggregate"))
        return Node("s", "CASE WHEN count(*) > 1 THEN ", first, " END", uses=("op:CASE", "op:over aggregate"))
