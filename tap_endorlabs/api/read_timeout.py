"""How long to wait for an answer before the same is asked once more."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FACTOR = 4
"""An answer is overdue after so many times the seconds that others took lately; each next try waits twice as long."""

SHORTEST = 0.25
"""Seconds that each answer is given."""

FIRST = 5.0
"""Seconds that it is given while nothing is known: most runs ask for one page."""

FADING = 0.9
"""What the slowest of the answers before counts at each new one."""


class ReadTimeout:
    """Tells when an answer is overdue, from those before it: to wait the longest time for a lost one takes minutes.

    Args:
        longest: seconds that an answer may take.

    Attributes:
        usual: seconds that answers took lately, 0 before the first.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self.usual = 0.0

    def tries(self, usual_of_others: float = 0.0) -> Iterator[float]:
        """Give the seconds of each try; the last has the longest time.

        Args:
            usual_of_others: how long answers of other kinds take, for as long as none of this kind has come.
        """
        usual = self.usual or usual_of_others
        seconds = max(FACTOR * usual, SHORTEST) if usual else FIRST
        while FACTOR * seconds <= self._longest:
            yield seconds
            seconds *= 2
        yield self._longest

    def note(self, seconds: float, *, succeeded: bool) -> None:
        """Take note of how long an answer took; a refusal is fast on any server."""
        self.usual = max(seconds, self.usual * FADING if succeeded else self.usual)
