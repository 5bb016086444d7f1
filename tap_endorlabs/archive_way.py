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
CONDITIONS = (f"{_KIND}!='none'", f"{_KIND} exists", f"{_KIND} matches '.*'", "")
"""Conditions that every event may meet; the last is none at all."""

_FOUR_WEEKS = 28 * 86_400
_ABSENT = frozenset({400, 404, 405, 501})
"""The statuses that say that an address or a condition is not there."""


class ArchiveWay(t.NamedTuple):
    """One way to ask for archived events.

    Attributes:
        by_path: by the path `.../archived`, not by the parameter `archive`.
        condition: what stands before the condition on the time.
    """

    by_path: bool = True
    condition: str = CONDITIONS[0]


Ask = t.Callable[["Position", ArchiveWay], "Page"]


def choose_way(ask: Ask, ask_active: Callable[[Position], Page], first: Position) -> ArchiveWay:
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
        found = list(_accepted(ask, query, refusals, by_path=by_path))
        if not found:
            continue
        count, way = max(found, key=lambda one: one[0])
        if (best is None or count > best[0]) and not _is_ignored(ask, ask_active, query, way):
            best = count, way
        if best is not None and best[0]:
            break
    if best is None:
        forbidden = next((error for error in refusals if isinstance(error, ArchiveRefusedError)), None)
        raise forbidden or ArchiveRefusedError(_refusal(refusals))
    return best[1]


def _refusal(refusals: list[ApiError]) -> str:
    why = str(refusals[0]) if refusals else "The API answers with active events where archived ones are asked for."
    return f"{why} The archive of this log can't be read. Report it to Endor Labs, or set include_archived to false."


def _accepted(
    ask: Ask, query: Position, refusals: list[ApiError], *, by_path: bool
) -> Iterator[tuple[int, ArchiveWay]]:
    for condition in CONDITIONS:
        way = ArchiveWay(by_path, condition)
        try:
            yield ask(query, way).count or 0, way
        except ApiError as error:
            refusals.append(error)
            if error.status not in _ABSENT:
                return
        except TooSlowError:
            continue


def _is_ignored(ask: Ask, ask_active: Callable[[Position], Page], query: Position, way: ArchiveWay) -> bool:
    """Whether the archive seems to have just the events that the active database has in the weeks after the range."""
    later = query._replace(start=query.stop, stop=query.stop + _FOUR_WEEKS)
    try:
        count = ask(later, way).count
        return bool(count) and count == ask_active(later._replace(archived=False)).count
    except (ApiError, TooSlowError):
        return False
