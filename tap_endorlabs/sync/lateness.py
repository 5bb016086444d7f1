"""How late events became visible, as far as a run can notice."""

from __future__ import annotations

import typing as t
from bisect import bisect_left
from operator import attrgetter

from tap_endorlabs.errors import several
from tap_endorlabs.timestamps import moment_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from tap_endorlabs.api.records import Event

_CREATE_TIME = attrgetter("create_time")


class Lateness:
    """Counts the new events that the run before did not find, although it read past them.

    Such an event became visible after that run began: it was late by at least that run's start minus its own time.

    Args:
        read_to: the stamp up to which the run before has read.
        lookback: the setting `lookback_seconds`.

    Attributes:
        late: how many events were late.
        latest_by: by how many seconds the latest was late at least.
    """

    def __init__(self, read_to: str, lookback: int) -> None:
        self.late = 0
        self.latest_by = 0.0
        self._read_to = read_to
        self._lookback = lookback

    def note(self, events: Sequence[Event]) -> None:
        """Take note of new events, in order."""
        if late := bisect_left(events, self._read_to, key=_CREATE_TIME):
            by = moment_of(self._read_to) - moment_of(events[0].create_time)
            self.late += late
            self.latest_by = max(self.latest_by, by.total_seconds())

    def warn(self, logger: logging.Logger) -> None:
        """Name the setting if an event took half the look-back or more."""
        if self.late and self.latest_by >= self._lookback / 2:
            logger.warning(
                "%s became visible late, the latest at least %.0f s after it happened. Raise lookback_seconds (%d): "
                "events that are later than that may be missed.",
                several(self.late, "event"),
                self.latest_by,
                self._lookback,
            )
