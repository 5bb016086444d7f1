"""A recent time of the log, asked for in several ways; most questions are answered by comparing the pages."""

from __future__ import annotations

import typing as t
from itertools import pairwise

from tap_endorlabs.api.query import OUTSIDE, SMALLEST_PAGE, Query
from tap_endorlabs.probe.whole import read_whole
from tap_endorlabs.proof.ages import ARCHIVED_AFTER
from tap_endorlabs.timestamps import DAY, HOUR, MINUTE, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_endorlabs.api.records import Event, Page
    from tap_endorlabs.probe.asking import Answered, Asker

LARGEST_PAGE = 500
SPANS = (DAY, 7 * DAY, 28 * DAY)
"""So many seconds are looked at, one after the other until there is a full page; all of them in the active database."""

SHORTER_SPANS = (HOUR, MINUTE)
"""Those of a busy log, until a page holds all of it, so that a count can be compared."""

SMALL, MIDDLE = 10, 100
_SETTLED = 5 * MINUTE
"""What is younger, in seconds, may change between two requests."""


class Paged(t.NamedTuple):
    """An answer, and the size of the page that was asked for."""

    asked: int
    answer: Answered


class Continued(t.NamedTuple):
    """A full page, the query for what follows it, and the answer to that."""

    first: Page
    query: Query
    answer: Answered


class Sample:
    """What has been read of a log's last hour, day, week or four weeks.

    Pages are asked for that answer several questions each, as somebody waits.

    Args:
        asker: asks.
        now: the server's present second.
        schema: that of the log's events.

    Attributes:
        asker: likewise.
        now: likewise.
        schema: likewise.
        stop: last second that is looked at, exclusive.
        spans: what came for each span in seconds; the last span that was answered is the sample.
        longest: the longest span that was answered.
        too_long: one that could not be answered; None where each could.
        counted: a count of the longest span, None where it was listed.
        page_size: the largest page that is asked for.
        too_many: why that is fewer than 500; None where it is not.
        by_time: sorted pages from the start of the sample.
        by_id: unsorted ones.
        by_page_id: what follows an unsorted page by its id; None where there is none that is full.
        by_page_token: what follows a sorted page by its offset, or an unsorted one where no sorted one is full.
        events: all events of the sample that have been seen, by uuid.
        whole: the longest span that has been read to its end; None where all are too large for that.
        is_cut: whether more followed a page that had fewer events than were asked for.
        archived: a sorted page of the archive; None where the user does not want it read.
        has_strays: whether some came that are far from the time that was asked for; they are left out.
        has_rejects: whether objects were seen that can't be events.

    Raises:
        TapError: the log can't be read.
    """

    def __init__(self, asker: Asker, now: int, schema: Mapping[str, t.Any]) -> None:
        self.asker, self.now, self.schema = asker, now, schema
        self.stop = (now - _SETTLED) // MINUTE * MINUTE
        self.page_size = LARGEST_PAGE
        self.too_many: Answered | None = None
        self.too_long: Paged | None = None
        self.spans: list[Paged] = []
        self.by_time: list[Paged] = []
        self.by_id: list[Paged] = []
        self.counted: Answered | None = None
        self.by_page_id: Continued | None = None
        self.by_page_token: Continued | None = None
        self.events: dict[str, Event] = {}
        self.has_strays = self.has_rejects = False
        self._look_back()
        self._ask_in_each_size()
        self._ask_further()
        self.whole, self.is_cut = read_whole(self)
        self.archived = self._look_into_archive()

    @property
    def span(self) -> int:
        """How many seconds the sample has."""
        return self.spans[-1].asked

    @property
    def reach(self) -> int:
        """For how many seconds of an older part of the log to ask at once: more is slow where the log is busy."""
        return self.span if self.too_long else max(self.span, DAY)

    def query(self, size: int, span: int | None = None, **more: t.Any) -> Query:  # noqa: ANN401 - those of a query
        """Give a query for the sample, or for another span."""
        return Query(self.stop - (span or self.span), self.stop, size, margin=0, **more)

    def ask(self, query: Query, *, expects_events: bool = False) -> Answered:
        """Ask for a page of the sample."""
        answer = self.asker.ask(query, expects_events=expects_events)
        if answer.page is not None:
            first, bound = stamp_of_second(query.start - OUTSIDE), stamp_of_second(query.stop + OUTSIDE)
            fit = {event.uuid: event for event in answer.page.events if first <= event.create_time < bound}
            self.has_strays |= len(fit) < len({event.uuid for event in answer.page.events})
            self.has_rejects |= bool(answer.page.rejected)
            self.events |= fit
        return answer

    def _look_back(self) -> None:
        for span in SPANS:
            answer = self._ask_for_span(span)
            if answer.page is None:
                self.too_long = Paged(span, answer)
                break
            self.spans.append(Paged(span, answer))
            if self._is_full(answer):
                break
        if not self.spans or self._is_full(self.spans[0].answer):
            self._look_less_far_back()
        self.longest = self.span if self.too_long else SPANS[-1]
        if self.span < self.longest:
            self._ask_for_longest()

    def _is_full(self, answer: Answered) -> bool:
        says_more = answer.page is not None and answer.page.says_more
        return answer.size >= self.page_size or (answer.size >= MIDDLE and says_more)

    def _look_less_far_back(self) -> None:
        for span in SHORTER_SPANS:
            seen, self.events = self.events, {}
            answer = self._ask_for_span(span)
            if not self.spans and answer.error is not None:
                raise answer.error
            if not self._is_full(answer):
                self.events |= seen
                self.spans.insert(0, Paged(span, answer))
                break
            self.spans = [Paged(span, answer)]

    def _ask_for_longest(self) -> None:
        self.counted = self.asker.ask(self.query(self.page_size, self.longest, unsorted=True, counted=True))
        if self.counted.page is None:
            # It may be the count that is refused, or takes too long, and not the time.
            query = self.query(SMALLEST_PAGE, self.longest, unsorted=True)
            listed = self.asker.ask(query, expects_events=bool(self.events))
            if listed.page is None:
                self.longest, self.too_long = self.span, Paged(self.longest, listed)

    def _ask_for_span(self, span: int) -> Answered:
        expects = bool(self.events) and span > SPANS[0]
        answer = self.ask(self.query(self.page_size, span, unsorted=True), expects_events=expects)
        if answer.page is None and self.page_size > MIDDLE:
            smaller = self.ask(self.query(MIDDLE, span, unsorted=True), expects_events=expects)
            if smaller.page is not None:
                self.page_size, self.too_many = MIDDLE, answer
                return smaller
        return answer

    def _ask_in_each_size(self) -> None:
        """Ask for pages of 10, 100 and 500, as long as there are so many events and they are answered."""
        expects = bool(self.events)
        for pages, unsorted in ((self.by_time, False), (self.by_id, True)):
            for size in (SMALL, MIDDLE, LARGEST_PAGE):
                if unsorted and (size == self.page_size or (pages and self._next_size(pages[0]) == size)):
                    break
                answer = self.ask(self.query(size, unsorted=unsorted), expects_events=expects)
                pages.append(Paged(size, answer))
                # One of 10 may be slower than one of 100.
                goes_on = answer.size == size or (size == SMALL and answer.is_slow)
                if not goes_on or size == self.page_size:
                    break
        self.by_id.append(Paged(self.page_size, self.spans[-1].answer))
        if len(self.by_time) == 1 and self.by_time[0].answer.size > 1:
            self.by_time.append(Paged(SMALL, self.ask(self.query(SMALL), expects_events=True)))

    def _next_size(self, first: Paged) -> int:
        """Give the size to ask for after an unsorted page: 100 after one of 10 tells as well how long 100 take."""
        is_enough = self.page_size > MIDDLE and len(self.events) >= SMALL + MIDDLE
        return MIDDLE if first.answer.size == SMALL and is_enough else first.asked

    def _ask_further(self) -> None:
        """Ask for what follows the first full page, in each way."""
        unsorted, by_time = _first_full(self.by_id), _first_full(self.by_time)
        if unsorted and unsorted.answer.page and len(self.events) > unsorted.asked:
            page_id, size = unsorted.answer.page.next_page_id, self._next_size(unsorted)
            self.by_page_id = self._continued(unsorted, self.query(size, unsorted=True, page_id=page_id))
        if (first := by_time or unsorted) and len(self.events) > first.asked:
            size = first.asked
            self.by_page_token = self._continued(first, self.query(size, unsorted=not by_time, offset=size))

    def _continued(self, first: Paged, query: Query) -> Continued:
        return Continued(t.cast("Page", first.answer.page), query, self.ask(query, expects_events=True))

    def _look_into_archive(self) -> Answered | None:
        """Ask the archive for a sorted page, None where the user does not want it read."""
        if not self.asker.settings.include_archived:
            return None
        stop = self.now - ARCHIVED_AFTER
        return self.asker.ask(Query(stop - self.reach, stop, SMALLEST_PAGE, archived=True, margin=0))


def _first_full(pages: list[Paged]) -> Paged | None:
    return next((paged for paged in pages if paged.answer.size == paged.asked < LARGEST_PAGE), None)


def ascends(events: list[Event]) -> bool:
    """Whether events are in the order of time."""
    return all(one.create_time <= other.create_time for one, other in pairwise(events))
