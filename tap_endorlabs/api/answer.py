"""What the server answered, and the times that its headers name."""

from __future__ import annotations

import datetime as dt
import typing as t
from email.utils import parsedate_to_datetime
from http import HTTPStatus

if t.TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(t.NamedTuple):
    """What the server answered.

    Attributes:
        status: HTTP status.
        reason: what the status line says of it.
        headers: their names in any case.
        body: decompressed.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Whether the status is one of success; the body may still tell of an error."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def server_time(answer: Answer) -> dt.datetime | None:
    """Give the time in an answer's `Date` header, None where there is none."""
    return http_date(answer.headers.get("Date", ""))


def retry_after(answer: Answer) -> float | None:
    """Give the seconds that an answer's `Retry-After` asks to wait, None where it names no time to come."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value) or None
    until = http_date(value)
    now = server_time(answer) or dt.datetime.now(dt.timezone.utc)
    return None if until is None or until <= now else (until - now).total_seconds()


def http_date(value: str) -> dt.datetime | None:
    """Give the time that a header states, None where it states none."""
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
