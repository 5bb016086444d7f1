"""The parts of a range that are read side by side, in the order of time, and when one is cut; no threads in here."""

from __future__ import annotations

import typing as t

from tap_endorlabs.api.limits import PAGE_BYTES, Limits
from tap_endorlabs.api.query import SMALLEST_PAGE, Query, hold_to_range
from tap_endorlabs.errors import ApiError
from tap_endorlabs.reading.gap import Gap, Stretch
from tap_endorlabs.reading.rest import MOST_APART, Rest
from tap_endorlabs.timestamps import MINUTE, second_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_endorlabs.api.detours import Detour
    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.reading.archive import Zone

ROOM = 2
"""How many parts, and how many pages of the most bytes, may be in memory for each reader."""

Job = tuple[Gap | Rest, Query]


class Parts:
    """What is still to be read, or to leave, in the order of time, by so many readers side by side."""

    def __init__(self, zone: Zone, limits: Limits, readers: int) -> None:
        self.limits = limits
        self._databases, self._readers = zone.databases, readers
        self._parts = [self._new(zone.start, zone.stop)]

    def _new(self, start: int, stop: int, events: Iterable[Event] = ()) -> Gap | Rest:
        is_divisible = start // self.limits.grain < (stop - 1) // self.limits.grain
        kind = Rest if self.limits.anchors and is_divisible else Gap
        return kind(start, stop, self._databases, self.limits, events)

    @property
    def head(self) -> Gap | Rest | None:
        """The earliest part; None where all has left."""
        return self._parts[0] if self._parts else None

    def leave(self) -> list[Stretch]:
        """Hand over what has been read, up to the first part that has not."""
        stretches = []
        while isinstance(head := self.head, Gap) and not head.left:
            stretches.append(head.stretch())
            del self._parts[0]
        return stretches

    def take(self) -> Job | None:
        """Give the earliest request that nobody has sent; None where there is none, or no room in memory."""
        room = ROOM * self._readers * PAGE_BYTES
        for number, part in enumerate(self._parts):
            # While it is being found out what is too much for the server, one request is enough for that.
            waits = number and (room < 0 or number > ROOM * self._readers or self.limits.refusals > 1)
            if part.failure is not None or waits:
                return None
            while (first := self._parts[number]).is_new and first.stop - first.start > self.limits.width:
                if not self._split(first, first.start + self.limits.width):
                    break
            if (query := first.next_query(self._readers)) is not None:
                return first, query
            room -= part.bytes
        return None

    def answered(self, job: Job, page: Page) -> None:
        """Take in an answer.

        Raises:
            ApiError: the server ignores what it is asked for, or repeats itself.
        """
        part, query = job
        outside = hold_to_range(page.events, query)
        self.limits.answered(query, page)
        if outside:
            # Its times have no seconds where it is more than one.
            self._doubt_ends(coarsely=outside > 1)
        if part not in self._parts:
            return
        try:
            self._replace(part, *part.answered(query, page))
        except ApiError:
            # The server ignores `page_id`, so each part must fit a page.
            if not self._split(part):
                raise
            return
        if isinstance(part, Gap) and part.is_changed:
            # They may have been deleted meanwhile; or else the server takes the ends to be elsewhere.
            self._doubt_ends(coarsely=bool(part.margin))
        elif isinstance(part, Gap) and part.left and len(part.events) >= 2 * MOST_APART * query.page_size:
            times = sorted(event.create_time for event in part.events.values())
            self._split(part, second_of(times[len(times) // 2]), self.limits.grain)

    def refused(self, job: Job, detour: Detour) -> None:
        """Ask anew for what could not be answered, otherwise, or for less at a time."""
        part, query = job
        self.limits.refused(query, detour)
        if part not in self._parts:
            return
        part.margin = 0 if detour.without_margin else part.margin
        if others := part.refused(query, detour):
            self._replace(part, *others)
        elif (query.page_id is not None and query.page_size > SMALLEST_PAGE) or not self._split(part):
            part.largest_page = max(query.page_size // 2, min(SMALLEST_PAGE, query.page_size))
            if isinstance(part, Rest):
                self._replace(part, self._new(part.start, part.stop, part.events.values()))

    def _doubt_ends(self, *, coarsely: bool) -> None:
        """Ask anew, and for more than is wanted: the server takes its ends to be elsewhere, or at whole minutes."""
        if self.limits.grain != MINUTE and (coarsely or self.limits.is_exact):
            self.limits.is_exact, self.limits.grain = False, MINUTE if coarsely else 1
            for part in [part for part in self._parts if part.databases]:
                self._replace(part, self._new(part.start, part.stop, part.events.values()))

    def _split(self, part: Gap | Rest, wanted: int | None = None, grain: int = MINUTE) -> bool:
        """Cut a part near a second or in its middle, between minutes if possible: the server may know no seconds."""
        middle = (part.start + part.stop) // 2
        first, last = part.start // grain + 1, (part.stop - 1) // grain
        if first > last:
            return grain > self.limits.grain and self._split(part, wanted, self.limits.grain)
        second = min(max((middle if wanted is None else wanted) // grain, first), last) * grain
        events = part.events.values()
        self._replace(part, self._new(part.start, second, events), self._new(second, part.stop, events))
        return True

    def _replace(self, part: Gap | Rest, *others: Gap | Rest) -> None:
        index = self._parts.index(part)
        self._parts[index : index + 1] = others
