"""How much to ask for at a time: what the server has been found to answer in time."""

from __future__ import annotations

import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE

if t.TYPE_CHECKING:
    from tap_endorlabs.api.query import Query

GOOD_ANSWERS_TO_WIDEN = 8
"""After a slow query, this many answers in time make the next queries twice as wide again."""

_WIDEST = 1 << 40


class Limits:
    """The limits of a request, learned by one reader of a log and shared with all the others.

    Args:
        page_size: events per request, at most.
        sorts: whether the server is trusted to honour a sort.

    Attributes:
        page_size: events to ask for at a time.
        width: seconds to ask for at a time.
        sorts: whether the server honours a sort.
        crowds: how often a second has been met that has a fair part of a page.
        largest: the largest page that the server has given in the order of time.
        refusals: how often it has run out of time, since it last was asked for more.
    """

    def __init__(self, page_size: int, *, sorts: bool = True) -> None:
        self.page_size = self._most = page_size
        self.width = _WIDEST
        self.sorts = sorts
        self.crowds = 0
        self.largest = 0
        self._patience = GOOD_ANSWERS_TO_WIDEN
        self._good_answers = 0
        self.refusals = 0
        self._on_trial = False
        self._larger_pages = False

    def distrust_sort(self) -> None:
        """Ask for no sort any more; what was too much with one may not be without."""
        self.sorts = False
        self.width, self.page_size = _WIDEST, self._most
        self.refusals = self._good_answers = 0
        self._on_trial = False

    def allow_pages_of(self, size: int) -> None:
        """Never ask for larger pages again."""
        self._most = min(self._most, size)
        self.page_size = min(self.page_size, size)

    def tighten(self, asked: Query, *, too_large: bool = False) -> None:
        """Ask for less from now on, as the server ran out of time for a request, or of room for its page."""
        seconds = asked.stop - asked.start
        self._good_answers = 0
        if asked.page_size > self.page_size or seconds > self.width:
            # Others have learned since it was sent.
            return
        is_page = too_large or (self._on_trial and self._larger_pages)
        if self._on_trial:
            # It was too early: try again, but later each time.
            self._patience *= 2
        self.refusals += 1
        # A shorter time is the cure that the API's documentation names, and small pages are slow themselves.
        shorter = seconds > 1 and asked.page_id is None and not is_page
        smaller = not shorter or self.refusals % 2 == 0
        least = 1 if too_large else SMALLEST_PAGE
        if smaller and asked.page_size > least:
            self.page_size = max(asked.page_size // 2, least)
        if shorter or asked.page_size <= least:
            self.width = max(seconds // 2, 1)
        self._on_trial = False

    def widen(self) -> None:
        """Take note of an answer in time; after some of them, more is asked for again."""
        if self.width == _WIDEST and self.page_size == self._most:
            return
        self._good_answers += 1
        if self._good_answers < self._patience:
            return
        self._good_answers = self.refusals = 0
        self._on_trial = True
        # One at a time and in turn, so that a refusal tells which of them was too much.
        self._larger_pages = self.page_size < self._most and (not self._larger_pages or self.width == _WIDEST)
        if self._larger_pages:
            self.page_size = min(self.page_size * 2, self._most)
        else:
            self.width = min(self.width * 2, _WIDEST)
