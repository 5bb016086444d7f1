"""How a tenant's API lets its archive be read: by which address, and with which condition on the kind.

The documentation names a path of its own, the vendor's SDK sends a parameter; and a condition on the time has to follow
one on the kind. Which of them is refused, ignored, or matches nothing, nobody documents.
"""

from __future__ import annotations

import typing as t
from contextlib import suppress
from http import HTTPStatus

from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError
from tap_endorlabs.timestamps import DAY

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_endorlabs.api.query import Query
    from tap_endorlabs.api.records import Page

_KIND = "spec.message_kind"
CONDITIONS = (
    f"{_KIND}!='none'",
    f"({_KIND} exists or {_KIND} not exists)",
    f"{_KIND} exists",
    f"{_KIND} matches '.*'",
    "",
)
"""Conditions that every event meets, or every event with a kind; the last is none at all."""

NEED_A_KIND = CONDITIONS[2:4]
"""Those that only events with a kind meet."""

_FOUR_WEEKS = 28 * DAY
_NOT_THERE = frozenset({404, 405})
"""The statuses that say that an address is not there."""

_REFUSED = _NOT_THERE | {400, 422, 501}
"""The statuses that say that a way is not there, or not to be gone."""


class ArchiveWay(t.NamedTuple):
    """One way to ask for archived events.

    Attributes:
        by_path: by the path `.../archived`, not by the parameter `archive`.
        condition: what stands before the condition on the time.
    """

    by_path: bool = True
    condition: str = CONDITIONS[0]


_Found = t.TypeVar("_Found")
Ask = t.Callable[["Query", ArchiveWay], "Page"]


def count_in_archive(ask: Ask, query: Query) -> Page:
    """Count in the first way that is accepted.

    Args:
        ask: answers a query of the archive in a way.
        query: what to count.

    Raises:
        ArchiveRefusedError: there is none.
        TooSlowError: it takes too long, or is too long a time; less may not be.
    """
    refusals: list[ApiError] = []
    for by_path in (True, False):
        for page, _ in _accepted(lambda way: _count(ask, query, way), refusals, by_path=by_path):
            return page
    raise _refused(refusals)


def _count(ask: Ask, query: Query, way: ArchiveWay) -> Page:
    try:
        return ask(query, way)
    except ApiError as error:
        if _is_too_long(ask, query, way, error):
            raise TooSlowError(str(error), status=error.status) from error
        raise


def _is_too_long(ask: Ask, query: Query, way: ArchiveWay, error: ApiError) -> bool:
    """Whether a refusal speaks of how long a time was asked for, as a day of it is answered, or takes too long only."""
    if error.status != HTTPStatus.BAD_REQUEST or query.stop - query.start <= DAY:
        return False
    try:
        ask(query._replace(start=query.stop - DAY), way)
    except TooSlowError:
        return True
    except ApiError:
        return False
    return True


def best_way(ask: Ask, ask_active: Callable[[Query], Page], first: Query) -> ArchiveWay:
    """Choose the first way that is accepted and counts most.

    Args:
        ask: answers a query of the archive in a way.
        ask_active: answers one of the active database.
        first: the first query that is to be read.

    Raises:
        ArchiveRefusedError: there is none.
    """
    refusals: list[ApiError] = []
    best: tuple[int, ArchiveWay] | None = None
    for by_path in (True, False):
        measure = _Measure(ask, first._replace(unsorted=True, page_id=None, counted=True, margin=0))
        found = list(_accepted(measure.number, refusals, by_path=by_path))
        if not found:
            continue
        number, way = max(found, key=lambda one: one[0])
        if way != found[0][1] and measure.number(found[0][1]) >= number:
            # It found fewer only because some have been archived since.
            way = found[0][1]
        if (best is None or number > best[0]) and not _is_ignored(ask, ask_active, measure.query, way):
            best = number, way
        if best is not None and best[0]:
            break
    if best is not None:
        return best[1]
    shorter = first._replace(start=max(first.start, first.stop - DAY))
    if shorter != first and any(error.status == HTTPStatus.BAD_REQUEST for error in refusals):
        # It may be the time that is too long.
        return best_way(ask, ask_active, shorter)
    raise _refused(refusals)


def _accepted(
    ask: Callable[[ArchiveWay], _Found], refusals: list[ApiError], *, by_path: bool
) -> Iterator[tuple[_Found, ArchiveWay]]:
    """Ask at an address with one condition after the other, and give the answers."""
    for condition in CONDITIONS:
        way = ArchiveWay(by_path, condition)
        try:
            yield ask(way), way
        except ApiError as error:
            is_final = isinstance(error, ArchiveRefusedError)
            if not is_final and error.status not in _REFUSED:
                raise
            refusals.append(error)
            if is_final or error.status in _NOT_THERE:
                # It says nothing of the condition.
                return


class _Measure:
    """Tells how many events a way finds.

    Attributes:
        query: where it looks.
    """

    def __init__(self, ask: Ask, query: Query) -> None:
        self._ask = ask
        self._answered = False
        self.query = query

    def number(self, way: ArchiveWay) -> int:
        """Count, or where the API does not, give the size of a page.

        Raises:
            ApiError: it is refused, or takes too long.
        """
        while True:
            query = self.query
            try:
                number = self._number(query, way)
            except (ApiError, TooSlowError) as error:
                if isinstance(error, ApiError) and (self._answered or not self._is_too_long(error, way)):
                    raise
                if self._answered or query.stop - query.start <= DAY:
                    raise ApiError(str(error), HTTPStatus.BAD_REQUEST) from error
                self.query = query._replace(start=(query.start + query.stop) // 2)
            else:
                self._answered = True
                return number

    def _is_too_long(self, error: ApiError, way: ArchiveWay) -> bool:
        # Listed, as it may be counts that are refused.
        return _is_too_long(self._ask, self.query._replace(counted=False), way, error)

    def _number(self, query: Query, way: ArchiveWay) -> int:
        try:
            page = self._ask(query, way)
        except (ApiError, TooSlowError) as error:
            is_final = isinstance(error, ArchiveRefusedError) or error.status in _NOT_THERE
            if is_final or self._answered or not query.counted:
                raise
            # It may be the count that is refused, and not the way.
            page = self._ask(query._replace(counted=False), way)
            self.query = query._replace(counted=False)
        return page.size if page.count is None else page.count


def _refused(refusals: list[ApiError]) -> ApiError:
    forbidden = next((error for error in refusals if isinstance(error, ArchiveRefusedError)), None)
    why = str(refusals[0]) if refusals else "The API answers with active events where archived ones are asked for."
    return forbidden or ArchiveRefusedError(
        f"{why} The archive of this log can't be read. Report it to Endor Labs, or set include_archived to false."
    )


def _is_ignored(ask: Ask, ask_active: Callable[[Query], Page], query: Query, way: ArchiveWay) -> bool:
    """Whether the archive seems to have just the events that the active database has in the weeks after the range."""
    # So long a time may be too much, where the query is known to be answered.
    for seconds in (_FOUR_WEEKS, query.stop - query.start):
        later = query._replace(start=query.stop, stop=query.stop + seconds)
        with suppress(ApiError, TooSlowError):
            found = _what(ask(later, way))
            return bool(found) and found == _what(ask_active(later._replace(archived=False)))
    return False


def _what(page: Page) -> object:
    """What tells one answer from another; nothing where there is nothing."""
    return page.count or {event.uuid for event in page.events}
