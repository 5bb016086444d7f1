"""How long `endorlabs-verify` takes for a million rows in each kind of destination, and how much memory.

Run it with `python -m benchmarks.verify`, or for some kinds alone: `--destination duckdb`. It prints a table in
Markdown. The API is a stub that counts, as what is
measured is the reading of the destination; PostgreSQL runs on the same machine.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import re
import tempfile
import threading
import typing as t
from bisect import bisect_left
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import psycopg

from analytics import LOAD
from benchmarks.environments import OWN_BINARIES
from benchmarks.measure import config_for, run_program
from fake_endor_api import make_events
from tests.targets.postgres import TABLE, running

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAYS = 20
DESTINATIONS = ("jsonl", "duckdb", "postgres")
_BODIES = 1000
_DATE = re.compile(r"date\(([^)]+)\)")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--destination", choices=DESTINATIONS, nargs="+", default=DESTINATIONS)
    given = parser.parse_args()
    rows = given.rows
    now = dt.datetime.now(dt.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    start = now - dt.timedelta(days=DAYS)
    times = [start + dt.timedelta(days=DAYS) * n / rows for n in range(rows)]
    print("| destination | what | rows | wall s | CPU s | peak RSS MB |\n|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        lines = folder / "audit_logs.jsonl"
        with lines.open("w") as file:
            file.writelines(lines_of(times))
        where = {kind: _FILLED[kind](lines, stack) for kind in given.destination}
        with ThreadingHTTPServer(("127.0.0.1", 0), counting(times)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            config = config_for(f"http://127.0.0.1:{server.server_port}", start)
            (folder / "config.json").write_text(json.dumps(config))
            for kind, value in where.items():
                measure(folder, f"--{kind}", value, rows, now)
            server.shutdown()


def measure(folder: Path, option: str, value: str, rows: int, now: dt.datetime) -> None:
    """Compare with the API, then with digests, and print a row for each."""
    seal = ["--config", f"{folder}/config.json", "--to", now.isoformat()]
    print(row_of(folder, option, value, rows, seal))
    digests = folder / f"digests{option}"
    run_program([f"{OWN_BINARIES}/endorlabs-verify", option, value, *seal, "--digests", str(digests)], folder)
    print(row_of(folder, option, value, rows, ["--against", str(digests)]))


def lines_of(times: list[dt.datetime]) -> Iterator[str]:
    """Give a line for each time; every so many have the same body."""
    bodies = []
    for event in make_events(_BODIES, times[0], times[-1]):
        head, tail = json.dumps(event).split(json.dumps(event["uuid"]), maxsplit=1)
        bodies.append((head, tail[:-1]))
    for number, time in enumerate(times):
        head, tail = bodies[number % _BODIES]
        stamp = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
        yield f'{head}"{int(time.timestamp()):08x}{number:016x}"{tail}, "create_time": "{stamp}"}}\n'


def filled_duckdb(lines: Path, _stack: contextlib.ExitStack) -> str:
    """Load lines as the project does; give the file."""
    database = str(lines.with_suffix(".duckdb"))
    with duckdb.connect(database) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(lines)])
        connection.execute(LOAD)
    return database


def filled_postgres(lines: Path, stack: contextlib.ExitStack) -> str:
    """Make the table that target-postgres makes, and fill it; give the URL."""
    url = stack.enter_context(running()).settings["TARGET_POSTGRES_SQLALCHEMY_URL"].replace("+psycopg", "")
    columns = "uuid text PRIMARY KEY, create_time timestamp, tenant_meta jsonb, meta jsonb, spec jsonb"
    with psycopg.connect(url) as connection, lines.open() as file:
        connection.execute(f"CREATE SCHEMA tap_endorlabs; CREATE TABLE {TABLE} ({columns})")
        with connection.cursor().copy(f"COPY {TABLE} FROM STDIN") as copy:
            for line in file:
                record = json.loads(line)
                nested = [json.dumps(record[name]) for name in ("tenant_meta", "meta", "spec")]
                copy.write_row([record["uuid"], record["create_time"], *nested])
    return url


_FILLED: dict[str, Callable[[Path, contextlib.ExitStack], str]] = {
    "jsonl": lambda lines, _: str(lines),
    "duckdb": filled_duckdb,
    "postgres": filled_postgres,
}
"""Makes each kind of destination of lines, and gives what the command takes for it."""


def counting(times: list[dt.datetime]) -> type[BaseHTTPRequestHandler]:
    """Make a server that has one event at each time, and only counts them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            expiry = (dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=4)).isoformat()
            self.answer({"token": "bench", "expiration_time": expiry})

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            condition = parse_qs(url.query)["list_parameters.filter"][0]
            ends = [dt.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in _DATE.findall(condition)]
            first, stop = (bisect_left(times, end) for end in ends)
            self.answer({"count_response": {"count": 0 if "archive" in self.path else stop - first}})

        def answer(self, content: dict[str, t.Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def row_of(folder: Path, option: str, value: str, rows: int, options: list[str]) -> str:
    """Run the command; give its row of the table.

    Raises:
        RuntimeError: it did not find that all agree.
    """
    command = [f"{OWN_BINARIES}/endorlabs-verify", option, value, *options]
    code, wall, user, system, peak = run_program(command, folder)
    if code:
        raise RuntimeError((folder / "stdout").read_text()[-500:] + (folder / "stderr").read_text()[-2_000:])
    what = "--against" if "--against" in options else "compare"
    return f"| `{option}` | {what} | {rows:,} | {wall:.1f} | {user + system:.1f} | {peak / 1e6:.0f} |"


if __name__ == "__main__":
    main()
