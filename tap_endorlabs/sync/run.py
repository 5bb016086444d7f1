"""One run over a log: which range to read, and which of the events in it are new."""

from __future__ import annotations

import time
import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import TapError, UnreadableError
from tap_endorlabs.proof.databases import Databases
from tap_endorlabs.proof.zone_reader import ZoneReader
from tap_endorlabs.reading.archive import Zone
from tap_endorlabs.sync.beginning import check_bookmark, tell_of_range
from tap_endorlabs.sync.bookmark import Bookmark
from tap_endorlabs.sync.daily_proof import DailyProof
from tap_endorlabs.sync.findings import Findings, divide
from tap_endorlabs.sync.lateness import Lateness
from tap_endorlabs.sync.probing import Sample, probe, probe_archive
from tap_endorlabs.sync.progress import Progress
from tap_endorlabs.timestamps import MINUTE, minute_after, second_of, stamp_of, stamp_of_second

if t.TYPE_CHECKING:
    import datetime as dt
    import logging
    from collections.abc import Callable, Generator

    from tap_endorlabs.api.records import Event, Page, Reject
    from tap_endorlabs.reading.gap import Stretch
    from tap_endorlabs.settings import Settings
    from tap_endorlabs.sync.bookmark import Gap

_MOST_GAPS = 20
"""A run leaves no more seconds out."""


class LogRun:
    """Reads what is new in a log, from its bookmark (or `start_date`) to `end_date` or the start of the run.

    Args:
        settings: what to read.
        bookmark: where the run before ended, None for a first run.
        now: the server's time at the start of the run.
        logger: gets the lines about range and progress.
        clock: seconds on a steady clock.

    Raises:
        StateError: the bookmark lies in the future.

    Attributes:
        first: whether there was no bookmark.
        bookmark: where the next run begins, by what has been noted.
        findings: what of the log could not be read.
        progress: how many events have been noted.
        lateness: how many of them were late.
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
        self.findings = Findings(logger)
        self._clock = clock
        self._begun = second_of(begun) - clock()
        self.first = bookmark is None
        self.bookmark = bookmark or Bookmark(settings.start_date or begun)
        self.bookmark.begin(begun, settings.lookback_seconds)
        self._settings = settings
        self._from = self.bookmark.value
        self._end = self._read_to = min(settings.end_date or begun, begun)
        self._logger = logger
        self._gap: Gap | None = None
        # Whole minutes, as the times of a server may have no more.
        self._start = second_of(self._from) // MINUTE * MINUTE
        self._stop = minute_after(self._end)
        self._settled = min(second_of(self.bookmark.limit), self._stop)
        self.progress = Progress(logger, self._start, self._stop)
        self.lateness = Lateness(self.bookmark.read_to, settings.lookback_seconds)
        if bookmark is not None:
            check_bookmark(self._from, begun)

    def _now(self) -> int:
        return int(self._begun + self._clock())

    def new_events(self, fetch: Callable[[Query], Page]) -> Generator[list[Event]]:
        """Read the range.

        Args:
            fetch: answers a query with its page; called by several threads.

        Yields:
            new events in order, list after list. Before the next list is asked for, this one must have been noted.
        """
        now = stamp_of_second(self._now())
        tell_of_range(self._logger, self._settings, self._from, self._end, now, first=self.first)
        if self._from >= self._end:
            return
        reader = ZoneReader(fetch, self._settings, self._settled, self._logger)
        daily = DailyProof(self.bookmark, self._start, self._now(), self._settings.lookback_seconds)
        is_due = reader.proves and daily.is_due
        reader.proves_all |= is_due
        if is_due and self._settings.include_archived:
            yield from self._fill_gaps(reader)
        unseen = {uuid for uuid, stamp in self.bookmark.emitted.items() if stamp < self._end}
        databases = Databases(reader, self._start, self._stop, self._now, self._logger)
        # Of a quiet log even a run without new events reaches back further than a day.
        zones = databases.zones(lambda: self.probe(reader.fetch), proves=reader.proves_all)
        for zone in zones if self._settings.include_archived else [Zone(self._start, self._stop)]:
            if databases.complaint:
                self._do_without_archive(databases, zone)
            for stretch in self._read_zone(reader, zone):
                for reject in stretch.rejected:
                    self._leave_out(reject, self._from, self._end)
                if is_due and (missing := daily.missing(stretch, reader.counter)):
                    self.findings.miss(missing)
                is_proved = reader.proves_all and not reader.counter.gives_none and stretch.reached >= self._settled
                unseen = unseen and unseen.difference(event.uuid for event in stretch.events)
                self.bookmark.stop_before(stretch.reached)
                yield from self._pages(self.only_new(stretch.events))
                self.progress.report(stretch.reached)
                # A new gap is asked for by the next run.
                can_prove = self.bookmark.can_prove(stamp_of_second(self._settled))
                if is_due and is_proved and can_prove and not self.findings.left_a_gap:
                    self.bookmark.prove(stamp_of_second(self._settled))
        # All has been read: what lay within the look-back may be forgotten, unless it was not listed again.
        if unseen.isdisjoint(self.bookmark.emitted):
            self.bookmark.pass_to(min(max(self.bookmark.emitted.values(), default=""), self.bookmark.limit))
        self.bookmark.read_to = max(self.bookmark.read_to, self._read_to)

    def _fill_gaps(self, reader: ZoneReader) -> Generator[list[Event]]:
        """Read once more what earlier runs could not read."""
        for gap in [gap for gap in self.bookmark.gaps if gap.emitted is not None]:
            self._gap = gap
            first, last = second_of(gap.begin) // MINUTE * MINUTE, minute_after(gap.end)
            databases = Databases(reader, first, last, self._now, self._logger)
            pending: list[Reject] = []
            try:
                for zone in databases.zones(lambda: self.probe(reader.fetch), proves=reader.proves):
                    if not databases.complaint:
                        for stretch in reader.read(zone):
                            new = [e for e in stretch.events if self._gap.lacks(e.uuid, e.create_time)]
                            passed, pending = divide([*pending, *stretch.rejected], self._gap.after(new).begin)
                            for reject in passed:
                                self._leave_out(reject, gap.begin, gap.end)
                            yield from self._pages(new)
            except UnreadableError as error:
                databases.complaint = str(error)
            if databases.complaint:
                self.findings.miss(f"Events from {gap.begin} to {gap.end} are still missing.", why=databases.complaint)
            else:
                for reject in pending:
                    self._leave_out(reject, gap.begin, gap.end)
                self.bookmark.gaps = [other for other in self.bookmark.gaps if other.end != gap.end]
            self._gap = None

    def _pages(self, events: list[Event]) -> Generator[list[Event]]:
        """Cut what was proved together into pages, so that a state may follow each."""
        for first in range(0, max(len(events), 1), self._settings.page_size):
            yield events[first : first + self._settings.page_size]

    def _leave_out(self, reject: Reject, begin: str, end: str) -> None:
        outside = reject.create_time and not begin <= reject.create_time < end
        if not outside and self.findings.leave_out(reject) and reject.create_time:
            self.bookmark.leave_out([reject.create_time])
            self._read_to = min(self._read_to, reject.create_time)

    def _do_without_archive(self, databases: Databases, zone: Zone) -> None:
        """Let the bookmark say what is missing for want of the archive."""
        begin, end = self.bookmark.value, min(stamp_of_second(zone.start), self._end)
        if self._leave_gap(begin, end):
            self.findings.miss(
                f"Any archived events from {begin} to {end} are missing; the state says so (gaps).",
                why=databases.complaint,
            )
        databases.complaint = ""

    def _leave_gap(self, begin: str, end: str) -> bool:
        # What lies behind the limit is read by the next run anyway.
        left = self.bookmark.leave_gap(begin, min(end, self.bookmark.limit))
        self.findings.left_a_gap |= left
        return left

    def _read_zone(self, reader: ZoneReader, zone: Zone) -> Generator[Stretch]:
        """Read a zone but for the seconds that can't be read."""
        unread: int | None = zone.start
        for _ in range(_MOST_GAPS):
            if unread is None or unread >= zone.stop:
                return
            unread = yield from self._read_to_fault(reader, zone._replace(start=unread))
        if unread is not None and unread < zone.stop:
            raise TapError(
                f"The API fails to answer for {_MOST_GAPS} single seconds of the log (see above): the run ends here, "
                "and the next goes on from its state. Report it to Endor Labs."
            )

    def _read_to_fault(self, reader: ZoneReader, zone: Zone) -> Generator[Stretch, None, int | None]:
        """Read a zone up to a second that can't be read; give the second after it."""
        reached = zone.start
        try:
            for stretch in reader.read(zone):
                reached = stretch.reached
                yield stretch
        except UnreadableError as error:
            # Where other seconds can't be read either, this fails, and so does the run.
            size = min(self._settings.page_size, SMALLEST_PAGE)
            reader.fetch(Query(zone.stop, zone.stop + 1, size, unsorted=True, margin=0))
            # A server whose times have no seconds shows nothing of a minute where it is asked for a part of it.
            begin = max(stamp_of_second(min(error.start, reached) // MINUTE * MINUTE), self.bookmark.value)
            end = stamp_of_second(error.stop)
            self._read_to = min(self._read_to, begin)
            if self._leave_gap(begin, end):
                self.findings.miss(
                    f"Events from {begin} to {end} are missing; the state says so (gaps).", why=str(error)
                )
            return error.stop
        return None

    def note(self, events: list[Event]) -> None:
        """Take note of new events that have been emitted, in order, with none left out before the last."""
        if self._gap is None:
            self.bookmark.note(events)
            self.lateness.note(events)
        else:
            rest = self._gap.after(events)
            self.bookmark.count(event.create_time for event in events)
            self.bookmark.gaps = [rest if gap == self._gap else gap for gap in self.bookmark.gaps]
            self._gap = rest
        self.progress.events += len(events)

    def only_new(self, events: list[Event]) -> list[Event]:
        """Give those of some events that lie in the range and have not been emitted yet."""
        # Spelled out for speed: this is done for each event of a backfill.
        value, end, emitted = self.bookmark.value, self._end, self.bookmark.emitted
        return [e for e in events if value <= e.create_time < end and e.uuid not in emitted]

    def probe(self, fetch: Callable[[Query], Page], *, archive: bool = False) -> Sample:
        """Prove with one small request that the log can be read; on demand also its archive, if the range begins there.

        Raises:
            TapError: it can't be.
        """
        sample = probe(fetch, self._start, self._stop, self._settings.page_size)
        if archive and self._settings.include_archived:
            probe_archive(fetch, self._start, self._now())
        return sample
