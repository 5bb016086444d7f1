"""How long to wait for an answer before the same is asked once more."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FACTOR = 4
"""An answer is overdue after so many times the seconds that others took lately; the next try waits as much longer."""

SHORTEST = 0.25
"""Seconds that each answer is given."""

FADING = 0.9
"""What the slowest of the answers before counts at each new one."""


class ReadTimeout:
    """Tells when an answer is overdue, from those before it: where one is lost, the longest time is lost with it.

    Args:
        longest: seconds that an answer may take.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._usual = 0.0

    def tries(self) -> Iterator[float]:
        """Give the seconds of each try; the last, before the first answer the only one, has the longest time."""
        seconds = max(FACTOR * self._usual, SHORTEST) if self._usual else self._longest
        while seconds * FACTOR <= self._longest:
            yield seconds
            # A second one that was in vain says that the server is slow, and not that one answer was lost.
            self._usual = max(self._usual, seconds / FACTOR)
            seconds *= FACTOR
        yield self._longest

    def note(self, seconds: float, *, succeeded: bool) -> None:
        """Take note of how long an answer took; a refusal is fast on any server."""
        self._usual = max(seconds, self._usual * FADING if succeeded else self._usual)
