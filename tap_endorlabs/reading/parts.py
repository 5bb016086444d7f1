"""The parts of a range that are read side by side, in the order of time, and when one is cut; no threads in here."""

from __future__ import annotations

import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE
from tap_endorlabs.errors import ApiError
from tap_endorlabs.reading.gap import Gap
from tap_endorlabs.reading.limits import PAGE_BYTES
from tap_endorlabs.reading.rest import MOST_APART, Rest
from tap_endorlabs.timestamps import MINUTE, second_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_endorlabs.api.detours import Detour
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.reading.archive import Zone
    from tap_endorlabs.reading.gap import Stretch
    from tap_endorlabs.reading.limits import Limits

ROOM = 3
"""How many parts, and how many pages of the most bytes, may be in memory for each reader."""

Part = Gap | Rest
Job = tuple[Part, "Query"]


class Parts:
    """What is still to be read, or to leave, in the order of time.

    Args:
        zone: the range, and where its events are.
        limits: how much is asked for at a time.
        readers: how many read side by side.
    """

    def __init__(self, zone: Zone, limits: Limits, readers: int) -> None:
        self._databases = zone.databases
        self._limits = limits
        self._readers = readers
        self._parts: list[Part] = [self._new(zone.start, zone.stop)]

    def _new(self, start: int, stop: int, known: Iterable[Event] = ()) -> Part:
        if self._limits.anchors and self._limits.cut(start, stop) is not None:
            return Rest(start, stop, self._databases, self._limits)
        return Gap(start, stop, self._databases, known)

    @property
    def head(self) -> Part | None:
        """The earliest part; None where all has left."""
        return self._parts[0] if self._parts else None

    def leave(self) -> list[Stretch]:
        """Hand over what has been read, up to the first part that has not."""
        stretches = []
        while isinstance(head := self.head, Gap) and head.done:
            del self._parts[0]
            stretches.append(head.stretch())
        return stretches

    def take(self) -> Job | None:
        """Give the earliest request that nobody has sent; None where there is none, or no room in memory."""
        room = ROOM * self._readers * PAGE_BYTES
        for number, part in enumerate(self._parts):
            # While it is being found out what is too much for the server, one request is enough for that.
            waits = number and (room < 0 or number > ROOM * self._readers or self._limits.refusals > 1)
            if part.failure is not None or waits:
                return None
            if part.may_ask(self._readers):
                if part.is_new and part.stop - part.start > self._limits.width:
                    self._split(part, part.start + self._limits.width)
                first = self._parts[number]
                return first, first.next_query(self._limits)
            room -= part.bytes
        return None

    def answered(self, job: Job, page: Page, outside: int = 0) -> None:
        """Take in an answer.

        Args:
            job: what was asked for.
            page: the answer.
            outside: how many seconds outside of the ends that were asked for some of it lies.

        Raises:
            ApiError: the server repeats itself.
        """
        part, query = job
        self._limits.answered(query, page)
        if outside:
            self._doubt_ends(coarsely=outside > 1)
        if part not in self._parts:
            return
        if isinstance(part, Rest):
            for anchor in part.anchors:
                if anchor.query is query:
                    anchor.page = page
            self._use_anchors(part)
        else:
            self._take_in(part, page, query)

    def _take_in(self, part: Gap, page: Page, query: Query) -> None:
        try:
            part.take_in(page, query)
        except ApiError:
            # The server ignores `page_id`, so each part must fit a page.
            if not self._split(part):
                raise
            return
        if part.done and part.unlisted:
            # They may have been deleted meanwhile; or else the server takes the ends to be elsewhere.
            self._doubt_ends(coarsely=bool(part.margin and part.has_margin))
        if part.given >= SMALLEST_PAGE:
            self._limits.allow(part.given)
        if not part.done and len(part.events) >= 2 * MOST_APART * query.page_size:
            times = [event.create_time for event in part.events.values()]
            in_order = sorted(times)
            self._split(part, second_of(times[-1] if times == in_order else in_order[len(times) // 2]))

    def _use_anchors(self, rest: Rest) -> None:
        sorts = self._limits.sorts
        while rest in self._parts and rest.anchors and rest.anchors[0].page is not None:
            self._replace(rest, *rest.use(), *([rest] if rest.start < rest.stop else []))
            if not self._limits.anchors or self._limits.sorts != sorts:
                self._ask_anew()
                return

    def refused(self, job: Job, detour: Detour) -> None:
        """Ask anew for what could not be answered, otherwise, or for less at a time."""
        part, query = job
        self._limits.learn(query, detour)
        if isinstance(part, Gap):
            part.is_asked = False
        if part not in self._parts:
            return
        if detour.without_margin:
            part.margin = 0
        elif any(detour):
            self._ask_anew()
            return
        if isinstance(part, Rest) and part.drop(query):
            self._use_anchors(part)
        elif detour.without_margin:
            if isinstance(part, Rest):
                part.reset()
        elif (query.page_id is None or query.page_size <= SMALLEST_PAGE) and self._split(part):
            pass
        elif isinstance(part, Gap):
            part.largest_page = max(query.page_size // 2, min(SMALLEST_PAGE, query.page_size))
        else:
            self._replace(part, Gap(part.start, part.stop, self._databases))

    def _ask_anew(self) -> None:
        for part in self._parts:
            if isinstance(part, Rest):
                part.reset()

    def _doubt_ends(self, *, coarsely: bool) -> None:
        """Ask for more than is wanted, as the server takes its ends to be elsewhere, and anew for what has not left.

        Args:
            coarsely: for whole minutes, as its times have no seconds.
        """
        if self._limits.grain == MINUTE or not (coarsely or self._limits.is_exact):
            return
        self._limits.is_exact = False
        self._limits.grain = MINUTE if coarsely else 1
        for part in self._parts:
            if isinstance(part, Gap) and part.databases and (coarsely or not part.has_margin):
                self._replace(part, self._new(part.start, part.stop, part.events.values()))
        if coarsely:
            self._ask_anew()

    def _split(self, part: Part, wanted: int | None = None) -> bool:
        """Cut a part in two, near a second or else in its middle; give whether it could be cut."""
        second = self._limits.cut(part.start, part.stop, wanted)
        if second is None:
            return False
        known = list(part.events.values()) if isinstance(part, Gap) else []
        self._replace(part, self._new(part.start, second, known), self._new(second, part.stop, known))
        return True

    def _replace(self, part: Part, *others: Part) -> None:
        index = self._parts.index(part)
        self._parts[index : index + 1] = others
