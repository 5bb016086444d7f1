"""How a tenant's API lets its archive be read: by which address, and with which condition on the kind.

The documentation names a path of its own, the vendor's SDK sends a parameter; and a condition on the time has to follow
one on the kind. Which of them is refused, ignored, or matches nothing, nobody documents.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_endorlabs.position import Position
    from tap_endorlabs.records import Page

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

_FOUR_WEEKS = 28 * 86_400
_REFUSED = frozenset({400, 404, 405, 501})
"""The statuses that say that a way is not there, or not to be gone."""


class ArchiveWay(t.NamedTuple):
    """One way to ask for archived events.

    Attributes:
        by_path: by the path `.../archived`, not by the parameter `archive`.
        condition: what stands before the condition on the time.
    """

    by_path: bool = True
    condition: str = CONDITIONS[0]


Ask = t.Callable[["Position", ArchiveWay], "Page"]


def count_in_archive(ask: Ask, query: Position) -> Page:
    """Count in the first way that is accepted.

    Args:
        ask: answers a position of the archive in a way.
        query: what to count.

    Raises:
        ArchiveRefusedError: there is none.
    """
    refusals: list[ApiError] = []
    for by_path in (True, False):
        for page, _ in _accepted(ask, query, refusals, by_path=by_path):
            return page
    raise _refused(refusals)


def best_way(ask: Ask, ask_active: Callable[[Position], Page], first: Position) -> ArchiveWay:
    """Choose the first way that is accepted and counts most.

    Args:
        ask: answers a position of the archive in a way.
        ask_active: answers one of the active database.
        first: the first position that is to be read.

    Raises:
        ArchiveRefusedError: there is none.
    """
    query = first._replace(whole=True, page_id=None, counted=True, margin=0)
    refusals: list[ApiError] = []
    best: tuple[int, ArchiveWay] | None = None
    for by_path in (True, False):
        found = [(page.count or 0, way) for page, way in _accepted(ask, query, refusals, by_path=by_path)]
        if not found:
            continue
        count, way = max(found, key=lambda one: one[0])
        if (best is None or count > best[0]) and not _is_ignored(ask, ask_active, query, way):
            best = count, way
        if best is not None and best[0]:
            break
    if best is None:
        raise _refused(refusals)
    return best[1]


def _accepted(
    ask: Ask, query: Position, refusals: list[ApiError], *, by_path: bool
) -> Iterator[tuple[Page, ArchiveWay]]:
    """Ask at an address with one condition after the other, and give the answers."""
    for condition in CONDITIONS:
        way = ArchiveWay(by_path, condition)
        try:
            yield ask(query, way), way
        except ArchiveRefusedError as error:
            # It says nothing of the condition.
            refusals.append(error)
            return
        except ApiError as error:
            if error.status not in _REFUSED:
                raise
            refusals.append(error)
        except TooSlowError as error:
            refusals.append(ApiError(str(error)))


def _refused(refusals: list[ApiError]) -> ApiError:
    forbidden = next((error for error in refusals if isinstance(error, ArchiveRefusedError)), None)
    why = str(refusals[0]) if refusals else "The API answers with active events where archived ones are asked for."
    return forbidden or ArchiveRefusedError(
        f"{why} The archive of this log can't be read. Report it to Endor Labs, or set include_archived to false."
    )


def _is_ignored(ask: Ask, ask_active: Callable[[Position], Page], query: Position, way: ArchiveWay) -> bool:
    """Whether the archive seems to have just the events that the active database has in the weeks after the range."""
    later = query._replace(start=query.stop, stop=query.stop + _FOUR_WEEKS)
    try:
        count = ask(later, way).count
        return bool(count) and count == ask_active(later._replace(archived=False)).count
    except (ApiError, TooSlowError):
        return False
