"""Where events are by their age: in the active database, in the archive, or in either of them.

Endor Labs moves an event to the archive around its 30th day; the exact time is not known. So those of an age near it
are looked for in both.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.reading.archive import ACTIVE, ARCHIVE, BOTH, Zone
from tap_endorlabs.timestamps import DAY, HOUR, MINUTE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARCHIVED_AFTER = 31 * DAY
"""Events that are older than so many seconds are in the archive alone."""

ACTIVE_UNTIL = 29 * DAY
"""Events that are younger than so many seconds are in the active database alone."""


class Border(t.NamedTuple):
    """Between which ages, in seconds, an event may be in either database."""

    active_until: int = ACTIVE_UNTIL
    archived_after: int = ARCHIVED_AFTER


def zones(
    start: int,
    stop: int,
    now: Callable[[], int],
    border: Border = Border(),  # noqa: B008
    checked: int | None = None,
) -> Iterator[Zone]:
    """Cut [start, stop) by where its events are, the oldest first.

    Args:
        start: first second, inclusive.
        stop: last second, exclusive.
        now: the present second. It is asked anew for each zone, as events move on while those before are read.
        border: where either database may have them.
        checked: the second at which that was so, if it was found out: what is archived alone was archived by then.
    """
    for databases, age in ((ARCHIVE, border.archived_after), (BOTH, border.active_until), (ACTIVE, 0)):
        # Whole minutes; what may be in either database is read from both, and what may move while it is read, too.
        end = stop
        if age:
            end = (now() + HOUR if databases == BOTH else now() if checked is None else checked) - age
            end = min(end + (-end % MINUTE if databases == BOTH else -(end % MINUTE)), stop)
        if start < end:
            yield Zone(start, end, databases)
            start = end
