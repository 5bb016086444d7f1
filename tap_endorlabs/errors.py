"""What can go wrong, in words for the person who runs the tap."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(r"[^ -~]+")


class TapError(Exception):
    """A failure whose text is one line that says what is wrong and what to check.

    Attributes:
        exit_code: what the process ends with.
    """

    exit_code = 1


class StateError(TapError):
    """The state given with `--state` can't be used."""


class ApiError(TapError):
    """The API refused a request; asking again would not help.

    Attributes:
        status: HTTP status of the answer, 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        """Take the line for the user and the HTTP status."""
        super().__init__(message)
        self.status = status


class ArchiveRefusedError(ApiError):
    """The API key may not read the archive, but perhaps the active database."""


class TransientError(TapError):
    """A request failed in a way that may pass.

    Attributes:
        retry_after: seconds that the server asked to wait, None where it named no time.
        advice: what the user may check if it does not pass.
        given_up: whether all tries are used up.
    """

    def __init__(self, message: str, retry_after: float | None = None, advice: str = "") -> None:
        """Take the line for the user, the server's wish and what to check."""
        super().__init__(message)
        self.retry_after = retry_after
        self.advice = advice
        self.given_up = False


class TooSlowError(TransientError):
    """The server ran out of time for a query: less at a time may succeed."""


class RateLimitedError(TransientError):
    """The server has no room for a request now, as others were faster; it is not at fault."""


class StoppedError(TapError):
    """The run was ended from outside while something waited."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The run was ended.")


class TargetGoneError(TapError):
    """What reads the tap's output has gone."""


class IncompleteError(TapError):
    """All that could be read has been emitted, but something is missing."""

    exit_code = 3


def one_line(text: str, limit: int = 300) -> str:
    """Make text of unknown origin fit to be logged: printable ASCII, one line, bounded."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= limit else f"{line[:limit]}..."
