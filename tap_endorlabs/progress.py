"""Log lines that let a person follow a run."""

from __future__ import annotations

import time
import typing as t

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_endorlabs.pieces import Stretch

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts what a run emits, and says every few seconds how far it is.

    Args:
        logger: gets the lines.
        start: first second of the range.
        stop: the second at which it ends.
        clock: seconds on a steady clock.

    Attributes:
        events: how many events have been emitted.
    """

    def __init__(
        self,
        logger: logging.Logger,
        start: int,
        stop: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.events = 0
        self._logger = logger
        self._start = start
        self._length = max(stop - start, 1)
        self._clock = clock
        self._begun = self._said = clock()

    def report(self, stretch: Stretch) -> None:
        """Say how far the run is, if it is time to."""
        now = self._clock()
        if now - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said = now
        share = 100 * (stretch.reached - self._start) / self._length
        rate = self.events / (now - self._begun)
        self._logger.info("%.0f %% of the time range read, %d events, %.0f events/s", share, self.events, rate)

    def close(self, requests: int, bookmark: str) -> None:
        """Say what the run came to.

        Args:
            requests: how many requests it sent.
            bookmark: where the next run begins.
        """
        self._logger.info(
            "Done: %d events, %d requests, %.1f s; the bookmark is at %s",
            self.events,
            requests,
            self._clock() - self._begun,
            bookmark,
        )
