"""What a number of events takes, as tables for `docs/scale.md`."""

from __future__ import annotations

import math
import typing as t
from pathlib import Path

from benchmarks.scale.arithmetic import DAY, PAGE, Measured, plan
from benchmarks.scale.document import fill, table

RESULTS = Path("benchmarks/results.json")
EVENTS = tuple(10**power for power in range(3, 10))
RATES = (1, 5, 20)
"""Requests a second that an API may let through."""
LINE = 100e6 / 8
"""Bytes a second of a network line."""
NAMESPACES, MONTHS = 40, 36
"""Those of the backfill."""
PRICE = 0.05
"""Dollars for an hour of a worker with one core: not measured, but to be replaced by one's own."""


def time_table(measured: Measured) -> str:
    """Give requests and seconds for each number of events."""
    head = ["events a day", "requests a day", "a second", "`concurrency`", "seconds a run", "a worker is busy"]
    rows = [
        [
            f"{p.events:,}",
            f"{p.requests:,.0f}",
            f"{p.requests / DAY:.3g}",
            str(p.concurrency),
            f"{p.seconds:,.1f}",
            f"{100 * p.busy:.1f} %",
        ]
        for p in (plan(measured, events) for events in EVENTS)
    ]
    return table([head, *rows])


def size_table(measured: Measured, price: float) -> str:
    """Give bytes, memory and cost for each number of events."""
    head = ["events a day", "received", "gzip", "RECORD lines", "landed (.gz)", "state", "memory", "worker hours", "$"]
    rows = []
    for events in EVENTS:
        p = plan(measured, events)
        each = (measured.received, measured.received_gzip, measured.record, measured.landed_gzip)
        hours = p.busy * 24
        amounts = [_amount(events * size) for size in each]
        rows.append(
            [f"{events:,}", *amounts, _amount(p.state), _amount(p.memory), f"{hours:.1f}", f"{hours * price:.2f}"]
        )
    return table([head, *rows])


def limit_table(measured: Measured) -> str:
    """Give how many events a day each part of the way can take, the slowest first."""
    ways = {
        f"an API that lets {limit} request{'s' * (limit > 1)} a second through": limit * DAY * PAGE / measured.requests
        for limit in RATES
    }
    ways |= {f"a pipeline into {name}": DAY / seconds for name, seconds in measured.targets.items()}
    ways |= {
        f"the tap, `concurrency` {number}, {measured.latency:g} s a request": DAY / measured.wall[number]
        for number in (1, 4, 8, 32)
    }
    ways["a line of 100 Mbit/s, answers compressed"] = DAY * LINE / measured.received_gzip
    ways["a line of 100 Mbit/s, answers as they are"] = DAY * LINE / measured.received
    rows = [
        [name, f"{most / 1e6:,.0f} million", f"{most / DAY:,.0f}"]
        for name, most in sorted(ways.items(), key=lambda way: way[1])
    ]
    return table([["what", "events a day at most", "a second"], *rows])


def backfill_table(measured: Measured, price: float) -> str:
    """Give what three years of 40 namespaces take."""
    tasks = NAMESPACES * MONTHS
    head = [
        "events",
        "a task",
        "requests",
        *(f"hours at {limit}/s" for limit in RATES),
        "landed (.gz)",
        "worker hours",
        "$",
    ]
    rows = []
    for events in EVENTS[2:]:
        requests = tasks + max(events / PAGE * measured.requests, tasks)
        hours = (tasks * (measured.slot + measured.latency) + events * measured.wall[4]) / 3_600
        rows.append(
            [
                f"{events:,}",
                f"{math.ceil(events / tasks):,}",
                f"{requests:,.0f}",
                *(f"{requests / limit / 3_600:,.1f}" for limit in RATES),
                _amount(events * measured.landed_gzip),
                f"{hours:,.1f}",
                f"{hours * price:,.2f}",
            ]
        )
    return table([head, *rows])


def input_table(measured: Measured) -> str:
    """Give what was measured, for the arithmetic to be followed."""
    rows = [
        ["start of a run, empty log", f"{measured.start_up:.2f} s"],
        ["requests for a page, long range", f"{measured.requests:.3f}"],
        *(
            [f"an event, `concurrency` {number}, {measured.latency:g} s a request", f"{1e6 * wall:.0f} µs"]
            for number, wall in measured.wall.items()
        ),
        ["an event in an answer", f"{measured.received:.0f} bytes"],
        ["in a compressed answer", f"{measured.received_gzip:.0f} bytes"],
        ["as a RECORD line", f"{measured.record:.0f} bytes"],
        ["landed in a .jsonl.gz", f"{measured.landed_gzip:.0f} bytes"],
        ["a uuid in the state", f"{measured.state:.0f} bytes"],
        ["and in memory", f"{measured.state_memory:.0f} bytes"],
        ["an event where the state is long, besides", f"{1e6 * measured.state_seconds:.0f} µs"],
        *([f"an event, pipeline into {name}", f"{1e6 * seconds:.0f} µs"] for name, seconds in measured.targets.items()),
        ["a task of Airflow with a tap without news", f"{measured.slot:.1f} s of a slot, {measured.cpu:.1f} s of CPU"],
    ]
    return table([["measured", ""], *rows])


def sections(measured: Measured, price: float = PRICE) -> dict[str, str]:
    """Give each table by the name of its place in the document."""
    return {
        "inputs": input_table(measured),
        "time": time_table(measured),
        "size": size_table(measured, price),
        "limits": limit_table(measured),
        "backfill": backfill_table(measured, price),
    }


def write(results: dict[str, t.Any]) -> None:
    """Write the tables into the document."""
    for name, text in sections(Measured.of(results)).items():
        fill(name, text)


def _amount(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"
