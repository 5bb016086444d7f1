"""A part of a range, and the kind that is read to its end: unsorted, page after page by `page_id`, and sorted here."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass, field

from typing_extensions import override

from tap_endorlabs.api.limits import FEW, Limits
from tap_endorlabs.api.query import NARROW, SMALLEST_PAGE, Query
from tap_endorlabs.errors import ApiError
from tap_endorlabs.timestamps import MINUTE, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_endorlabs.api.detours import Detour
    from tap_endorlabs.api.records import Event, Page, Reject
    from tap_endorlabs.reading.archive import Databases

MARGIN = 0.03
"""A gap is made this share shorter than its pages; where its borders have more of a page, its seconds are dense."""

MOST_WITHOUT_NEW = 20
"""So many pages without anything new may follow one another."""


class Stretch(t.NamedTuple):
    """A part of the range that has been read completely.

    Attributes:
        events: all events since the stretch before, in order.
        reached: the second up to which the range has been read.
        rejected: objects met on the way that can't be events; the same may come again.
        seen: how many objects each of the databases had of it; the same may be in both.
    """

    events: list[Event]
    reached: int
    rejected: list[Reject]
    seen: tuple[int, ...] = ()


@dataclass(eq=False)
class Part:
    """A part [start, stop) of the range, in seconds; one without databases is complete.

    Attributes:
        known: events that have been met before; those of other parts are ignored.
        margin: seconds to ask for beyond its ends.
        largest_page: how many events to ask for at a time, at most.
    """

    start: int
    stop: int
    databases: Databases
    limits: Limits
    known: Iterable[Event] = ()
    margin: int = 1
    largest_page: int = field(default=sys.maxsize, init=False)
    bytes: int = field(default=0, init=False)
    failure: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.rejected: dict[Reject, None] = {}
        self.is_new = bool(self.databases)
        self._short = 0
        self.keep(self.known)

    def keep(self, events: Iterable[Event], rejected: Iterable[Reject] = ()) -> None:
        """Take in what lies in it; objects that can't be events also where they have no time."""
        first, bound = stamp_of_second(self.start), stamp_of_second(self.stop)
        for event in events:
            if first <= event.create_time < bound:
                self.events[event.uuid] = event
                self.bytes += len(event.raw)
        inside = [one for one in rejected if one.create_time is None or first <= one.create_time < bound]
        self.rejected.update(dict.fromkeys(inside))

    def _query(self, start: int, *, archived: bool) -> Query:
        self.is_new = False
        size = min(self.limits.page_size, self.largest_page)
        return Query(start, self.stop, size, archived=archived, margin=self.margin, grain=self.limits.grain)

    def _judge_size(self, page: Page, asked: Query, *, brings_new: bool) -> None:
        """Take fewer events than asked for, always the same number, for the page size of the server."""
        is_short = page.size < asked.page_size and brings_new
        if is_short and page.size == self._short:
            self.limits.allow(max(page.size, SMALLEST_PAGE))
        self._short = page.size if is_short else 0


class Gap(Part):
    """A part that is read from one database after the other, in no order.

    Attributes:
        left: which of the databases are still to be read.
        is_changed: whether some events that were known have not been listed, now that all of it has been read.
    """

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        # Where seconds are dense a margin would bring too much twice. But at whole minutes, where a count may begin or
        # end, no count would tell of what is lost.
        first, last = stamp_of_second(self.start + 1), stamp_of_second(self.stop - 1)
        border = sum(not first <= event.create_time < last for event in self.events.values())
        is_cheap = border < self.limits.page_size * MARGIN and self.stop - self.start >= NARROW
        at_minute = self.start % MINUTE == 0 or self.stop % MINUTE == 0
        self.margin = int(is_cheap or at_minute or not self.limits.is_exact)
        self.left = self.databases
        self.is_changed = self._is_asked = False
        self._met = set(self.events)
        self._listed: list[set[str | Reject]] = []
        self._begin()

    def _begin(self) -> None:
        """Begin to read the next database."""
        self._page_id: str | None = None
        self._says_more = False
        self._without_new = self._short = 0
        self._listed += [set()] if self.left else []

    def stretch(self) -> Stretch:
        """Give what has been read of it."""
        found = (*self.events, *self.rejected)
        seen = [sum(one in listed for one in found) for listed in self._listed] or [len(found)]
        return Stretch(sorted(self.events.values()), self.stop, list(self.rejected), tuple(seen))

    def next_query(self, _readers: int) -> Query | None:
        """Give what to ask for next; only one at a time, as it continues the one before."""
        if self._is_asked or not self.left:
            return None
        self._is_asked = True
        return self._query(self.start, archived=self.left[0])._replace(unsorted=True, page_id=self._page_id)

    def refused(self, _query: Query, detour: Detour) -> list[Gap]:
        """Ask for a page again that could not be answered; give the part, but where less is to be asked for."""
        self._is_asked = False
        return [self] if any(detour) else []

    def answered(self, asked: Query, page: Page) -> list[Gap]:
        """Take in a page, and give what the part has become: itself.

        Raises:
            ApiError: the server repeats itself.
        """
        self._is_asked = False
        listed = self._listed[-1]
        before = len(listed)
        listed.update(page.rejected, (event.uuid for event in page.events))
        self.keep(page.events, page.rejected)
        brings_new = len(listed) > before
        self._without_new = 0 if brings_new else self._without_new + 1
        is_full, leads_nowhere = page.size >= asked.page_size, page.next_page_id in {None, asked.page_id}
        # Where the next page begins with the last object of this one, the last page has no other.
        repeats = leads_nowhere and page.next_page_id is not None if brings_new or page.size > 1 else is_full
        if repeats or self._without_new > MOST_WITHOUT_NEW:
            raise ApiError(
                "The API answers the same page again and again instead of the next one (page_id): "
                "nothing is lost, but the tap can't go on. Report it to Endor Labs."
            )
        self._page_id = page.next_page_id or asked.page_id
        self._judge_size(page, asked, brings_new=brings_new)
        # A full page may be the last one, but only a server that has pointed to a next page before can say so; an empty
        # one that points to itself, or nowhere, may be so for a moment.
        self._says_more |= page.says_more
        at_end = not page.says_more and (not is_full or self._says_more)
        if at_end or (leads_nowhere and self._without_new >= FEW):
            self.left = self.left[1:]
            self.is_changed = not (self.left or self._met <= set().union(*self._listed))
            self._begin()
        return [self]
