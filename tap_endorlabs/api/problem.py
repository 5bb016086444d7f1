"""What an error answer means: the gRPC code in its body decides, the HTTP status where there is none."""

from __future__ import annotations

import re
import typing as t
from http import HTTPStatus

import msgspec

_UNKNOWN = 2
_STATUSES: dict[int, tuple[int, ...]] = {
    1: (408,),
    3: (400,),
    4: (504,),
    5: (404,),
    6: (409,),
    7: (403,),
    8: (429,),
    9: (400,),
    10: (409,),
    11: (400,),
    12: (501, 405),
    13: (500,),
    14: (503, 502),
    15: (500,),
    16: (401,),
}
"""The HTTP statuses that a gRPC code goes with, the usual one first. A code of 2 says no more than that it failed."""

_TOO_LARGE = re.compile(
    r"\b(?:response|message|answer|result)\b.{0,20}\b(?:too large|larger than max|exceeds)\b", re.IGNORECASE
)
_TIMEOUT = re.compile(r"\btime-?out\b", re.IGNORECASE)


class Problem(t.NamedTuple):
    """The error that a JSON body reports.

    Attributes:
        code: the gRPC code, or an HTTP status; 0 where none is told.
        message: what the server says of it, empty where it says nothing.
    """

    code: int
    message: str

    @property
    def is_too_large(self) -> bool:
        """Whether the answer would have been larger than the server can send."""
        return _TOO_LARGE.search(self.message) is not None

    @property
    def is_about_timeout(self) -> bool:
        """Whether it speaks of a timeout, such as that of the header `Request-Timeout`."""
        return _TIMEOUT.search(self.message) is not None

    def status(self, answered: int) -> int:
        """Give the HTTP status that the error should have come with.

        Args:
            answered: the one that it came with.
        """
        if HTTPStatus.MULTIPLE_CHOICES <= answered < HTTPStatus.BAD_REQUEST:
            return answered
        if self.code in _STATUSES:
            statuses = _STATUSES[self.code]
            return answered if answered in statuses else statuses[0]
        if answered >= HTTPStatus.BAD_REQUEST:
            return answered
        is_status = HTTPStatus.BAD_REQUEST <= self.code <= 599  # noqa: PLR2004 - the last that there can be
        return self.code if is_status else HTTPStatus.INTERNAL_SERVER_ERROR


class ProblemError(Exception):
    """An answer with a status of success reports an error."""

    def __init__(self, problem: Problem) -> None:
        """Take the error."""
        super().__init__(problem.message)
        self.problem = problem


class Report(msgspec.Struct):
    """The fields in which a JSON body may report an error; an object of the API's for a list is built on it."""

    code: t.Any = None
    error: t.Any = None
    message: t.Any = None

    def problem(self, *, has_result: bool = False) -> Problem | None:
        """Give the error, None where there is none.

        Args:
            has_result: there is a result as well, so that a message alone is no error.
        """
        code, error, message = self.code, self.error, self.message
        if isinstance(error, dict):
            code, message, failed = error.get("code") or code, error.get("message") or message, any(error.values())
        else:
            message, failed = message or error, bool(error)
        number = _number(code)
        if not (failed or number or (message and not has_result)):
            return None
        return Problem(number, str(message or ""))


def _number(code: t.Any) -> int:  # noqa: ANN401 - any JSON value
    text = str(code)
    if text.isascii() and text.isdecimal() and len(text) <= len("599"):
        return int(text)
    return _UNKNOWN if code else 0


_decode_report = msgspec.json.Decoder(Report).decode


def problem_in(body: bytes) -> Problem:
    """Give what the body of an error answer reports; a body that is no JSON reports nothing."""
    try:
        problem = _decode_report(body).problem()
    except (ValueError, RecursionError):
        problem = None
    return problem or Problem(0, "")
