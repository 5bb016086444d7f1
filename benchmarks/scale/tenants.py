"""What a rate limit that 200 tenants share does to their runs: simulated, and held against real taps.

python -m benchmarks.scale.tenants           # simulates, and writes the tables into docs/scale.md: some three minutes
python -m benchmarks.scale.tenants --check   # the same small fleet simulated and with real taps, likewise
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks.scale.document import fill, table
from benchmarks.scale.fleet import Fleet, Outcome, limit_of, share, simulate
from fake_endor_api import Behaviour, FakeEndorApi, make_events
from fake_endor_api.times import utc_now
from tests.harness import Process, config_for

HOUR = 3_600.0
TENANTS = 200
LIMITS = (1, 2, 5, 10, 20, 50)
AT_ONCE = (4, 8, 16, 32, TENANTS)
BACKFILL_LIMITS = (5, 10, 20, 50)
BACKFILL_AT_ONCE = (4, 8, 16, 32)
MONTHS, PAGES = 36, 22
"""Three years; 10,000 events a month, read with a tenth more requests than there are pages."""


def steady(limit: float, at_once: int) -> Outcome:
    """Simulate three hours of incremental runs."""
    return simulate(Fleet(TENANTS, limit, at_once), 3 * HOUR)


def backfill(limit: float, at_once: int) -> Outcome:
    """Simulate three years of months read while the incremental runs go on."""
    return simulate(Fleet(TENANTS, limit, at_once, months=MONTHS, pages=PAGES), 14 * 24 * HOUR)


def steady_cell(outcome: Outcome) -> str:
    """Give the share of requests that was refused, how old events got, and how many runs failed."""
    failed = f", {outcome.failed} failed" if outcome.failed else ""
    return f"{_refused(outcome)}, {_oldest(outcome):.0f} s{failed}"


def backfill_cell(outcome: Outcome) -> str:
    """Give the hours until all was read, and how old the events of the incremental runs got meanwhile."""
    hours = "not in 14 days" if outcome.backfill is None else f"{outcome.backfill / HOUR:.1f} h"
    failed = f", {outcome.failed} failed" if outcome.failed else ""
    return f"{hours}, {_refused(outcome)}, {_oldest(outcome):.0f} s{failed}"


def _refused(outcome: Outcome) -> str:
    return f"{100 * outcome.refused / outcome.requests:.0f} %"


def _oldest(outcome: Outcome) -> float:
    # The first runs of all begin together, and with nothing before them.
    return share(outcome.ages[TENANTS:], 0.99)


def _grid(
    run: t.Callable[[float, int], Outcome],
    cell: t.Callable[[Outcome], str],
    limits: t.Iterable[float],
    widths: t.Sequence[int],
) -> str:
    rows = []
    for limit in limits:
        rows.append([f"{limit:g}", *(cell(run(limit, width)) for width in widths)])
        print(" | ".join(rows[-1]), flush=True)
    return table([["requests a second", *(f"{width} taps at once" for width in widths)], *rows])


def check(tenants: int = 60, limit: float = 4, at_once: int = 6) -> str:
    """Run a small fleet once with real taps and once simulated; give what both took, as a table.

    How long a tap takes to start where so many do at once is measured first, without a limit.
    """
    free, _, _ = _real(tenants, None, at_once)
    fleet = Fleet(tenants, limit, at_once, interval=1e9, engine=0, log_in_limited=False)
    start_up = free * at_once / tenants - 2 * fleet.latency
    simulated = simulate(replace(fleet, start_up=start_up), HOUR)
    seconds, requests, refused = _real(tenants, limit, at_once)
    pairs = {
        "seconds": (seconds, max(simulated.ages)),
        "requests": (requests, simulated.requests),
        "of these refused": (refused, simulated.refused),
        "failed runs": (0, simulated.failed),
    }
    head = [f"{tenants} tenants, {at_once} at once, {limit:g} pages a second", "real", "simulated", "ratio"]
    rows = [[name, f"{a:.4g}", f"{b:.4g}", f"{a / b:.2f}" if b else ""] for name, (a, b) in pairs.items()]
    return table([head, *rows])


def _real(tenants: int, limit: float | None, at_once: int) -> tuple[float, int, int]:
    """Run a tap for each tenant; give the seconds, the requests and how many of them were refused."""
    behaviour = Behaviour(latency=Fleet.latency, rate_limit=limit_of(limit) if limit else None)
    with FakeEndorApi(behaviour=behaviour) as api, tempfile.TemporaryDirectory() as folder:
        start = utc_now() - timedelta(days=1)
        names = [f"tenant-{number}" for number in range(tenants)]
        for number, name in enumerate(names):
            api.store.add(make_events(20, start, utc_now() - timedelta(hours=1), seed=number, namespace=name))

        def run(name: str) -> None:
            home = Path(folder, name)
            home.mkdir()
            config = config_for(api, namespace=name, start_date=start.isoformat())
            output = Process(home).run(config=config)
            if output.code or len(output.uuids) != 20:
                sys.exit(f"The run of {name} failed: {output.stderr}")

        begun = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(run, names))
        seconds = time.monotonic() - begun
        return seconds, len(api.requests), sum(request.status == 429 for request in api.requests)


def main() -> None:
    """Run the simulation, or the check."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.tenants", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare a small simulated fleet with real taps")
    if parser.parse_args().check:
        fill("tenants-check", text := check())
        print(text)
        return
    fill("tenants", _grid(steady, steady_cell, LIMITS, AT_ONCE))
    fill("tenants-backfill", _grid(backfill, backfill_cell, BACKFILL_LIMITS, BACKFILL_AT_ONCE))


if __name__ == "__main__":
    main()
