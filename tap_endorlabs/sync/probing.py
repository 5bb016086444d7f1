"""Whether a log can be read at all, found out with one small request."""

from __future__ import annotations

import contextlib
import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import TooSlowError
from tap_endorlabs.timestamps import HOUR

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.records import Page

_PAGE_SIZE = 100


def probe(fetch: Callable[[Query], Page], start: int, stop: int, page_size: int) -> Page:
    """Prove with one small request that a log can be read; where that takes too long, with a smaller one.

    It is unsorted, as a sort is what takes a server long.

    Args:
        fetch: answers a query with its page.
        start: the first second to look at, at most an hour before the last.
        stop: the last second, exclusive.
        page_size: the most events to ask for.

    Raises:
        TapError: it can't be read.
    """
    large, small = min(_PAGE_SIZE, page_size), min(SMALLEST_PAGE, page_size)
    with contextlib.suppress(TooSlowError):
        return fetch(Query(min(start, stop - HOUR), stop, large, unsorted=True))
    with contextlib.suppress(TooSlowError):
        return fetch(Query(stop - HOUR, stop, small, unsorted=True))
    # Less can't be asked for, so this is tried several times.
    return fetch(Query(stop - 1, stop, small, unsorted=True))
