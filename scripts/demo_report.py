"""Writes the report about a made-up month as real logs look, from the fake API through the tap into a DuckDB file."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb

from analytics import LOAD, LOAD_SIGN_INS
from fake_endor_api import FakeEndorApi, make_realistic_log
from tests.harness import catalog_of, config_for

FOLDER = Path("report")
DATABASE = FOLDER / "audit_logs.duckdb"
VERIFIED = FOLDER / "verified.json"
EVENTS = 60_000
SIGN_INS = 6_000
DAYS = 28
STREAMS = ("audit_logs", "authentication_logs")


def main() -> int:
    """Make the file and the page; give the exit code."""
    FOLDER.mkdir(exist_ok=True)
    DATABASE.unlink(missing_ok=True)
    now = dt.datetime.now(dt.timezone.utc)
    start = now - dt.timedelta(days=DAYS)
    made_up = make_realistic_log(EVENTS, start, now, sign_ins=SIGN_INS)
    with FakeEndorApi() as api:
        api.store.add(made_up.events)
        api.sign_ins.add(made_up.sign_ins)
        sync_and_verify(api, start, now)
    options = ("--database", DATABASE, "--verified", VERIFIED, "--made-up")
    return subprocess.run((sys.executable, "-m", "analytics.report", *options), check=False).returncode


def sync_and_verify(api: FakeEndorApi, start: dt.datetime, stop: dt.datetime) -> None:
    """Bring both logs into the DuckDB file, and compare audit logs with the API."""
    messages, config, catalog = (FOLDER / name for name in ("messages.jsonl", "config.json", "catalog.json"))
    config.write_text(json.dumps(config_for(api, start_date=start.isoformat())))
    catalog.write_text(json.dumps(catalog_of(*STREAMS)))
    command = (sys.executable, "-m", "tap_endorlabs", "--config", config, "--catalog", catalog)
    environment = {**os.environ, "TAP_ENDORLABS_LOGLEVEL": "warning"}
    with messages.open("wb") as output:
        subprocess.run(command, stdout=output, env=environment, check=True)
    load(messages)
    verify = Path(sys.executable).with_name("endorlabs-verify")
    compare = (verify, "--config", config, "--to", stop.isoformat(), "--duckdb", DATABASE, "--json")
    with VERIFIED.open("wb") as output:
        subprocess.run(compare, stdout=output, check=True)


def load(messages: Path) -> None:
    """Take the records out of Singer messages, and load them as one does with those of target-jsonl."""
    files = {stream: FOLDER / f"{stream}.jsonl" for stream in STREAMS}
    lines: dict[str, list[str]] = {stream: [] for stream in STREAMS}
    with messages.open() as given:
        for message in map(json.loads, given):
            if message["type"] == "RECORD":
                lines[message["stream"]].append(f"{json.dumps(message['record'])}\n")
    for stream, file in files.items():
        file.write_text("".join(lines[stream]))
    with duckdb.connect(str(DATABASE)) as connection:
        connection.execute("SET VARIABLE lines = ?", [str(files["audit_logs"])])
        connection.execute("SET VARIABLE sign_ins = ?", [str(files["authentication_logs"])])
        connection.execute(LOAD)
        connection.execute(LOAD_SIGN_INS)


if __name__ == "__main__":
    sys.exit(main())
