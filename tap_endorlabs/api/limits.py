"""How to ask, as the server has been found to answer: for how much at a time, sorted or not, by offsets or not."""

from __future__ import annotations

import sys
import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE

if t.TYPE_CHECKING:
    from tap_endorlabs.api.detours import Detour
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

PATIENCE = 12
"""After a query that was too large, so many answers in time make the next ones twice as large again."""

FEW = 3
"""So many of a kind in a row are no accident: failures, after which the next queries get smaller and other reasons than
their size are looked for; answers to a larger query on trial, whose failure would be its fault; empty pages."""

PAGE_BYTES = 2 << 20
"""Pages are asked for that have no more than about so many bytes."""


class Limits:
    """The limits of a request, learned by one reader of a log and shared with all the others.

    Attributes:
        page_size: events to ask for at a time.
        width: seconds to ask for at a time.
        sorts: whether the server is to be asked for the order of time.
        has_sorted: whether it has given it.
        anchors: whether pages that are asked for by their offsets come in that order, asked for or not.
        apart: how many pages to leave between two that are asked for by their offsets.
        refusals: how many queries were too large for it since one of their size was answered.
        is_exact: whether it is taken to give just what lies between the ends that are asked for.
        grain: seconds that these ends are multiples of: 1, or 60 where its times have no seconds.
    """

    def __init__(self, page_size: int) -> None:
        self.page_size = self._most = page_size
        self.width, self._refused_width, self._answered_width = sys.maxsize, 0, 0
        self.sorts = self.anchors = self.is_exact = True
        self.has_sorted = self._may_be_odd = self._on_trial = self._larger_pages = False
        self.apart = self.refusals = self._good_answers = 0
        self.grain = 1
        self._patience = PATIENCE

    def is_odd(self, asked: Query) -> bool:
        """Whether a failure may be for another reason than the size of its query: one of several finds that out."""
        is_first = self._may_be_odd and self.refusals % FEW == 1
        self._may_be_odd = False
        return is_first and asked.stop - asked.start > self._answered_width

    def allow(self, page_size: int) -> None:
        """Never ask for larger pages again."""
        self._most = min(self._most, page_size)
        self.page_size = min(self.page_size, page_size)

    def refused(self, asked: Query, detour: Detour) -> None:
        """Take note of how to ask after a query that failed, each time it was sent; for less, if others have, too."""
        seconds = asked.stop - asked.start
        if detour.unsorted:
            # What was too much with a sort may not be without.
            self.sorts, self.width, self.page_size = False, sys.maxsize, self._most
            self.refusals, self._good_answers, self._on_trial = 0, 0, False
        self.anchors &= not detour.without_offsets
        if detour.page_size:
            self.allow(detour.page_size)
        elif detour.too_large:
            self.page_size = min(self.page_size, max(asked.page_size // 2, 1))
        if any(detour) or asked.page_size > self.page_size or seconds > self.width:
            # Others may have learned since it was sent.
            return
        # What has been answered since says that the refusals before were for more than this one.
        self.refusals = 1 if seconds <= self._answered_width else self.refusals + 1
        self._may_be_odd = True
        self._refused_width, self._answered_width, self._good_answers = seconds, 0, 0
        if self._on_trial:
            # It was too early: try again, but later each time.
            self._patience *= 2
        elif self.refusals < FEW:
            return
        # By turns, as nobody says which of them it was; what was on trial is known.
        is_page = self._larger_pages if self._on_trial else self.refusals % 2 == 0
        self._on_trial = False
        if asked.page_size > SMALLEST_PAGE and (is_page or seconds == 1 or asked.page_id is not None):
            self.page_size = max(asked.page_size // 2, SMALLEST_PAGE)
        else:
            self.width = max(seconds // 2, 1)

    def answered(self, asked: Query, page: Page) -> None:
        """Take note of an answer in time; after some of them, more is asked for again."""
        if page.events:
            self.page_size = min(self.page_size, max(PAGE_BYTES * len(page.events) // (page.bytes or 1), 1))
        seconds = asked.stop - asked.start
        width = self._refused_width if self.width == sys.maxsize else self.width
        # More than half of it, even where that has been rounded up.
        is_wide = asked.page_id is not None or seconds > min((width + 1) // 2, width - 1)
        is_large = asked.page_size >= self.page_size and is_wide
        if is_large:
            self.refusals = 0
        if asked.page_size >= self.page_size:
            self._answered_width = max(self._answered_width, seconds)
        if (self.width == sys.maxsize and self.page_size == self._most) or (self._on_trial and not is_large):
            return
        self._good_answers += 1
        if self._on_trial and self._good_answers >= FEW:
            self._on_trial, self._patience = False, PATIENCE
        if self._good_answers < self._patience:
            return
        self._good_answers, self._on_trial = 0, True
        # One at a time and in turn, so that a refusal tells which of them was too much.
        self._larger_pages = self.page_size < self._most and (not self._larger_pages or self.width == sys.maxsize)
        if self._larger_pages:
            self.page_size = min(self.page_size * 2, self._most)
        else:
            self.width = min(self.width * 2, sys.maxsize)
