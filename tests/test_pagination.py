"""The paginator finds every event once, in order, whatever the log looks like."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.api.query import Query
from tap_endorlabs.api.records import Event, Page
from tap_endorlabs.errors import ApiError, TooSlowError
from tap_endorlabs.reading.archive import ARCHIVE, Zone
from tap_endorlabs.reading.limits import Limits
from tap_endorlabs.reading.pagination import SeekPaginator
from tap_endorlabs.reading.timeline import read_range
from tap_endorlabs.timestamps import stamp_of_second
from tests.log_model import LogModel, event

START = 1_700_000_000
MICRO = 1_000_000


def read(log: LogModel, stop: int, page_size: int = 500) -> list[Event]:
    return [e for stretch in read_range(log.fetch, Zone(START, stop), page_size) for e in stretch.events]


def at(seconds: list[float]) -> list[Event]:
    order = random.Random(7).sample(range(len(seconds)), len(seconds))
    return [event(START * MICRO + int(s * MICRO), f"{n:06}") for s, n in zip(seconds, order, strict=True)]


UNIFORM = [n * 0.9 for n in range(2000)]
SHAPES = {
    "empty": [],
    "one": [5.5],
    "a page exactly": [float(n) for n in range(500)],
    "uniform": UNIFORM,
    "1,300 at one instant": [*UNIFORM[:700], *[700.123456] * 1300, *[n + 701.0 for n in range(900)]],
    "5,000 in one second": [1.0, *[9 + n / 5000 for n in range(5000)], 11.0],
    "a burst at the end": [*UNIFORM[:3], *[1999.0 + n / 1501 for n in range(1501)]],
}


@pytest.mark.parametrize("seconds", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    "server",
    [{}, {"endless": True}, {"says_next": False}, {"most": 100}, {"sorts": False}, {"sorts": False, "most": 100}],
    ids=str,
)
def test_every_event_once_and_in_order(seconds: list[float], server: dict[str, bool]) -> None:
    events = at(seconds)
    log = LogModel(events, random.Random(1), **server)  # type: ignore[arg-type]
    assert read(log, START + 2000) == sorted(events)


def test_a_page_id_never_comes_with_a_sort_and_only_where_a_second_is_too_full() -> None:
    log = LogModel(at(SHAPES["5,000 in one second"]), random.Random(1))
    read(log, START + 2000)
    whole = [query for query in log.asked if query.whole]
    assert {(p.start, p.stop) for p in whole} == {(START + 9, START + 10)}
    assert len(whole) == 10


def test_a_range_without_dense_seconds_takes_little_more_than_the_least_number_of_requests() -> None:
    events = at([n * 3.0 for n in range(10_000)])
    log = LogModel(events, random.Random(1))
    assert len(read(log, START + 30_000)) == 10_000
    assert len(log.asked) == math.ceil(10_000 / 499)


def test_news_that_fit_a_page_take_one_request() -> None:
    log = LogModel(at([1.0, 2.0, 3.0]), random.Random(1))
    read(log, START + 2000)
    assert log.asked == [Query(START, START + 2000, 500)]


def test_an_event_that_vanishes_between_two_pages_is_not_lost() -> None:
    events = at([*[float(n) for n in range(9)], 9.1, 9.2])
    log = LogModel(events, random.Random(1))
    read_so_far = []
    for stretch in read_range(log.fetch, Zone(START, START + 100), 10):
        log.events = events[11:]
        read_so_far += stretch.events
    assert sorted(events)[:10] == read_so_far


def test_a_server_that_repeats_full_pages_is_not_believed() -> None:
    page = Page(at([0.5] * 10), size=10, says_more=True, next_page_id="x")
    with pytest.raises(ApiError, match="same page again and again"):
        list(read_range(lambda _: page, Zone(START, START + 1), 10))


def test_a_server_that_names_the_page_again_that_it_was_asked_for_is_not_believed() -> None:
    pages = iter(
        Page([event(START * MICRO + n, f"{uuid}{n}") for n in range(3)], size=3, says_more=True, next_page_id="x")
        for uuid in "abc"
    )
    with pytest.raises(ApiError, match="same page again and again"):
        list(read_range(lambda _: next(pages), Zone(START, START + 1, ARCHIVE), 3))


@pytest.mark.parametrize("seconds", [[-3.0, -2.0, -1.0], [2.0, 3.0]], ids=["before the range", "short"])
def test_a_page_that_comes_again_for_every_position_ends_in_the_range(seconds: list[float]) -> None:
    same = Page(at(seconds), size=len(seconds), says_more=True)
    paginator = SeekPaginator(START, START + 10, Limits(3))
    read_so_far = []
    while not paginator.finished:
        paginator.advance(same)  # type: ignore[arg-type]
        read_so_far += paginator.settled
    assert read_so_far == [e for e in same.events if e.create_time >= stamp_of_second(START)]


def test_a_piece_read_whole_is_halved_when_it_is_long() -> None:
    log = LogModel(at([n / 10 for n in range(2000)]), random.Random(1), sorts=False)
    assert len(read(log, START + 200, page_size=50)) == 2000
    assert max(p.stop - p.start for p in log.asked[-10:]) < 100


def crowds_that_come_closer(*, in_order: bool = True, minutes: int = 60) -> LogModel:
    """60 events at each full hour, then at each minute; their uuids are in the order of time, or in none."""
    starts = [*(n * 3600 for n in range(20)), *(20 * 3600 + n * 60 for n in range(minutes))]
    seconds = [float(start) for start in starts for _ in range(60)]
    events = [event(int((START + s) * MICRO), f"{n:06}") for n, s in enumerate(seconds)]
    return LogModel(events if in_order else at(seconds), random.Random(1))


CLOSER_STOP = START + 22 * 3600


def test_what_has_been_read_of_a_long_stretch_is_kept_when_a_count_proves_it() -> None:
    log = crowds_that_come_closer()
    assert read(log, CLOSER_STOP, page_size=100) == log.events
    number = next(n for n, query in enumerate(log.asked) if query.counted)
    count, then = log.asked[number : number + 2]
    assert then.start == count.stop
    assert len([p for p in log.asked if p.start == count.start and p.page_id]) >= 9
    assert len(log.asked) < 1.3 * len(log.events) / 100


@pytest.mark.parametrize("counts", [True, False])
def test_what_a_count_does_not_prove_is_read_again_in_shorter_stretches(*, counts: bool) -> None:
    log = crowds_that_come_closer(in_order=False)
    log.counts = counts
    assert read(log, CLOSER_STOP, page_size=100) == sorted(log.events)
    number = next(n for n, query in enumerate(log.asked) if query.counted)
    count, then = log.asked[number : number + 2]
    assert then.start == count.start
    assert then.stop - then.start < (count.stop - count.start) / 2


def test_a_stretch_that_a_count_finds_not_too_long_is_read_to_its_end() -> None:
    log = crowds_that_come_closer(in_order=False, minutes=22)
    assert read(log, CLOSER_STOP, page_size=100) == sorted(log.events)
    number = next(n for n, query in enumerate(log.asked) if query.counted)
    before, _, then = log.asked[number - 1 : number + 2]
    assert (then.start, then.stop) == (before.start, before.stop)
    assert then.page_id not in {None, before.page_id}
    assert len(log.asked) < 1.3 * len(log.events) / 100 + 5


def test_an_event_that_appears_before_the_count_is_not_lost() -> None:
    log = crowds_that_come_closer()
    late = event((START + 19 * 3600 + 1) * MICRO, "000000a")

    def fetch(query: Query) -> Page:
        if query.counted and late not in log.events:
            assert query.start < START + 19 * 3600 + 1 < query.stop
            log.events.append(late)
        return log.fetch(query)

    stretches = read_range(fetch, Zone(START, CLOSER_STOP), 100)
    assert [e for stretch in stretches for e in stretch.events] == sorted(log.events)
    assert late in log.events


def test_a_count_that_is_too_slow_makes_the_stretch_shorter() -> None:
    log = crowds_that_come_closer()
    refused: list[Query] = []

    def fetch(query: Query) -> Page:
        if query.counted and not refused:
            refused.append(query)
            raise TooSlowError("too much")
        return log.fetch(query)

    stretches = read_range(fetch, Zone(START, CLOSER_STOP), 100)
    assert [e for stretch in stretches for e in stretch.events] == log.events
    assert refused


class SlowServer:
    """Answers a log's queries unless they ask for too much at a time."""

    def __init__(self, log: LogModel, seconds: int, page_size: int) -> None:
        self.log, self.seconds, self.page_size, self.refused = log, seconds, page_size, 0

    def fetch(self, query: Query) -> Page:
        if query.stop - query.start > self.seconds or query.page_size > self.page_size:
            self.refused += 1
            raise TooSlowError("too much")
        return self.log.fetch(query)


def test_slow_queries_are_asked_for_less_until_they_are_answered() -> None:
    events = at([n * 60.0 for n in range(2000)])
    server = SlowServer(LogModel(events, random.Random(1)), seconds=10_000, page_size=200)
    read_events = [e for s in read_range(server.fetch, Zone(START, START + 120_000), 500) for e in s.events]
    assert read_events == sorted(events)
    assert server.refused < 15


def test_a_query_that_is_slow_at_its_smallest_ends_the_reading() -> None:
    server = SlowServer(LogModel([], random.Random(1)), seconds=0, page_size=500)
    with pytest.raises(TooSlowError):
        list(read_range(server.fetch, Zone(START, START + 1000), 500))


def test_asking_for_less_keeps_a_page_size_that_is_small_already() -> None:
    paginator = SeekPaginator(START, START + 8, Limits(10))
    paginator._limits.tighten(paginator.current_value)
    paginator.renew()
    assert paginator.current_value == Query(START, START + 4, 10, margin=0)


def test_an_empty_range_asks_for_nothing() -> None:
    log = LogModel([], random.Random(1))
    assert read(log, START) == []
    assert log.asked == []


@given(
    micros=st.lists(
        st.one_of(st.integers(0, 60 * MICRO - 1), st.sampled_from([0, 1, 5 * MICRO, 5 * MICRO + 1, 59 * MICRO])),
        max_size=120,
    ),
    page_size=st.integers(1, 30),
    most=st.integers(1, 30),
    endless=st.booleans(),
    seed=st.integers(),
)
def test_any_log_is_read_completely(micros: list[int], page_size: int, most: int, *, endless: bool, seed: int) -> None:
    events = [event(START * MICRO + m, f"{n:04}") for n, m in enumerate(micros)]
    log = LogModel(events, random.Random(seed), most=most, endless=endless)
    assert read(log, START + 60, page_size) == sorted(events)
