"""parquet_judge.py WRITE_MATRIX DIRECTORY PART: judges files of write_matrix by pyarrow, DuckDB and Spark.

PART: small, large, bloom, spark. Runs under the Python of scripts/lib/venv.py; prints a line per finding and a last line
`N files judged`; exit 1 if there are findings. parquet_values.py has the values that must be read.
"""

import decimal
import functools
import os
import pathlib
import subprocess
import sys
import time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import parquet_values

CODECS = ["none", "snappy", "gzip", "zstd", "lz4_raw"]
NULLS = ["none", "some", "all"]
DISTINCT = ["1", "100", "all"]
SIZE_MAX = 1.10  # also of files of no or one row: their metadata is Spark's schema and indexes, pyarrow's a schema of its own
BOUND_BYTES = 64

expected_table = functools.lru_cache(maxsize=30)(parquet_values.table)
findings = []


def finding(name, text):
    findings.append(name)
    print(f"{name}: {text}", flush=True)


def same(got, want):
    """Values one by one: NaN is NaN, -0.0 is not 0.0, what stands behind a NULL does not matter."""
    if got.type != want.type or len(got) != len(want) or got.null_count != want.null_count:
        return False
    kind = want.type
    if pa.types.is_floating(kind):
        bits = np.uint32 if kind.bit_width == 32 else np.uint64
        if not pc.is_valid(got).equals(pc.is_valid(want)):
            return False
        a, b = got.drop_null().to_numpy(zero_copy_only=False), want.drop_null().to_numpy(zero_copy_only=False)
        nan = np.isnan(b)
        return bool(np.array_equal(np.isnan(a), nan) and np.array_equal(a[~nan].view(bits), b[~nan].view(bits)))
    if pa.types.is_struct(kind):
        return pc.is_valid(got).equals(pc.is_valid(want)) and all(
            same(pc.struct_field(got, [i]), pc.struct_field(want, [i])) for i in range(kind.num_fields))
    if pa.types.is_list(kind):
        return pc.list_value_length(got).equals(pc.list_value_length(want)) and same(got.flatten(), want.flatten())
    return got.equals(want)


def combined(column):
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def whole(column):
    array = combined(column)
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def compare(name, reader, got, want):
    for field in want.schema:
        if field.name not in got.schema.names:
            finding(name, f"{reader} does not see {field.name}")
        elif not same(whole(got[field.name]), whole(want[field.name])):
            finding(name, f"{reader}: {field.name} ({field.type}) differs; got {got.schema.field(field.name).type} "
                          f"{got[field.name].slice(0, 6).to_pylist()}, want {want[field.name].slice(0, 6).to_pylist()}")


def physical(scalar, kind):
    """A value as statistics.min_raw and max_raw have it."""
    value = scalar.as_py()
    if pa.types.is_decimal(kind):
        with decimal.localcontext() as context:
            context.prec = 60
            return int(value.scaleb(kind.scale))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return scalar.value
    return value.encode() if isinstance(value, str) else value


def bounds(values):
    kind = values.type
    if pa.types.is_floating(kind):
        values = values.filter(pc.invert(pc.is_nan(values)))
    values = values.drop_null()
    if len(values) == 0:
        return None
    if pa.types.is_binary(kind) or pa.types.is_string(kind):
        values = values.cast(pa.binary())
    found = pc.min_max(values)
    return physical(found["min"], kind), physical(found["max"], kind)


def check_statistics(name, path, want):
    metadata = pq.ParquetFile(path).metadata
    first = 0
    if metadata.num_rows != want.num_rows:
        finding(name, f"{metadata.num_rows} rows, not {want.num_rows}")
    for g in range(metadata.num_row_groups):
        group = metadata.row_group(g)
        for c in range(group.num_columns):
            check_chunk(f"{name} row group {g}", group.column(c), want, first, group.num_rows)
        first += group.num_rows


def check_chunk(name, chunk, want, first, rows):
    path = chunk.path_in_schema
    if not chunk.has_offset_index:
        finding(name, f"{path} has no offset index")
    if "." in path:
        return
    values = whole(want[path].slice(first, rows))
    statistics, expected = chunk.statistics, bounds(values)
    if statistics.null_count != values.null_count:
        finding(name, f"{path}: null_count {statistics.null_count}, not {values.null_count}")
    if statistics.has_min_max != (expected is not None):
        finding(name, f"{path}: has_min_max {statistics.has_min_max}")
        return
    if expected is None:
        if not chunk.has_column_index and values.null_count == rows:
            finding(name, f"{path} has no column index")
        return
    if not chunk.has_column_index:
        finding(name, f"{path} has no column index")
    low, high = statistics.min_raw, statistics.max_raw
    if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY":
        low, high = (int.from_bytes(raw, "big", signed=True) for raw in (low, high))
    good = (low, high) == expected
    if isinstance(low, bytes):
        good = (low == expected[0] if len(expected[0]) <= BOUND_BYTES else expected[0].startswith(low) and len(low) > 60) and \
               (high == expected[1] if len(expected[1]) <= BOUND_BYTES else high >= expected[1])
    if pa.types.is_floating(values.type):
        good = good and (low != 0 or np.signbit(low)) and (high != 0 or not np.signbit(high))
    if not good:
        finding(name, f"{path}: statistics {low!r}..{high!r}, not {expected[0]!r}..{expected[1]!r}")


def check_size(name, path, want, codec, dictionary):
    other = path.with_suffix(".pyarrow")
    pq.write_table(want, other, compression={"lz4_raw": "lz4"}.get(codec, codec), use_dictionary=dictionary)
    ours, theirs = path.stat().st_size, other.stat().st_size
    other.unlink()
    if ours > SIZE_MAX * theirs:
        finding(name, f"{ours} bytes, pyarrow {theirs}: {ours / theirs:.2f} times as large")
    return ours / theirs


def duck_table(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    return connection.execute(f"SELECT * FROM read_parquet('{path}')").arrow()


def judge(name, path, want, codec, shape):
    compare(name, "pyarrow", pq.read_table(path, use_threads=False), want)
    duck = duck_table(path)
    compare(name, "DuckDB", duck.cast(want.schema) if duck.num_rows else want.schema.empty_table(), want)
    check_statistics(name, path, want)
    return 0 if shape == "saved" else check_size(name, path, want, codec, shape != "plain")  # row groups that a save ended cost more


def write(program, files):
    words = [str(w) for file in files for w in file]
    subprocess.run([program, *words], check=True, stdin=subprocess.DEVNULL)


def judge_matrix(program, directory, cases, verbose=False):
    """cases: (rows, nulls, distinct, codec, shape)."""
    worst = {}
    for case in cases:
        rows, nulls, distinct, codec, shape = case
        name, path, started = "-".join(map(str, case)), directory / "file.parquet", time.monotonic()
        write(program, [(*case, path)])
        ratio = judge(name, path, expected_table(shape, rows, nulls, distinct), codec, shape)
        worst[rows] = max(worst.get(rows, (0, "")), (ratio, name))
        if verbose:
            print(f"# {name}: {ratio:.3f} of pyarrow's size, {time.monotonic() - started:.1f} s", flush=True)
    for rows, (ratio, name) in worst.items():
        print(f"# {rows} rows: at most {ratio:.3f} of pyarrow's size ({name})")
    return len(cases)


def small(program, directory):
    cases = [(rows, nulls, distinct, codec, "types") for rows in (0, 1, 1000) for nulls in NULLS for distinct in DISTINCT
             for codec in CODECS]
    saved = [(20000, nulls, "100", codec, "saved") for nulls, codec in (("none", "snappy"), ("some", "zstd"), ("all", "gzip"))]
    return judge_matrix(program, directory, cases + [(1000, nulls, "100", "zstd", "plain") for nulls in NULLS] + saved)


def large(program, directory):
    """Every pair of NULLs, distinct values and compression, and the lab's rows in every compression."""
    pairs = [(NULLS[(i + j) % 3], DISTINCT[j], codec) for i, codec in enumerate(CODECS) for j in range(3)]
    cases = [(1000000, nulls, distinct, codec, "types") for nulls, distinct, codec in sorted(pairs)]
    return judge_matrix(program, directory, cases + [(1000000, "none", "all", codec, "lab") for codec in CODECS], verbose=True)


def bloom(program, directory):
    """DuckDB reads the filters: what is there is found, and what is not is ruled out without reading pages."""
    path = directory / "bloom.parquet"
    connection = duckdb.connect()
    for rows, distinct in ((1, "all"), (1000, "100"), (50000, "all"), (400000, "all")):
        write(program, [(rows, "some", distinct, "snappy", "bloom", path)])
        want = expected_table("types", rows, "some", distinct)
        compare(f"bloom {rows}", "pyarrow", pq.read_table(path), want)
        filters = {row[0]: row[1] for row in connection.execute(
            f"SELECT path_in_schema, count(bloom_filter_offset) FROM parquet_metadata('{path}') GROUP BY ALL").fetchall()}
        if sorted(name for name, n in filters.items() if n) != ["dec20", "i32", "i64", "st, b", "str"]:
            finding(f"bloom {rows}", f"filters {filters}")
        for column, quoted in (("i64", str), ("i32", str), ("str", lambda v: f"'{v}'")):
            values = [v for v in want[column].slice(0, 60).to_pylist() if v is not None]
            probe = [v for v in values if excluded(connection, path, column, quoted(v))]
            if probe:
                finding(f"bloom {rows}", f"{column}: {probe[:3]} are in the file, not in the filter")
        absent = [str(v) for v in range(12345, 12545)]
        missed = sum(not excluded(connection, path, "i64", v) for v in absent)
        # About 1 % per row group, of which any may let a value pass; three times that.
        if missed > 2 + 0.03 * len(absent) * pq.ParquetFile(path).num_row_groups:
            finding(f"bloom {rows}", f"{missed} of 200 values that are not in the file pass the filter")
    return 4


def excluded(connection, path, column, literal):
    rows = connection.execute(f"SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe('{path}', '{column}', {literal})")
    return rows.fetchone()[0]


def spark(program, directory):
    """Spark reads types and values as they are, and skips by column indexes and Bloom filters without losing rows."""
    from pyspark.sql import SparkSession
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").config("spark.driver.memory", "1g")
               .config("spark.sql.session.timeZone", "UTC").config("spark.driver.bindAddress", "127.0.0.1")
               .config("spark.sql.warehouse.dir", str(directory / "warehouse")).getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    cases = [(1000, "some", "all", codec, "types") for codec in CODECS] + [
        (0, "none", "1", "snappy", "types"), (1000, "all", "1", "snappy", "types"),
        (30000, "some", "100", "snappy", "types"), (60000, "some", "all", "zstd", "bloom")]
    try:
        for i, case in enumerate(cases):
            judge_by_spark(session, directory, f"{i}.parquet", program, case)
    finally:
        session.stop()
    return len(cases)


SPARK_SCHEMA = ("bool boolean, i8 tinyint, i16 smallint, i32 int, i64 bigint, f32 float, f64 double, dec9 decimal(9,2), "
                "dec18 decimal(18,4), dec20 decimal(20,0), dec38 decimal(38,10), str string, bin binary, date date, ts timestamp, "
                "st struct<a: int, b: string, c: struct<d: double>>, arr array<int>, arr2 array<array<string>>, "
                "arrst array<struct<x: bigint, y: array<double>>>, starr struct<l: array<date>>")


def judge_by_spark(session, directory, file, program, case):
    """Spark writes what it read with its own writer, and pyarrow reads that: a comparison without Python rows."""
    from pyspark.sql.types import _parse_datatype_string
    rows, nulls, distinct, codec, shape = case
    name, path, copy = f"Spark {case}", directory / file, directory / (file + ".copy")
    write(program, [(*case, path)])
    want = expected_table("types", rows, nulls, distinct)
    frame = session.read.parquet(str(path))
    if frame.schema.simpleString() != _parse_datatype_string(SPARK_SCHEMA).simpleString():
        finding(name, f"types {frame.schema.simpleString()}")
    session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    for vectorized in ("true", "false") if codec == "zstd" else ("true",):
        session.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
        session.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorized)
        session.read.parquet(str(path)).coalesce(1).write.mode("overwrite").parquet(str(copy))
        compare(f"{name} vectorized={vectorized}", "Spark", pq.read_table(copy).cast(want.schema), want)
    if rows > 1000:
        check_filters(name, session.read.parquet(str(path)), want)


def check_filters(name, frame, want):
    """Rows that are there are found through statistics, column indexes and Bloom filters, and the right number of them."""
    terms, expected = [], []
    for column, kind in (("i64", "bigint"), ("str", "string"), ("dec20", "decimal(20,0)"), ("ts", "timestamp"), ("date", "date")):
        for value in [v for v in want[column].slice(want.num_rows // 2, 40).to_pylist() if v is not None][:2]:
            text = value.strftime("%Y-%m-%d %H:%M:%S.%f") if column == "ts" else str(value)
            terms.append(f"{column} = CAST('{text}' AS {kind})")
            expected.append(pc.sum(pc.equal(want[column], pa.scalar(value, want[column].type))).as_py())
    for term, there in zip(terms, expected):
        found = frame.where(term).count()
        if found != there:
            finding(name, f"{term}: {found} rows, not {there}")


def main():
    program, directory, part = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    count = {"small": small, "large": large, "bloom": bloom, "spark": spark}[part](program, directory)
    print(f"{count} files judged")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
