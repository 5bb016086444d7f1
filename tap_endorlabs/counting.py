"""How many events the API counts in a range, asked for in as many parts as it takes."""

from __future__ import annotations

import threading
import typing as t
from http import HTTPStatus

from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError, TransientError
from tap_endorlabs.position import SMALLEST_PAGE, Position

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_endorlabs.records import Page

MOST_PARTS = 64
"""A range is counted in so many parts at most, where all of it at once takes the server too long."""


class Counter:
    """Asks the API for counts; where none can be had, says so once.

    Args:
        fetch: answers a position with its page.
        logger: gets the warning.

    Attributes:
        gives_none: whether the API gives no count.
    """

    def __init__(self, fetch: Callable[[Position], Page], logger: logging.Logger) -> None:
        self._fetch = fetch
        self._logger = logger
        self._lock = threading.Lock()
        self.gives_none = False

    def count(self, start: int, stop: int, *, archived: bool = False) -> int | None:
        """Count the events of [start, stop), in seconds; None where the API gives no count.

        Raises:
            TransientError: the API can't be reached.
            StoppedError: the run was ended.
        """
        if self.gives_none:
            return None
        try:
            found = self._count(start, stop, max((stop - start) // MOST_PARTS, 1), archived=archived)
        except (ApiError, TransientError) as error:
            is_refusal = isinstance(error, (ApiError, TooSlowError)) or error.status == HTTPStatus.INTERNAL_SERVER_ERROR
            if not is_refusal or isinstance(error, ArchiveRefusedError):
                raise
            found = None
            self._give_up(str(error))
        else:
            if found is None:
                self._give_up("It answers without a count.")
        return found

    def _count(self, start: int, stop: int, least: int, *, archived: bool) -> int | None:
        position = Position(start, stop, SMALLEST_PAGE, whole=True, archived=archived, counted=True, margin=0)
        try:
            return self._fetch(position).count
        except TooSlowError:
            if stop - start <= least:
                raise
        middle = (start + stop) // 2
        halves = [self._count(begin, end, least, archived=archived) for begin, end in ((start, middle), (middle, stop))]
        return None if None in halves else sum(t.cast("list[int]", halves))

    def _give_up(self, why: str) -> None:
        with self._lock:
            if not self.gives_none:
                self.gives_none = True
                self._logger.warning("That the log is complete can't be proved, as the API does not count: %s", why)
