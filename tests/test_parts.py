"""Ranges that meet add up: what is read of them one by one is what one run reads of the whole."""

from __future__ import annotations

import datetime as dt
import random
import typing as t
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fake_endor_api import FakeEndorApi, make_events_at
from tap_endorlabs.timestamps import stamp_of_second
from tests.conftest import NOW
from tests.harness import config_for, run_inside
from tests.log_model import event
from tests.test_run import START, Chain

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event

MICRO = 1_000_000
LENGTH = 60 * MICRO
TIED = [7 * MICRO, 7 * MICRO + 1, 7 * MICRO + 500_000, 30 * MICRO]
LOOKBACK = 5
micros = st.one_of(st.integers(0, LENGTH - 1), st.sampled_from(TIED))
arrival = st.tuples(micros, st.integers(0, LOOKBACK))
"""When an event happens, and after how many seconds it becomes visible."""


def stamp(after_start: int) -> str:
    second, fraction = divmod(START * MICRO + after_start, MICRO)
    return f"{stamp_of_second(second)[:19]}.{fraction:06}Z"


def log_of(arrivals: list[tuple[int, int]]) -> list[tuple[int, Event]]:
    return [
        (START + time // MICRO + late, event(START * MICRO + time, f"{number:04}"))
        for number, (time, late) in enumerate(arrivals)
    ]


@given(
    arrivals=st.lists(arrival, max_size=80),
    cuts=st.lists(micros, max_size=8),
    early=st.lists(st.integers(0, 70), max_size=3),
    page_size=st.integers(1, 12),
    concurrency=st.sampled_from([1, 4]),
    seed=st.integers(),
)
def test_the_union_of_adjacent_ranges_is_the_whole(  # noqa: PLR0913, PLR0917
    arrivals: list[tuple[int, int]], cuts: list[int], early: list[int], page_size: int, concurrency: int, seed: int
) -> None:
    log = log_of(arrivals)

    def read(start: int, end: int) -> list[Event]:
        """Read a range when all of it is visible, and at some times before that, too."""
        chain = Chain(log, random.Random(seed), page_size)
        chain.begin = stamp(start)
        visible = START + end // MICRO + LOOKBACK + 1
        for now in (*sorted(START + time for time in early if START + time < visible), visible):
            chain.run(now, start_date=stamp(start), end_date=stamp(end), concurrency=concurrency)
        return chain.kept

    parts = [one for ends in pairwise([0, *sorted(cuts), LENGTH]) for one in read(*ends)]
    assert sorted(parts) == sorted(read(0, LENGTH)) == sorted(one for _, one in log)
    if not early:
        assert parts == sorted(parts)


@given(
    arrivals=st.lists(arrival, max_size=60),
    end=micros,
    pauses=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    page_size=st.integers(1, 12),
    concurrency=st.sampled_from([1, 4]),
    seed=st.integers(),
)
def test_a_run_without_an_end_takes_over_the_state_of_one_that_had_one(  # noqa: PLR0913, PLR0917
    arrivals: list[tuple[int, int]], end: int, pauses: list[int], page_size: int, concurrency: int, seed: int
) -> None:
    log = log_of(arrivals)
    chain = Chain(log, random.Random(seed), page_size)
    now = START
    for number, pause in enumerate(pauses):
        now += pause
        chain.run(now, concurrency=concurrency, end_date=stamp(end) if number == 0 else None)
    chain.run(START + 200, concurrency=concurrency)
    assert sorted(chain.kept) == sorted(one for _, one in log)


def test_boundaries_within_a_tied_second_part_it_cleanly(empty_api: FakeEndorApi) -> None:
    second = int((NOW - dt.timedelta(days=3)).timestamp()) * 1_000_000_000
    times = [second + nano for nano in (0, 250_000_000, 250_000_000, 250_000_001, 999_999_999) for _ in range(300)]
    empty_api.store.add(make_events_at(times))
    begin = NOW - dt.timedelta(days=3)
    cuts = [begin, *(begin + dt.timedelta(microseconds=micro) for micro in (1, 250_000, 250_001, 999_999, 1_000_000))]
    found: list[str] = []
    counts = []
    for start, end in pairwise(cuts):
        part = run_inside(
            config_for(empty_api, start_date=start.isoformat(), end_date=end.isoformat(), concurrency=4, page_size=100)
        )
        found += part.uuids
        counts.append(len(part.uuids))
    assert sorted(found) == sorted(empty_api.store.uuids())
    assert counts == [300, 0, 900, 0, 300]
