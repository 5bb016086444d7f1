"""Moments as the API writes them: RFC 3339 text in UTC, to the nanosecond."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta, timezone

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def utc_now() -> datetime:
    """Return this machine's time, in UTC."""
    return datetime.now(timezone.utc)


def to_nanoseconds(moment: datetime) -> int:
    """Return the nanoseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def from_nanoseconds(nanoseconds: int) -> datetime:
    """Return nanoseconds since 1970 as a UTC datetime, rounded down to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def parse_time(text: str) -> int:
    """Return the nanoseconds since 1970 of an RFC 3339 text.

    Raises:
        ValueError: The text is no RFC 3339 time.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    whole, fraction, offset = match.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if offset == "Z" else offset))
    return to_nanoseconds(moment) + int((fraction or "").ljust(9, "0"))


def format_time(nanoseconds: int) -> str:
    """Return the protobuf JSON form: 0, 3, 6 or 9 fractional digits, as few as are exact."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    if not fraction:
        return f"{text}Z"
    if fraction % 1_000:
        return f"{text}.{fraction:09d}Z"
    if fraction % 1_000_000:
        return f"{text}.{fraction // 1_000:06d}Z"
    return f"{text}.{fraction // 1_000_000:03d}Z"


class ManualClock:
    """A clock that stands still, at an aware datetime, until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the time."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by that many seconds, backwards where negative."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
