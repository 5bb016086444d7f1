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
"""So many times in order show that a server sorts."""


class Rest(Part):
    """A part that has not been cut yet."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._anchors: dict[Query, Page | None] = {}
        # Ranks: how many objects of the part are before a second from which offsets are counted, or the next anchor.
        self._ranks, self._next_rank = {self.start: 0}, 0
        # Of the anchor before.
        self._uuids: set[str] = set()
        self._earliest = ""
        self._used = 0

    @property
    def _is_trusted(self) -> bool:
        """Whether its pages are complete between their ends, and do more than mark where to cut."""
        return self.limits.sorts and self.limits.has_sorted and self.databases == ACTIVE

    def next_query(self, readers: int) -> Query | None:
        """Give the query of the next anchor, or for a count where none would help; None where it is not yet time."""
        # Few at first, and no more than twice as many ahead, as all of them may lie where many events share a second;
        # only one where it is not known what comes, and none behind the end.
        most = min(readers, MOST_APART + self._used // 4) if self._used and not self._short else 1
        pages = list(self._anchors.values())
        has_end = any(page and not page.events for page in pages)
        if pages.count(None) >= most or len(pages) >= 2 * most or (pages and has_end):
            return None
        base, rank = list(self._ranks.items())[-1]
        query = self._query(base, archived=self.databases[0])
        if self._used:
            # Next to each other they have a few events in common, so that nothing is left between them.
            apart = self.limits.apart if self._is_trusted else MOST_APART
            size = query.page_size
            self._next_rank += int(size * (1 - MARGIN) * apart) or -min(int(size * MARGIN) + 2, size - 1)
        query = query._replace(
            unsorted=query.archived or not self.limits.sorts,
            counted=not self.limits.anchors,
            offset=max(self._next_rank - rank, 0),
        )
        self._anchors[query] = None
        self._next_rank += query.page_size
        return query

    def refused(self, query: Query, detour: Detour) -> list[Gap | Rest]:
        """Do without an anchor that could not be answered, or begin anew; give nothing where neither is possible."""
        if any(detour):
            self.margin = 0 if detour.without_margin else self.margin
            return [self.anew()]
        if len(self._anchors) == 1:
            return []
        del self._anchors[query]
        return self._use_answered()

    def answered(self, asked: Query, page: Page) -> list[Gap | Rest]:
        """Take in a page, and give what the part has become."""
        self._anchors[asked] = page
        self.bytes += page.bytes
        return self._use_answered()

    def _use_answered(self) -> list[Gap | Rest]:
        """Use the first anchors, as far as they have been answered; give what they cut off, and what is left."""
        parts: list[Gap | Rest] = []
        while self.start < self.stop and self._anchors:
            query, page = next(iter(self._anchors.items()))
            if page is None:
                break
            del self._anchors[query]
            self.bytes -= page.bytes
            cut_off = self._cut_evenly(page, query) if query.counted else self._use(page, query)
            if cut_off is None:
                return [*parts, self.anew()]
            parts += cut_off
        return [*parts, self] if self.start < self.stop else parts

    def _use(self, page: Page, query: Query) -> list[Gap] | None:
        """Give what an anchor cuts off; None where it is not to be trusted."""
        times = [event.create_time for event in page.events]
        before, self._uuids = self._uuids, {event.uuid for event in page.events}
        is_full, brings_new = page.size >= query.page_size, not self._uuids <= before
        self.events.update((event.uuid, event) for event in page.events)
        repeats = query.offset > 0 and bool(times) and (self._uuids == before or (is_full and not brings_new))
        if repeats or times != sorted(times) or (times and times[0] < self._earliest):
            self.limits.anchors &= query.is_sorted and not repeats
            self.limits.sorts = False
            return None
        # A page of very few events looks sorted by chance.
        self.limits.has_sorted |= query.is_sorted and len(set(times)) >= FEWEST_SORTED
        self._judge_size(page, query, brings_new=brings_new)
        # A last page may name a next one as well, but it has nothing new; an empty page may be so for a moment.
        at_end = not is_full and (not page.says_more or bool(times and not brings_new))
        first = end = self.stop
        if query.offset == 0 and at_end and len(self.databases) == 1:
            first = self.start
        elif times:
            first = self.start if query.offset == 0 else second_of(times[0]) + 1
            end = self.stop if at_end else second_of(times[-1])
            first = first if self._is_trusted else end
            self._earliest = times[0]
        if times and not at_end:
            if self._is_trusted:
                self._space(times, first, end)
            self._count_from(query, page, end)
        self._used += 1
        return self._cut(first, end, page)

    def _space(self, times: list[str], first: int, end: int) -> None:
        """Let the next anchors stand further apart where much of a page is lost at its ends, else nearer."""
        complete = bisect_left(times, stamp_of_second(end)) - bisect_left(times, stamp_of_second(first))
        apart = self.limits.apart
        is_good = complete >= len(times) * (1 - MARGIN) if apart else first <= self.start
        self.limits.apart = max(apart - 1, 0) if is_good else min(2 * apart + 1, MOST_APART)

    def _count_from(self, query: Query, page: Page, second: int) -> None:
        """Count offsets from a later second on, as the server has to skip what is before them."""
        first, rank = stamp_of_second(second - 1), self._ranks[query.start] + query.offset
        behind = sum(event.create_time >= first for event in page.events)
        if behind < len(page.events):
            self._ranks[second] = rank + page.size - behind
        if not self._anchors:
            # It may have had fewer than were asked for.
            self._next_rank = rank + page.size

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
        times = sorted(event.create_time for event in self.events.values())
        number = (page.count or 0) // (MOST_APART * query.page_size) + 1
        cuts = {second_of(times[len(times) * n // number]) for n in range(1, number) if times}
        ends = pairwise([self.start, *sorted(cut for cut in cuts if self.start < cut < self.stop), self.stop])
        self.start = self.stop
        return [Gap(*pair, self.databases, self.limits, self.events.values()) for pair in ends]
