"""The rest of a range, that nobody has read yet, and how *anchors* cut parts off it.

Anchors are pages in the order of time that are fetched by their offsets, several at once. One is complete strictly
between its first and its last second, whatever its offset was; what lies between two of them is a gap. Where the server
does not sort, and in the archive, which is not said to, they only mark where to cut, as long as they come in order.
"""

from __future__ import annotations

import typing as t
from itertools import pairwise

from typing_extensions import override

from tap_endorlabs.reading.archive import ACTIVE
from tap_endorlabs.reading.gap import MARGIN, Gap, Part
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.detours import Detour
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

MOST_APART = 6
"""The most pages from one anchor to the next."""

FEWEST_SORTED = 10
"""So many times in order show that a server sorts: a page of very few events looks sorted by chance."""


class Rest(Part):
    """A part that has not been cut yet."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self.bytes = 0
        self._anchors: dict[Query, Page | None] = {}
        # How many anchors in a row were good, and whether one has been dropped.
        self._good, self._has_dropped = 0, False
        # Ranks: how many objects of it are before the seconds that offsets are counted from, and the next anchor.
        self._ranks, self._next_rank = {self.start: 0}, 0
        # Of the anchors before: uuids since the start has moved, the last one's first time, their reach, the largest.
        self._uuids: set[str] = set()
        self._earliest, self._reached, self._largest = "", 0, 0

    @property
    def _is_trusted(self) -> bool:
        """Whether its pages are complete between their ends, and do more than mark where to cut."""
        return self.limits.sorts and self.limits.has_sorted and self.databases == ACTIVE

    def next_query(self, readers: int) -> Query | None:
        """Give the query of the next anchor, or for a count where none would help; None where it is not yet time."""
        # Few where many events share a second, as much of each is lost then, and more with each good one; no more than
        # twice as many ahead; only one where it is not known what comes, and none behind the end.
        few = MOST_APART * (2 if self._good else 1) + self._good // 4
        most = min(readers, few) if self._earliest and not self._short else 1
        pages = list(self._anchors.values())
        # Behind one that could not be answered none is asked for before it is known whether another one will be.
        has_end = self._has_dropped or any(page and not page.events for page in pages)
        if pages.count(None) >= most or len(pages) >= 2 * most or (pages and has_end):
            return None
        base, rank = list(self._ranks.items())[-1]
        query = self._query(base, archived=self.databases[0])
        if self._earliest:
            # Next to each other they have a few events in common, so that nothing is left between them.
            apart, size = self.limits.apart if self._is_trusted else MOST_APART, query.page_size
            self._next_rank += int(size * (1 - MARGIN) * apart) or -min(int(size * MARGIN) + 2, size - 1)
        is_unsorted, is_count = query.archived or not self.limits.sorts, not self.limits.anchors
        query = query._replace(unsorted=is_unsorted, counted=is_count, offset=max(self._next_rank - rank, 0))
        self._anchors[query] = None
        self._next_rank += query.page_size
        return query

    def refused(self, query: Query, detour: Detour) -> list[Gap | Rest]:
        """Do without an anchor that could not be answered, or begin anew; give nothing where neither is possible."""
        if any(detour):
            return [self._anew()]
        if len(self._anchors) == 1:
            return []
        del self._anchors[query]
        self._has_dropped = True
        return self._use_answered()

    def answered(self, asked: Query, page: Page) -> list[Gap | Rest]:
        """Take in a page, and give what the part has become."""
        self._anchors[asked] = page
        self.bytes += page.bytes
        return self._use_answered()

    def _anew(self) -> Rest:
        """Give the same part with nothing read of it, only with the events that are known."""
        return Rest(self.start, self.stop, self.databases, self.limits, self.events.values(), self.margin)

    def _use_answered(self) -> list[Gap | Rest]:
        """Use the first anchors, as far as they have been answered; give what they cut off, and what is left."""
        parts: list[Gap | Rest] = []
        while self.start < self.stop and (page := next(iter(self._anchors.values()), None)) is not None:
            query = next(iter(self._anchors))
            del self._anchors[query]
            self.bytes -= page.bytes
            cut_off = self._cut_evenly(page, query) if query.counted else self._use(page, query)
            if cut_off is None:
                return [*parts, self._anew()]
            parts += cut_off
        return [*parts, self] if self.start < self.stop else parts

    def _use(self, page: Page, query: Query) -> list[Gap] | None:
        """Give what an anchor cuts off; None where it is not in the order of time, or repeats another one."""
        times = [event.create_time for event in page.events]
        uuids = {event.uuid for event in page.events}
        is_full, brings_new = page.size >= query.page_size, not uuids <= self._uuids
        self.events.update((event.uuid, event) for event in page.events)
        # A last page may name a next one, but it is small and has nothing new; an empty one may be so for a moment.
        reached = self._ranks[query.start] + query.offset + page.size
        is_last = bool(times) and not brings_new and reached >= self._reached and page.size < self._largest
        at_end = not is_full and (not page.says_more or is_last)
        repeats = query.offset > 0 and bool(times) and not brings_new and not at_end
        if repeats or times != sorted(times) or (times and times[0] < self._earliest):
            self.limits.anchors &= query.is_sorted and not repeats
            self.limits.sorts = False
            return None
        self.limits.has_sorted |= query.is_sorted and len(set(times)) >= FEWEST_SORTED
        self._judge_size(page, query, brings_new=brings_new)
        self._has_dropped = False
        self._earliest = min(times, default=self._earliest)
        is_all = query.offset == 0 and at_end and len(self.databases) == 1
        first = second_of(times[0]) + 1 if times and query.offset else self.start
        end = second_of(times[-1]) if brings_new and not at_end else self.stop
        if not (is_all or (times and self._is_trusted and (brings_new or at_end))):
            first = end
        if brings_new and not at_end:
            self._uuids = uuids if end > self.start else self._uuids | uuids
            self._reached, self._largest = reached, max(self._largest, page.size)
            self._place_next(query, page, first, end)
        return self._cut(first, end, page)

    def _place_next(self, query: Query, page: Page, first: int, end: int) -> None:
        """Choose where the next anchors stand, after one that is complete between two seconds."""
        base = end // self.limits.grain * self.limits.grain
        stamps = (stamp_of_second(second) for second in (first, base - self.limits.grain, end))
        from_first, from_base, from_end = (sum(event.create_time >= stamp for event in page.events) for stamp in stamps)
        if self._is_trusted:
            # Further apart where much of a page is lost at its ends, else nearer.
            apart, complete = self.limits.apart, from_first - from_end
            is_good = complete >= len(page.events) * (1 - MARGIN) if apart else first <= self.start
            self._good = self._good + 1 if is_good else 0
            self.limits.apart = max(apart - 1, 0) if is_good else min(2 * apart + 1, MOST_APART)
        self._ranks = {base: before for base, before in self._ranks.items() if base >= query.start}
        if from_base < len(page.events):
            # The server has to skip what is before the second from which offsets are counted.
            self._ranks[base] = self._reached - from_base
        # It may have had fewer than were asked for.
        self._next_rank = self._next_rank if self._anchors else self._reached

    def _cut(self, first: int, end: int, page: Page) -> list[Gap]:
        """Cut off what lies before a second, as a gap, and what a page has from there to another, as it is complete."""
        grain, events = self.limits.grain, self.events.values()
        first = min(max(-(-first // grain) * grain, self.start), self.stop)
        end = min(max(end // grain * grain if end < self.stop else end, first), self.stop)
        # What has been seen of its border seconds belongs to a gap, even if it is gone by the time it is read.
        gap = Gap(self.start, first, self.databases, self.limits, events)
        complete = Gap(first, end, (), self.limits, events)
        complete.keep((), page.rejected)
        bound, self.start = stamp_of_second(end), end
        self.events = {event.uuid: event for event in events if event.create_time >= bound}
        return [part for part in (gap, complete) if part.start < part.stop]

    def _cut_evenly(self, page: Page, query: Query) -> list[Gap]:
        """Cut all of it in parts of a few pages each, by the times of some of its events."""
        seconds = sorted(second_of(event.create_time) for event in self.events.values())
        number = (page.count or 0) // (MOST_APART * query.page_size) + 1
        cuts = {seconds[len(seconds) * n // number] for n in range(1, number) if seconds}
        ends = sorted({self.start, self.stop, *(cut for cut in cuts if self.start < cut < self.stop)})
        self.start = self.stop
        return [Gap(*pair, self.databases, self.limits, self.events.values()) for pair in pairwise(ends)]
