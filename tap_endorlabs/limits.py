"""How much to ask for at a time: what the server has been found to answer in time."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tap_endorlabs.pagination import Position

SMALLEST_PAGE = 50
"""Fewer events than this are not asked for at a time: small pages are slow on logs."""

GOOD_ANSWERS_TO_WIDEN = 8
"""After a slow query, this many answers in time make the next queries twice as wide again."""

_WIDEST = 1 << 40


class Limits:
    """The limits of a request, learned by one reader of a log and shared with all the others.

    Args:
        page_size: events per request, at most.

    Attributes:
        page_size: events to ask for at a time.
        width: seconds to ask for at a time.
        sorts: whether the server honours a sort.
        whole_seconds: how many seconds to read whole at a time, 0 while that is not called for.
    """

    def __init__(self, page_size: int) -> None:
        self.page_size = self._most = page_size
        self.width = _WIDEST
        self.sorts = True
        self.whole_seconds = 0
        self._patience = GOOD_ANSWERS_TO_WIDEN
        self._good_answers = 0
        self._widened = False

    def tighten(self, asked: Position) -> None:
        """Halve what a request asked for, as the server ran out of time."""
        if self._widened and asked.page_size <= self.page_size:
            # It was too early: try again, but later each time.
            self._widened = False
            self._patience *= 2
        self._good_answers = 0
        self.page_size = min(self.page_size, max(asked.page_size // 2, SMALLEST_PAGE))
        if asked.page_id is None or asked.page_size <= SMALLEST_PAGE:
            self.width = min(self.width, max((asked.stop - asked.start) // 2, 1))

    def widen(self) -> None:
        """Take note of an answer in time; after some of them, more is asked for again."""
        if self.width == _WIDEST and self.page_size == self._most:
            return
        self._good_answers += 1
        if self._good_answers >= self._patience:
            self._good_answers = 0
            self._widened = True
            self.width = min(self.width * 2, _WIDEST)
            self.page_size = min(self.page_size * 2, self._most)
