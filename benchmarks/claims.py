"""What is claimed of the tap's speed and memory, held against the figures."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from benchmarks.cases import OURS, REFERENCE_CONCURRENCY

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


def judge(cases: Cases) -> list[dict[str, t.Any]]:
    """Give every claim for which there are figures."""
    return [claim.as_json() for claims in (_speed, _raw_limit, _memory, _proof) for claim in claims(cases)]


def _speed(cases: Cases) -> Iterator[Claim]:
    stock, ours = _find(cases, "plain", "stock_sdk"), _find(cases, "plain", OURS, REFERENCE_CONCURRENCY)
    if stock and ours:
        ratio = ours["median"]["user"] / stock["median"]["user"]
        yield Claim("user CPU against the stock SDK tap, no latency", 1 / 6, ratio, "x")
    for number, limit in ((8, 1 / 6), (16, 1 / 9)):
        stock, ours = _find(cases, "waiting", "stock_sdk"), _find(cases, "waiting", OURS, number)
        if stock and ours:
            ratio = ours["median"]["wall"] / stock["median"]["wall"]
            yield Claim(f"wall time against the stock SDK tap, with latency, concurrency {number}", limit, ratio, "x")


def _raw_limit(cases: Cases) -> Iterator[Claim]:
    raw, ours = _find(cases, "plain", "raw_limit"), _find(cases, "plain", OURS, REFERENCE_CONCURRENCY)
    start = _find(cases, "start-up", "stock_sdk")
    if raw and ours and start:
        limit = 1.6 * raw["median"]["wall"] + start["median"]["wall"]
        yield Claim(
            "wall time, no latency: 1.6 x the raw limit + the SDK's start-up", limit, ours["median"]["wall"], "s"
        )


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
