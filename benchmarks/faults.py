"""What random failures cost: the same log with and without them, in one go.

Run it with `python -m benchmarks.faults`; `--help` tells its options. It prints a table in Markdown: for each kind of
failure and each share of the requests, time and requests as multiples of those without any. The waits that the server
names are left out of the time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from fake_endor_api import DEMO_KEY, DEMO_SECRET, FakeEndorApi, Fault, make_events

NAMED = 1
"""Seconds that a refusal may ask to wait."""

KINDS = {
    "504": Fault.status(504),
    "500": Fault.status(500),
    "reset": Fault.reset(),
    "429": Fault.status(429),
    "429, Retry-After: 1": Fault.status(429, headers={"Retry-After": str(NAMED)}),
    "no answer": Fault.stall(3600),
}

SHARES = (0.01, 0.05, 0.1, 0.2)


class Run(t.NamedTuple):
    """What one run came to: seconds without the waits that the server names, and requests."""

    seconds: float
    requests: int


class Bench:
    """Runs the tap against a fake API.

    Args:
        api: the API.
        events: how many events it has.
    """

    def __init__(self, api: FakeEndorApi, events: int) -> None:
        self._api = api
        self._events = events
        self._start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=21)
        api.store.add(make_events(events, self._start, self._start + dt.timedelta(days=20)))

    def run(self, concurrency: int, fault: Fault | None = None, share: float = 0.0) -> Run:
        """Run the tap once.

        Raises:
            RuntimeError: the run failed, or not all events came.
        """
        self._api.heal()
        asked = len(self._api.requests)
        if fault is not None:
            self._api.fail(fault, times=None, share=share)
        settings = {
            "namespace": "acme",
            "api_key": DEMO_KEY,
            "api_secret": DEMO_SECRET,
            "api_url": f"http://127.0.0.1:{self._api.port}",
            "start_date": self._start.isoformat(),
            "concurrency": concurrency,
        }
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config.json"
            config.write_text(json.dumps(settings))
            begun = time.perf_counter()
            command = [sys.executable, "-m", "tap_endorlabs", "--config", str(config)]
            done = subprocess.run(command, capture_output=True, check=False)
            seconds = time.perf_counter() - begun
        records = done.stdout.count(b'{"type":"RECORD"')
        if done.returncode or records != self._events:
            raise RuntimeError(f"{records} of {self._events} events came: {done.stderr.decode()[-500:]}")
        requests = self._api.requests[asked:]
        if fault is not None and fault.headers:
            seconds -= named_waits([request.time for request in requests if request.status == fault.code])
        return Run(seconds, len(requests))


def named_waits(refusals: list[dt.datetime]) -> float:
    """Give for how many seconds nobody was to ask, as all workers wait for a named time together."""
    total, end = 0.0, None
    for refusal in sorted(refusals):
        begun = refusal if end is None else max(refusal, end)
        end = refusal + dt.timedelta(seconds=NAMED)
        total += (end - begun).total_seconds()
    return total


def cells(bench: Bench, concurrency: int, kind: str, rounds: int) -> t.Iterator[str]:
    """Give how many times as long, and as many requests, a kind of failure takes: medians, for each share."""
    plain = [bench.run(concurrency) for _ in range(rounds)]
    for share in SHARES:
        runs = [bench.run(concurrency, KINDS[kind], share) for _ in range(rounds)]
        ratios = [
            statistics.median(own) / statistics.median(without)
            for own, without in zip(zip(*runs, strict=True), zip(*plain, strict=True), strict=True)
        ]
        yield " / ".join(f"{ratio:.2f}" for ratio in ratios)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that each answer takes")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured; the median counts")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    with FakeEndorApi() as api:
        api.behaviour.latency = options.latency
        bench = Bench(api, options.events)
        print("| failure, concurrency: time / requests |", *(f"{share:.0%} |" for share in SHARES))
        print("|---|" + "---|" * len(SHARES))
        for kind in options.kinds:
            for concurrency in options.concurrency:
                row = (f"{cell} |" for cell in cells(bench, concurrency, kind, options.rounds))
                print(f"| {kind}, {concurrency} |", *row, flush=True)


if __name__ == "__main__":
    main()
