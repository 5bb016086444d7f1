"""How many events a second the mapper `endorlabs-ocsf` makes, start-up included.

Run it with `python -m benchmarks.ocsf`. It prints a table in Markdown: medians of the rounds, by wall and by CPU time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import tempfile
import typing as t
from pathlib import Path

from benchmarks.environments import OWN_BINARIES
from benchmarks.measure import run_program
from benchmarks.scale import document
from fake_endor_api import make_events, make_sign_ins
from tap_endorlabs.api.records import Event
from tap_endorlabs.sync.messages import record_lines
from tap_endorlabs.timestamps import normalize

if t.TYPE_CHECKING:
    from collections.abc import Iterable

START = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)


class Way(t.NamedTuple):
    """What is mapped: how many events in a hundred are sign-ins, and with which settings."""

    sign_ins: int
    config: dict[str, t.Any]


WAYS = {
    "audit logs": Way(0, {}),
    "audit logs, Entity Management on": Way(0, {"entity_management": True}),
    "sign-ins": Way(100, {}),
}


def run(way: Way, events: int) -> tuple[float, float]:
    """Map once; give events a second of wall and of CPU time.

    Raises:
        RuntimeError: it failed, or not every event came out.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(way.config))
        with (folder / "input").open("wb") as file:
            for stream, made in made_for(way, events):
                file.writelines(record_lines(stream, [_event(one)], START) for one in made)
        command = f"exec {OWN_BINARIES}/endorlabs-ocsf --config {folder}/config.json < {folder}/input"
        code, wall, user, system, _ = run_program(["/bin/sh", "-c", command], folder)
        with (folder / "stdout").open("rb") as output:
            written = sum(1 for _ in output)
        if code or written != events:
            raise RuntimeError(f"{written} of {events} came out: {(folder / 'stderr').read_text()[-2_000:]}")
    return events / wall, events / (user + system)


def made_for(way: Way, events: int) -> Iterable[tuple[str, list[dict[str, t.Any]]]]:
    """Give the streams, each with its events."""
    end = START + dt.timedelta(days=1)
    sign_ins = events * way.sign_ins // 100
    yield "audit_logs", make_events(events - sign_ins, START, end)
    yield "authentication_logs", make_sign_ins(sign_ins, START, end)


def _event(one: dict[str, t.Any]) -> Event:
    return Event(normalize(one["meta"]["create_time"]), one["uuid"], json.dumps(one).encode())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ocsf", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rounds = [[run(way, given.events) for way in WAYS.values()] for _ in range(given.rounds)]
    medians = [[statistics.median(one) for one in zip(*runs, strict=True)] for runs in zip(*rounds, strict=True)]
    rows = [[name, *(f"{figure:,.0f}" for figure in figures)] for name, figures in zip(WAYS, medians, strict=True)]
    print(document.table([[f"{given.events:,} events", "events/s, wall", "events/s, CPU"], *rows]))


if __name__ == "__main__":
    main()
