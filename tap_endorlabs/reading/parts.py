"""How a range is cut into parts that are read side by side; no threads in here.

Several pages are fetched at once by their offsets in the order of time: *anchors*. One sorted answer is complete
strictly between its first and its last second, whatever its offset was. So anchors that overlap by a few events read
the range by themselves; what lies between them otherwise, as where many events share a second, is a *gap*, which is
read unsorted. The more gaps there are, the further apart the anchors stand.

Where the server does not sort, anchors only mark where to cut.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE
from tap_endorlabs.errors import ApiError
from tap_endorlabs.reading.gap import Gap
from tap_endorlabs.reading.limits import PAGE_BYTES
from tap_endorlabs.reading.rest import MOST_APART, Rest

if t.TYPE_CHECKING:
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page
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
        self._parts: list[Part] = [Rest(zone.start, zone.stop, zone.databases, limits)]
        self._databases = zone.databases
        self._limits = limits
        self._readers = readers

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
            waits = number and (room < 0 or number > ROOM * self._readers or self._limits.refusals)
            if part.failure is not None or waits:
                return None
            if isinstance(part, Gap):
                if not part.is_asked and not part.done:
                    part.is_asked = True
                    return part, part.query(self._limits.page_size)
            elif part.may_ask(self._readers):
                self._narrow(part)
                return part, part.next_query()
            room -= part.bytes
        return None

    def _narrow(self, rest: Rest) -> None:
        """Leave to a rest of its own what is too long a time to be asked for at once."""
        if rest.last is None and rest.stop - rest.start > self._limits.width:
            middle = rest.start + self._limits.width
            self._replace(rest, rest, Rest(middle, rest.stop, self._databases, self._limits))
            rest.stop = middle

    def answered(self, job: Job, page: Page) -> None:
        """Take in an answer.

        Raises:
            ApiError: the server repeats itself.
        """
        part, query = job
        self._limits.answered(query, page)
        if isinstance(part, Gap):
            part.is_asked = False
            try:
                part.take_in(page, query)
            except ApiError:
                if part.stop - part.start == 1:
                    raise
                # The server ignores `page_id`, so each part must fit a page.
                self._replace(part, *part.halves())
                return
            if not part.done and part.pages >= 2 * MOST_APART and part.stop - part.start > 1:
                rest = Rest(part.start, part.stop, self._databases, self._limits)
                self._replace(part, *rest.halves(part.events.values()))
            return
        for anchor in part.anchors:
            if anchor.query is query:
                anchor.page = page
        self._use_anchors(part)

    def _use_anchors(self, rest: Rest) -> None:
        sorts = self._limits.sorts
        while rest in self._parts and rest.anchors and rest.anchors[0].page is not None:
            self._replace(rest, *rest.use())
        if sorts and not self._limits.sorts:
            self._ask_anew()

    def refused(self, job: Job, *, too_much: bool) -> None:
        """Ask anew for what could not be answered, and for less at a time, where it was too much."""
        part, query = job
        if part not in self._parts:
            return
        is_long = part.stop - part.start > 1
        if isinstance(part, Gap):
            part.is_asked = False
            if too_much and is_long and query.page_id is None:
                self._replace(part, *part.halves())
            elif too_much:
                part.largest_page = max(query.page_size // 2, min(SMALLEST_PAGE, query.page_size))
        elif too_much and part.drop(query):
            self._use_anchors(part)
        elif too_much:
            self._replace(part, *(part.halves() if is_long else [Gap(part.start, part.stop, self._databases)]))
        else:
            # It was the sort, or the size of its pages.
            self._ask_anew()

    def _ask_anew(self) -> None:
        for part in self._parts:
            if isinstance(part, Rest):
                part.reset()

    def _replace(self, part: Part, *others: Part) -> None:
        index = self._parts.index(part)
        self._parts[index : index + 1] = others
