"""Signals that end the tap: put off while a line is written, and without effect when the run is over."""

from __future__ import annotations

import contextlib
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Signals:
    """Decides when a SIGTERM or SIGINT ends the process."""

    def __init__(self) -> None:
        self._writing = self._run_is_over = False
        self._number = 0

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Put off a signal until what is written now has been written, and is in the bookmark."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
        if self._number:
            raise SystemExit(128 + self._number)

    def handle(self, number: int) -> None:
        """Take a signal.

        Raises:
            SystemExit: nothing is being written.
        """
        self._number = number
        if not (self._writing or self._run_is_over):
            raise SystemExit(128 + number)

    def ignore_from_now_on(self) -> None:
        """Let no signal change how the process ends: the run is over, and its exit code is to tell what it came to."""
        self._run_is_over = True
