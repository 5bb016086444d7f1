"""Measures the views of `analytics/` in DuckDB, on months of a realistic log: `python -m benchmarks.views`."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from analytics import LOAD, LOAD_SIGN_INS, VIEWS, statements
from fake_endor_api.realistic import make_realistic_log

MONTH = 60_000
# A sign-in for so many events.
SIGN_INS = 10
THREADS = 2
ROUNDS = 3
END = dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc)


def main() -> int:
    """Print how long each view takes; give 1 if one takes a second or more."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    parser.add_argument(
        "--events",
        type=int,
        default=1_000_000,
        help="how many audit logs there are; a tenth as many sign-ins come on top",
    )
    parser.add_argument("--database", type=Path, help="a DuckDB file to make, or to ask again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or Path(folder, "log.duckdb")
        is_new = not database.exists()
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"SET threads = {THREADS}")
            if is_new:
                fill(connection, Path(folder), given.events)
            started = time.perf_counter()
            for statement in statements("duckdb"):
                connection.execute(statement)
            print(f"{'taking in what is new':28}{time.perf_counter() - started:8.2f} s")
            slowest = max(measured(connection, view) for view in VIEWS)
    return int(slowest >= 1)


def fill(connection: duckdb.DuckDBPyConnection, folder: Path, events: int) -> None:
    """Load months of a log, the newest last."""
    months = -(-events // MONTH)
    files = {"lines": folder / "audit_logs.jsonl", "sign_ins": folder / "authentication_logs.jsonl"}
    loading = 0.0
    for month in range(months):
        end = END - dt.timedelta(days=30 * (months - 1 - month))
        count = min(MONTH, events - month * MONTH)
        count = max(count, 3_000)
        log = make_realistic_log(count, end - dt.timedelta(days=30), end, sign_ins=count // SIGN_INS, seed=month)
        for items, path in zip((log.events, log.sign_ins), files.values(), strict=True):
            with path.open("w") as output:
                for item in items:
                    output.write(f"{json.dumps({**item, 'create_time': item['meta']['create_time']})}\n")
        started = time.perf_counter()
        for (variable, path), text in zip(files.items(), (LOAD, LOAD_SIGN_INS), strict=True):
            connection.execute(f"SET VARIABLE {variable} = ?", [str(path)])
            connection.execute(text)
        loading += time.perf_counter() - started
    print(f"{'loading, by months':28}{loading:8.2f} s")


def measured(connection: duckdb.DuckDBPyConnection, view: str) -> float:
    """Print and give how long a view takes: the median of three."""
    taken = []
    rows = 0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rows = len(connection.execute(f"SELECT * FROM {view}").fetchall())  # noqa: S608
        taken.append(time.perf_counter() - started)
    seconds = sorted(taken)[ROUNDS // 2]
    print(f"{view:28}{seconds:8.2f} s{rows:10,} rows")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
