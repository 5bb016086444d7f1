"""What a run has found missing, although all that could be read was emitted."""

from __future__ import annotations

import typing as t

from tap_endorlabs.errors import several

if t.TYPE_CHECKING:
    import logging

    from tap_endorlabs.api.records import Reject

_MOST_REJECTS_LOGGED = 20


class Findings:
    """Says what is missing, and remembers it for the end of the run.

    Args:
        logger: gets a line for each finding.

    Attributes:
        left_a_gap: whether the bookmark names some of it for the first time.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self.left_a_gap = False
        self._logger = logger
        self._missed: list[str] = []
        self._rejects: set[Reject] = set()

    def miss(self, what: str, why: str = "") -> None:
        """Say what is missing, and let the run end with it."""
        self._logger.warning("%s", f"{why} {what}".strip())
        self._missed.append(what)

    def leave_out(self, reject: Reject) -> bool:
        """Say which object was left out; give whether it was the first time."""
        if reject in self._rejects:
            return False
        self._rejects.add(reject)
        if len(self._rejects) <= _MOST_REJECTS_LOGGED:
            self._logger.error("An object that can't be a record was left out: %s", reject)
        return True

    @property
    def rejected(self) -> int:
        """How many objects were left out, as they can't be records."""
        return len(self._rejects)

    @property
    def missing(self) -> list[str]:
        """What is missing, a line for each kind of thing."""
        left_out = (
            f"Left out: {several(self.rejected, 'object')} that can't be a record (see above); "
            "all others have been emitted. Report them to Endor Labs."
        )
        return [*self._missed, *([left_out] if self.rejected else [])]


def divide(rejected: list[Reject], stamp: str) -> tuple[list[Reject], list[Reject]]:
    """Divide what was left out into what lies before a stamp, and the rest."""
    passed = [one for one in rejected if one.create_time is not None and one.create_time < stamp]
    return passed, [one for one in rejected if one not in passed]
