"""The position inside a time range: which page to ask for next, and which events are complete by now.

Pages are found by time, never by offset: the page after a full page starts at the second of its last event. Offsets
shift when events arrive, move to the archive or tie; a time doesn't. Events of that last second are held until the
next page has been read, as ties may come in another order then.

Where time can't tell pages apart (a second with more events than a page holds, or answers that are not in order), a
piece of the range is read *whole*: unsorted, continued by `page_id`, and put in order here.
"""

from __future__ import annotations

import typing as t
from itertools import pairwise

from singer_sdk.pagination import BaseAPIPaginator

from tap_endorlabs.errors import ApiError
from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.records import Event, Page, Reject

MOST_PAGES_WHOLE = 10
"""A piece longer than a second that has more pages than this is halved instead of held in memory."""

SMALLEST_PAGE = 50
"""Fewer events than this are not asked for at a time: small pages are slow on logs."""

GOOD_ANSWERS_TO_WIDEN = 8
"""After a slow query, this many answers in time make the next queries twice as wide again."""


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
        return self.page_size > SMALLEST_PAGE or self.halvable

    @property
    def halvable(self) -> bool:
        """Whether a shorter time can be asked for."""
        return self.stop - self.start > 1 and self.page_id is None


class SeekPaginator(BaseAPIPaginator[Position]):
    """Walks through [start, stop), in whole seconds, from the earliest event to the last.

    After each `advance`, `settled` has the events that are complete by then, in order: no event before the last of
    them is still to come. Every event is in `settled` once.
    """

    def __init__(self, start: int, stop: int, page_size: int) -> None:
        """Stand at the first second of a range that is not empty."""
        super().__init__(Position(start, stop, page_size))
        self._later: list[Position] = []
        self._held: dict[str, Event] = {}
        self._whole = _WholePiece()
        self._most = page_size
        self._page_size = page_size
        self._width = stop - start
        self._good_answers = 0
        self.settled: list[Event] = []

    @property
    def reached(self) -> int:
        """The second up to which the range has been settled."""
        return self.current_value.stop if self.finished else self.current_value.start

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
        self._widen_again()
        first, bound = stamp_of_second(here.start), stamp_of_second(here.stop)
        self._held.update((e.uuid, e) for e in page.events if first <= e.create_time < bound)
        at_end = page.size == 0 or (page.size < here.page_size and not page.says_more)
        if here.whole:
            after = self._after_whole(page, here, at_end=at_end)
        else:
            after = self._end_piece(here) if at_end else self._after_sorted(page, here)
        return after and after._replace(page_size=self._page_size)

    def _after_sorted(self, page: Page, here: Position) -> Position:
        if not page.events or not _is_ascending(page.events):
            return here._replace(whole=True)
        last = second_of(page.events[-1].create_time)
        if last > here.start:
            self._settle(last)
            return self._cut(here._replace(start=last))
        # The page did not get past its first second: more events lie in it than a page holds.
        if here.stop - here.start > 1:
            self._later.append(here._replace(start=here.start + 1))
        return here._replace(stop=here.start + 1, whole=True)

    def _after_whole(self, page: Page, here: Position, *, at_end: bool) -> Position | None:
        news = self._whole.take(page, here.page_size)
        if at_end or not news or page.next_page_id is None:
            return self._end_piece(here)
        if self._whole.pages >= MOST_PAGES_WHOLE and here.stop - here.start > 1:
            return self._halve(here._replace(page_id=None))
        return here._replace(page_id=page.next_page_id)

    def _end_piece(self, here: Position) -> Position | None:
        self._settle(here.stop)
        self._whole = _WholePiece()
        return self._cut(self._later.pop()) if self._later else None

    def _settle(self, stop: int) -> None:
        bound = stamp_of_second(stop)
        self.settled = sorted(e for e in self._held.values() if e.create_time < bound)
        for event in self.settled:
            del self._held[event.uuid]

    def _halve(self, here: Position) -> Position:
        middle = (here.start + here.stop) // 2
        self._later.append(here._replace(start=middle))
        self._whole = _WholePiece()
        return here._replace(stop=middle)

    def _cut(self, here: Position) -> Position:
        if here.stop - here.start <= self._width:
            return here
        self._later.append(here._replace(start=here.start + self._width))
        return here._replace(stop=here.start + self._width)

    def ask_for_less(self) -> None:
        """Halve what the current position asks for, as the server ran out of time; it must be divisible."""
        here = self.current_value
        self._good_answers = 0
        self._page_size = min(self._page_size, max(self._page_size // 2, SMALLEST_PAGE))
        if here.halvable:
            here = self._halve(here)
            self._width = here.stop - here.start
        self._value = here._replace(page_size=self._page_size)

    def _widen_again(self) -> None:
        self._good_answers += 1
        if self._good_answers % GOOD_ANSWERS_TO_WIDEN == 0:
            self._width *= 2
            self._page_size = min(self._page_size * 2, self._most)


class _WholePiece:
    """What has been seen of a piece that is read whole, to tell its end from a server that repeats itself."""

    def __init__(self) -> None:
        self.pages = 0
        self._seen: set[str | Reject] = set()
        self._short_page = False

    def take(self, page: Page, page_size: int) -> bool:
        """Take in a page; give whether it brought anything new."""
        self.pages += 1
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


def _is_ascending(events: list[Event]) -> bool:
    return all(one.create_time <= two.create_time for one, two in pairwise(events))
