"""Points of time as the tap compares them.

Events carry 0 to 9 fractional digits, so their own text can't be compared. Here a time is either a *stamp*, UTC text
with exactly six fractional digits (`2024-11-13T15:30:45.123456Z`), whose string order is time order, or a whole
*second* since 1970, for arithmetic.
"""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = 60
HOUR = 3600
DAY = 86_400
"""In seconds."""

EARLIEST = "1970-01-01T00:00:00.000000Z"
"""The first stamp that a setting or a state may have: there were no events before it."""

_UTC = r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z"
_UTC_TIME = re.compile(_UTC, re.ASCII)
_UTC_LINES = re.compile(rf"(?:{_UTC}\n)*", re.ASCII)
_ANY_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
_MISSING_DIGITS = {20: ".000000", 22: "00000", 23: "0000", 24: "000", 25: "00", 26: "0"}
"""What a UTC time of a length lacks of six fractional digits."""

_LENGTH = 26
"""How much of a time with at least six fractional digits is kept."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def normalize(text: str) -> str:
    """Give the stamp of an RFC 3339 time; digits after the sixth are cut off, not rounded.

    Raises:
        ValueError: the text is not a time.
    """
    if _UTC_TIME.fullmatch(text) is None:
        return parse(text)
    _first_second_of(text[:10])
    return f"{text[:-1][:26]}{_MISSING_DIGITS.get(len(text), '')}Z"


def normalize_all(texts: Sequence[str]) -> list[str]:
    """Give the stamps of many RFC 3339 times, as `normalize` does; a page takes half the time so.

    Raises:
        ValueError: one of the texts is not a time.
    """
    lines = "\n".join([*texts, ""])
    if lines.count("\n") != len(texts) or _UTC_LINES.fullmatch(lines) is None:
        return [normalize(text) for text in texts]
    for day in {text[:10] for text in texts}:
        _first_second_of(day)
    return [text[:26] + "Z" if len(text) > _LENGTH else text[:-1] + _MISSING_DIGITS[len(text)] + "Z" for text in texts]


def parse(text: str) -> str:
    """Give the stamp of a date or time as a person writes it: no time is midnight, no zone is UTC.

    Raises:
        ValueError: the text is not a time.
    """
    match = _ANY_TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 2024-11-13T15:30:45Z")
    day, time, fraction, zone = match.groups()
    offset = "+00:00" if zone is None or zone in "Zz" else zone
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{time or '00:00:00'}{offset}")
        micros = int(f"{(fraction or '')[:6]:0<6}")
        return stamp_of(moment + dt.timedelta(microseconds=micros))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None


def stamp_of(moment: dt.datetime) -> str:
    """Give the stamp of an aware datetime."""
    utc = moment.astimezone(dt.timezone.utc).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def stamp_of_second(second: int) -> str:
    """Give the stamp of a whole second since 1970."""
    return stamp_of(_EPOCH + dt.timedelta(seconds=second))


def moment_of(stamp: str) -> dt.datetime:
    """Give the aware datetime of a stamp."""
    return dt.datetime.fromisoformat(f"{stamp[:26]}+00:00")


@lru_cache(maxsize=4096)
def _first_second_of(day: str) -> int:
    return (dt.date.fromisoformat(day).toordinal() - _EPOCH.toordinal()) * 86_400


def second_of(stamp: str) -> int:
    """Give the whole second in which a stamp lies."""
    hours, minutes, seconds = int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    return _first_second_of(stamp[:10]) + hours * 3600 + minutes * 60 + seconds


def second_after(stamp: str) -> int:
    """Give the first whole second that is not before a stamp."""
    return second_of(stamp) + (not stamp.endswith(".000000Z"))


def earlier(stamp: str, seconds: float) -> str:
    """Give the stamp that lies some seconds before another, the earliest there is where that is too far back."""
    try:
        return stamp_of(moment_of(stamp) - dt.timedelta(seconds=seconds))
    except OverflowError:
        return "0001-01-01T00:00:00.000000Z"


def minute_after(stamp: str) -> int:
    """Give the first second of a whole minute that is not before a stamp."""
    return -(-second_after(stamp) // MINUTE) * MINUTE
