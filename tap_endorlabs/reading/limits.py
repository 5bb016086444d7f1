"""How much to ask for at a time: what the server has been found to answer."""

from __future__ import annotations

import typing as t

from tap_endorlabs.api.query import SMALLEST_PAGE

if t.TYPE_CHECKING:
    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

PATIENCE = 12
"""After a query that was too large, so many answers in time make the next ones twice as large again."""

TRIAL = 4
"""After so many answers in time the larger ones are no longer on trial: a failure from then on is not their fault."""

FEWEST_SORTED = 10
"""Pages of fewer events are not asked for in the order of time."""

PAGE_BYTES = 2 << 20
"""Pages are asked for that have no more than about so many bytes."""

_WIDEST = 1 << 40


class Limits:
    """The limits of a request, learned by one reader of a log and shared with all the others.

    Args:
        page_size: events per request, at most.
        sorts: whether the server is trusted to honour a sort.

    Attributes:
        page_size: events to ask for at a time.
        width: seconds to ask for at a time.
        given: how many events the server gives at a time, where that is less.
        sorts: whether it honours a sort.
        has_sorted: whether it has answered a sorted query.
        skips: whether it honours an offset.
        apart: how many pages to leave between two that are asked for by their offsets.
        refusals: how many queries were too large for it since one of their size was answered.
    """

    def __init__(self, page_size: int, *, sorts: bool = True) -> None:
        self.page_size = self._most = page_size
        self.width = _WIDEST
        self.given = page_size
        # A page of very few events looks sorted by chance.
        self.sorts = sorts and page_size >= FEWEST_SORTED
        self.has_sorted = False
        self.skips = True
        self.apart = 0
        self.refusals = 0
        self._patience = PATIENCE
        self._good_answers = 0
        self._on_trial = self._larger_pages = False

    def distrust_sort(self) -> bool:
        """Ask for no sort any more; what was too much with one may not be without."""
        self.sorts = False
        self.width, self.page_size = _WIDEST, self._most
        self.refusals = self._good_answers = 0
        self._on_trial = False
        return False

    def allow_pages_of(self, size: int) -> bool:
        """Never ask for larger pages again."""
        self._most = min(self._most, size)
        self.page_size = min(self.page_size, size)
        return False

    def tighten(self, asked: Query, *, too_large: bool = False) -> bool:
        """Take note of a query that failed twice as if it was too large, or at once for the bytes of its page.

        One of them says nothing of the others, as servers also fail at random; two with no answer of their size
        between them do.

        Returns:
            True, as the query itself is to be made smaller in any case.
        """
        seconds = asked.stop - asked.start
        if too_large:
            self.page_size = min(self.page_size, max(asked.page_size // 2, 1))
            return True
        if asked.page_size > self.page_size or seconds > self.width:
            # Others have learned since it was sent.
            return True
        self.refusals += 1
        self._good_answers = 0
        if self.refusals < 2 and not self._on_trial:  # noqa: PLR2004 - see above
            return True
        if self._on_trial:
            # It was too early: try again, but later each time.
            self._patience *= 2
        # By turns, as nobody says which of them it was; what was on trial is known.
        is_page = self._larger_pages if self._on_trial else self.refusals % 2 == 0
        if asked.page_size > SMALLEST_PAGE and (is_page or seconds == 1 or asked.page_id is not None):
            self.page_size = max(asked.page_size // 2, SMALLEST_PAGE)
        else:
            self.width = max(seconds // 2, 1)
        self._on_trial = False
        return True

    def answered(self, asked: Query, page: Page) -> None:
        """Take note of an answer in time; after some of them, more is asked for again."""
        if page.events:
            size = sum(len(event.raw) for event in page.events) or 1
            self.page_size = min(self.page_size, max(PAGE_BYTES * len(page.events) // size, 1))
        is_large = asked.page_size >= self.page_size and (asked.page_id or asked.stop - asked.start > self.width // 2)
        if is_large:
            self.refusals = 0
        if (self.width == _WIDEST and self.page_size == self._most) or (self._on_trial and not is_large):
            return
        self._good_answers += 1
        if self._on_trial and self._good_answers >= TRIAL:
            self._on_trial, self._patience = False, PATIENCE
        if self._good_answers >= self._patience:
            self._widen()

    def _widen(self) -> None:
        self._good_answers = self.refusals = 0
        self._on_trial = True
        # One at a time and in turn, so that a refusal tells which of them was too much.
        self._larger_pages = self.page_size < self._most and (not self._larger_pages or self.width == _WIDEST)
        if self._larger_pages:
            self.page_size = min(self.page_size * 2, self._most)
        else:
            self.width = min(self.width * 2, _WIDEST)
