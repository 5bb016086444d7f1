"""In which database a run finds which part of its range, as far as it can find out."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from http import HTTPStatus

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.api.records import Page
from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError
from tap_endorlabs.proof.ages import ACTIVE_UNTIL, ARCHIVED_AFTER, Border, zones
from tap_endorlabs.reading.archive import Zone
from tap_endorlabs.timestamps import DAY, MINUTE

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from tap_endorlabs.proof.zone_reader import ZoneReader

_YEARS = 3 * 366 * DAY
"""How long the archive keeps an event, in seconds."""

_RETENTION = 30 * DAY - DAY // 2
"""No younger event is expected in the archive alone, in seconds."""

_OLD = 27 * DAY
"""A log that has events of this age, in seconds, will have older ones, too: more than a weekend's rest is rare."""

_LONG_EMPTY = 2 * DAY
"""If the active database has nothing of so many seconds, the archive may have what was there."""

_NOTHING = "The archive has nothing, although the log seems to be older than what is in the active database."


def find_border(start: int, stop: int, now: int, count: Callable[[int, int, bool], int | None]) -> Border:
    """Find out between which ages events may be in either database, as what moves them may run late, or early.

    Args:
        start: first second that is to be read.
        stop: last second, exclusive.
        now: the present second.
        count: counts the events of a range, in the archive where its last argument is `True`.
    """
    early, late = ACTIVE_UNTIL, ARCHIVED_AFTER
    while start < now - late and count(start, now - late, False):
        late *= 2
    while early and start < stop and count(max(start, now - early), stop, True):
        early = early // 2 if early > DAY else 0
    return Border(early, late)


class BorderCheck:
    """Finds out where the border is, while something else is done.

    Args:
        find: finds it, given the first second with an event, if that is known.
    """

    def __init__(self, find: Callable[[int | None], Border]) -> None:
        self._find = find
        self._found: Border | BaseException | None = None
        self._thread: threading.Thread | None = None
        self._first: int | None = None

    def begin(self, first: int | None = None) -> None:
        """Begin to, in a thread of its own; give the first second with an event, if it is known."""
        if self._thread is None:
            self._first = first
            self._thread = threading.Thread(target=self._work, name="border", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        try:
            self._found = self._find(self._first)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the border is asked for
            self._found = error

    def border(self) -> Border:
        """Wait for it."""
        self.begin()
        t.cast("threading.Thread", self._thread).join()
        if isinstance(self._found, BaseException):
            raise self._found
        return t.cast("Border", self._found)

    def holds(self) -> bool:
        """Whether it is where it is expected to be, so that the active database alone has what is younger."""
        return self.border() == Border()


class Databases:
    """Cuts a range by the databases that its events are in.

    Args:
        reader: reads them, and counts.
        start: first second of the range.
        stop: last second, exclusive.
        now: gives the present second.
        logger: gets the warnings.

    Attributes:
        complaint: why what the archive has is missing; empty where nothing is known to be missing.
    """

    def __init__(
        self, reader: ZoneReader, start: int, stop: int, now: Callable[[], int], logger: logging.Logger
    ) -> None:
        self.complaint = ""
        self._reader = reader
        self._start, self._stop = start, stop
        self._now = now
        self._logger = logger

    def zones(self, probe: Callable[[], object], *, proves: bool) -> Iterator[Zone]:
        """Give the parts of the range in order, and set the complaint before the first.

        Args:
            probe: proves with a small request that the log can be read at all.
            proves: whether to prove by count that events lie where they are looked for.

        Raises:
            ApiError: nothing may be read at all.
        """
        now, start = self._now(), self._start
        if start < now - ACTIVE_UNTIL and not self._finds_archive(probe, proves=proves):
            # What of the rest has not been archived yet comes with the archive, once that can be read.
            active = -((ACTIVE_UNTIL - now) // MINUTE) * MINUTE
            yield Zone(min(max(start, active), self._stop), self._stop)
            return
        border = Border()
        if proves and start < now - DAY:
            stop = min(self._stop, self._reader.settled)
            check = BorderCheck(lambda first: self._find_border(start, stop, now, first))
            if start >= now - ACTIVE_UNTIL:
                self._reader.check = check
                yield Zone(start, self._stop)
                self._reader.check = None
                if check.holds():
                    return
            border = check.border()
        yield from zones(start, self._stop, self._now, border, now)

    def _finds_archive(self, probe: Callable[[], object], *, proves: bool) -> bool:
        """Whether the archive can be read."""
        now = self._now()
        active, old = now - ACTIVE_UNTIL, now - ARCHIVED_AFTER
        first = Query(self._start, min(active, self._stop), SMALLEST_PAGE, unsorted=True, archived=True)
        try:
            # A refusal is believed when it comes twice.
            try:
                page = self._reader.fetch(first)
            except ArchiveRefusedError:
                # If nothing may be read at all, this fails, and so does the run.
                probe()
                page = self._reader.fetch(first)
        except ArchiveRefusedError as error:
            self.complaint = str(error)
            return False
        except (ApiError, TooSlowError) as error:
            if isinstance(error, ApiError) and error.status != HTTPStatus.BAD_REQUEST:
                raise
            # It is there, but this is too much at once. Whether it has anything is told by a count.
            page = Page([])
        # An archive may be empty where the log is not older than what is read of it.
        reaches_back = self._start < now - _RETENTION
        if reaches_back and page.size == 0 and self._count(old - _YEARS, active, archived=True) == 0:
            if proves and self._start < old and self._count(self._start, old, archived=False):
                # What moves events runs late: they are found where they are.
                return True
            if self._count(old, now - _OLD, archived=False):
                self.complaint = _NOTHING
                return False
            self._logger.warning("The archive has nothing, as expected for a log that is younger than 31 days")
        return True

    def _find_border(self, start: int, stop: int, now: int, first: int | None) -> Border:
        if first is not None and first - start >= _LONG_EMPTY:
            # What was there may have been archived early: a query of the archive chooses the way that finds most.
            with contextlib.suppress(ApiError, TooSlowError):
                self._reader.fetch(Query(start, first, SMALLEST_PAGE, unsorted=True, archived=True))
        return find_border(start, stop, now, self._count)

    def _count(self, start: int, stop: int, archived: bool) -> int | None:  # noqa: FBT001 - as databases are named
        """Count the events of a range; none in an archive that may not be read, as none are looked for there."""
        try:
            count = self._reader.counter.count(start, stop, archived=archived)
            if count is not None:
                return count
            return self._reader.fetch(Query(start, stop, SMALLEST_PAGE, unsorted=True, archived=archived)).size
        except ArchiveRefusedError as error:
            self._logger.warning(
                "The tap can't find out whether some of these events have already been archived: %s", error
            )
        except (ApiError, TooSlowError):
            pass
        return None
