"""Syncs from the fake API to a JSON Lines file with Meltano, twice, and compares the file with the API.

Exits with 1 if anything is missing or repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import shutil
import subprocess
import sys
import time
import typing as t
from collections import Counter
from pathlib import Path

import requests

from tests.meltano import environment_for

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 10_000
NEW_EVENTS = 250
DAYS = 60
FOLDER = Path("demo")
OUTPUT = FOLDER / "output" / "audit_logs.jsonl"
LOG = FOLDER / "demo.log"
JOB = ("tap-endorlabs", "target-jsonl")


def main() -> int:
    """Run the demo; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meltano", required=True, help="Meltano's executable")
    meltano = str(Path(parser.parse_args().meltano).absolute())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with fake_api() as url:
        start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS + 1)
        environment = environment_for(url, FOLDER.absolute(), start)
        step("Installing the tap and target-jsonl for Meltano", [meltano, "install", *JOB], environment)
        seconds, lines = [], []
        for run in ("first", "second"):
            begun = time.monotonic()
            step(f"meltano run {' '.join(JOB)}  ({run} run)", [meltano, "run", *JOB], environment)
            seconds.append(time.monotonic() - begun)
            lines.append(count_lines())
            if run == "first":
                requests.post(f"{url}/_fake/events", json={"count": NEW_EVENTS, "seconds": 30}, timeout=30)
                # A run reads up to the second in which it starts.
                time.sleep(1)
        in_api = requests.get(f"{url}/_fake/uuids", timeout=30).json()
    return report(in_api, lines, seconds)


@contextlib.contextmanager
def fake_api() -> Iterator[str]:
    """Run the fake API on a free loopback port; give its URL."""
    port_file = FOLDER / "port"
    command = [sys.executable, "-m", "tests.fake_endor_api", "--port", "0", "--port-file", str(port_file)]
    with LOG.open("a") as log:
        server = subprocess.Popen(
            [*command, "--events", str(EVENTS), "--days", str(DAYS)], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The fake API did not start, see {LOG}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text().strip()}"
    finally:
        server.terminate()
        server.wait()


def step(what: str, command: list[str], environment: dict[str, str]) -> None:
    """Run a command, with its output in the log file; end the demo if it fails."""
    print(f"{what} …", flush=True)
    with LOG.open("a") as log:
        done = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        print("\n".join(LOG.read_text().splitlines()[-30:]), file=sys.stderr)
        sys.exit(f"{command[1]} ended with exit code {done.returncode}; the whole log is in {LOG}")


def count_lines() -> int:
    """Count the lines that have been delivered so far."""
    return len(OUTPUT.read_text().splitlines()) if OUTPUT.exists() else 0


def report(in_api: list[str], lines: list[int], seconds: list[float]) -> int:
    """Print what came in; give 1 if a figure is off."""
    records = [json.loads(line) for line in OUTPUT.read_text().splitlines()]
    delivered = Counter(record["uuid"] for record in records)
    repeats = sum(delivered.values()) - len(delivered)
    missing = len(set(in_api) - delivered.keys())
    rows = [
        ("events in the API", f"{len(in_api):,}"),
        ("lines after the first run", f"{lines[0]:,}"),
        ("lines after the second run", f"{lines[1]:,}"),
        ("repeats", f"{repeats:,}"),
        ("missing", f"{missing:,}"),
        ("seconds, first run", f"{seconds[0]:.1f}"),
        ("seconds, second run", f"{seconds[1]:.1f}"),
        ("file", str(OUTPUT)),
    ]
    print("\nThe first event:")
    print(json.dumps(records[0], indent=2, ensure_ascii=False))
    print()
    for name, value in rows:
        print(f"{name:28}{value}")
    right = (
        (len(in_api), *lines) == (EVENTS + NEW_EVENTS, EVENTS, EVENTS + NEW_EVENTS)
        and repeats == missing == 0
        and delivered.keys() == set(in_api)
    )
    print("\nEvery event once." if right else "\nThe figures are off.")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
