"""A stretch of a log that is read whole: unsorted, page after page by `page_id`."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import ApiError
from tap_endorlabs.timestamps import stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page, Reject

MOST_BARREN = 20
"""So many pages without anything new may follow one another."""


class WholeStretch:
    """What has been seen of a stretch that is read whole, to tell its end from a server that repeats itself.

    Attributes:
        pages: how many.
        said_more: whether any of them has pointed to a next one.
        is_in_order: whether the events have come in the order of time.
        is_counted: whether it is known not to be too long to be held in memory.
    """

    def __init__(self) -> None:
        self.pages = 0
        self.is_in_order = True
        self.is_counted = False
        self.said_more = False
        self._times: dict[str, str] = {}
        self._rejects: set[Reject] = set()
        self._asked: set[str] = set()
        self._barren = 0

    @property
    def size(self) -> int:
        """How many events have been seen."""
        return len(self._times)

    @property
    def latest(self) -> str:
        """The latest time that has been seen; the empty text where there was no event."""
        return max(self._times.values(), default="")

    def count(self, start: int, stop: int) -> int:
        """Count the events of [start, stop), in seconds, that have been seen."""
        first, bound = stamp_of_second(start), stamp_of_second(stop)
        return sum(first <= time < bound for time in self._times.values())

    def take(self, page: Page, asked: Query) -> bool:
        """Take in a page; give whether there is a place to go on from.

        Raises:
            ApiError: the server repeats itself.
        """
        self.pages += 1
        self.said_more |= page.says_more
        times = [event.create_time for event in page.events]
        self.is_in_order &= [self.latest, *times] == sorted([self.latest, *times])
        seen = len(self._times) + len(self._rejects)
        self._times.update((event.uuid, event.create_time) for event in page.events)
        self._rejects.update(page.rejected)
        has_news = len(self._times) + len(self._rejects) > seen
        self._barren = 0 if has_news else self._barren + 1
        if asked.page_id is not None:
            self._asked.add(asked.page_id)
        is_stuck = page.next_page_id in self._asked
        is_full = page.size >= asked.page_size
        if self._barren > MOST_BARREN or (is_full and not has_news) or (is_stuck and has_news):
            raise ApiError(
                "The API answers the same page again and again instead of the next one (page_id): "
                "nothing is lost, but the tap can't go on. Report it to Endor Labs."
            )
        return page.next_page_id is not None and not is_stuck
