"""Which answers speak of how was asked, and how else to ask, found out by trying: unsorted, for less, by no offset.

Nobody documents what it refuses, and with which words; so no message is read here. What has been found out is kept in
`limits`.
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

REFUSALS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.NOT_IMPLEMENTED,
}
"""The statuses that may speak of how was asked, not of what for."""


class Detour(t.NamedTuple):
    """How to ask from now on, after a query has failed.

    Attributes:
        unsorted: in no order.
        page_size: for no more events at a time.
        too_large: for smaller pages now; larger ones may be answered again where events are smaller.
        without_offsets: for no page by its offset.
        without_margin: this time for nothing beyond the ends of the range, as it is there that the server fails.
    """

    unsorted: bool = False
    page_size: int | None = None
    too_large: bool = False
    without_offsets: bool = False
    without_margin: bool = False


FOR_LESS = Detour()
"""For less at a time, or for less time, as nobody says which of them it was."""


def find_detour(fetch: Fetch, asked: Query, error: TapError, *, is_odd: bool) -> Detour:
    """Find out how to ask instead, after a query has failed.

    Args:
        fetch: answers a query with its page.
        asked: the query that it could not answer.
        error: how it failed.
        is_odd: whether others have failed before it, so that it may not be for their size.

    Raises:
        UnreadableError: the server fails to answer a single second.
        TapError: the error, as there is no other way.
    """
    if isinstance(error, TransientError) and (isinstance(error, TooSlowError) or error.is_fault):
        return _ask_for_less(fetch, asked, error, is_odd=is_odd)
    if isinstance(error, ApiError) and error.status in REFUSALS:
        return _ask_otherwise(fetch, asked, error)
    raise error


def _ask_for_less(fetch: Fetch, asked: Query, error: TransientError, *, is_odd: bool) -> Detour:
    if isinstance(error, TooLargeError) and asked.page_size > 1:
        return Detour(too_large=True)
    if error.is_fault and asked.margin and _is_answered(fetch, asked._replace(margin=0)):
        return Detour(without_margin=True)
    if not asked.divisible:
        if asked.offset and _is_answered(fetch, asked._replace(offset=0)):
            return Detour(without_offsets=True)
        if asked.is_sorted and _is_answered(fetch, _unsorted(asked)):
            return Detour(unsorted=True)
        if error.is_fault:
            raise UnreadableError(asked.start, asked.stop, str(error)) from error
        raise error
    if is_odd:
        # It may be the sort that takes too long, or the offset.
        ways = [
            (asked.is_sorted, _unsorted(asked)._replace(margin=0), Detour(unsorted=True)),
            (asked.offset > 0, asked._replace(offset=0), Detour(without_offsets=True)),
        ]
        for is_suspect, other, detour in ways:
            # Twice, as one more failure proves nothing where many fail at random.
            if is_suspect and _is_answered(fetch, other) and not any(_is_answered(fetch, asked) for _ in range(2)):
                return detour
        _ask_for_least(fetch, asked)
    return FOR_LESS


def _ask_for_least(fetch: Fetch, asked: Query) -> None:
    """Fail where less does not help, as not even the least is answered: to find that out by halves takes hours."""
    try:
        fetch(_least(asked))
    except TransientError as error:
        if error.is_fault:
            raise UnreadableError(asked.start, asked.first_stop, str(error)) from error
        raise


def _ask_otherwise(fetch: Fetch, asked: Query, error: ApiError) -> Detour:
    try:
        fetch(_least(asked))
    except ApiError as refusal:
        # It is refused for another reason.
        raise error from refusal
    except TransientError:
        # That may be for what lies there.
        pass
    smaller = asked._replace(page_size=min(asked.page_size, DEFAULT_PAGE_SIZE))
    ways = [
        (asked._replace(offset=0), Detour(without_offsets=True)),
        (_unsorted(asked), Detour(unsorted=True)),
        (smaller, Detour(page_size=smaller.page_size)),
        (_unsorted(smaller), Detour(unsorted=True, page_size=smaller.page_size)),
    ]
    for other, detour in ways:
        if other != asked and _is_answered(fetch, other):
            return detour
    if asked.stop > asked.first_stop:
        return FOR_LESS
    raise error


def _unsorted(query: Query) -> Query:
    return query._replace(unsorted=True)


def _least(query: Query) -> Query:
    size, stop = min(query.page_size, SMALLEST_PAGE), query.first_stop
    return Query(query.start, stop, size, unsorted=True, archived=query.archived, margin=0, grain=query.grain)


def _is_answered(fetch: Fetch, query: Query) -> bool:
    try:
        fetch(query)
    except TransientError as error:
        if isinstance(error, TooSlowError) or error.is_fault:
            return False
        raise
    except ApiError as error:
        if error.status in REFUSALS:
            return False
        raise
    return True
