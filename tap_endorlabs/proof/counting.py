"""How many events the API counts in a range, asked for in as many parts as it takes."""

from __future__ import annotations

import threading
import typing as t
from http import HTTPStatus
from math import inf

from tap_endorlabs.api.query import SMALLEST_PAGE, Query
from tap_endorlabs.errors import ApiError, ArchiveRefusedError, TooSlowError, TransientError
from tap_endorlabs.timestamps import HOUR

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_endorlabs.api.records import Page

MOST_PARTS = 256
"""A range is counted in so many parts at most, where all of it at once takes the server too long."""


class Counter:
    """Asks the API for counts; where none can be had, says so once.

    Args:
        fetch: answers a query with its page.
        logger: gets the warning.

    Attributes:
        gives_none: whether the API gives no count.
    """

    def __init__(self, fetch: Callable[[Query], Page], logger: logging.Logger) -> None:
        self._fetch = fetch
        self._logger = logger
        self._lock = threading.Lock()
        self.gives_none = self._warned = self._has_counted = False
        self._most = inf

    def count(self, start: int, stop: int, *, archived: bool = False) -> int | None:
        """Count the events of [start, stop), in seconds; None where the API gives no count.

        Raises:
            TransientError: the API can't be reached.
            StoppedError: the run was ended.
        """
        if self.gives_none:
            return None
        why = "It answers without a count."
        try:
            found = self._count(start, stop, max((stop - start) // MOST_PARTS, 1), archived=archived)
        except (ApiError, TransientError) as error:
            is_refusal = isinstance(error, (ApiError, TooSlowError)) or error.status == HTTPStatus.INTERNAL_SERVER_ERROR
            if not is_refusal or isinstance(error, ArchiveRefusedError):
                raise
            found, why = None, str(error)
        if found is None:
            if self._most < inf:
                why = f"It never counts more than {self._most}."
            self._do_without(why, stop, archived=archived)
        else:
            self._has_counted = True
        return found

    def doubt(self, start: int, middle: int, stop: int, found: int, *, archived: bool = False) -> int:
        """Count a range again, also in halves, as more was seen than counted: a server may stop counting there.

        Raises:
            TransientError, StoppedError: as for `count`.
        """
        again = self.count(start, stop, archived=archived)
        if again != found:
            return found if again is None else again
        halves = [self.count(*half, archived=archived) or 0 for half in ((start, middle), (middle, stop))]
        if sum(halves) <= found:
            return found
        self._most = min(self._most, found)
        return self.count(start, stop, archived=archived) or found

    def _count(self, start: int, stop: int, least: int, *, archived: bool) -> int | None:
        query = Query(start, stop, SMALLEST_PAGE, unsorted=True, archived=archived, counted=True, margin=0)
        try:
            found = self._fetch(query).count
            if (found or 0) < self._most:
                return found
            if stop - start <= least:
                return None
        except (TooSlowError, ApiError) as error:
            is_too_much = isinstance(error, TooSlowError) or error.status == HTTPStatus.BAD_REQUEST
            if stop - start <= least or not is_too_much:
                raise
        middle = (start + stop) // 2
        halves = [self._count(begin, end, least, archived=archived) for begin, end in ((start, middle), (middle, stop))]
        return None if None in halves else sum(t.cast("list[int]", halves))

    def _do_without(self, why: str, stop: int, *, archived: bool) -> None:
        """Say that there is no count, and ask for none any more where there is none of an hour, either."""
        try:
            hour = Query(stop - HOUR, stop, SMALLEST_PAGE, unsorted=True, archived=archived, counted=True, margin=0)
            is_unable = self._fetch(hour).count is None
        except (ApiError, TooSlowError):
            is_unable = True
        with self._lock:
            self.gives_none |= is_unable and not self._has_counted
            if not self._warned:
                self._warned = True
                self._logger.warning(
                    "The tap can't prove that the log is complete, because the API does not count: %s", why
                )
