"""Whether a log can be read at all, found out with one small request."""

from __future__ import annotations

import contextlib
import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import TooSlowError, several
from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.timestamps import HOUR, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_endorlabs.api.records import Page

_PAGE_SIZE = 100


class Sample(t.NamedTuple):
    """What such a request asked for, and what it got."""

    query: Query
    page: Page

    def in_words(self, log: str, condition: str | None) -> str:
        """Say it of a log of which only the events are read that meet a condition, if there is one."""
        start, stop = stamp_of_second(self.query.start), stamp_of_second(self.query.stop)
        reason = "if the setting filter lets none through" if condition else "in a quiet log"
        none = "" if self.page.size else f"; none is normal {reason}"
        return (
            f"Read as a sample: {several(self.page.size, 'event')} of {log} from {start} to {stop} "
            f"(at most {self.query.page_size} are asked for{none})."
        )


def probe(fetch: Callable[[Query], Page], start: int, stop: int, page_size: int) -> Sample:
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
    for query in (
        Query(min(start, stop - HOUR), stop, large, unsorted=True),
        Query(stop - HOUR, stop, small, unsorted=True),
    ):
        with contextlib.suppress(TooSlowError):
            return Sample(query, fetch(query))
    # Less can't be asked for, so this is tried several times.
    query = Query(stop - 1, stop, small, unsorted=True)
    return Sample(query, fetch(query))


def probe_archive(fetch: Callable[[Query], Page], start: int, now: int) -> None:
    """Prove with one small request that the archive can be read, if a range begins so early that it is needed.

    Args:
        fetch: answers a query with its page.
        start: the first second of the range.
        now: the present second.

    Raises:
        TapError: it can't be read.
    """
    active = now - ACTIVE_UNTIL
    if start < active:
        # What takes too long may be read nevertheless.
        with contextlib.suppress(TooSlowError):
            fetch(Query(start, min(start + HOUR, active), SMALLEST_PAGE, unsorted=True, archived=True))
