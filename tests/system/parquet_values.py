"""The values that tests/parquet/write_matrix.c writes, made again from the same arithmetic as Arrow tables.

Runs under the Python of scripts/lib/venv.py. Nothing here reads what sluice wrote.
"""

import numpy as np
import pyarrow as pa

# The SQL type of each column of the shape `types`, as Spark and DuckDB are asked for it.
TYPES = [
    ("bool", pa.bool_()), ("i8", pa.int8()), ("i16", pa.int16()), ("i32", pa.int32()), ("i64", pa.int64()),
    ("f32", pa.float32()), ("f64", pa.float64()), ("dec9", pa.decimal128(9, 2)), ("dec18", pa.decimal128(18, 4)),
    ("dec20", pa.decimal128(20, 0)), ("dec38", pa.decimal128(38, 10)), ("str", pa.string()), ("bin", pa.binary()),
    ("date", pa.date32()), ("ts", pa.timestamp("us", "UTC")),
    ("st", pa.struct([("a", pa.int32()), ("b", pa.string()), ("c", pa.struct([("d", pa.float64())]))])),
    ("arr", pa.list_(pa.field("element", pa.int32()))),
    ("arr2", pa.list_(pa.field("element", pa.list_(pa.field("element", pa.string()))))),
    ("arrst", pa.list_(pa.field("element", pa.struct([
        ("x", pa.int64()), ("y", pa.list_(pa.field("element", pa.float64())))])))),
    ("starr", pa.struct([("l", pa.list_(pa.field("element", pa.date32())))])),
]
EPOCH = 1766784000000000


def scramble(k):
    k = (k ^ k >> np.uint64(33)) * np.uint64(0xff51afd7ed558ccd)
    k = (k ^ k >> np.uint64(33)) * np.uint64(0xc4ceb9fe1a85ec53)
    return k ^ k >> np.uint64(33)


def doubles(k, divisor):
    values = (scramble(k) >> np.uint64(32)).astype(np.uint32).view(np.int32).astype(np.float64) / divisor
    for rest, special in ((7, np.nan), (8, -0.0), (9, np.inf)):
        values[k % 50 == rest] = special
    return values


def texts(k):
    u = scramble(k) >> np.uint64(32)
    return ["" if r == 4 else "я" * 90 + f"user_{v}" if r == 3 else f"user_{v}" for v, r in zip(u.tolist(), (k % 20).tolist())]


def binaries(k):
    raw = scramble(k).astype("<u8").tobytes()
    return [(b"\xff" * 70 if r == 3 else b"") + raw[8 * i:8 * i + 8] for i, r in enumerate((k % 20).tolist())]


def decimals(k, kind, mask):
    """From 128-bit two's complement, low word first."""
    m = scramble(k)
    if kind.precision <= 18:
        ten = 10 ** kind.precision
        low = ((m >> np.uint64(32) if kind.precision <= 9 else m) % np.uint64(ten)).astype(np.int64) - ten // 2
        high = low >> 63
    else:  # (k % 50) * 10^18 + m % 10^18, in two words by halves of 32 bits
        a, b = k % np.uint64(50), np.uint64(10 ** 18)
        lo, hi = a * (b & np.uint64(0xffffffff)), a * (b >> np.uint64(32))
        middle = (lo >> np.uint64(32)) + hi
        low = (middle << np.uint64(32)) | (lo & np.uint64(0xffffffff))
        high = middle >> np.uint64(32)
        total = low + m % b
        high = high + (total < low)
        odd = k % 2 == 1
        low, high = np.where(odd, ~total + np.uint64(1), total), np.where(odd, ~high + (total == 0), high)
    words = np.empty((len(k), 2), dtype=np.uint64)
    words[:, 0], words[:, 1] = low.astype(np.uint64), high.astype(np.uint64)
    valid = None if mask is None else pa.array(~mask).buffers()[1]
    return pa.Array.from_buffers(kind, len(k), [valid, pa.py_buffer(words.tobytes())])


def leaf(kind, k, mask):
    if pa.types.is_decimal(kind):
        return decimals(k, kind, mask)
    m = scramble(k)
    signed = k.astype(np.int64)
    make = {
        "bool": lambda: k % 3 == 0,
        "int8": lambda: (signed % 256 - 128).astype(np.int8),
        "int16": lambda: (signed * 31 % 65536 - 32768).astype(np.int16),
        "int32": lambda: (m >> np.uint64(32)).astype(np.uint32).view(np.int32),
        "int64": lambda: m.view(np.int64),
        "float": lambda: doubles(k, 256).astype(np.float32),
        "double": lambda: doubles(k, 100),
        "string": lambda: texts(k),
        "binary": lambda: binaries(k),
        "date32[day]": lambda: (signed % 40000 - 10000).astype(np.int32),
        "timestamp[us, tz=UTC]": lambda: EPOCH + signed * 1000003,
    }[str(kind)]()
    return pa.array(make, type=kind, mask=mask, from_pandas=False)


def nested(kind, k, with_nulls, mask=None, outer=None):
    """Values of any type; inside, and here where there is no mask, those of every fifth k are NULL if with_nulls. What
    stands behind a NULL (outer: one around it) is NULL too, and no elements: pyarrow writes nothing else."""
    if mask is None and with_nulls:
        mask = k % 5 == 4
    if outer is not None:
        mask = outer if mask is None else mask | outer
    if pa.types.is_struct(kind):
        children = [nested(kind.field(i).type, k + np.uint64(i), with_nulls, None, mask) for i in range(kind.num_fields)]
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(children, fields=fields, mask=None if mask is None else pa.array(mask))
    if pa.types.is_list(kind):
        counts = (k % 4).astype(np.int64)
        if mask is not None:
            counts[mask] = 0
        ends = np.cumsum(counts)
        starts = ends - counts
        inner = np.repeat(k, counts) + (np.arange(ends[-1] if len(k) else 0) - np.repeat(starts, counts)).astype(np.uint64)
        offsets = np.concatenate(([0], ends)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), nested(kind.value_type, inner, with_nulls), type=kind,
                                        mask=None if mask is None else pa.array(mask))
    return leaf(kind, k, mask)


def types_table(rows, nulls, distinct):
    i = np.arange(rows, dtype=np.uint64)
    k = i if distinct == "all" else i * np.uint64(37) % np.uint64(int(distinct))
    arrays = []
    for c, (_, kind) in enumerate(TYPES):
        mask = None
        if nulls != "none":
            mask = (i * np.uint64(13) + np.uint64(c * 5)) % 7 == 3 if nulls == "some" else np.ones(rows, dtype=bool)
        arrays.append(nested(kind, k, nulls != "none" and pa.types.is_nested(kind), mask))
    return pa.Table.from_arrays(arrays, schema=pa.schema(TYPES))


def lab_table(rows):
    i = np.arange(rows, dtype=np.uint64)
    u = scramble(i + np.uint64(1)) >> np.uint64(32)
    return pa.table({
        "transaction_id": pa.array([f"txn_{n:04}" for n in range(rows)], pa.string()),
        "user_id": pa.array([f"user_{n}" for n in (u % 1000).tolist()], pa.string()),
        "amount": pa.array((u // 7 % 99901 + 100).astype(np.float64) / 100.0),
        "type": pa.array([("purchase", "withdrawal", "transfer")[n] for n in (u % 3).tolist()], pa.string()),
        "timestamp": pa.array((EPOCH + (i // 500).astype(np.int64) * 1000000), pa.timestamp("us", "UTC")),
        "location": pa.array([("store", "online")[n] for n in (u % 2).tolist()], pa.string()),
    })


def table(shape, rows, nulls, distinct):
    return lab_table(rows) if shape == "lab" else types_table(rows, nulls, distinct)
