"""A log in memory that answers positions as the API answers requests, for tests of the pure parts."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from tap_endorlabs.records import Event, Page
from tap_endorlabs.timestamps import stamp_of_second

if t.TYPE_CHECKING:
    import random

    from tap_endorlabs.position import Position


def event(micros: int, uuid: str) -> Event:
    """Give an event at a time in microseconds since 1970."""
    second, fraction = divmod(micros, 1_000_000)
    stamp = f"{stamp_of_second(second)[:19]}.{fraction:06}Z"
    return Event(stamp, uuid, json.dumps({"uuid": uuid, "meta": {"create_time": stamp}}).encode())


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
        asked: the positions that have been asked for.
    """

    events: list[Event]
    rng: random.Random
    most: int = 500
    sorts: bool = True
    endless: bool = False
    says_next: bool = True
    counts: bool = True
    asked: list[Position] = field(default_factory=list)

    def fetch(self, position: Position) -> Page:
        self.asked.append(position)
        first, bound = stamp_of_second(position.start), stamp_of_second(position.stop)
        found = [e for e in self.events if first <= e.create_time < bound]
        if position.counted and self.counts:
            return Page([], count=len(found))
        found.sort(key=lambda e: e.uuid)
        if not position.whole and self.sorts:
            self.rng.shuffle(found)
            found.sort(key=lambda e: e.create_time)
        if position.page_id is not None:
            assert position.whole, "the API refuses page_id together with a sort"
            found = [e for e in found if e.uuid > position.page_id]
        page = found[: min(position.page_size, self.most)]
        more = self.endless or (self.says_next and len(page) < len(found))
        next_page_id = page[-1].uuid if page else None
        return Page(page, size=len(page), says_more=more, next_page_id=next_page_id)
