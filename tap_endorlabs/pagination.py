"""The position inside a time range: which page to ask for next, and which events are complete by now.

Pages are found by time, never by offset: the page after a full page starts at the second of its last event. Offsets
shift when events arrive, move to the archive or tie; a time doesn't. Events of that last second are held until the
next page has been read, as ties may come in another order then.

Where time can't tell pages apart (seconds with many events, or answers that are not in order), a stretch of the range
is read *whole*: unsorted, continued by `page_id`, and put in order here.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from collections import Counter

from singer_sdk.pagination import BaseAPIPaginator

from tap_endorlabs.errors import ApiError
from tap_endorlabs.limits import SMALLEST_PAGE
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.limits import Limits
    from tap_endorlabs.records import Event, Page, Reject

MOST_PAGES_WHOLE = 10
"""A stretch longer than a second that has more pages than this is halved instead of held in memory."""

PAGES_WHOLE = 4
"""Where the tap chooses how long a stretch to read whole, it is made to have about so many pages."""

CROWDED = 1 / 5
"""Where a second has more than this share of a page, reading on from its start would fetch too much twice."""


class Position(t.NamedTuple):
    """What one request asks for.

    Attributes:
        start: first second, inclusive.
        stop: last second, exclusive.
        page_size: events per answer.
        whole: read unsorted and by `page_id`, not sorted by time.
        page_id: continue after this object; only where `whole`.
    """

    start: int
    stop: int
    page_size: int
    whole: bool = False
    page_id: str | None = None

    @property
    def divisible(self) -> bool:
        """Whether less can be asked for at a time."""
        return self.page_size > SMALLEST_PAGE or self.stop - self.start > 1


class SeekPaginator(BaseAPIPaginator[Position]):
    """Walks through [start, stop), in whole seconds, from the earliest event to the last.

    After each `advance`, `settled` has the events that are complete by then, in order: no event before the last of
    them is still to come. Every event is in `settled` once.

    Args:
        start: first second, inclusive.
        stop: last second, exclusive; the range is not empty.
        limits: how much to ask for at a time.
    """

    def __init__(self, start: int, stop: int, limits: Limits) -> None:
        self.stop = stop
        self.settled: list[Event] = []
        self._limits = limits
        self._whole_width = limits.whole_seconds
        self._whole_until = start + limits.whole_seconds if limits.sorts else stop
        self._stretch = _WholeStretch()
        self._held: dict[str, Event] = {}
        self._settled_before = 0
        self._crowd: tuple[int, int] | None = None
        super().__init__(self._stand(start))

    @property
    def reached(self) -> int:
        """The second up to which the range has been settled."""
        return self.stop if self.finished else self.current_value.start

    @property
    def held(self) -> int:
        """How many events are kept back, as others may come before them."""
        return len(self._held)

    def get_next(self, response: t.Any) -> Position | None:  # noqa: ANN401
        """Take in a page; give the position to read next, None at the end of the range.

        Args:
            response: the `Page` that the current position was answered with. (The SDK declares a response of
                `requests` here; that one has been decoded by now, so that a broken body could be asked for again.)

        Raises:
            ApiError: the server gives the same full page again and again.
        """
        page: Page = response
        here = self.current_value
        self.settled = []
        self._limits.widen()
        first, bound = stamp_of_second(here.start), stamp_of_second(here.stop)
        self._held.update({e.uuid: e for e in page.events if first <= e.create_time < bound})
        at_end = page.size == 0 or (page.size < here.page_size and not page.says_more)
        if here.whole:
            return self._after_whole(page, here, at_end=at_end)
        if at_end:
            self._settle(here.stop)
            return self._at(here.stop)
        return self._after_sorted(page, here)

    def _after_sorted(self, page: Page, here: Position) -> Position | None:
        times = [event.create_time for event in page.events]
        if not self._limits.sorts or not times or times != sorted(times):
            if self._limits.sorts:
                self._limits.sorts, self._limits.whole_seconds = False, here.stop - here.start
            self._whole_until, self._whole_width = self.stop, self._limits.whole_seconds
            return self._stand(here.start)
        last = min(max(second_of(times[-1]), here.start), here.stop)
        self._settle(last)
        ties = len(times) - bisect_left(times, stamp_of_second(last))
        if ties > len(times) * CROWDED:
            self._note_crowd(last)
            # Where most of a page lies in one second, there may well be more in it than a page holds.
            self._whole_width = self._limits.whole_seconds or int(ties > len(times) / 2)
            self._whole_until = last + self._whole_width
        return self._at(last)

    def _note_crowd(self, second: int) -> None:
        """Learn from two crowded seconds how long a stretch of a few pages is where there are many of them."""
        if self._crowd is not None:
            before, settled_then = self._crowd
            pages = (self._settled_before - settled_then) / self._limits.page_size
            # Where a single crowd is too much already, a longer stretch only makes it worse.
            self._limits.whole_seconds = int((second - before) * PAGES_WHOLE / pages) if 0 < pages <= PAGES_WHOLE else 0
        self._crowd = second, self._settled_before

    def _after_whole(self, page: Page, here: Position, *, at_end: bool) -> Position | None:
        news = self._stretch.take(page, here.page_size)
        # A full page may be the last one, but only a server that has pointed to a next page before can say so.
        at_end |= self._stretch.said_more and not page.says_more
        if at_end or not news or page.next_page_id is None:
            self._settle(here.stop)
            self._plan(here)
            return self._at(here.stop)
        if self._stretch.pages >= MOST_PAGES_WHOLE and here.stop - here.start > 1:
            return self._shorten(here)
        return here._replace(page_id=page.next_page_id)

    def _plan(self, done: Position) -> None:
        """Choose how to go on after a stretch that has been read whole."""
        self._stretch = _WholeStretch()
        seconds = done.stop - done.start
        pages = len(self.settled) / self._limits.page_size
        width = max(int(seconds * min(PAGES_WHOLE, PAGES_WHOLE / (pages or 1))), 1)
        if not self._limits.sorts:
            self._limits.whole_seconds = self._whole_width = width
        elif self._limits.whole_seconds and pages >= 1:
            fullest = max(Counter(event.create_time[:19] for event in self.settled).values())
            self._limits.whole_seconds = width if fullest > self._limits.page_size * CROWDED else 0
            self._whole_width = self._limits.whole_seconds
            self._whole_until = done.stop + self._whole_width

    def _shorten(self, here: Position) -> Position:
        self._stretch = _WholeStretch()
        if self._limits.sorts:
            self._whole_until = self._limits.whole_seconds = 0
        else:
            self._limits.whole_seconds = self._whole_width = (here.stop - here.start) // 2
        return self._stand(here.start)

    def _at(self, second: int) -> Position | None:
        """Stand at a second before which all is settled; None at the end of the range."""
        return self._stand(second) if second < self.stop else None

    def _stand(self, second: int) -> Position:
        whole = second < self._whole_until
        width = min(self._limits.width, self._whole_width) if whole else self._limits.width
        return Position(second, min(second + width, self.stop), self._limits.page_size, whole)

    def _settle(self, second: int) -> None:
        bound = stamp_of_second(second)
        self.settled = sorted(e for e in self._held.values() if e.create_time < bound)
        self._held = {e.uuid: e for e in self._held.values() if e.create_time >= bound}
        self._settled_before += len(self.settled)

    def ask_for_less(self) -> None:
        """Ask for less at the current position, as the server ran out of time; it must be divisible."""
        here = self.current_value
        self._limits.tighten(here)
        self._whole_width = min(self._whole_width, self._limits.width)
        self.renew()

    def renew(self) -> None:
        """Ask at the current position for as much as the limits have come to allow."""
        here = self.current_value
        if here.page_id is not None and here.stop - here.start <= self._limits.width:
            self._value = here._replace(page_size=self._limits.page_size)
        else:
            self._stretch = _WholeStretch()
            self._value = self._stand(here.start)

    def split(self, second: int) -> SeekPaginator | None:
        """Leave the range from a second on to another paginator; None where there is nothing to leave."""
        here = self.current_value
        # A stretch that is being read whole can't be cut.
        second = max(second, here.start + 1 if here.page_id is None else here.stop)
        if second >= self.stop:
            return None
        rest = SeekPaginator(second, self.stop, self._limits)
        self.stop = second
        self.renew()
        return rest

    def absorb(self, rest: SeekPaginator) -> None:
        """Take over the range of a paginator that begins where this one ends and has not been used."""
        self.stop = rest.stop
        self.renew()


class _WholeStretch:
    """What has been seen of a stretch that is read whole, to tell its end from a server that repeats itself."""

    def __init__(self) -> None:
        self.pages = 0
        self.said_more = False
        self._seen: set[str | Reject] = set()
        self._short_page = False

    def take(self, page: Page, page_size: int) -> bool:
        """Take in a page; give whether it brought anything new."""
        self.pages += 1
        self.said_more |= page.says_more
        self._short_page |= page.size < page_size
        seen = len(self._seen)
        self._seen.update(event.uuid for event in page.events)
        self._seen.update(page.rejected)
        news = len(self._seen) > seen
        if not news and not self._short_page:
            raise ApiError(
                "The API answers the same page again and again instead of the next one (page_id): "
                "nothing is lost, but the tap can't go on. Report it to Endor Labs."
            )
        return news
