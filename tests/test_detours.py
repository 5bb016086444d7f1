"""Ways round what a server refuses: what it answers otherwise is read, and nothing is called unreadable before."""

from __future__ import annotations

import random
import typing as t
from http import HTTPStatus

import pytest

from tap_endorlabs.errors import ApiError, TapError, TooSlowError, TransientError, UnreadableError
from tap_endorlabs.reading.archive import Zone
from tap_endorlabs.reading.reader import read_range
from tests.log_model import LogModel
from tests.test_reader import START, at

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Event, Page

DAYS = 3 * 366 * 86_400


def fault() -> TapError:
    return TransientError("a fault", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def slow() -> TapError:
    return TooSlowError("too much", status=HTTPStatus.GATEWAY_TIMEOUT)


@pytest.mark.faults
@pytest.mark.parametrize("error", [fault, slow])
@pytest.mark.parametrize("sorted_before", [0, 5])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_sort_that_always_fails_is_given_up_before_any_second(
    error: Callable[[], TapError], sorted_before: int, concurrency: int
) -> None:
    log = LogModel(at([n * DAYS / 3000 for n in range(3000)]), random.Random(1))
    refused: list[Query] = []

    def fetch(query: Query) -> Page:
        if query.stop - query.start > DAYS / 300:
            refused.append(query)
            raise TooSlowError("too much")
        if query.is_sorted and sum(asked.is_sorted for asked in log.asked) >= sorted_before:
            refused.append(query)
            raise error()
        return log.fetch(query)

    stretches = read_range(fetch, Zone(START, START + DAYS), 100, concurrency)
    assert [e for stretch in stretches for e in stretch.events] == sorted(log.events)
    assert len(refused) < 100


def test_a_second_that_fails_unsorted_as_well_is_unreadable() -> None:
    log = LogModel(at([float(n) for n in range(3000)]), random.Random(1))

    def fetch(query: Query) -> Page:
        if query.start <= START + 700 < query.stop:
            raise fault()
        return log.fetch(query)

    with pytest.raises(UnreadableError) as caught:
        list(read_range(fetch, Zone(START, START + 3000), 100))
    assert (caught.value.start, caught.value.stop) == (START + 700, START + 701)


def all_of(fetch: Callable[[Query], Page], stop: int, page_size: int = 100, concurrency: int = 4) -> list[Event]:
    zone = Zone(START, START + stop)
    return [e for stretch in read_range(fetch, zone, page_size, concurrency) for e in stretch.events]


@pytest.mark.parametrize("status", [400, 422, 500, 504])
@pytest.mark.parametrize("deepest", [0, 1000])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_offsets_that_are_refused_are_done_without(status: int, deepest: int, concurrency: int) -> None:
    log = LogModel(at([n * 30.0 for n in range(5000)]), random.Random(1))
    refused: list[Query] = []

    def fetch(query: Query) -> Page:
        if query.offset > deepest:
            refused.append(query)
            raise {500: fault(), 504: slow()}.get(status, ApiError("no", status))
        return log.fetch(query)

    assert all_of(fetch, 150_000, concurrency=concurrency) == log.events
    assert len(refused) < 100
    assert len(log.asked) < 250


def test_a_sort_that_begins_to_fail_is_done_without() -> None:
    log = LogModel(at([n * 300.0 for n in range(3000)]), random.Random(1))

    def fetch(query: Query) -> Page:
        if query.is_sorted and len(log.asked) > 4:
            raise fault()
        return log.fetch(query)

    assert all_of(fetch, 900_000) == log.events
    # Beyond its 24 pages, as whichever part is next to that minute asks for a minute more.
    assert len(log.asked) < 200


@pytest.mark.parametrize("error", [fault, slow])
def test_a_page_that_fails_in_the_middle_of_a_part_ends_the_reading(error: Callable[[], TapError]) -> None:
    log = LogModel(at([n / 300 for n in range(9000)]), random.Random(1))
    asked: list[Query] = []

    def fetch(query: Query) -> Page:
        asked.append(query)
        page = log.fetch(query)
        if any(e.uuid == "007000" for e in page.events):
            raise error()
        return page

    with pytest.raises((UnreadableError, TooSlowError)):
        all_of(fetch, 30)
    assert len(asked) < 400


@pytest.mark.parametrize("second", [30, 60, 119])
def test_only_the_second_that_fails_is_unreadable(second: int) -> None:
    log = LogModel(at([n / 2 for n in range(400)]), random.Random(1))

    def fetch(query: Query) -> Page:
        page = log.fetch(query)
        if any(e.uuid == f"{2 * second + 1:06}" for e in page.events):
            raise fault()
        return page

    found: list[Event] = []
    stretches = read_range(fetch, Zone(START, START + 200), 100, 1)
    with pytest.raises(UnreadableError) as caught:
        found.extend(e for stretch in stretches for e in stretch.events)
    assert (caught.value.start, caught.value.stop) == (START + second, START + second + 1)
    assert found == log.events[: 2 * second]


def test_last_pages_that_name_a_next_one_make_no_page_smaller() -> None:
    log = LogModel(at([n // 3 * 7.0 for n in range(9000)]), random.Random(1), endless=True)
    assert all_of(log.fetch, 21_000) == log.events
    assert min(query.page_size for query in log.asked) == 100


def test_a_dense_log_is_complete_where_the_server_s_times_have_no_seconds() -> None:
    start = -START % 60 + 10
    log = LogModel(at([start + n / 300 for n in range(12_000)]), random.Random(1))

    def fetch(query: Query) -> Page:
        first, bound = (second // 60 * 60 for second in query.ends)
        return log.fetch(query._replace(start=first, stop=bound, margin=0, grain=1))

    assert all_of(fetch, 6000, 500) == log.events
    # Beyond its 24 pages, as whichever part is next to that minute asks for a minute more.
    assert len(log.asked) < 200


def test_a_server_that_answers_nothing_is_not_asked_for_less_and_less() -> None:
    asked: list[Query] = []

    def fetch(query: Query) -> Page:
        asked.append(query)
        raise slow()

    with pytest.raises(TooSlowError):
        list(read_range(fetch, Zone(START, START + DAYS), 500))
    assert len(asked) <= 4
