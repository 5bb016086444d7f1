"""The rest of a range, that nobody has read yet, and how *anchors* cut parts off it.

Anchors are pages in the order of time that are fetched by their offsets, several at once. One is complete strictly
between its first and its last second, whatever its offset was. So where they overlap by a few events they read the
range by themselves; what lies between them otherwise, as where many events share a second, is a gap.

Where the server does not sort, and in the archive, which is not said to, anchors only mark where to cut; and only as
long as they come in the order of time all the same.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.reading.archive import ACTIVE
from tap_endorlabs.reading.gap import MARGIN, MOST_WITHOUT_NEW, Gap
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.reading.archive import Databases
    from tap_endorlabs.reading.limits import Limits

MOST_APART = 6
"""The most pages from one anchor to the next."""

FEWEST_SORTED = 10
"""So many times in order show that a server sorts."""


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
        margin: seconds to ask for beyond its ends.
    """

    def __init__(self, start: int, stop: int, databases: Databases, limits: Limits) -> None:
        self.start, self.stop = start, stop
        self.failure: BaseException | None = None
        self.margin = 1
        self._databases = databases
        self._limits = limits
        self._sample: list[Event] = []
        self._last: list[Event] | None = None
        self.reset()

    def reset(self) -> None:
        """Begin with its first page."""
        self.anchors: deque[Anchor] = deque()
        # The second that offsets are counted from, the rank of its first object, and that of the next anchor.
        self._base, self._base_rank, self._next_rank = self.start, 0, 0
        # The events of the anchor before, None before the first, and whether it had fewer than were asked for.
        self._sample += self._last or []
        self._last = None
        self._is_short = self._has_dropped = False
        self._used = self._without_new = 0

    @property
    def bytes(self) -> int:
        """How much of it is in memory."""
        return sum(anchor.page.bytes for anchor in self.anchors if anchor.page)

    @property
    def is_new(self) -> bool:
        """Whether nothing of it has been asked for."""
        return self._last is None and not self.anchors

    @property
    def _is_trusted(self) -> bool:
        """Whether its pages are complete between their ends, and do more than mark where to cut."""
        return self._limits.sorts and self._limits.has_sorted and self._databases == ACTIVE

    def may_ask(self, readers: int) -> bool:
        """Whether another anchor may be under way: only one where it is not known what comes, none behind the end."""
        # Few at first, and no more than twice as many ahead, as all of them may lie where many events share a second.
        most = 1 if self._last is None or self._is_short else min(readers, 2 * MOST_APART + self._used)
        pages = [anchor.page for anchor in self.anchors]
        # Behind one that could not be answered none is asked for before it is known whether another one will be.
        has_end = self._has_dropped or not all(page is None or page.events for page in pages)
        return pages.count(None) < most and len(pages) < 2 * most and not (pages and has_end)

    def next_query(self, limits: Limits) -> Query:
        """Give the query of the next anchor; or for the number of events, where no anchor would help."""
        size = limits.page_size
        apart = limits.apart if self._is_trusted else MOST_APART
        if self._last and not apart:
            # Next to each other they have a few events in common, so that nothing is left between them.
            given = min(size, len(self._last))
            self._next_rank -= min(int(given * MARGIN) + 2, given - 1)
        elif self._last is not None:
            self._next_rank += int(size * (1 - MARGIN) * apart)
        offset, archived = max(self._next_rank - self._base_rank, 0), self._databases[0]
        query = Query(
            self._base,
            self.stop,
            size,
            unsorted=archived or not limits.sorts,
            archived=archived,
            counted=not limits.anchors,
            margin=self.margin,
            offset=offset,
            grain=limits.grain,
        )
        self.anchors.append(Anchor(query, self._next_rank))
        self._next_rank += size
        return query

    def drop(self, query: Query) -> bool:
        """Do without an anchor that could not be answered; give whether there are others to go on with."""
        if len(self.anchors) == 1 and self.anchors[0].query is query:
            return False
        self.anchors = deque(anchor for anchor in self.anchors if anchor.query is not query)
        self._has_dropped = True
        return True

    def use(self) -> list[Gap]:
        """Take the first anchor, which has been answered; give the parts that it cuts off, none where it is no use."""
        anchor, before = self.anchors.popleft(), self._last
        page, query = t.cast("Page", anchor.page), anchor.query
        if query.counted:
            return self._cut_evenly(page.count or 0, query.page_size)
        times = [event.create_time for event in page.events]
        is_first, is_full = query.offset == 0, page.size >= query.page_size
        found, known = ({event.uuid for event in events} for events in (page.events, before or []))
        brings_new = not before or not found <= known
        repeats = not is_first and found and (found == known or (is_full and not brings_new))
        if repeats or times != sorted(times) or (before and times and times[0] < before[0].create_time):
            self._limits.distrust(query, offsets=bool(repeats))
            self._sample += page.events
            return []
        # A page of very few events looks sorted by chance.
        self._limits.has_sorted |= query.is_sorted and len(set(times)) >= FEWEST_SORTED
        # A last page may name a next one as well, but it has nothing new; an empty page may be so for a moment.
        at_end = not is_full and (not page.says_more or bool(times and not brings_new))
        first, end = self._covered(times, is_first=is_first, at_end=at_end)
        if self._is_short and not is_full and brings_new and len(page.events) == len(before or []):
            # A server that gives fewer than asked for, always the same number, has that page size.
            self._limits.allow(max(page.size, SMALLEST_PAGE))
        self._used += 1
        self._has_dropped = False
        if times and not at_end:
            if self._is_trusted:
                self._space(times, first, end)
            self._count_from(anchor, page, end)
        start, parts = self.start, self._cut(first, end, page)
        self._without_new = 0 if self.start > start else self._without_new + 1
        if self._without_new > MOST_WITHOUT_NEW:
            # Always the same second.
            parts += self._cut(self.stop, self.stop, page)
        self._last, self._is_short = page.events, not is_full
        if not self.anchors:
            self._next_rank = anchor.rank + page.size
        return parts

    def _covered(self, times: list[str], *, is_first: bool, at_end: bool) -> tuple[int, int]:
        """Give from which second to which a page is complete; where it only marks, none behind the second one."""
        if is_first and at_end and len(self._databases) == 1:
            return self.start, self.stop
        first, end = self.stop, self.stop
        if times:
            first = self.start if is_first else second_of(times[0]) + 1
            end = self.stop if at_end else second_of(times[-1])
        return (first, end) if self._is_trusted else (end, end)

    def _space(self, times: list[str], first: int, end: int) -> None:
        """Let the next anchors stand further apart where much of a page is lost at its ends, else nearer."""
        complete = bisect_left(times, stamp_of_second(end)) - bisect_left(times, stamp_of_second(first))
        apart = self._limits.apart
        is_good = complete >= len(times) * (1 - MARGIN) if apart else first <= self.start
        self._limits.apart = max(apart - 1, 0) if is_good else min(2 * apart + 1, MOST_APART)

    def _count_from(self, anchor: Anchor, page: Page, second: int) -> None:
        """Count offsets from a later second on, as the server has to skip what is before them."""
        first = stamp_of_second(second - 1)
        behind = sum(event.create_time >= first for event in page.events)
        if behind < len(page.events):
            self._base, self._base_rank = second, anchor.rank + page.size - behind

    def _cut(self, first: int, end: int, page: Page) -> list[Gap]:
        """Cut off what lies before a second, as a gap, and what a page has from there to another, as it is complete."""
        grain = self._limits.grain
        first = min(max(-(-first // grain) * grain, self.start), self.stop)
        end = min(max(end // grain * grain if end < self.stop else end, first), self.stop)
        parts = []
        if first > self.start:
            # What has been seen of its border seconds belongs to it, even if it is gone by the time it is read.
            parts.append(Gap(self.start, first, self._databases, [*(self._last or []), *page.events]))
        if end > first:
            parts.append(Gap(first, end, (), page.events, page.rejected))
        self.start = end
        return parts

    def _cut_evenly(self, count: int, page_size: int) -> list[Gap]:
        """Cut all of it in parts of a few pages each, by the times of some of its events."""
        times = sorted(event.create_time for event in self._sample)
        number = count // (MOST_APART * page_size) + 1
        cuts = {second_of(times[len(times) * n // number]) for n in range(1, number) if times}
        ends = pairwise([self.start, *sorted(cut for cut in cuts if self.start < cut < self.stop), self.stop])
        self.start = self.stop
        return [Gap(*pair, self._databases, self._sample) for pair in ends]
