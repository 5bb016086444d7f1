"""Reading zones of a log side by side, and proving by count what takes more than a page."""

from __future__ import annotations

import contextlib
import itertools
import threading
import typing as t

from tap_endorlabs.counting import Counter
from tap_endorlabs.proof import Proof
from tap_endorlabs.rereading import Rereader
from tap_endorlabs.timeline import first_position, read_range
from tap_endorlabs.turns import Turns

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator

    from tap_endorlabs.archive import Zone
    from tap_endorlabs.pieces import Stretch
    from tap_endorlabs.position import Position
    from tap_endorlabs.records import Page
    from tap_endorlabs.settings import Settings

ROUND_SIZES = frozenset({10, 20, 25, 50, *range(100, 500, 50)})
"""A page of so many events, where more were asked for, may be all that a server gives at a time."""


class _Ahead:
    """A page that a thread of its own asks for.

    Attributes:
        position: which.
    """

    def __init__(self, fetch: Callable[[Position], Page], position: Position) -> None:
        self.position = position
        self._answer: Page | BaseException | None = None
        self._thread = threading.Thread(target=self._ask, args=(fetch,), name="ahead", daemon=True)
        self._thread.start()

    def _ask(self, fetch: Callable[[Position], Page]) -> None:
        try:
            self._answer = fetch(self.position)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the page is taken
            self._answer = error

    def page(self) -> Page:
        """Wait for the page."""
        self._thread.join()
        if isinstance(self._answer, BaseException):
            raise self._answer
        return t.cast("Page", self._answer)


class ZoneReader:
    """Reads zones.

    Args:
        fetch: answers a position with its page; called by several threads.
        settings: how many requests at once, how large pages are, and what is proved.
        settled: the second from which on events may still appear, so that no count proves anything.
        logger: gets the warnings.

    Attributes:
        settled: likewise.
        counter: asks for counts.
        proves: whether anything is proved.
        proves_all: whether what fits a page is proved, too.
    """

    def __init__(
        self, fetch: Callable[[Position], Page], settings: Settings, settled: int, logger: logging.Logger
    ) -> None:
        self._fetch_page = fetch
        self._page_size = settings.page_size
        self._concurrency = settings.concurrency
        self.settled = settled
        self._turns = Turns(settings.concurrency)
        self._sizes: list[int] = []
        self.counter = Counter(self.fetch, logger)
        self._rereader = Rereader(self.fetch, self.counter, settings.page_size, logger)
        self.proves = settings.completeness_check != "never"
        self.proves_all = settings.completeness_check == "always"
        self._ahead: _Ahead | None = None

    def look_ahead(self, zone: Zone) -> None:
        """Ask for the first page of a zone that is probably read next, where that holds up nobody."""
        if self._concurrency > 1 and zone.start < zone.stop:
            self._ahead = _Ahead(self._ask, first_position(zone, self._page_size))

    def fetch(self, position: Position) -> Page:
        """Fetch a page, when there are no more than `concurrency` others under way."""
        if (ahead := self._ahead) is not None and ahead.position == position:
            self._ahead = None
            return ahead.page()
        return self._ask(position)

    def _ask(self, position: Position) -> Page:
        # What waits for a count can't leave.
        with self._turns.turn(urgent=position.counted):
            page = self._fetch_page(position)
        if not position.counted:
            self._sizes.append(page.size)
        return page

    def read(self, zone: Zone) -> Generator[Stretch]:
        """Read a zone.

        Yields:
            stretches in order, each proved, if it has to be.
        """
        proof = Proof(zone, self.counter, self._rereader, self._page_size, self.settled)
        on_idle = proof.ask_for_rest if self.proves else lambda: None
        stretches = read_range(self.fetch, zone, self._page_size, self._concurrency, on_idle)
        with contextlib.closing(stretches):
            if not self.proves:
                yield from stretches
                return
            first = list(itertools.islice(stretches, 1))
            if first and first[0].reached < zone.stop:
                # A last page may name a next one, which holds nothing new.
                first += itertools.islice(stretches, 1)
            if self.proves_all or not self._fits_a_page(first, zone):
                yield from proof.prove(itertools.chain(first, stretches))
            else:
                yield from first

    def _fits_a_page(self, read: list[Stretch], zone: Zone) -> bool:
        """Whether a zone has been read with one page, as far as a page can tell."""
        size = self._sizes[0]
        return (
            read[-1].reached == zone.stop
            and sum(len(stretch.events) for stretch in read) <= size
            and len(self._sizes) <= len(read)
            and (size not in ROUND_SIZES or len(self._sizes) > 1 or size == self._page_size)
        )
