"""What the API has of a log: counted, and listed where that is not exact."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from dataclasses import replace

from tap_endorlabs.errors import TapError, UncountedError
from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.proof.databases import Databases
from tap_endorlabs.proof.zone_reader import ZoneReader
from tap_endorlabs.reading.archive import BOTH, Zone
from tap_endorlabs.sync.probing import probe
from tap_endorlabs.timestamps import MINUTE, minute_after, second_of, stamp_of, stamp_of_second

if t.TYPE_CHECKING:
    import datetime as dt
    import logging
    from collections.abc import Callable, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
    from tap_endorlabs.settings import Settings
    from tap_endorlabs.verify.span import Piece

MASK = "uuid,meta.create_time"
"""All that is asked for of an event."""

_FEW = 2000
"""So many events that may be in either database are rather listed than counted in halves."""


class ApiLog:
    """Counts and lists what the API has.

    Args:
        fetch: answers a query with its page; called by several threads.
        settings: what to read, and how.
        now: the server's time.
        logger: gets the warnings.

    Attributes:
        complaint: why what is older than the active database can't be counted; empty where it can, or need not.
    """

    def __init__(
        self, fetch: Callable[[Query], Page], settings: Settings, now: dt.datetime, logger: logging.Logger
    ) -> None:
        proves = "never" if settings.completeness_check == "never" else "always"
        self._settings = replace(settings, completeness_check=proves)
        self._begun = second_of(stamp_of(now)) - time.monotonic()
        self._logger = logger
        self._fetch = fetch
        self._listing = threading.Lock()
        self._zones: list[Zone] = []
        self.complaint = ""

    def _now(self) -> int:
        return int(self._begun + time.monotonic())

    def find_databases(self, start: str, stop: str) -> None:
        """Find out in which database which part of a range is, before any of it is asked for.

        Raises:
            TapError: nothing may be read at all.
        """
        first, last = second_of(start) // MINUTE * MINUTE, minute_after(stop)
        self._reader = reader = ZoneReader(self._fetch, self._settings, last, self._logger)
        if not self._settings.include_archived:
            self._zones = [Zone(first, last)]
            return
        databases = Databases(reader, first, last, self._now, self._logger)
        found = databases.zones(
            lambda: probe(reader.fetch, first, last, self._settings.page_size), proves=reader.proves
        )
        # Where the border is, is known only when the first has been handed on.
        self._zones = [zone for zone in found if reader.check is None or reader.check.holds()]
        self.complaint = databases.complaint

    def count(self, start: int, stop: int, seen: int) -> int | None:
        """Count the events of [start, stop), in seconds; None where that can't be known.

        Args:
            start: first second.
            stop: last second, exclusive.
            seen: how many the destination has, as some servers stop counting somewhere.

        Raises:
            TapError: the API does not answer.
        """
        zones = self._zones_of(start, stop)
        if zones is None:
            return None
        found = sum(map(self._count, zones))
        middle = (start + stop) // 2 // MINUTE * MINUTE
        if found >= seen or len(zones) > 1 or zones[0].databases == BOTH or middle <= start or not self._counts:
            return found
        (archived,) = zones[0].databases
        return self._reader.counter.doubt(start, middle, stop, found, archived=archived)

    @property
    def _counts(self) -> bool:
        return self._reader.proves and not self._reader.counter.gives_none

    def _count(self, zone: Zone) -> int:
        counts = [
            self._reader.counter.count(zone.start, zone.stop, archived=archived) if self._counts else None
            for archived in zone.databases
        ]
        known = [count for count in counts if count is not None]
        if len(known) < len(counts):
            return self._number(zone)
        if zone.databases != BOTH or 0 in known:
            return sum(known)
        middle = (zone.start + zone.stop) // 2 // MINUTE * MINUTE
        if sum(known) <= _FEW or middle <= zone.start:
            # One that is in both counts once.
            return self._number(zone)
        return self._count(zone._replace(stop=middle)) + self._count(zone._replace(start=middle))

    def _number(self, zone: Zone) -> int:
        return sum(1 for _ in self._listed(zone))

    def uuids(self, piece: Piece) -> Iterator[tuple[str, str]] | None:
        """List the uuids of a piece, each with its stamp, in order; None where that can't be known.

        Raises:
            TapError: the API does not answer, or lists less than it counts.
        """
        zones = self._zones_of(*piece.asked)
        if zones is None:
            return None
        return (one for zone in zones for one in self._listed(zone) if piece.start <= one[1] < piece.stop)

    def _listed(self, zone: Zone) -> Iterator[tuple[str, str]]:
        """Give all of a zone that has a time."""
        first, bound = stamp_of_second(zone.start), stamp_of_second(zone.stop)
        try:
            # One after the other, as each has as many requests under way as may be.
            with self._listing, contextlib.closing(self._reader.read(zone)) as stretches:
                for stretch in stretches:
                    yield from ((event.uuid, event.create_time) for event in stretch.events)
                    # What can't be a record is something that the API has, and the destination has not.
                    others = ((one.key, one.create_time) for one in stretch.rejected)
                    yield from ((key, at) for key, at in others if at is not None and first <= at < bound)
        except UncountedError as error:
            raise TapError(
                f"The missing events from {first} to {bound} are not known: the API counts more events there than it "
                "lists, sorted and unsorted. Try again later. If this line comes again, report it to Endor Labs."
            ) from error

    def _zones_of(self, start: int, stop: int) -> list[Zone] | None:
        """Give the zones of a range; None where some of it is in none."""
        parts = [
            Zone(max(zone.start, start), min(zone.stop, stop), zone.databases)
            for zone in self._zones
            if zone.start < stop and zone.stop > start
        ]
        is_whole = sum(part.stop - part.start for part in parts) == stop - start
        return parts if is_whole else None


def active_from(now: dt.datetime) -> str:
    """Give the stamp from which on the active database has all."""
    return stamp_of_second((second_of(stamp_of(now)) - ACTIVE_UNTIL) // MINUTE * MINUTE + MINUTE)
