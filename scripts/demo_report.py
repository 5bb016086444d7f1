"""Writes the report about made-up audit logs, from the fake API through the tap into a DuckDB file."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path
from random import Random

import duckdb

from analytics import LOAD
from fake_endor_api import FakeEndorApi, make_events_at
from tests.harness import config_for

FOLDER = Path("report")
EVENTS = 10_000
DAYS = 28
FRIDAY = 5


def main() -> int:
    """Make the file and the page; give the exit code."""
    FOLDER.mkdir(exist_ok=True)
    lines, database = FOLDER / "audit_logs.jsonl", FOLDER / "audit_logs.duckdb"
    now = dt.datetime.now(dt.timezone.utc)
    start = now - dt.timedelta(days=DAYS)
    with FakeEndorApi() as api, lines.open("wb") as output:
        api.store.add(made_up(start, now))
        config = FOLDER / "config.json"
        config.write_text(json.dumps(config_for(api, start_date=start.isoformat())))
        command = [sys.executable, "-m", "tap_endorlabs", "--config", str(config)]
        environment = {**os.environ, "TAP_ENDORLABS_LOGLEVEL": "warning"}
        subprocess.run(command, stdout=output, env=environment, check=True)
    database.unlink(missing_ok=True)
    load(lines, database)
    return subprocess.run(
        [sys.executable, "-m", "analytics.report", "--database", str(database)], check=False
    ).returncode


def made_up(start: dt.datetime, end: dt.datetime) -> list[dict[str, t.Any]]:
    """Give events most of which happen in working hours, and one night's many deletions."""
    rng = Random(0)  # noqa: S311
    times: list[dt.datetime] = []
    while len(times) < EVENTS:
        time = start + rng.random() * (end - start)
        is_working = time.isoweekday() <= FRIDAY and 8 <= time.hour < 18  # noqa: PLR2004
        if rng.random() < (1.0 if is_working else 0.06):
            times.append(time)
    night = end.replace(hour=2, minute=40) - dt.timedelta(days=6)
    spree = [night + dt.timedelta(seconds=20 * number) for number in range(40)]
    events = make_events_at(int(time.timestamp() * 1e6) * 1000 for time in [*times, *spree])
    for event in events[-len(spree) :]:
        event["spec"] |= {"operation": "OPERATION_DELETE", "claims": ["email=mallory@example.com"]}
    return events


def load(messages: Path, database: Path) -> None:
    """Take the records out of Singer messages, and load them as one does with those of target-jsonl."""
    lines = messages.with_suffix(".records")
    with messages.open() as given, lines.open("w") as wanted:
        for message in map(json.loads, given):
            if message["type"] == "RECORD":
                wanted.write(f"{json.dumps(message['record'])}\n")
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(lines)])
        connection.execute(LOAD)


if __name__ == "__main__":
    sys.exit(main())
