"""How to go on where the server refuses a query, found out by asking otherwise: unsorted, for less, for less time.

Nobody documents what it refuses, and with which words; so no message is read here.
"""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import ApiError, TapError, TooLargeError, TooSlowError, TransientError, UnreadableError

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.records import Page

    Fetch = Callable[[Query], Page]

DEFAULT_PAGE_SIZE = 100
"""What the API gives where no size is asked for: no server refuses such a page."""

REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
"""The statuses that may speak of how was asked, not of what for."""


class Detour(t.NamedTuple):
    """How to ask from now on, after a query has failed.

    Attributes:
        unsorted: in no order.
        page_size: for no more events at a time.
        too_large: for smaller pages now; larger ones may be answered again where events are smaller.
    """

    unsorted: bool = False
    page_size: int | None = None
    too_large: bool = False


FOR_LESS = Detour()
"""For less at a time, or for less time, as nobody says which of them it was."""


def find_detour(fetch: Fetch, asked: Query, error: TapError, *, is_odd: bool, may_sort: bool) -> Detour:
    """Find out how to ask instead, after a query has failed.

    Args:
        fetch: answers a query with its page.
        asked: the query that it could not answer.
        error: how it failed.
        is_odd: whether others have failed before it, so that it may not be for their size.
        may_sort: whether the server has answered a sorted query before.

    Raises:
        UnreadableError: the server fails to answer a single second.
        TapError: the error, as there is no other way.
    """
    if isinstance(error, TransientError) and (isinstance(error, TooSlowError) or _is_fault(error)):
        return _ask_for_less(fetch, asked, error, is_odd=is_odd, may_sort=may_sort)
    if isinstance(error, ApiError) and error.status in REFUSALS:
        return _ask_otherwise(fetch, asked, error)
    raise error


def _ask_for_less(fetch: Fetch, asked: Query, error: TransientError, *, is_odd: bool, may_sort: bool) -> Detour:
    if isinstance(error, TooLargeError) and asked.page_size > 1:
        return Detour(too_large=True)
    if not asked.divisible:
        if asked.is_sorted and _is_answered(fetch, _unsorted(asked)):
            return Detour(unsorted=True)
        if _is_fault(error) and asked.stop - asked.start == 1:
            raise UnreadableError(asked.start, str(error)) from error
        raise error
    if is_odd:
        # It may be the sort that takes too long, where none has come to an end yet.
        if asked.is_sorted and not may_sort and _is_answered(fetch, _unsorted(asked)):
            return Detour(unsorted=True)
        _ask_for_least(fetch, asked)
    return FOR_LESS


def _ask_for_least(fetch: Fetch, asked: Query) -> None:
    """Fail where less does not help, as not even the least is answered: to find that out by halves takes hours."""
    try:
        fetch(_least(asked))
    except TransientError as error:
        if _is_fault(error):
            raise UnreadableError(asked.start, str(error)) from error
        raise


def _ask_otherwise(fetch: Fetch, asked: Query, error: ApiError) -> Detour:
    if not _is_answered(fetch, _least(asked)):
        # It is refused for another reason.
        raise error
    smaller = asked._replace(page_size=min(asked.page_size, DEFAULT_PAGE_SIZE))
    ways = [
        (_unsorted(asked), Detour(unsorted=True)),
        (smaller, Detour(page_size=smaller.page_size)),
        (_unsorted(smaller), Detour(unsorted=True, page_size=smaller.page_size)),
    ]
    for other, detour in ways:
        if other != asked and _is_answered(fetch, other):
            return detour
    if asked.stop - asked.start > 1:
        return FOR_LESS
    raise error


def _unsorted(query: Query) -> Query:
    return query._replace(unsorted=True)


def _least(query: Query) -> Query:
    size = min(query.page_size, SMALLEST_PAGE)
    return Query(query.start, query.start + 1, size, unsorted=True, archived=query.archived)


def _is_answered(fetch: Fetch, query: Query) -> bool:
    try:
        fetch(query)
    except TransientError as error:
        if isinstance(error, TooSlowError) or _is_fault(error):
            return False
        raise
    except ApiError as error:
        if error.status in REFUSALS:
            return False
        raise
    return True


def _is_fault(error: TransientError) -> bool:
    return error.status == HTTPStatus.INTERNAL_SERVER_ERROR
