"""The time that a log covers, and when people are at work in it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from fake_endor_api.times import SECOND, from_nanoseconds, to_nanoseconds

if t.TYPE_CHECKING:
    from fake_endor_api.realistic.people import Person

HOUR = 3600 * SECOND
DAY = 24 * HOUR
_SATURDAY = 5
# Of a person's days at work: from somewhere else, in the evening, at a weekend.
_TRAVELS, _LATE, _WEEKEND = 0.015, 0.02, 0.02
_AT_HOME = 0.4


@dataclass(frozen=True)
class Span:
    """A time range in nanoseconds since 1970.

    Attributes:
        first: its begin.
        last: its exclusive end.
    """

    first: int
    last: int

    @property
    def days(self) -> int:
        """Return how many whole days it has."""
        return (self.last - self.first) // DAY

    def at(self, share: float) -> int:
        """Return the time after that share of it."""
        return self.first + int(share * (self.last - self.first))

    def passed(self, time: int) -> float:
        """Return which share of it has passed at a time."""
        return (time - self.first) / (self.last - self.first)

    def midnight(self, day: int) -> int:
        """Return the first midnight in UTC of its so many-th day."""
        begin = from_nanoseconds(self.first).replace(hour=0, minute=0, second=0, microsecond=0)
        return to_nanoseconds(begin + timedelta(days=day))


def working_time(rng: Random, span: Span, person: Person, *, from_share: float = 0.0) -> int:
    """Return a time at which a person works: on a weekday in the hours of the person's own, seldom at others."""
    while True:
        day = span.midnight(rng.randrange(span.days + 2))
        hour = person.begins + 9 * rng.random()
        if rng.random() < _LATE:
            hour += 4
        time = day + int((hour - person.offset) * HOUR)
        weekend = from_nanoseconds(time + person.offset * HOUR).weekday() >= _SATURDAY
        allowed = span.at(max(from_share, person.joins)) <= time < span.last
        if allowed and (not weekend or rng.random() < _WEEKEND):
            return time


def night_time(rng: Random, span: Span, person: Person, *, from_share: float) -> int:
    """Return a time at which a person sleeps."""
    while True:
        day = span.midnight(rng.randrange(span.days + 2))
        time = day + int((person.begins - 6 + 3 * rng.random() - person.offset) * HOUR)
        if span.at(from_share) <= time < span.last - DAY // 4:
            return time


def usual_address(rng: Random, person: Person, time: int) -> str:
    """Return where a person is on that day: at work, at home, seldom somewhere else."""
    day = Random(f"{person.email}/{time // DAY}")
    if day.random() < _TRAVELS:
        return f"198.{18 + day.getrandbits(1)}.{day.getrandbits(8)}.9"
    network = person.home if day.random() < _AT_HOME else person.office
    return f"{network}.{5 + rng.getrandbits(4)}"
