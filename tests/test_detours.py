"""Ways round what a server refuses: what it answers otherwise is read, and nothing is called unreadable before."""

from __future__ import annotations

import random
import typing as t
from http import HTTPStatus

import pytest

from tap_endorlabs.errors import TapError, TooSlowError, TransientError, UnreadableError
from tap_endorlabs.reading.archive import Zone
from tap_endorlabs.reading.reader import read_range
from tests.log_model import LogModel
from tests.test_reader import START, at

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

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
    assert caught.value.second == START + 700


def test_a_server_that_answers_nothing_is_not_asked_for_less_and_less() -> None:
    asked: list[Query] = []

    def fetch(query: Query) -> Page:
        asked.append(query)
        raise slow()

    with pytest.raises(TooSlowError):
        list(read_range(fetch, Zone(START, START + DAYS), 500))
    assert len(asked) <= 4
