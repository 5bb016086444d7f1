"""One run over a log: which range to read, and which of the events in it are new."""

from __future__ import annotations

import contextlib
import time
import typing as t

from tap_endorlabs.archive import ACTIVE, ACTIVE_UNTIL, ARCHIVE, Zone, zones
from tap_endorlabs.bookmark import Bookmark, Scope, bookmark_of, scope_of
from tap_endorlabs.errors import ArchiveRefusedError, StateError
from tap_endorlabs.position import Position
from tap_endorlabs.progress import Progress
from tap_endorlabs.timeline import read_range
from tap_endorlabs.timestamps import earlier, second_after, second_of, stamp_of, stamp_of_second

if t.TYPE_CHECKING:
    import datetime as dt
    import logging
    from collections.abc import Callable, Generator, Mapping

    from tap_endorlabs.records import Event, Page, Reject
    from tap_endorlabs.settings import Settings

_MOST_REJECTS_LOGGED = 20
_TEST_SECONDS = 3600


class LogRun:
    """Reads what is new in a log, from its bookmark (or `start_date`) to `end_date` or the start of the run.

    Args:
        settings: what to read.
        bookmark: where the run before ended, None for a first run.
        now: the server's time at the start of the run.
        logger: gets the lines about range and progress.
        clock: seconds on a steady clock.

    Attributes:
        bookmark: where the next run begins, by what has been noted.
        gap: what of the log could not be read, in words; None where all could.
        progress: how many events have been noted.
    """

    def __init__(
        self,
        settings: Settings,
        bookmark: Bookmark | None,
        now: dt.datetime,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        begun = stamp_of(now)
        self.gap: str | None = None
        self._refusal: ArchiveRefusedError | None = None
        self._archive_was_read = False
        self._clock = clock
        self._begun = second_of(begun) - clock()
        first_run = bookmark is None
        self.bookmark = bookmark or Bookmark(settings.start_date or begun)
        self.bookmark.limit = earlier(begun, settings.lookback_seconds)
        self._page_size = settings.page_size
        self._concurrency = settings.concurrency
        self._include_archived = settings.include_archived
        self._from = self.bookmark.value
        self._end = min(settings.end_date or begun, begun)
        self._logger = logger
        self._rejects: set[Reject] = set()
        self._start, self._stop = second_of(self._from), second_after(self._end)
        self.progress = Progress(logger, self._start, self._stop)
        if first_run and settings.start_date is None:
            logger.info(
                "First run without start_date: past events are not read, the next run begins at %s",
                begun,
            )
        elif self._from >= self._end:
            logger.info(
                "Nothing to read: the bookmark is at %s, the range ends at %s",
                self._from,
                self._end,
            )
        else:
            logger.info("Reading events from %s to %s", self._from, self._end)
            self._tell_of_archive()

    def _now(self) -> int:
        return int(self._begun + self._clock())

    def _tell_of_archive(self) -> None:
        active = stamp_of_second(self._now() - ACTIVE_UNTIL)
        if self._from < active and not self._include_archived:
            self._logger.warning("The archive is not read: events before %s may be missing", active)

    def new_events(self, fetch: Callable[[Position], Page]) -> Generator[list[Event]]:
        """Read the range.

        Args:
            fetch: answers a position with its page; called by several threads.

        Yields:
            new events in order, list after list. Before the next list is asked for, this one must have been noted.
        """
        if self._from >= self._end:
            return
        active = [Zone(self._start, self._stop)]
        for zone in zones(self._start, self._stop, self._now) if self._include_archived else active:
            yield from self._read_zone(self._watching(fetch), zone)

    def _watching(self, fetch: Callable[[Position], Page]) -> Callable[[Position], Page]:
        """Take note of whether the archive can be read."""

        def watch(position: Position) -> Page:
            page = fetch(position)
            self._archive_was_read |= position.archived
            return page

        return watch

    def _read_zone(self, fetch: Callable[[Position], Page], zone: Zone) -> Generator[list[Event]]:
        """Read a zone; where the archive may not be read, what else there is of it."""
        if self.gap is not None and zone.databases == ARCHIVE:
            self.bookmark.pass_to(min(stamp_of_second(zone.stop), self._end, self.bookmark.limit))
            return
        databases = zone.databases if self.gap is None else ACTIVE
        try:
            yield from self._read(fetch, zone._replace(databases=databases))
        except ArchiveRefusedError as error:
            if self._archive_was_read:
                raise
            # If nothing may be read at all, this fails, and so does the run.
            fetch(self.test_position(self._page_size))
            if self._refusal is not None:
                self._leave_gap(zone.start, error)
            self._refusal = error
            yield from self._read_zone(fetch, zone)

    def _read(self, fetch: Callable[[Position], Page], zone: Zone) -> Generator[list[Event]]:
        stretches = read_range(fetch, zone, self._page_size, self._concurrency)
        with contextlib.closing(stretches):
            for stretch in stretches:
                for reject in stretch.rejected:
                    self._count(reject)
                yield self.only_new(stretch.events)
                self.progress.report(stretch)

    def _leave_gap(self, second: int, error: ArchiveRefusedError) -> None:
        """Go on without the archive, which has been refused twice, and let the bookmark say so."""
        begin = max(stamp_of_second(second), self._from)
        end = min(stamp_of_second(self._now() - ACTIVE_UNTIL), self._end)
        self.bookmark.leave_gap(begin, end)
        self.gap = f"Events from {begin} to {end} are missing as far as they are in the archive (see above)."
        self._logger.warning(
            "%s Events from %s to %s are missing as far as they are in the archive; the state says so (gaps).",
            error,
            begin,
            end,
        )

    def note(self, events: list[Event]) -> None:
        """Take note of new events that have been emitted, in order, with none left out before the last."""
        self.bookmark.note(events)
        self.progress.events += len(events)

    def _count(self, reject: Reject) -> None:
        outside = reject.create_time and not self._from <= reject.create_time < self._end
        if outside or reject in self._rejects:
            return
        self._rejects.add(reject)
        if len(self._rejects) <= _MOST_REJECTS_LOGGED:
            self._logger.error("An object without a uuid or a readable meta.create_time was left out: %s", reject)

    @property
    def rejected(self) -> int:
        """How many objects were left out, as they can't be records."""
        return len(self._rejects)

    def only_new(self, events: list[Event]) -> list[Event]:
        """Give those of some events that lie in the range and have not been emitted yet."""
        # Spelled out for speed: this is done for each event of a backfill.
        value, end, emitted = self.bookmark.value, self._end, self.bookmark.emitted
        return [e for e in events if value <= e.create_time < end and e.uuid not in emitted]

    def test_position(self, page_size: int) -> Position:
        """Give the position of a small request: the beginning of the range, or the last hour where that is empty."""
        start = min(self._start, self._stop - _TEST_SECONDS)
        return Position(start, self._stop, min(page_size, self._page_size))


def read_state(state: Mapping[str, t.Any], scope: Scope) -> tuple[Bookmark | None, Scope | None]:
    """Read a stream's bookmark, and the scope that it was made for, as far as the state has them.

    Raises:
        StateError: the state is broken, or belongs to another namespace.
    """
    bookmark, before = bookmark_of(state), scope_of(state)
    if before is not None and before.namespace != scope.namespace:
        raise StateError(
            f"The state belongs to namespace {str(before.namespace)[:100]!r}, but the setting namespace is "
            f"{scope.namespace!r}: keep a state for each (--state-id-suffix with Meltano, a file of its own with "
            "--state), or start anew without a state."
        )
    return bookmark, before


def resume(state: Mapping[str, t.Any], scope: Scope, logger: logging.Logger) -> Bookmark | None:
    """Take the bookmark out of a stream's state, and warn if it was made for a scope that saw other events.

    Raises:
        StateError: the state is broken, or belongs to another namespace.
    """
    bookmark, before = read_state(state, scope)
    if bookmark is not None and before is not None and before != scope:
        logger.warning(
            "The state was made with traverse=%s and filter=%r, now they are %s and %r: "
            "events before %s that only the new settings let through are not fetched",
            before.traverse,
            before.filter,
            scope.traverse,
            scope.filter,
            bookmark.value,
        )
    return bookmark
