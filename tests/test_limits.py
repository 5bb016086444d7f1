"""What one failure says of the size of a query, and what it does not."""

from __future__ import annotations

from tap_endorlabs.api.detours import FOR_LESS, find_detour
from tap_endorlabs.api.limits import Limits
from tap_endorlabs.api.query import Query
from tap_endorlabs.api.records import Page
from tap_endorlabs.errors import TooSlowError

DAY = 86_400


def query(days: int) -> Query:
    return Query(0, days * DAY, 500)


def test_failures_of_less_than_was_answered_meanwhile_are_not_counted_together() -> None:
    limits = Limits(500)
    for days in (16, 8, 4, 2):
        limits.refused(query(days), FOR_LESS)
        # Half of it is read after that.
        limits.answered(query(days // 2), Page([]))
    assert limits.width > 16 * DAY
    assert limits.page_size == 500


def test_failures_of_whatever_is_asked_make_queries_smaller() -> None:
    limits = Limits(500)
    for days in (16, 8, 4):
        limits.refused(query(days), FOR_LESS)
        limits.answered(query(days // 4), Page([]))
    assert limits.width == 2 * DAY


def test_one_more_failure_does_not_condemn_a_sort() -> None:
    answers = iter([True, False, True])

    def fetch(_asked: Query) -> Page:
        if not next(answers, True):
            raise TooSlowError("by chance")
        return Page([])

    assert find_detour(fetch, query(8), TooSlowError("by chance"), is_odd=True) == FOR_LESS
