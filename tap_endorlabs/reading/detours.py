"""How to go on where the server refuses a query, found out by asking otherwise: unsorted, for less, for less time.

Nobody documents what it refuses, and with which words; so no message is read here.
"""

from __future__ import annotations

import typing as t
from functools import partial
from http import HTTPStatus

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import ApiError, TapError, TooSlowError, TransientError, UnreadableError

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.records import Page
    from tap_endorlabs.reading.limits import Limits

DEFAULT_PAGE_SIZE = 100
"""What the API gives where no size is asked for: no server refuses such a page."""

REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
"""The statuses that may speak of how was asked, not of what for."""

_EVERY = 4
"""After so many failures without an answer of their size between them, it is looked again for another reason."""


def find_detour(fetch: Callable[[Query], Page], asked: Query, error: TapError, limits: Limits) -> Callable[[], bool]:
    """Find out how to ask instead, after a query has failed.

    Returns:
        what makes the limits know it, and tells whether the query is to be made smaller.

    Args:
        fetch: answers a query with its page.
        asked: the query that it could not answer.
        error: how it failed.
        limits: what is known of the server.

    Raises:
        UnreadableError: the server fails to answer a single second.
        TapError: the error, as there is no other way.
    """
    if isinstance(error, TransientError) and (isinstance(error, TooSlowError) or _is_fault(error)):
        return _ask_for_less(fetch, asked, error, limits)
    if isinstance(error, ApiError) and error.status in REFUSALS:
        return _ask_otherwise(fetch, asked, error, limits)
    raise error


def _ask_for_less(
    fetch: Callable[[Query], Page], asked: Query, error: TransientError, limits: Limits
) -> Callable[[], bool]:
    too_large = isinstance(error, TooSlowError) and error.too_large
    if not asked.divisible and not (too_large and asked.page_size > 1):
        if asked.is_sorted and _is_answered(fetch, _unsorted(asked)):
            return limits.distrust_sort
        if _is_fault(error) and asked.stop - asked.start == 1:
            raise UnreadableError(asked.start, str(error)) from error
        raise error
    if limits.refusals % _EVERY == 1:
        # It may be the sort that takes too long, where none has come to an end yet. Now and then, as unsorted even a
        # long time may be too much.
        if asked.is_sorted and not limits.has_sorted and _is_answered(fetch, _unsorted(asked)):
            return limits.distrust_sort
        _ask_for_least(fetch, asked)
    return partial(limits.tighten, asked, too_large=too_large)


def _ask_for_least(fetch: Callable[[Query], Page], asked: Query) -> None:
    """Fail where less does not help, as not even the least is answered: to find that out by halves takes hours."""
    try:
        fetch(_least(asked))
    except TransientError as error:
        if _is_fault(error):
            raise UnreadableError(asked.start, str(error)) from error
        raise


def _ask_otherwise(fetch: Callable[[Query], Page], asked: Query, error: ApiError, limits: Limits) -> Callable[[], bool]:
    smaller = asked._replace(page_size=min(asked.page_size, DEFAULT_PAGE_SIZE))
    if not _is_answered(fetch, _least(asked)):
        # Not even the least is answered, so it is refused for another reason.
        raise error
    unsorted, small_pages = limits.distrust_sort, partial(limits.allow_pages_of, smaller.page_size)

    def both() -> bool:
        return unsorted() or small_pages()

    ways: list[tuple[Query, Callable[[], bool]]] = [
        (_unsorted(asked), unsorted),
        (smaller, small_pages),
        (_unsorted(smaller), both),
    ]
    for other, learn in ways:
        if other != asked and _is_answered(fetch, other):
            return learn
    if asked.stop - asked.start > 1:
        return partial(limits.tighten, asked)
    raise error


def _unsorted(query: Query) -> Query:
    return query._replace(unsorted=True)


def _least(query: Query) -> Query:
    size = min(query.page_size, SMALLEST_PAGE)
    return Query(query.start, query.start + 1, size, unsorted=True, archived=query.archived)


def _is_answered(fetch: Callable[[Query], Page], query: Query) -> bool:
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
