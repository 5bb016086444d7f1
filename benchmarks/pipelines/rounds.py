"""All pipelines in turn, several rounds, and the table of what they took."""

from __future__ import annotations

import statistics
import typing as t

from benchmarks.cases import Load
from benchmarks.measure import config_for
from benchmarks.pipelines.pipeline import TARGETS, Pipeline, Row, run
from benchmarks.pipelines.projects import OURS, ours
from benchmarks.scale import document

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable


def measure_pipelines(
    pipelines: list[Pipeline], url_of: Callable[[Load], str], start: dt.datetime, sizes: tuple[int, int], rounds: int
) -> list[Row]:
    """Measure pipelines in turn, several rounds; give the medians.

    Args:
        pipelines: those to measure.
        url_of: gives the server of a load.
        start: a time before all events.
        sizes: how many events they get, and those that are slow.
        rounds: how often.
    """
    cases = [(one, sizes[one.is_slow]) for one in pipelines]
    if any(one.is_slow for one in pipelines):
        cases += [(ours(target), sizes[1]) for target in TARGETS]
    runs: list[list[Row]] = [[] for _ in cases]
    for number in range(1, rounds + 1):
        for (pipeline, events), taken in zip(cases, runs, strict=True):
            taken.append(last := run(pipeline, config_for(url_of(Load(events)), start), events))
            print(
                f"round {number}  {pipeline.target:15} {pipeline.label:32} {events:9,} events {last['wall']:8.2f} s",
                flush=True,
            )
    return [
        {"target": pipeline.target, "label": pipeline.label, "events": events}
        | {name: statistics.median(run[name] for run in taken) for name in ("wall", "cpu")}
        for (pipeline, events), taken in zip(cases, runs, strict=True)
    ]


def table(rows: list[Row]) -> str:
    """Give pipelines in Markdown, each against ours with as many events."""
    head = ["", "", "events", "wall s", "CPU s", "x ours: wall", "CPU"]
    reference = {(row["target"], row["events"]): row for row in rows if row["label"] == OURS}
    lines = []
    for row in sorted(rows, key=lambda row: (row["target"], -row["events"])):
        base = reference[row["target"], row["events"]]
        times = [f"{row[name]:.2f}" for name in ("wall", "cpu")]
        ratios = [f"{row[name] / base[name]:.2f}" for name in ("wall", "cpu")]
        lines.append([row["target"], row["label"], f"{row['events']:,}", *times, *ratios])
    return document.table([head, *lines])
