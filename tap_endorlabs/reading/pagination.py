"""The position inside a time range: which page to ask for next, and which events are complete by now.

Pages are found by time, never by offset: the page after a full page starts at the second of its last event. Offsets
shift when events arrive, move to the archive or tie; a time doesn't. Events of that last second are held until the
next page has been read, as ties may come in another order then.

Where time can't tell pages apart (seconds with many events, or answers that are not in order, as those of the archive
may be), a stretch of the range is read *whole*: unsorted, continued by `page_id`, and put in order here.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from math import inf

from singer_sdk.pagination import BaseAPIPaginator

from tap_endorlabs.api.query import NARROW, Query, hold_to_range
from tap_endorlabs.api.records import Page
from tap_endorlabs.reading.archive import ACTIVE, Databases
from tap_endorlabs.reading.plan import CROWDED, Plan
from tap_endorlabs.reading.whole import WholeStretch
from tap_endorlabs.timestamps import MINUTE, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event
    from tap_endorlabs.reading.density import Density
    from tap_endorlabs.reading.limits import Limits

MOST_PAGES_WHOLE = 10
"""A stretch longer than a second that has more pages than this is not held in memory until its end."""

MOST_PAGES_COUNTED = 20
"""Where events come in no order, it is read to its end if it has about as many: nothing was in vain then."""

FIRST_SHARE = 64
"""Where the server does not sort and nothing is known yet, the range is tried whole in so many parts."""

SPARSE = 0.5
"""A stretch that was read whole for less than this part of a page was too short."""

DENSE = 0.05
"""There is no margin where a second has more of a page than this: it would bring too much twice."""


FULL_SECOND = 0.9
"""A second that fills this much of a page is read whole: the next page might hold nothing else."""


class SeekPaginator(BaseAPIPaginator[Query]):
    """Walks through [start, stop), in whole seconds, from the earliest event to the last.

    After each `advance`, `settled` has the events that are complete by then, in order: no event before the last of
    them is still to come. Every event is in `settled` once.

    Args:
        start: first second, inclusive.
        stop: last second, exclusive; the range is not empty.
        limits: how much to ask for at a time.
        databases: where the events are; anything but the active one alone is read whole.
        margin: seconds to ask for before the first.

    Attributes:
        plan: how to read on.
        seen: how many events of those settled last each of the databases had.
    """

    def __init__(
        self, start: int, stop: int, limits: Limits, databases: Databases = ACTIVE, *, margin: int = 1
    ) -> None:
        self.stop = stop
        self._databases = databases
        self.settled: list[Event] = []
        self.plan = Plan(limits)
        self._limits = limits
        self._full_second: int | None = None
        self._stretch = WholeStretch()
        self._seen: tuple[int, ...] = ()
        self.seen: tuple[int, ...] = ()
        self._following: Query | None = None
        self._held: dict[str, Event] = {}
        self._margin = margin
        super().__init__(self._stand(start))

    @property
    def reached(self) -> int:
        """The second up to which the range has been settled."""
        return self.stop if self.finished else self.current_value.start

    @property
    def held(self) -> int:
        """How many events are kept back, as others may come before them."""
        return len(self._held)

    def get_next(self, response: t.Any) -> Query | None:  # noqa: ANN401
        """Take in a page; give the query to read next, None at the end of the range.

        Args:
            response: the `Page` that the current query was answered with. (The SDK declares a response of
                `requests` here; that one has been decoded by now, so that a broken body could be asked for again.)

        Raises:
            ApiError: the server gives the same full page again and again.
        """
        page: Page = response
        here = self.current_value
        self.settled, self.seen = [], ()
        self._limits.widen()
        if here.counted:
            return self._after_count(page, here)
        hold_to_range(page.events, here)
        first, bound, held = stamp_of_second(here.start), stamp_of_second(here.stop), len(self._held)
        self._held.update({e.uuid: e for e in page.events if first <= e.create_time < bound})
        at_end = page.size < here.page_size and not page.says_more
        if here.whole:
            return self._after_whole(page, here, at_end=at_end)
        if page.size == 0 and page.says_more:
            self._following = here._replace(whole=True)
            return here._replace(counted=True, margin=0)
        # A last page may name a next one as well, but what it has is known, and less than a page of this server.
        at_end |= len(self._held) == held and page.size < self._limits.largest
        self._limits.largest = max(self._limits.largest, page.size)
        return self._after_sorted(page, here, at_end=at_end)

    def _after_sorted(self, page: Page, here: Query, *, at_end: bool) -> Query | None:
        times = [event.create_time for event in page.events]
        if at_end:
            last = here.stop
        elif not self._limits.sorts or not times or times != sorted(times):
            self._limits.sorts = False
            return self._stand(here.start)
        else:
            last = min(max(second_of(times[-1]), here.start), here.stop)
        self._settle(last)
        ties = len(times) - bisect_left(times, stamp_of_second(last))
        self._limits.crowds += ties > len(times) * CROWDED
        self._full_second = last if last == here.start or ties > len(times) * FULL_SECOND else None
        # A burst may begin or end within the page, so each half of it speaks for itself.
        middle = second_of(self.settled[len(self.settled) // 2].create_time) if self.settled else here.start
        half = bisect_left(self.settled, (stamp_of_second(middle),))
        self.plan.take_in(self.settled[:half], middle - here.start)
        self.plan.take_in(self.settled[half:], last - middle, is_complete=self._full_second is None)
        self.plan.whole_seconds = 0
        self.plan.choose()
        # What a server takes to be before this second although it is not came with this page, unless it is close to it.
        return self._at(last, margin=int(bool(times) and times[-1][20] == "0"))

    def _after_whole(self, page: Page, here: Query, *, at_end: bool) -> Query | None:
        goes_on = self._stretch.take(page, here)
        # A full page may be the last one, but only a server that has pointed to a next page before can say so.
        at_end |= self._stretch.said_more and not page.says_more
        if at_end or not goes_on:
            self._seen = (*self._seen, self._stretch.count(here.start, here.stop))
            if here.archived != self._databases[-1]:
                self._stretch = WholeStretch()
                return here._replace(page_id=None, archived=True)
            return self._complete(here)
        following = here._replace(page_id=page.next_page_id)
        most = MOST_PAGES_COUNTED + 1 if self._stretch.is_counted else MOST_PAGES_WHOLE
        if self._stretch.pages >= most and here.stop - here.start > 1:
            return self._break_off(following)
        return following

    def _complete(self, here: Query) -> Query | None:
        """Go on behind a stretch that has been read whole."""
        seconds = here.stop - here.start
        self._settle(here.stop)
        self.seen = self._seen
        self.plan.take_in(self.settled, seconds)
        self.plan.whole_seconds = seconds
        self.plan.choose(after_gap=len(self.settled) < SPARSE * here.page_size)
        return self._at(here.stop, margin=0)

    def _break_off(self, following: Query) -> Query:
        """Go on where a stretch has proved too long to be held in memory, instead of at its next page.

        The API gives objects in the order of their uuids, nobody promises it, and uuids are made in the order of time.
        So what has been read is, as a rule, all that happened up to some second; a count proves it.
        """
        start, latest = following.start, self._stretch.latest
        last = min(second_of(latest), following.stop - 1) if latest else start
        if self._databases != ACTIVE:
            self.plan.shorten(self._stretch.size, max(last - start, 2))
            return self._stand(start)
        if last <= start:
            return following
        self._following = following
        return following._replace(stop=last, page_id=None, counted=True, margin=0)

    def _after_count(self, page: Page, here: Query) -> Query | None:
        """Go on after a count, which tells whether what has been read is all."""
        if not here.whole:
            if page.count is not None and page.count <= len(self._held):
                return self._after_sorted(Page([]), here, at_end=True)
            self._limits.sorts = False
            return self._stand(here.start)
        if page.count == self._stretch.count(here.start, here.stop):
            self._seen = (page.count,)
            return self._complete(here)
        is_short = (page.count or inf) <= MOST_PAGES_COUNTED * here.page_size
        if is_short and not self._stretch.is_in_order and not self._stretch.is_counted:
            self._stretch.is_counted = True
            return self._following
        self.plan.shorten(max(page.count or 0, self._stretch.size), here.stop - here.start)
        return self._stand(here.start)

    def expect(self, density: Density) -> None:
        """Take for granted how dense the events are, as nothing has been read of this range."""
        self.plan.expect(density)
        self.renew()

    @property
    def stretch_stop(self) -> int | None:
        """Where the stretch ends that is being read whole, unless that is a single second among others."""
        return None if self.finished or not self.plan.whole_seconds else self._stretch_end

    def _at(self, second: int, margin: int) -> Query | None:
        """Stand at a second before which all is settled; None at the end of the range."""
        self._margin = margin
        return self._stand(second) if second < self.stop else None

    def _stand(self, second: int) -> Query:
        self._stretch, self._seen = WholeStretch(), ()
        width = self.plan.whole_seconds or int(second == self._full_second)
        if not self._limits.sorts and not width:
            width = self.plan.whole_seconds = max((self.stop - second) // FIRST_SHARE, 1)
        stop = min(second + min(width or self._limits.width, self._limits.width), self.stop)
        is_costly = self.plan.density.rate > DENSE or stop - second < NARROW
        # Whole minutes are where a count may begin or end: what is lost there, between two of them, none would tell.
        at_count = second % MINUTE == 0 or stop % MINUTE == 0
        margin = 1 if at_count else 0 if is_costly else self._margin
        return Query(second, stop, self._limits.page_size, width > 0, archived=self._databases[0], margin=margin)

    def _settle(self, second: int) -> None:
        bound = stamp_of_second(second)
        events = sorted(self._held.values())
        end = bisect_left(events, (bound,))
        self.settled = events[:end]
        self.seen = (end,)
        self._held = {event.uuid: event for event in events[end:]}

    def renew(self) -> None:
        """Ask at the current position for as much as the limits have come to allow."""
        here = self.current_value
        if self._is_in_stretch and here.stop - here.start <= self._limits.width:
            self._value = here._replace(page_size=self._limits.page_size)
        else:
            self._value = self._stand(here.start)

    @property
    def _is_in_stretch(self) -> bool:
        """Whether a stretch that is read whole has been begun."""
        here = self.current_value
        return here.page_id is not None or here.counted or here.archived != self._databases[0]

    @property
    def _stretch_end(self) -> int:
        """Where the stretch ends that is being read whole; while its first part is counted, that of all of it."""
        here = self.current_value
        return self._following.stop if here.counted and self._following else here.stop

    def split(self, second: int) -> SeekPaginator | None:
        """Leave the range from a second on to another paginator; None where there is nothing to leave."""
        here = self.current_value
        # A stretch that is being read whole can't be cut.
        second = max(second, self._stretch_end if self._is_in_stretch else here.start + 1)
        if second >= self.stop:
            return None
        # Another margin would bring all of a crowded second once more.
        margin = int(second != self.stretch_stop)
        rest = SeekPaginator(second, self.stop, self._limits, self._databases, margin=margin)
        self.stop = second
        self.renew()
        return rest

    def absorb(self, rest: SeekPaginator) -> None:
        """Take over the range of a paginator that begins where this one ends and has not been used."""
        self.stop = rest.stop
        self.renew()
