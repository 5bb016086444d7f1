"""A part of a range that is read to its end: unsorted, page after page by `page_id`, and put in order here."""

from __future__ import annotations

import sys
import typing as t

from tap_endorlabs.api.query import NARROW, Query
from tap_endorlabs.errors import ApiError
from tap_endorlabs.reading.limits import FEW
from tap_endorlabs.timestamps import MINUTE, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event, Page, Reject
    from tap_endorlabs.reading.archive import Databases
    from tap_endorlabs.reading.limits import Limits

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


class Gap:
    """A part of the range that is read unsorted, page after page by `page_id`, from one database after the other.

    Args:
        start: first second.
        stop: last second, exclusive.
        databases: where its events are; none where they are all known.
        events: those that are known; what lies elsewhere is ignored.
        rejected: likewise, objects that can't be events.

    Attributes:
        margin: seconds that may be asked for beyond its ends.
        has_margin: whether they are.
        given: how many events the server gives at a time, where that is less than was asked for; 0 where it is not.
        is_new: whether no page of it has been answered.
        unlisted: those of the known events that have not been listed.
    """

    def __init__(
        self,
        start: int,
        stop: int,
        databases: Databases,
        events: t.Iterable[Event] = (),
        rejected: t.Iterable[Reject] = (),
    ) -> None:
        self.start, self.stop = start, stop
        self.events: dict[str, Event] = {}
        self.rejected: dict[Reject, None] = {}
        self.bytes = 0
        self.largest_page = sys.maxsize
        self.margin, self.has_margin = 1, True
        self.given = 0
        self.failure: BaseException | None = None
        self.is_asked = False
        self.is_new = True
        self.seen: list[int] = []
        self._first, self._bound = stamp_of_second(start), stamp_of_second(stop)
        self._keep(events, rejected)
        self._border = len(self.events)
        self.unlisted = set(self.events)
        self.databases = self._left = databases
        if databases:
            self._begin()
        else:
            self.seen = [len(self.events) + len(self.rejected)]

    def _begin(self) -> None:
        self._page_id: str | None = None
        self._asked: set[str] = set()
        self._listed: set[str | Reject] = set()
        self._said_more = False
        self._without_new = 0
        self._short = 0

    def _keep(self, events: t.Iterable[Event], rejected: t.Iterable[Reject]) -> None:
        for event in events:
            if self._first <= event.create_time < self._bound:
                self.events[event.uuid] = event
                self.bytes += len(event.raw)
        for one in rejected:
            if one.create_time is None or self._first <= one.create_time < self._bound:
                self.rejected[one] = None

    def stretch(self) -> Stretch:
        """Give what has been read of it."""
        return Stretch(sorted(self.events.values()), self.stop, list(self.rejected), tuple(self.seen))

    @property
    def done(self) -> bool:
        """Whether all of it has been read."""
        return not self._left

    def may_ask(self, _readers: int) -> bool:
        """Whether its next page may be asked for; only one at a time, as it continues the one before."""
        return not self.is_asked and not self.done

    def next_query(self, limits: Limits) -> Query:
        """Give what to ask for next."""
        self.is_asked = True
        size = min(limits.page_size, self.largest_page)
        if self.is_new:
            # Where seconds are dense a margin would bring too much twice. But at whole minutes, where a count may begin
            # or end, no count would tell of what is lost.
            is_cheap = self._border < size * MARGIN and self.stop - self.start >= NARROW
            at_minute = self.start % MINUTE == 0 or self.stop % MINUTE == 0
            self.has_margin = is_cheap or at_minute or not limits.is_exact
        return Query(
            self.start,
            self.stop,
            size,
            unsorted=True,
            page_id=self._page_id,
            archived=self._left[0],
            margin=self.margin * self.has_margin,
            grain=limits.grain,
        )

    def take_in(self, page: Page, asked: Query) -> None:
        """Take in a page.

        Raises:
            ApiError: the server repeats itself.
        """
        self.is_asked = False
        self.is_new = False
        self._said_more |= page.says_more
        before = len(self._listed)
        self._listed.update(page.rejected, (event.uuid for event in page.events))
        self._keep(page.events, page.rejected)
        brings_new = len(self._listed) > before
        self._without_new = 0 if brings_new else self._without_new + 1
        if asked.page_id is not None:
            self._asked.add(asked.page_id)
        is_full, is_stuck = page.size >= asked.page_size, page.next_page_id in self._asked
        if self._without_new > MOST_WITHOUT_NEW or (is_full and not brings_new) or (is_stuck and brings_new):
            raise ApiError(
                "The API answers the same page again and again instead of the next one (page_id): "
                "nothing is lost, but the tap can't go on. Report it to Endor Labs."
            )
        self._page_id = page.next_page_id or asked.page_id
        if is_full or not brings_new:
            self._short = 0
        elif page.size == self._short:
            # A server that gives fewer than asked for, always the same number, has that page size.
            self.given = page.size
        else:
            self._short = page.size
        # A full page may be the last one, but only a server that has pointed to a next page before can say so; an empty
        # one that points to itself, or nowhere, may be so for a moment.
        at_end = not page.says_more and (not is_full or self._said_more)
        leads_nowhere = is_stuck or page.next_page_id is None
        if at_end or (leads_nowhere and self._without_new >= FEW):
            self.seen.append(sum(one in self._listed for one in (*self.events, *self.rejected)))
            self.unlisted -= self._listed
            self._left = self._left[1:]
            self._begin()
