"""Reading again what a count has found incomplete: as slowly and carefully as it takes, and believing no page.

The range is divided until the API counts few events in each part of it. Each is read unsorted, by `page_id`, in pages
of the API's default size, until as many objects have been seen as are counted. Whether a page is full, whether it names
a next one, and in which order its events come makes no difference.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left

from tap_endorlabs.api.detours import DEFAULT_PAGE_SIZE
from tap_endorlabs.api.query import Query
from tap_endorlabs.errors import TooSlowError, TransientError, UncountedError, UnreadableError
from tap_endorlabs.reading.gap import Stretch
from tap_endorlabs.timestamps import MINUTE, stamp_of_second

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator

    from tap_endorlabs.api.records import Event, Page, Reject
    from tap_endorlabs.proof.counting import Counter
    from tap_endorlabs.proof.proof import Part

MOST_AT_ONCE = 10_000
"""So many events are read at once, as they wait in memory until they are in order."""

LEAST = 10
"""Fewer events are not asked for at a time, however long it takes the server."""


MOST_WITHOUT_NEW = 4
"""After so many pages without anything new there is nothing more to be had."""


class Rereader:
    """Reads ranges again.

    Args:
        fetch: answers a query with its page.
        counter: asks for counts.
        page_size: events in a page, at most.
        logger: gets a line for each range.
    """

    def __init__(
        self, fetch: Callable[[Query], Page], counter: Counter, page_size: int, logger: logging.Logger
    ) -> None:
        self._fetch = fetch
        self._counter = counter
        self._page_size = min(page_size, DEFAULT_PAGE_SIZE)
        self._logger = logger

    def reread(self, part: Part, stop: int, counts: list[int | None]) -> Generator[Stretch]:
        """Read the beginning of a part again.

        Args:
            part: what was read of it.
            stop: the second at which it is to end.
            counts: how many events each database counted of it.

        Raises:
            UncountedError: less can be read than the API counts.
            UnreadableError: the API fails to answer a minute of it, or one beside that.
        """
        self._logger.warning(
            "The API counts more events from %s to %s than it lists: reading them again, unsorted",
            stamp_of_second(part.start),
            stamp_of_second(stop),
        )
        yield from self._reread(part.start, stop, part, counts)

    def _reread(self, start: int, stop: int, part: Part, least: list[int | None]) -> Generator[Stretch]:
        wide = _widened(start, stop)
        counts = [self._counter.count(*wide, archived=archived) for archived in part.databases]
        most = [max(found or 0, known or 0) for found, known in zip(counts, least, strict=True)]
        if None in counts and not all(least):
            raise UncountedError(start, stop, None, 0)
        stretch = None
        if sum(most) <= MOST_AT_ONCE or stop - start <= MINUTE:
            try:
                stretch = self._read(start, stop, part, most)
            except TransientError as error:
                if error.is_fault and stop - start <= MINUTE:
                    raise UnreadableError(start, stop, str(error)) from error
                if stop - start <= MINUTE or not (error.is_fault or isinstance(error, TooSlowError)):
                    raise
        if stretch is not None:
            yield stretch
            return
        middle = (start + stop) // 2
        unknown: list[int | None] = [None] * len(least)
        yield from self._reread(start, middle, part, unknown)
        yield from self._reread(middle, stop, part, unknown)

    def _read(self, start: int, stop: int, part: Part, counts: list[int]) -> Stretch:
        first, bound = (stamp_of_second(start),), (stamp_of_second(stop),)
        known = part.events[bisect_left(part.events, first) : bisect_left(part.events, bound)]
        found = {event.uuid: event for event in known}
        rejected: set[Reject] = set()
        for archived, count in zip(part.databases, counts, strict=True):
            wide = Query(*_widened(start, stop), self._page_size, unsorted=True, archived=archived, margin=0)
            events, rejects = self._read_all(wide, count)
            found.update((event.uuid, event) for event in events if first <= event < bound)
            rejected |= {one for one in rejects if one.create_time is None or first <= (one.create_time,) < bound}
        return Stretch(sorted(found.values()), stop, list(rejected))

    def _read_all(self, query: Query, count: int) -> tuple[list[Event], set[Reject]]:
        """Read all objects of a range in one database, to the end of the list, and no fewer than were counted."""
        events: dict[str, Event] = {}
        rejected: set[Reject] = set()
        without_new = 0
        was_short = misleads = False
        while without_new < MOST_WITHOUT_NEW:
            try:
                page = self._fetch(query)
            except TooSlowError:
                if query.page_size <= LEAST:
                    raise
                query = query._replace(page_size=query.page_size // 2)
                continue
            seen = len(events) + len(rejected)
            events.update((event.uuid, event) for event in page.events)
            rejected.update(page.rejected)
            brings_new = len(events) + len(rejected) > seen
            without_new = 0 if brings_new else without_new + 1
            # Where more came after a short page, as from a server that gives fewer than asked for, it ends nothing.
            misleads |= was_short and brings_new
            was_short = page.size < query.page_size and not page.says_more
            is_last = (was_short and not misleads) or not (brings_new or page.says_more)
            if len(events) + len(rejected) >= count and is_last:
                return list(events.values()), rejected
            if page.next_page_id is not None:
                query = query._replace(page_id=page.next_page_id)
        seen = len(events) + len(rejected)
        # Some may have been deleted, or archived, meanwhile.
        again = self._counter.count(query.start, query.stop, archived=query.archived)
        if (count if again is None else again) > seen:
            raise UncountedError(query.start, query.stop, count, seen)
        return list(events.values()), rejected


def _widened(start: int, stop: int) -> tuple[int, int]:
    """Give a range of whole minutes around another: in it lies what a server takes to be in that one, or next to it.

    As it is both counted and read, it makes no difference how the server rounds or compares times.
    """
    return (start - 1) // MINUTE * MINUTE, -(-(stop + 1) // MINUTE) * MINUTE
