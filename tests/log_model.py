"""A log in memory that answers queries as the API answers requests, for tests of the pure parts."""

from __future__ import annotations

import datetime as dt
import typing as t
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from operator import attrgetter

from tap_endorlabs.api.records import Event, Page
from tap_endorlabs.timestamps import stamp_of_second

if t.TYPE_CHECKING:
    import random

    from tap_endorlabs.api.query import Query

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - what is made of it is written as UTC
_TIME = attrgetter("create_time")
_UUID = attrgetter("uuid")


def event(micros: int, uuid: str) -> Event:
    """Give an event at a time in microseconds since 1970."""
    stamp = f"{(_EPOCH + dt.timedelta(microseconds=micros)).isoformat(timespec='microseconds')}Z"
    return Event(stamp, uuid, f'{{"uuid": "{uuid}", "meta": {{"create_time": "{stamp}"}}}}'.encode())


@dataclass
class LogModel:
    """Events as the API would list them.

    Attributes:
        events: what is in the log.
        rng: puts ties in another order at each request.
        most: the largest page that the server gives.
        sorts: whether it honours a sort.
        endless: whether it always claims that there is more.
        says_next: whether its answers have a `response`.
        counts: whether it counts when asked to, and does not list.
        most_counted: where it stops counting.
        skips: whether it honours an offset.
        asked: the queries that have been asked for.
    """

    events: list[Event]
    rng: random.Random
    most: int = 500
    sorts: bool = True
    endless: bool = False
    says_next: bool = True
    counts: bool = True
    most_counted: int = 1_000_000
    skips: bool = True
    asked: list[Query] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_time = sorted(self.events)

    def fetch(self, query: Query) -> Page:
        self.asked.append(query)
        first, bound = map(stamp_of_second, query.ends)
        begin = bisect_left(self._by_time, first, key=_TIME)
        found = self._by_time[begin : bisect_left(self._by_time, bound, key=_TIME)]
        if query.counted and self.counts:
            return Page([], count=min(len(found), self.most_counted))
        size = min(query.page_size, self.most)
        if query.unsorted or not self.sorts:
            found.sort(key=_UUID)
        else:
            found = self._in_order_of_time(found, query.offset if self.skips else 0, size)
        if query.page_id is not None:
            assert query.unsorted, "the API refuses page_id together with a sort"
            found = [e for e in found if e.uuid > query.page_id]
        found = found[query.offset if self.skips else 0 :]
        page = found[:size]
        more = self.endless or (self.says_next and len(page) < len(found))
        next_page_id = page[-1].uuid if page else None
        return Page(page, size=len(page), says_more=more, next_page_id=next_page_id)

    def _in_order_of_time(self, events: list[Event], offset: int, size: int) -> list[Event]:
        """Put ties in an order at random where they can be seen: among those with the times of a page."""
        page = events[offset : offset + size]
        if not page:
            return events
        begin = bisect_left(events, page[0].create_time, key=_TIME)
        end = bisect_right(events, page[-1].create_time, key=_TIME)
        seen = events[begin:end]
        self.rng.shuffle(seen)
        return [*events[:begin], *sorted(seen, key=_TIME), *events[end:]]
