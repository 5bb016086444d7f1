"""Reading zones of a log side by side, and proving by count what takes more than a page."""

from __future__ import annotations

import contextlib
import itertools
import typing as t

from tap_endorlabs.errors import RateLimitedError, TapError
from tap_endorlabs.proof.counting import Counter
from tap_endorlabs.proof.proof import Proof
from tap_endorlabs.proof.rereading import Rereader
from tap_endorlabs.proof.turns import Turns
from tap_endorlabs.reading.reader import read_range
from tap_endorlabs.timestamps import second_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.proof.databases import BorderCheck
    from tap_endorlabs.reading.archive import Zone
    from tap_endorlabs.reading.gap import Stretch
    from tap_endorlabs.settings import Settings

MANY = 20
"""Fewer events in a page are no sign that the server gives no more at a time."""

ROUND_SIZES = frozenset({10, 20, 25, 50, 64, 75, 128, 256, *range(100, 500, 50)})
"""A page of so many events, where more were asked for, may be all that a server gives at a time."""


class ZoneReader:
    """Reads zones.

    Args:
        fetch: answers a query with its page; called by several threads.
        settings: how many requests at once, how large pages are, and what is proved.
        settled: the second from which on events may still appear, so that no count proves anything.
        logger: gets the warnings.

    Attributes:
        settled: likewise.
        counter: asks for counts.
        proves: whether anything is proved.
        proves_all: whether what fits a page is proved, too.
        check: tells whether the zone has its events where it says; begun after the first page, so as to hold up nobody.
    """

    def __init__(
        self, fetch: Callable[[Query], Page], settings: Settings, settled: int, logger: logging.Logger
    ) -> None:
        self._fetch_page = fetch
        self._page_size = settings.page_size
        self._concurrency = settings.concurrency
        self.settled = settled
        self._turns = Turns(settings.concurrency)
        self._sizes: list[int] = []
        self._refusal: RateLimitedError | None = None
        self.counter = Counter(self.fetch, logger)
        self._rereader = Rereader(self.fetch, self.counter, settings.page_size, logger)
        self.proves = settings.completeness_check != "never"
        self.proves_all = settings.completeness_check == "always"
        self.check: BorderCheck | None = None

    def fetch(self, query: Query) -> Page:
        """Fetch a page, when there are no more than `concurrency` others under way."""
        # What waits for a count can't leave.
        with self._turns.turn(urgent=query.counted):
            if self._refusal is not None:
                raise self._refusal
            try:
                page = self._fetch_page(query)
            except RateLimitedError as error:
                # Nobody gets through; else each would wait until its own turn has been refused.
                self._refusal = error
                raise
        if not query.counted:
            self._sizes.append(page.size)
        return page

    def read(self, zone: Zone) -> Generator[Stretch]:
        """Read a zone.

        Yields:
            stretches in order, each proved, if it has to be; none where the check fails.
        """
        with contextlib.closing(self._read(zone)) as stretches:
            for stretch in stretches:
                if self.check is not None and not self.check.holds():
                    return
                yield stretch

    def _read(self, zone: Zone) -> Generator[Stretch]:
        proof = Proof(zone, self.counter, self._rereader, self._page_size, self.settled)
        stretches = read_range(self.fetch, zone, self._page_size, self._concurrency)
        with contextlib.closing(stretches):
            if not self.proves:
                yield from stretches
                return
            first = list(itertools.islice(stretches, 1))
            if self.check is not None:
                events = first[0].events if first else []
                self.check.begin(second_of(events[0].create_time) if events else zone.stop)
            rest: Iterator[Stretch] = stretches
            if first and first[0].reached < zone.stop:
                # A last page may name a next one, which holds nothing new.
                try:
                    first += itertools.islice(stretches, 1)
                except TapError as error:
                    # What was read before it is handed on as of any other page.
                    rest = _failing(error)
            if self.proves_all or not self._fits_a_page(first, zone):
                yield from proof.prove(itertools.chain(first, rest))
            else:
                yield from first

    def _fits_a_page(self, read: list[Stretch], zone: Zone) -> bool:
        """Whether a zone has been read with one page, as far as a page can tell."""
        size = self._sizes[0]
        return (
            read[-1].reached == zone.stop
            and sum(len(stretch.events) for stretch in read) <= size
            and len(self._sizes) <= len(read)
            and size < self._page_size
            and size not in ROUND_SIZES
            and not (size >= MANY and self._ends_early(read, zone))
        )

    def _ends_early(self, read: list[Stretch], zone: Zone) -> bool:
        """Whether the events of a zone are followed by nothing for far longer than they took."""
        times = [stretch.events[-1].create_time for stretch in read if stretch.events]
        took = second_of(times[-1]) - zone.start if times else zone.stop - zone.start
        return zone.stop - zone.start > 4 * took


def _failing(error: TapError) -> Iterator[Stretch]:
    yield from ()
    raise error
