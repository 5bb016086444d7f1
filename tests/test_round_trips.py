"""How many round trips a reading takes, in virtual time: each answer takes about as long as any other."""

from __future__ import annotations

import heapq
import random
import typing as t

import pytest

from tap_endorlabs.api.detours import find_detour
from tap_endorlabs.api.limits import Limits
from tap_endorlabs.errors import TooSlowError
from tap_endorlabs.reading.archive import ACTIVE, ARCHIVE, Databases, Zone
from tap_endorlabs.reading.parts import Parts
from tests.log_model import LogModel
from tests.test_reader import SHAPES, START, at, groups, spread

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.reading.parts import Job

PAGE_SIZE = 100
DAY = 86_400
TIED = ("minute", "second", "group", "crowd", "instant")
"""What the names of those shapes have in them in which many events share a time, or a second."""


class Reading(t.NamedTuple):
    events: list[Event]
    requests: int
    round_trips: float


def read(fetch: Callable[[Query], Page], stop: int, readers: int, databases: Databases = ACTIVE) -> Reading:
    """Read a log with the reader's own parts, and no threads: the same again for the same answers."""
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
        try:
            page = fetch(job[1])
        except TooSlowError as error:
            parts.refused(job, find_detour(fetch, job[1], error, is_odd=parts.limits.is_odd(job[1])))
        else:
            parts.answered(job, page)
        events += [event for stretch in parts.leave() for event in stretch.events]
    return Reading(events, requests, now)


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "all at one instant"])
def test_a_hundred_pages_take_few_round_trips(shape: str) -> None:
    seconds = SHAPES[shape]
    log = LogModel(at(seconds), random.Random(1))
    reading = read(log.fetch, START + int(max(seconds, default=0)) + 1, 8)
    assert reading.events == log.events
    assert reading.requests <= 1.3 * 100 + 30
    assert reading.round_trips <= (23 if any(word in shape for word in TIED) else 20)


def test_few_pages_are_read_all_at_once() -> None:
    log = LogModel(at(spread(random.Random(3), 10 * PAGE_SIZE, 0, 25 * DAY)), random.Random(1))
    assert read(log.fetch, START + 25 * DAY, 8).round_trips <= 4.5


@pytest.mark.parametrize(("in_order", "share"), [(True, 1.3), (False, 1.8)])
def test_an_archive_without_a_sort_takes_few_requests(*, in_order: bool, share: float) -> None:
    events = at(sorted([*spread(random.Random(3), 5_000, 0, 25 * DAY), *groups(random.Random(4), 5_000, 160)]))
    if not in_order:
        names = random.Random(5).sample(range(len(events)), len(events))
        events = sorted(event._replace(uuid=f"{name:06}") for event, name in zip(events, names, strict=True))
    log = LogModel(events, random.Random(1), sorts=False)
    reading = read(log.fetch, START + 25 * DAY, 8, ARCHIVE)
    assert reading.events == log.events
    assert reading.requests <= share * 100 + 30


@pytest.mark.parametrize(("share", "most"), [(0.01, 1.1), (0.05, 1.2), (0.2, 1.7)])
def test_queries_that_fail_at_random_do_not_become_smaller(share: float, most: float) -> None:
    rng = random.Random(5)
    log = LogModel(at(spread(random.Random(2), 12_000, 0, 25 * DAY)), random.Random(1))
    asked = 0

    def fetch(query: Query) -> Page:
        nonlocal asked
        # As the client does: what can't be made smaller is tried more often.
        for _ in range(2 if query.divisible else 8):
            asked += 1
            if rng.random() >= share:
                return log.fetch(query)
        raise TooSlowError("late")

    plain = read(log.fetch, START + 25 * DAY, 4)
    reading = read(fetch, START + 25 * DAY, 4)
    assert plain.events == reading.events == log.events
    assert asked <= plain.requests * most
