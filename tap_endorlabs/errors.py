"""What can go wrong, in words for the person who runs the tap."""

from __future__ import annotations

import re
from http import HTTPStatus

from tap_endorlabs.timestamps import stamp_of_second

_START_ANEW = (
    "Check the file given with --state, or start anew: leave --state out, or with Meltano run "
    "`meltano state clear NAME` (`meltano state list` shows the name)."
)
_UNPRINTABLE = re.compile(r"[^ -~]+")


class TapError(Exception):
    """A failure whose text is one line that says what is wrong and what to check.

    Attributes:
        exit_code: what the process ends with.
    """

    exit_code = 1


class StateError(TapError):
    """The state given with `--state` can't be used.

    Args:
        fault: what is wrong with it, a sentence.
        advice: what to do about it; by default how to start anew.
    """

    def __init__(self, fault: str, advice: str = _START_ANEW) -> None:
        super().__init__(f"{fault} {advice}")
        self.fault = fault


class ApiError(TapError):
    """The API refused a request; asking again would not help.

    Attributes:
        status: HTTP status of the answer, or the one that the code in its body stands for; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        """Take the line for the user and the HTTP status."""
        super().__init__(message)
        self.status = status


class LogInError(TapError):
    """The API refused the log-in: the API key and not the request that needed it."""


class ArchiveRefusedError(ApiError):
    """The API key may not read the archive, but perhaps the active database."""


class TransientError(TapError):
    """A request failed in a way that may pass.

    Attributes:
        retry_after: seconds that the server asked to wait, None where it named no time.
        advice: what the user may check if it does not pass.
        status: HTTP status of the answer, or the one that the code in its body stands for; 0 where there was none.
        given_up: whether all attempts are used up.
    """

    def __init__(self, message: str, retry_after: float | None = None, advice: str = "", status: int = 0) -> None:
        """Take the line for the user, the server's wish, what to check and the HTTP status."""
        super().__init__(message)
        self.retry_after = retry_after
        self.advice = advice
        self.status = status
        self.given_up = False

    @property
    def is_fault(self) -> bool:
        """Whether the server failed at this very query, perhaps."""
        return self.status == HTTPStatus.INTERNAL_SERVER_ERROR


class TooSlowError(TransientError):
    """The server ran out of time or of room for a query: less at a time may succeed.

    Attributes:
        too_large: whether it was room, so that only a smaller page helps.
    """

    too_large = False


class TooLargeError(TooSlowError):
    """The answer to a query is too large."""

    too_large = True


class FaultError(TooSlowError):
    """The server fails at a query each time, which may be for its size, too."""


class UnreadableError(TapError):
    """The API fails to answer one second of a log, however often it is asked; or a minute, where it knows no seconds.

    Attributes:
        start: that second.
        stop: the one after it.
    """

    def __init__(self, start: int, stop: int, message: str) -> None:
        """Take the range, and how it failed."""
        super().__init__(message)
        self.start, self.stop = start, stop


class UncountedError(TapError):
    """Less can be read than the API counts."""

    def __init__(self, start: int, stop: int, count: int | None, seen: int) -> None:
        """Take the range, in seconds, and both numbers, None where there is no second count."""
        number = "more" if count is None else count
        super().__init__(
            f"The API counts {number} events from {stamp_of_second(start)} to {stamp_of_second(stop)}, but in two "
            f"readings, sorted and unsorted, it lists only {seen}. No event from there on has been delivered, so the "
            "next run can read them. Run it again later. If this line comes again, report it to Endor Labs, or set "
            "completeness_check to never if you know that the API's counts are wrong."
        )


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


def several(number: int, what: str) -> str:
    """Give a number of things in words: 1 event, 2 events."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def one_line(text: str, limit: int = 300) -> str:
    """Make text of unknown origin fit to be logged: printable ASCII, one line, bounded."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= limit else f"{line[:limit]}..."
