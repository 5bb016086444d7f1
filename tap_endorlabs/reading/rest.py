"""The rest of a range, that nobody has read yet, and how pages that are fetched by their offsets cut parts off it."""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

from tap_endorlabs.api.query import Query
from tap_endorlabs.reading.archive import ACTIVE
from tap_endorlabs.reading.gap import MARGIN, MOST_EMPTY, Gap
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.reading.archive import Databases
    from tap_endorlabs.reading.limits import Limits

FIRST = 8
"""So many anchors are asked for at once behind the first, and soon more: all of them may turn out to lie where many
events share a second."""

MOST_APART = 6
"""The most pages from one anchor to the next."""

MOST_CUTS = 64
"""A range is cut into so many parts where the server ignores an offset."""

MOST_DROPPED = 2
"""So many anchors may be missing one after the other: what lies between the others is read as a gap."""

WORTH = 0.7
"""Where an anchor is complete for less than this share of its page, many events share their times."""


@dataclass
class Anchor:
    """A page that is fetched by its offset; its rank is how many objects of the rest are before it."""

    query: Query
    rank: int
    page: Page | None = None


class Rest:
    """A part of the range that has not been cut yet.

    Args:
        start: first second.
        stop: last second, exclusive.
        databases: where its events are.
        limits: how much is asked for at a time.

    Attributes:
        anchors: those that have not been used yet, in order.
        base: the second that the offset of the next one is counted from.
        base_rank: the rank of the first object there.
        next_rank: the rank of the next one.
        last: the events of the page before them, None before the first.
        is_short: whether that had fewer events than were asked for, although it named a next one.
        is_in_order: whether the server lists them in the order of time although it was not asked to.
        empty: how many pages were empty, although they named a next one.
        dropped: how many anchors could not be answered, since one has been used.
        used: how many have been.
        stuck: how many in a row covered nothing more.
    """

    def __init__(self, start: int, stop: int, databases: Databases, limits: Limits) -> None:
        self.start, self.stop = start, stop
        self.failure: BaseException | None = None
        self._databases = databases
        self._limits = limits
        self.reset()

    def reset(self) -> None:
        """Begin with its first page."""
        self.base, self.base_rank, self.next_rank = self.start, 0, 0
        self.anchors: deque[Anchor] = deque()
        self.last: list[Event] | None = None
        self.is_short = self.is_in_order = False
        self.empty = self.dropped = self.used = self.stuck = 0

    @property
    def bytes(self) -> int:
        """How much of it is in memory."""
        return sum(len(event.raw) for anchor in self.anchors if anchor.page for event in anchor.page.events)

    @property
    def _by_time(self) -> bool:
        """Whether to ask in the order of time; the archive may ignore a sort."""
        return self._limits.sorts and self._databases == ACTIVE

    @property
    def _apart(self) -> int:
        """The pages from one anchor to the next."""
        return self._limits.apart if self._by_time else MOST_APART

    def may_ask(self, readers: int) -> bool:
        """Whether another anchor may be under way: only one where it is not known what comes, or in which order."""
        if any(anchor.page is not None and not anchor.page.events for anchor in self.anchors):
            # It has an end in sight.
            return False
        # Few at first, as they may lie where many events share a second.
        most = min(readers, FIRST + self.used // 2) if self._apart == 0 else max(min(readers // 2, FIRST), 1)
        if self.last is None or self.is_short or not self._limits.skips or not (self._by_time or self.is_in_order):
            most = 1
        return sum(anchor.page is None for anchor in self.anchors) < most

    def next_query(self) -> Query:
        """Give the query of the next anchor."""
        given = min(self._limits.given, self._limits.page_size)
        if not self._limits.skips:
            self.base, self.base_rank, self.next_rank = self.start, 0, 0
        elif self.last is not None and self._apart:
            self.next_rank += int(given * (1 - MARGIN) * self._apart)
        elif self.last is not None:
            # Next to each other they have a few events in common, so that nothing is left between them.
            self.next_rank -= min(int(given * MARGIN) + 2, given - 1)
        query = Query(
            self.base,
            self.stop,
            self._limits.page_size,
            unsorted=not self._by_time,
            archived=self._databases[0],
            offset=max(self.next_rank - self.base_rank, 0),
        )
        self.anchors.append(Anchor(query, self.next_rank))
        self.next_rank += given
        return query

    def drop(self, query: Query) -> bool:
        """Do without an anchor that could not be answered; give whether the others are enough to go on with."""
        if self.last is None or self.dropped == MOST_DROPPED:
            return False
        self.anchors = deque(anchor for anchor in self.anchors if anchor.query is not query)
        self.dropped += 1
        return True

    def use(self) -> list[Gap | Rest]:
        """Take the first anchor, which has been answered; give the parts that take the place of the rest."""
        anchor, self.dropped = self.anchors.popleft(), 0
        self.used += 1
        page, is_first = t.cast("Page", anchor.page), self.last is None
        if is_first and page.size and page.says_more:
            self._limits.given = min(self._limits.page_size, page.size)
        parts = self._use_mark(anchor, page) if anchor.query.unsorted else self._use_sorted(anchor, page)
        if is_first and self.last is not None:
            self.next_rank = page.size
        return parts

    def _use_sorted(self, anchor: Anchor, page: Page) -> list[Gap | Rest]:
        query, times = anchor.query, [event.create_time for event in page.events]
        if times != sorted(times) or (self.last and times and times[0] < self.last[0].create_time):
            self._limits.distrust_sort()
            self.reset()
            return [self]
        self._limits.has_sorted = True
        is_first, is_short = query.offset == 0, page.size < query.page_size
        found, before = ({event.uuid for event in events} for events in (page.events, self.last or []))
        has_news = not found <= before or not before
        is_full = page.size >= min(query.page_size, self._limits.given)
        if not is_first and found and (found == before or (is_full and not has_news)):
            return self._cut_without_offsets()
        # A last page may name a next one as well, but it has nothing new; an empty page may be so for a moment.
        at_end = is_short and (not page.says_more or not (is_full or has_news or not times))
        if page.says_more and not times and not is_first:
            self.empty += 1
            if self.empty < MOST_EMPTY:
                return [self]
        known, end = self._covered(times, is_first=is_first, at_end=at_end)
        self.stuck = self.stuck + 1 if end <= self.start else 0
        if self.stuck > MOST_CUTS:
            # Always the same second.
            return self._cut_without_offsets()
        if not self._limits.skips and end <= self.start:
            known = end = self.start + 1
        if times and not at_end:
            self._space(times, known, end)
            self._count_from(anchor, page, end)
        parts = self._cut(known, end, page)
        self.last, self.is_short = page.events, is_short
        return parts

    def _covered(self, times: list[str], *, is_first: bool, at_end: bool) -> tuple[int, int]:
        """Give from which second to which a sorted page is complete."""
        if not times:
            return (self.start if is_first and at_end else self.stop), self.stop
        return self.start if is_first else second_of(times[0]) + 1, self.stop if at_end else second_of(times[-1])

    def _space(self, times: list[str], known: int, end: int) -> None:
        """Let the next anchors stand further apart where much of a page is lost at its ends, else nearer."""
        share = (bisect_left(times, stamp_of_second(end)) - bisect_left(times, stamp_of_second(known))) / len(times)
        apart = self._limits.apart
        is_good = share >= 1 - MARGIN if apart else known <= self.start
        apart = MOST_APART if share < WORTH else apart + (-1 if is_good else 1)
        self._limits.apart = min(max(apart, 0), MOST_APART)

    def _count_from(self, anchor: Anchor, page: Page, second: int) -> None:
        """Count offsets from a later second on, as the server has to skip what is before them."""
        first = stamp_of_second(second - 1)
        behind = sum(event.create_time >= first for event in page.events)
        if behind < len(page.events):
            self.base, self.base_rank = second, anchor.rank + page.size - behind

    def _use_mark(self, anchor: Anchor, page: Page) -> list[Gap | Rest]:
        """Cut at a page that was fetched in whatever order the server has."""
        at_end = page.size < anchor.query.page_size and not page.says_more
        if at_end or not page.events or self.stop - self.start == 1:
            is_all = self.last is None and at_end and len(self._databases) == 1
            return self._cut(self.start if is_all else self.stop, self.stop, page)
        if self.last is None:
            self.last = page.events
            return [self] if self._limits.skips else self.halves(page.events)
        if {event.uuid for event in page.events} <= {event.uuid for event in self.last}:
            return self._cut_without_offsets()
        if max(self.last) > (first := min(page.events)):
            return self.halves([*self.last, *page.events])
        mark = min(max(second_of(first.create_time), self.start + 1), self.stop)
        parts = self._cut(mark, mark, page)
        self.last, self.base, self.base_rank, self.is_in_order = page.events, mark, anchor.rank, True
        return parts

    def _cut(self, known: int, end: int, page: Page) -> list[Gap | Rest]:
        """Cut off what lies before a second, as a gap, and what a page has from there to another, as it is complete."""
        known = min(max(known, self.start), self.stop)
        end = min(max(end, known), self.stop)
        parts: list[Gap | Rest] = []
        if known > self.start:
            # What has been seen of its border seconds belongs to it, even if it is gone by the time it is read.
            parts.append(Gap(self.start, known, self._databases, [*(self.last or []), *page.events]))
        if end > known:
            parts.append(Gap(known, end, (), page.events, page.rejected))
        self.start = end
        return [*parts, self] if end < self.stop else parts

    def _cut_without_offsets(self) -> list[Gap | Rest]:
        """Cut the time in short parts, as the server ignores an offset."""
        self._limits.skips = False
        self._limits.width = max((self.stop - self.start) // MOST_CUTS, 1)
        self.reset()
        return [self]

    def halves(self, events: t.Iterable[Event] = ()) -> list[Gap | Rest]:
        """Cut it in its middle: that of some of its events, or else of its time."""
        times = sorted(event.create_time for event in events)
        middle = second_of(times[len(times) // 2]) if times else (self.start + self.stop) // 2
        middle = min(max(middle, self.start + 1), self.stop - 1)
        pairs = ((self.start, middle), (middle, self.stop))
        return [Rest(start, stop, self._databases, self._limits) for start, stop in pairs]
