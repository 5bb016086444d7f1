"""Reading with several workers: the same events in the same order, whatever they look like and whoever is faster."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.api.records import Reject
from tap_endorlabs.errors import ApiError, TooLargeError, TooSlowError
from tap_endorlabs.reading.archive import Zone
from tap_endorlabs.reading.reader import read_range
from tests.log_model import LogModel, event

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Event, Page

START = 1_700_000_000
MICRO = 1_000_000
DAY = 86_400
WHOLE = 25 * DAY


def at(seconds: t.Iterable[float]) -> list[Event]:
    return sorted(event(int((START + s) * MICRO), f"{n:06}") for n, s in enumerate(seconds))


def spread(rng: random.Random, count: int, start: float, length: float) -> list[float]:
    return [start + rng.random() * length for _ in range(count)]


def bursts(rng: random.Random, count: int, number: int, whole: float = WHOLE) -> list[float]:
    """Four fifths of the events lie in a hundredth of the time."""
    found = spread(rng, count // 5, 0, whole)
    for _ in range(number):
        found += spread(rng, count * 4 // 5 // number, rng.random() * whole * 0.98, whole / 100 / number)
    return found


def short_bursts(rng: random.Random, count: int, number: int, length: float) -> list[float]:
    """Nine of ten events lie in bursts of this length."""
    begins = [rng.random() * (WHOLE - length) for _ in range(number)]
    burst = [begins[n % number] + rng.random() * length for n in range(count * 9 // 10)]
    return [*spread(rng, count // 10, 0, WHOLE), *burst]


def groups(rng: random.Random, count: int, largest: int) -> list[float]:
    """Groups of all sizes share one time each."""
    found: list[float] = []
    while len(found) < count:
        found += [rng.randrange(WHOLE - 1) + 0.25] * min(rng.randint(1, largest), count - len(found))
    return found


RNG = random.Random(11)
SHAPES = {
    "uniform": spread(RNG, 10_000, 0, WHOLE),
    "a burst": bursts(RNG, 10_000, 1),
    "five bursts": bursts(RNG, 10_000, 5),
    "20 bursts of ten minutes": short_bursts(RNG, 10_000, 20, 600),
    "40 bursts of a minute": short_bursts(RNG, 10_000, 40, 60),
    "a burst within an hour": bursts(RNG, 10_000, 1, 3600),
    "all at the beginning": [*spread(RNG, 10_000, 0, 3600), float(WHOLE - 2)],
    "all at the end": [1.0, *spread(RNG, 10_000, WHOLE - 3600, 3599)],
    "20 in three years": spread(RNG, 20, 0, 3 * 365 * DAY),
    "7 at each minute": [n // 7 * 60.0 for n in range(10_000)],
    "a half page at each minute": [n // 52 * 60.0 for n in range(10_000)],
    "more than a page at each minute": [n // 140 * 60.0 for n in range(10_000)],
    "crowds among others": [*spread(RNG, 5_000, 0, WHOLE), *(n // 260 * WHOLE / 20 + 0.5 for n in range(5_000))],
    "one crowd": [*spread(RNG, 9_740, 0, WHOLE), *[DAY + 0.25] * 260],
    "small groups at random": groups(RNG, 10_000, 20),
    "groups of up to a page and a half at random": groups(RNG, 10_000, 160),
    "groups of up to two pages among others": [*spread(RNG, 5_000, 0, WHOLE), *groups(RNG, 5_000, 240)],
    "two pages in each second": [*(n // 200 + n % 200 / 200 for n in range(10_000)), WHOLE - 2.0],
    "all at one instant": [5.5] * 10_000,
    "none": [],
}


class Turns:
    """Lets requests that are under way be answered in an order of its own."""

    def __init__(self, fetch: Callable[[Query], Page], rng: random.Random) -> None:
        self._fetch = fetch
        self._rng = rng
        self._waiting: list[threading.Event] = []
        self.over = threading.Event()

    def fetch(self, query: Query) -> Page:
        turn = threading.Event()
        self._waiting.append(turn)
        while not turn.wait(0.5):
            if self.over.is_set():
                break
        return self._fetch(query)

    def give(self) -> None:
        while not self.over.is_set():
            # Other threads come to add their requests, so that there is something to choose from.
            time.sleep(0.0002)
            if self._waiting:
                self._waiting.pop(self._rng.randrange(len(self._waiting))).set()


@contextmanager
def in_any_order(fetch: Callable[[Query], Page], rng: random.Random) -> Iterator[Callable[[Query], Page]]:
    turns = Turns(fetch, rng)
    giver = threading.Thread(target=turns.give)
    giver.start()
    try:
        yield turns.fetch
    finally:
        turns.over.set()
        giver.join()


def read(fetch: Callable[[Query], Page], stop: int, page_size: int, concurrency: int) -> list[Event]:
    found: list[Event] = []
    reached = START
    for stretch in read_range(fetch, Zone(START, stop), page_size, concurrency):
        assert stretch.reached >= reached
        reached = stretch.reached
        found += stretch.events
    assert reached == stop
    return found


@pytest.mark.parametrize("seconds", SHAPES.values(), ids=SHAPES)
def test_the_output_is_the_same_and_takes_few_requests(seconds: list[float]) -> None:
    events = at(seconds)
    stop = START + int(max(seconds, default=0)) + 1
    for concurrency in (1, 32):
        log = LogModel(events, random.Random(1))
        with in_any_order(log.fetch, random.Random(concurrency)) as fetch:
            assert read(fetch, stop, 100, concurrency) == events
        assert len(log.asked) <= 1.3 * ceil(len(events) / 100) + 30


@pytest.mark.parametrize("seed", range(4))
def test_large_groups_at_random_times_take_few_requests(seed: int) -> None:
    seconds = sorted(groups(random.Random(seed), 10_000, 160))
    log = LogModel(at(seconds), random.Random(1))
    with in_any_order(log.fetch, random.Random(seed)) as fetch:
        assert read(fetch, START + WHOLE, 100, 8) == log.events
    assert len(log.asked) <= 1.3 * 100 + 30


def test_news_that_fit_a_page_take_one_request_and_no_worker() -> None:
    log = LogModel(at([1.0, 2.0, 3.0]), random.Random(1))
    assert len(read(log.fetch, START + 1000, 100, 32)) == 3
    assert len(log.asked) == 1


@given(
    micros=st.lists(
        st.one_of(
            st.integers(0, 600 * MICRO - 1),
            st.integers(300 * MICRO, 301 * MICRO),
            st.sampled_from([0, 5 * MICRO, 5 * MICRO + 1, 599 * MICRO]),
        ),
        max_size=200,
    ),
    page_size=st.integers(1, 20),
    most=st.integers(1, 20),
    concurrency=st.integers(2, 8),
    seed=st.integers(),
)
def test_any_log_is_read_completely_in_any_order_of_answers(
    micros: list[int], page_size: int, most: int, concurrency: int, seed: int
) -> None:
    events = sorted(event(START * MICRO + m, f"{n:04}") for n, m in enumerate(micros))
    log = LogModel(events, random.Random(seed), most=most)
    with in_any_order(log.fetch, random.Random(seed)) as fetch:
        assert read(fetch, START + 600, page_size, concurrency) == events


def test_a_server_that_ignores_the_sort_is_read_by_many_as_well() -> None:
    events = at(SHAPES["uniform"])
    log = LogModel(events, random.Random(1), sorts=False)
    with in_any_order(log.fetch, random.Random(1)) as fetch:
        assert read(fetch, START + WHOLE, 100, 8) == events
    assert len(log.asked) < 300


@given(seed=st.integers(), concurrency=st.integers(1, 8), after=st.integers(0, 40), slow=st.integers(1, 9))
def test_a_failure_comes_out_as_itself_after_what_was_read_before_it(
    seed: int, concurrency: int, after: int, slow: int
) -> None:
    rng = random.Random(seed)
    events = at(spread(rng, 400, 0, 5000))
    log = LogModel(events, random.Random(seed))
    failure = ApiError("no")

    def fail(query: Query) -> Page:
        if len(log.asked) >= after:
            raise failure
        if query.stop - query.start > 500 * slow:
            raise TooSlowError("too wide")
        return log.fetch(query)

    found: list[Event] = []
    with in_any_order(fail, rng) as fetch:
        stretches = read_range(fetch, Zone(START, START + 5000), 10, concurrency)
        with pytest.raises(ApiError) as caught:
            found.extend(e for stretch in stretches for e in stretch.events)
    assert caught.value is failure
    assert found == events[: len(found)]


def test_slow_queries_are_learned_by_all_workers() -> None:
    events = at([n * 240.0 for n in range(5_000)])
    log = LogModel(events, random.Random(1))
    refused: list[Query] = []

    def fetch(query: Query) -> Page:
        if query.stop - query.start > DAY or query.page_size > 200:
            refused.append(query)
            raise TooSlowError("too much")
        return log.fetch(query)

    with in_any_order(fetch, random.Random(3)) as ordered:
        assert read(ordered, START + 1_200_000, 500, 8) == events
    assert len(refused) < 30


def test_no_worker_reads_on_when_nobody_takes_what_it_has_read() -> None:
    log = LogModel(at(spread(random.Random(2), 20_000, 0, WHOLE)), random.Random(1))
    stretches = read_range(log.fetch, Zone(START, START + WHOLE), 100, 4)
    next(stretches)
    time_left = 20.0
    asked = -1
    while asked != len(log.asked) and time_left > 0:
        asked = len(log.asked)
        time.sleep(0.3)
        time_left -= 0.3
    assert asked <= 30
    assert sum(len(stretch.events) for stretch in stretches) > 19_000


def test_the_workers_end_with_the_reading() -> None:
    log = LogModel(at(spread(random.Random(2), 20_000, 0, WHOLE)), random.Random(1))
    before = set(threading.enumerate())
    stretches = read_range(log.fetch, Zone(START, START + WHOLE), 100, 8)
    deque((next(stretches) for _ in range(3)), maxlen=0)
    workers = set(threading.enumerate()) - before
    assert len(workers) == 8
    stretches.close()
    for worker in workers:
        worker.join(timeout=20)
        assert not worker.is_alive()


def test_large_events_are_read_in_small_pages() -> None:
    events = [event((START + n) * MICRO, f"{n:04}") for n in range(400)]
    large = [each._replace(raw=each.raw + b" " * 100_000) for each in events]
    log = LogModel(large, random.Random(1))
    most = 0

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        if sum(len(each.raw) for each in page.events) > 12 << 20:
            raise TooLargeError("too large")
        return page

    for stretch in read_range(fetch, Zone(START, START + 400), 500, 4):
        most = max(most, sum(len(each.raw) for each in stretch.events))
        assert stretch.events == sorted(stretch.events)
    assert most < 20 << 20
    assert len(log.asked) < 60
    assert min(query.page_size for query in log.asked) >= 20


def test_pages_grow_again_behind_large_events() -> None:
    events = [event((START + n) * MICRO, f"{n:05}") for n in range(12_000)]
    log = LogModel([e._replace(raw=e.raw + b" " * 60_000) if e.uuid < "00300" else e for e in events], random.Random(1))
    assert read(log.fetch, START + 12_000, 500, 1) == log.events
    sizes = [query.page_size for query in log.asked]
    assert (min(sizes), sizes[-1]) == (58, 500)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_last_second_that_is_too_much_by_offset_is_read_without(concurrency: int) -> None:
    log = LogModel(at([9.5] * 300), random.Random(1))

    def fetch(query: Query) -> Page:
        if query.offset:
            raise TooSlowError("too far")
        return log.fetch(query)

    assert read(fetch, START + 10, 100, concurrency) == log.events


def test_an_offset_that_is_ignored_is_done_without() -> None:
    log = LogModel(at(spread(random.Random(2), 10_000, 0, WHOLE)), random.Random(1), skips=False)
    with in_any_order(log.fetch, random.Random(1)) as fetch:
        assert read(fetch, START + WHOLE, 100, 8) == log.events
    assert len(log.asked) < 300


def test_ignored_offsets_are_found_out_among_ties() -> None:
    """They come in another order each time."""
    log = LogModel(at([600] * 501), random.Random(1), skips=False)

    def fetch(query: Query) -> Page:
        assert len(log.asked) < 100
        return log.fetch(query)

    assert read(fetch, START + WHOLE, 500, 1) == log.events


@pytest.mark.parametrize("sorts", [True, False])
def test_an_empty_page_that_names_a_next_one_is_not_the_end(*, sorts: bool) -> None:
    log = LogModel(at(spread(random.Random(2), 3000, 0, WHOLE)), random.Random(1), sorts=sorts)
    asked = iter(range(1, 10**6))

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        return (
            replace(page, events=[], size=0, says_more=True, next_page_id=query.page_id)
            if next(asked) % 10 == 0
            else page
        )

    assert [e for s in read_range(fetch, Zone(START, START + WHOLE), 100, 4) for e in s.events] == log.events


def test_a_page_of_nothing_but_rejects_is_not_all() -> None:
    log = LogModel(at([float(n) for n in range(300)]), random.Random(1), says_next=False)

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        rejected = [Reject(e.create_time, e.uuid, "no", "{}") for e in page.events if e.uuid < "000100"]
        return replace(page, events=[e for e in page.events if e.uuid >= "000100"], rejected=rejected)

    stretches = list(read_range(fetch, Zone(START, START + 300), 100, 4))
    assert [e for stretch in stretches for e in stretch.events] == log.events[100:]
    assert len({one for stretch in stretches for one in stretch.rejected}) == 100


def test_a_gap_is_read_in_shorter_parts_where_page_id_is_ignored() -> None:
    # So many events in each second that pages by offset leave gaps.
    log = LogModel(at([n // 16 + 0.5 for n in range(1600)]), random.Random(1))

    def fetch(query: Query) -> Page:
        return log.fetch(query._replace(page_id=None))

    assert [e for s in read_range(fetch, Zone(START, START + 100), 50, 4) for e in s.events] == log.events
