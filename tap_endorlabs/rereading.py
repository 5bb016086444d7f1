"""Reading again what a count has found incomplete: as slowly and carefully as it takes, and believing no page.

The range is divided until the API counts few events in each part of it. Each is read unsorted, by `page_id`, in pages
of the API's default size, until as many objects have been seen as are counted. Whether a page is full, whether it names
a next one, and in which order its events come makes no difference.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left

from tap_endorlabs.detours import DEFAULT_PAGE_SIZE
from tap_endorlabs.errors import TooSlowError, UncountedError
from tap_endorlabs.pieces import Stretch
from tap_endorlabs.position import Position
from tap_endorlabs.timestamps import stamp_of_second

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterable

    from tap_endorlabs.archive import Databases
    from tap_endorlabs.counting import Counter
    from tap_endorlabs.records import Event, Page, Reject

MOST_AT_ONCE = 10_000
"""So many events are read at once, as they wait in memory until they are in order."""

MOST_BARREN = 4
"""After so many pages without anything new there is nothing more to be had."""


class Rereader:
    """Reads ranges again.

    Args:
        fetch: answers a position with its page.
        counter: asks for counts.
        page_size: events in a page, at most.
        logger: gets a line for each range.
    """

    def __init__(
        self, fetch: Callable[[Position], Page], counter: Counter, page_size: int, logger: logging.Logger
    ) -> None:
        self._fetch = fetch
        self._counter = counter
        self._page_size = min(page_size, DEFAULT_PAGE_SIZE)
        self._logger = logger

    def reread(self, start: int, stop: int, databases: Databases, known: list[Event]) -> Generator[Stretch]:
        """Read a range again.

        Args:
            start: first second.
            stop: last second, exclusive.
            databases: where its events are.
            known: those that have been read, in order.

        Raises:
            UncountedError: less can be read than the API counts.
        """
        self._logger.warning(
            "The API counts more events from %s to %s than it lists: reading them again, unsorted",
            stamp_of_second(start),
            stamp_of_second(stop),
        )
        yield from self._reread(start, stop, databases, known)

    def _reread(self, start: int, stop: int, databases: Databases, known: list[Event]) -> Generator[Stretch]:
        counts = [self._counter.count(start, stop, archived=archived) or 0 for archived in databases]
        stretch = None
        if sum(counts) <= MOST_AT_ONCE or stop - start == 1:
            try:
                stretch = self._read(start, stop, zip(databases, counts, strict=True), known)
            except TooSlowError:
                if stop - start == 1:
                    raise
        if stretch is not None:
            yield stretch
            return
        middle = (start + stop) // 2
        yield from self._reread(start, middle, databases, known)
        yield from self._reread(middle, stop, databases, known)

    def _read(self, start: int, stop: int, counts: Iterable[tuple[bool, int]], known: list[Event]) -> Stretch:
        first, bound = (stamp_of_second(start),), (stamp_of_second(stop),)
        found = {event.uuid: event for event in known[bisect_left(known, first) : bisect_left(known, bound)]}
        rejected: set[Reject] = set()
        for archived, count in counts:
            position = Position(start, stop, self._page_size, whole=True, archived=archived, margin=0)
            events, rejects = self._read_all(position, count)
            found.update((event.uuid, event) for event in events if first <= event < bound)
            rejected |= rejects
        return Stretch(sorted(found.values()), stop, list(rejected))

    def _read_all(self, position: Position, count: int) -> tuple[list[Event], set[Reject]]:
        """Read all objects of a range in one database."""
        events: dict[str, Event] = {}
        rejected: set[Reject] = set()
        barren = 0
        while (seen := len(events) + len(rejected)) < count:
            page = self._fetch(position)
            events.update((event.uuid, event) for event in page.events)
            rejected.update(page.rejected)
            barren = barren + 1 if len(events) + len(rejected) == seen else 0
            if barren == MOST_BARREN:
                raise UncountedError(position.start, position.stop, count, seen)
            if page.next_page_id is not None:
                position = position._replace(page_id=page.next_page_id)
        return list(events.values()), rejected
