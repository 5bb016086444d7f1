"""How many round trips a reading takes, in virtual time: each answer takes about as long as any other."""

from __future__ import annotations

import heapq
import random
import typing as t

import pytest

from tap_endorlabs.reading.archive import ACTIVE, ARCHIVE, Databases, Zone
from tap_endorlabs.reading.limits import Limits
from tap_endorlabs.reading.parts import Parts
from tests.log_model import LogModel
from tests.test_reader import SHAPES, START, at, groups, spread

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event
    from tap_endorlabs.reading.parts import Job

PAGE_SIZE = 100
DAY = 86_400
TIED = ("minute", "second", "group", "crowd", "instant")
"""What the names of those shapes have in them in which many events share a time, or a second."""


class Reading(t.NamedTuple):
    events: list[Event]
    requests: int
    round_trips: float


def read(log: LogModel, stop: int, readers: int, databases: Databases = ACTIVE) -> Reading:
    """Read a log with the reader's own parts, and no threads."""
    rng = random.Random(1)
    parts = Parts(Zone(START, stop, databases), Limits(PAGE_SIZE), readers)
    events: list[Event] = []
    under_way: list[tuple[float, int, Job]] = []
    now, requests = 0.0, 0
    while parts.head is not None:
        while len(under_way) < readers and (job := parts.take()) is not None:
            requests += 1
            heapq.heappush(under_way, (now + rng.uniform(0.7, 1.3), requests, job))
        now, _, job = heapq.heappop(under_way)
        parts.answered(job, log.fetch(job[1]))
        events += [event for stretch in parts.leave() for event in stretch.events]
    return Reading(events, requests, now)


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "all at one instant"])
def test_a_hundred_pages_take_few_round_trips(shape: str) -> None:
    seconds = SHAPES[shape]
    log = LogModel(at(seconds), random.Random(1))
    reading = read(log, START + int(max(seconds, default=0)) + 1, 8)
    assert reading.events == log.events
    assert reading.requests <= 1.3 * 100 + 30
    assert reading.round_trips <= (23 if any(word in shape for word in TIED) else 20)


def test_few_pages_are_read_all_at_once() -> None:
    log = LogModel(at(spread(random.Random(3), 10 * PAGE_SIZE, 0, 25 * DAY)), random.Random(1))
    assert read(log, START + 25 * DAY, 8).round_trips <= 4.5


@pytest.mark.parametrize(("in_order", "share"), [(True, 1.3), (False, 1.8)])
def test_an_archive_without_a_sort_takes_few_requests(*, in_order: bool, share: float) -> None:
    events = at(sorted([*spread(random.Random(3), 5_000, 0, 25 * DAY), *groups(random.Random(4), 5_000, 160)]))
    if not in_order:
        names = random.Random(5).sample(range(len(events)), len(events))
        events = sorted(event._replace(uuid=f"{name:06}") for event, name in zip(events, names, strict=True))
    log = LogModel(events, random.Random(1), sorts=False)
    reading = read(log, START + 25 * DAY, 8, ARCHIVE)
    assert reading.events == log.events
    assert reading.requests <= share * 100 + 30
