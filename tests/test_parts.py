"""Ranges that meet add up: what is read of them one by one is what one run reads of the whole."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.timestamps import stamp_of_second
from tests.conftest import NOW
from tests.fake_endor_api import FakeEndorApi, make_events_at
from tests.harness import config_for, run_inside
from tests.log_model import event
from tests.test_run import START, Chain

MICRO = 1_000_000
LENGTH = 60 * MICRO
TIED = [7 * MICRO, 7 * MICRO + 1, 7 * MICRO + 500_000, 30 * MICRO]
micros = st.one_of(st.integers(0, LENGTH - 1), st.sampled_from(TIED))


def stamp(after_start: int) -> str:
    second, fraction = divmod(START * MICRO + after_start, MICRO)
    return f"{stamp_of_second(second)[:19]}.{fraction:06}Z"


@given(
    times=st.lists(micros, max_size=80),
    cuts=st.lists(micros, max_size=8),
    page_size=st.integers(1, 12),
    concurrency=st.sampled_from([1, 4]),
    seed=st.integers(),
)
def test_the_union_of_adjacent_ranges_is_the_whole(
    times: list[int], cuts: list[int], page_size: int, concurrency: int, seed: int
) -> None:
    log = [(START, event(START * MICRO + time, f"{number:04}")) for number, time in enumerate(times)]

    def run(start: int, end: int) -> Chain:
        chain = Chain(log, random.Random(seed), page_size)
        chain.begin = stamp(start)
        chain.run(START + 100, start_date=stamp(start), end_date=stamp(end), concurrency=concurrency)
        return chain

    parts = [run(*ends).kept for ends in pairwise([0, *sorted(cuts), LENGTH])]
    assert [one for part in parts for one in part] == run(0, LENGTH).kept == sorted(one for _, one in log)


@given(
    arrivals=st.lists(st.tuples(micros, st.integers(0, 5)), max_size=60),
    end=micros,
    pauses=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    page_size=st.integers(1, 12),
    concurrency=st.sampled_from([1, 4]),
    seed=st.integers(),
)
def test_a_run_without_an_end_takes_over_the_state_of_one_that_had_one(  # noqa: PLR0913, PLR0917
    arrivals: list[tuple[int, int]], end: int, pauses: list[int], page_size: int, concurrency: int, seed: int
) -> None:
    # An event is visible at most lookback_seconds after it happened.
    log = [
        (START + time // MICRO + late, event(START * MICRO + time, f"{number:04}"))
        for number, (time, late) in enumerate(arrivals)
    ]
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
