"""Measures what the arithmetic of `docs/scale.md` starts from, besides the comparison: bytes and states."""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
import typing as t
from pathlib import Path

import msgspec
import requests

from benchmarks.cases import REFERENCE_CONCURRENCY, Load
from benchmarks.environments import OWN_BINARIES
from benchmarks.measure import config_for, run_program
from benchmarks.scale.arithmetic import PAGE

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from benchmarks.cases import Sizes

Row = dict[str, t.Any]

GZIP_LEVEL = 6
_LOOK_BACK = 30 * 86_400
"""Seconds; longer than the log goes back, so that its events are all named in the state."""


def measure_inputs(url_of: Callable[[Load], str], start: dt.datetime, sizes: Sizes, rounds: int) -> Row:
    """Measure bytes and states.

    Args:
        url_of: gives the server of a load.
        start: a time before all events.
        sizes: how many events give the bytes, and how many uuids there are in the states.
        rounds: how often each is measured; the median counts.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        events, url = sizes.slow, url_of(Load(sizes.slow))
        _tap(folder, url, start)
        messages = (folder / "stdout").rename(folder / "messages")
        return {
            "bytes": _bytes(messages, url, events),
            "states": [_state(folder, url_of(Load(number)), start, number, rounds) for number in sizes.states],
        }


def _tap(folder: Path, url: str, start: dt.datetime, **settings: int) -> list[float]:
    config = folder / "config.json"
    own = {"concurrency": REFERENCE_CONCURRENCY, **settings}
    config.write_text(json.dumps(config_for(url, start) | own))
    requests.post(f"{url}/_bench/reset", timeout=30)
    return _run([f"{OWN_BINARIES}/tap-endorlabs", "--config", str(config)], folder)


def _run(command: list[str], folder: Path) -> list[float]:
    figures = run_program(command, folder)
    if figures[0]:
        raise RuntimeError((folder / "stderr").read_text()[-2_000:])
    return figures


def _bytes(messages: Path, url: str, events: int) -> dict[str, float]:
    """Give the bytes of an event: in the API's answers, in these compressed, as a RECORD line, and landed."""
    received = requests.get(f"{url}/_bench/stats", timeout=30).json()["bytes"]
    query = {"list_parameters.page_size": str(PAGE), "list_parameters.sort.path": "meta.create_time"}
    page = requests.get(f"{url}/v1/namespaces/acme/audit-logs", params=query, timeout=30).content
    lines = [line for line in messages.read_bytes().splitlines() if line.startswith(b'{"type":"RECORD"')]
    record = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    landed = gzip.compress(b"".join(bytes(record(line)["record"]) + b"\n" for line in lines), GZIP_LEVEL)
    return {
        "received": received / events,
        "received_gzip": len(gzip.compress(page, GZIP_LEVEL)) / PAGE,
        "record": sum(len(line) + 1 for line in lines) / events,
        "landed_gzip": len(landed) / events,
    }


def _state(folder: Path, url: str, start: dt.datetime, events: int, rounds: int) -> Row:
    """Give what a run takes whose state names all of its events."""
    runs = [_tap(folder, url, start, lookback_seconds=_LOOK_BACK) for _ in range(rounds)]
    states = [line for line in (folder / "stdout").open("rb") if line.startswith(b'{"type":"STATE"')]
    written = {"events": events, "state": len(states[-1]), "states": sum(map(len, states))}
    return written | _medians(runs)


def _medians(runs: list[list[float]]) -> Row:
    _, wall, user, _, rss = (statistics.median(figures) for figures in zip(*runs, strict=True))
    return {"wall": wall, "user": user, "rss": rss / 1e6}
