"""Who may send a request, where only so many may be under way at once."""

from __future__ import annotations

import contextlib
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """Gives turns to threads, no more than so many at once.

    Args:
        number: how many.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._urgent = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def turn(self, *, urgent: bool) -> Iterator[None]:
        """Wait for a turn, and have it; what is urgent comes before all else."""
        with self._changed:
            self._urgent += urgent
            self._changed.wait_for(lambda: self._free and (urgent or not self._urgent))
            self._urgent -= urgent
            self._free -= 1
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
