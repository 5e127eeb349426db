#!/usr/bin/env python3
"""write_decimal_vectors.py > decimal_vectors.tsv: operations on decimals, computed with Python's integers and fractions.

Lines: OPERATION A A_SCALE B B_SCALE PRECISION SCALE RESULT, parted by tabs; RESULT \\N: none. For `text` A is the text, for
`double` its hexadecimal digits; B is unused. As in Spark products are cut off behind 39 digits before they are rounded to the
scale; ties go away from zero.
"""

import random
from fractions import Fraction


def round_away(x):
    whole, rest = divmod(abs(x), 1)
    whole += 2 * rest >= 1
    return int(-whole if x < 0 else whole)


def to_39_digits(x):
    if x == 0:
        return x
    shift, size = 0, abs(x)
    while size >= 10 ** 39:
        size, shift = size / 10, shift - 1
    while size < 10 ** 38:
        size, shift = size * 10, shift + 1
    exact = Fraction(size // 1) / Fraction(10) ** shift
    return -exact if x < 0 else exact


def trunc(x):
    return abs(x) // 1 * (-1 if x < 0 else 1)


def compute(op, x, y):
    if op in ("divide", "remainder", "quotient") and y == 0:
        return None
    return {"rescale": lambda: x, "add": lambda: x + y, "subtract": lambda: x - y, "multiply": lambda: to_39_digits(x * y),
            "divide": lambda: x / y, "remainder": lambda: x - y * trunc(x / y), "quotient": lambda: trunc(x / y)}[op]()


def typed(x, precision, scale):
    if x is None:
        return "\\N"
    unscaled = round_away(x * 10 ** scale)
    return str(unscaled) if abs(unscaled) < 10 ** precision else "\\N"


def operand(rng):
    digits = rng.choice([1, 1, 2, 3, 5, 9, 18, 19, 20, 27, 37, 38, 38])
    kind = rng.random()
    if kind < 0.1:
        value = rng.choice([0, 1, 5, 10 ** digits - 1, 10 ** (digits - 1)])
    elif kind < 0.2:
        value = int(rng.choice("123456789") * digits)
    else:
        value = rng.randrange(10 ** digits)
    return value * rng.choice([1, 1, -1]), rng.choice([0, 0, 1, 2, 3, 6, 10, 18, 19, 20, 37, 38])


def main():
    rng = random.Random(20251226)
    for op in ("rescale", "add", "subtract", "multiply", "divide", "remainder", "quotient"):
        for _ in range(300):
            (a, a_scale), (b, b_scale) = operand(rng), operand(rng)
            precision = rng.choice([38, 38, 38, 20, 18, 9, 3])
            scale = 0 if op == "quotient" else min(rng.choice([0, 0, 1, 2, 6, 10, 18, 37, 38]), precision)
            if op == "divide" and rng.random() < 0.3 and b:  # a tie, or what is nearly one
                a = min(max(b * (2 * rng.randrange(50) + 1) // 2 + rng.choice([-1, 0, 0, 1]), -10 ** 38 + 1), 10 ** 38 - 1)
            exact = compute(op, Fraction(a, 10 ** a_scale), Fraction(b, 10 ** b_scale))
            print(op, a, a_scale, b, b_scale, precision, scale, typed(exact, precision, scale), sep="\t")
    for _ in range(300):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 2, 5, 20, 40, 60])))
        point = rng.randrange(len(digits) + 1)
        exponent = rng.choice([None, None, 0, 1, -1, 5, -20, 30, -70])
        text = rng.choice(["", "-", "+"]) + digits[:point] + rng.choice([".", "."]) + digits[point:]
        value = Fraction(int(digits)) / 10 ** (len(digits) - point) * Fraction(10) ** (exponent or 0)
        whole = max(len(digits.lstrip("0")), 1) - (len(digits) - point) + (exponent or 0)
        text += "" if exponent is None else rng.choice("eE") + str(exponent)
        precision = rng.choice([38, 20, 10, 3])
        scale = min(rng.choice([0, 2, 10, 38]), precision)
        value = None if whole > 38 else -value if text[0] == "-" else value
        print("text", text, 0, 0, 0, precision, scale, typed(value, precision, scale), sep="\t")
    for _ in range(200):
        value = rng.choice([rng.random(), rng.random() * 1e20, rng.random() * 1e-9, float(rng.randrange(10 ** 6)) / 100, rng.random() * 1e38])
        value *= rng.choice([1, -1])
        precision, scale = rng.choice([(38, 18), (38, 0), (38, 38), (12, 2)])
        print("double", value.hex(), 0, 0, 0, precision, scale, typed(Fraction(repr(value)), precision, scale), sep="\t")
    for _ in range(200):
        a, a_scale = operand(rng)
        print("to_double", a, a_scale, 0, 0, 38, 0, float(Fraction(a, 10 ** a_scale)).hex(), sep="\t")


main()
