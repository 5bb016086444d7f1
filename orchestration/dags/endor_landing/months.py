"""Months: the parts of a backfill."""

from __future__ import annotations

import datetime as dt
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Month(t.NamedTuple):
    """A calendar month in UTC; months compare as they follow each other."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-01`.

        Raises:
            ValueError: it is something else.
        """
        moment = dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.timezone.utc)
        return cls(moment.year, moment.month)

    def __str__(self) -> str:
        """Write it as `2026-01`."""
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def start(self) -> dt.datetime:
        """Its first instant."""
        return dt.datetime(self.year, self.number, 1, tzinfo=dt.timezone.utc)

    @property
    def next(self) -> Month:
        """The month after it."""
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)  # noqa: PLR2004


def months_between(first: Month, end: Month) -> Iterator[Month]:
    """Give the months from one on to another, which is not among them."""
    while first < end:
        yield first
        first = first.next
