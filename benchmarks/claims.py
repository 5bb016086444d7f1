"""What is claimed of the tap's speed and memory, held against the figures."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from benchmarks.cases import COMPETITORS, IMPORT, OURS, REFERENCE_CONCURRENCY
from benchmarks.pipelines.projects import STOCK
from benchmarks.scale.arithmetic import PAGE

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Cases = list[dict[str, t.Any]]


@dataclass(frozen=True)
class Claim:
    """Something that is to be at most so much."""

    text: str
    limit: float
    measured: float
    unit: str

    def as_json(self) -> dict[str, t.Any]:
        """Give it in a form for JSON."""
        return {**vars(self), "holds": self.measured <= self.limit}


def judge(cases: Cases, pipelines: Cases) -> list[dict[str, t.Any]]:
    """Give every claim for which there are figures."""
    found = [claim for claims in (_speed, _limit, _start, _memory, _proof) for claim in claims(cases)]
    return [claim.as_json() for claim in (*_pipelines(pipelines), *found)]


def _pipelines(rows: Cases) -> Iterator[Claim]:
    most = max((row["events"] for row in rows), default=0)
    walls = {(row["target"], row["label"]): row["wall"] for row in rows if row["events"] == most}
    for (target, label), wall in walls.items():
        if label == STOCK:
            ratio = walls[target, COMPETITORS[OURS].label] / wall
            yield Claim(f"pipeline into {target}, wall time against the stock SDK tap", 0.5, ratio, "x")


def _speed(cases: Cases) -> Iterator[Claim]:
    stock, ours = _find(cases, "plain", "stock_sdk"), _find(cases, "plain", OURS, REFERENCE_CONCURRENCY)
    if stock and ours:
        ratio = ours["median"]["user"] / stock["median"]["user"]
        yield Claim("user CPU against the stock SDK tap, no latency", 0.09, ratio, "x")
    for number, limit in ((8, 1 / 6), (16, 1 / 9)):
        stock, ours = _find(cases, "waiting", "stock_sdk"), _find(cases, "waiting", OURS, number)
        if stock and ours:
            ratio = ours["median"]["wall"] / stock["median"]["wall"]
            yield Claim(f"wall time against the stock SDK tap, with latency, concurrency {number}", limit, ratio, "x")


def _limit(cases: Cases) -> Iterator[Claim]:
    start = _find(cases, "start-up", OURS)
    for number, factor in ((8, 1.35), (16, 1.5)):
        ours = _find(cases, "waiting", OURS, number)
        if ours and start:
            # The start-up has the log-in, which waits for nothing here.
            least = start["median"]["wall"] + ours["latency"] * ours["events"] / PAGE / number
            what = f"wall time against pages / concurrency x latency + start-up, concurrency {number}"
            yield Claim(what, factor, ours["median"]["wall"] / least, "x")


def _start(cases: Cases) -> Iterator[Claim]:
    ours, alone = _find(cases, "start-up", OURS), _find(cases, "start-up", IMPORT.name)
    if ours and alone:
        ratio = ours["median"]["wall"] / alone["median"]["wall"]
        yield Claim("a run without news against import singer_sdk", 1.3, ratio, "x")


def _memory(cases: Cases) -> Iterator[Claim]:
    grown = {case["events"]: case["median"]["rss"] for case in cases if case["table"] == "growth"}
    few, many = grown.get(50_000), grown.get(1_000_000)
    if few and many:
        yield Claim("peak memory of 1,000,000 events against 50,000", 1.2, many / few, "x")
        yield Claim("peak memory of 1,000,000 events", 150, many, "MB")


def _proof(cases: Cases) -> Iterator[Claim]:
    proved, plain = (
        next((case for case in cases if case["table"] == "proof" and case["proves"] == proves), None)
        for proves in (True, False)
    )
    if proved and plain:
        for name, figure, limit in (("requests", "requests", 1.06), ("wall time", "wall", 1.05)):
            ratio = proved["median"][figure] / plain["median"][figure]
            yield Claim(f"{name} against a run without the proof by count, with latency", limit, ratio, "x")


def _find(cases: Cases, table: str, competitor: str, concurrency: int | None = None) -> dict[str, t.Any] | None:
    """Give the case with the most events; any concurrency will do where the tap has none to choose."""
    found = [
        case
        for case in cases
        if (case["table"], case["competitor"]) == (table, competitor) and case["concurrency"] in {concurrency, None}
    ]
    return max(found, key=lambda case: t.cast("int", case["events"]), default=None)
