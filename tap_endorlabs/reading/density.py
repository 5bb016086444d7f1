"""How dense the events of a log are where it is being read: what the tap knows of where the next page will end.

Events come alone or in groups that share a second, evenly or in bursts. What has been read lately is averaged, as
random groups make any short stretch look too dense or too empty; but where a stretch differs by more than chance
explains, as at both ends of a burst, only that stretch speaks for what follows.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from math import log

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_endorlabs.api.records import Event

MEMORY = 4.0
"""How many pages are averaged where events come alone."""

GROUPS = 12.0
"""About how many groups are averaged where events come in groups."""

FEW_GROUPS = 3
"""So many groups don't tell how far apart groups are."""

NEGLIGIBLE = 25
"""Where no second has more than about this part of a page, events are taken to come alone."""

SURPRISE = 2.5
"""A stretch that is off by more than this many standard deviations is not averaged with those before it."""

_ROUNDING = 1e-9


class Density(t.NamedTuple):
    """What has been read lately.

    Attributes:
        pages: how much.
        seconds: in what time.
        squares: the sum of the squared sizes, in pages, of the groups of events that share a second.
    """

    pages: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0

    @property
    def rate(self) -> float:
        """Pages per second, without the last group, which is why reading stopped where it did; 0 where unknown."""
        others = self.pages - self.crowd
        return others / self.seconds if self.seconds and others > _ROUNDING else 0.0

    @property
    def crowd(self) -> float:
        """The part of a page that the group of an average event fills."""
        return self.squares / self.pages if self.pages else 0.0

    @property
    def has_many_groups(self) -> bool:
        """Whether it is known how far apart groups are, as there were more than a few."""
        return self.pages > FEW_GROUPS * self.crowd

    @classmethod
    def of(cls, events: Sequence[Event], seconds: int, page_size: int) -> Density:
        """Give the density of a stretch.

        Args:
            events: all that lie in it, in order.
            seconds: how long it is.
            page_size: events in a page.
        """
        pages, step = len(events) / page_size, max(page_size // NEGLIGIBLE, 1)
        starts, ends = events[:-step:step], events[step::step]
        if not any(a.create_time[:19] == b.create_time[:19] for a, b in zip(starts, ends, strict=True)):
            return cls(pages, seconds, pages / page_size)
        sizes = Counter(event.create_time[:19] for event in events).values()
        return cls(pages, seconds, sum(size * size for size in sizes) / page_size**2)

    def plus(self, other: Density) -> Density:
        """Give the density of two stretches together."""
        return Density(*(mine + more for mine, more in zip(self, other, strict=True)))

    def after(self, stretch: Density, page_size: int) -> Density:
        """Give the density to be expected behind another stretch of at least a second."""
        both = self.plus(stretch)
        if self._differs_from(stretch, max(both.crowd, 1 / page_size)):
            return stretch
        memory = max(MEMORY, GROUPS * both.crowd)
        share = max(min(1.0, (memory - stretch.pages) / self.pages), 0.0) if self.pages else 1.0
        return Density(*(share * mine for mine in self)).plus(stretch)

    def _differs_from(self, stretch: Density, group: float) -> bool:
        """Whether a stretch is more than chance away from what was read before it, by the likelihood ratio (G) test.

        Args:
            stretch: what has been read now.
            group: the size of the groups of events, in pages, which come at random.
        """
        if not self.seconds:
            return True
        before, now = self.pages / group, stretch.pages / group
        if stretch.seconds > 1 and now * self.seconds > before * stretch.seconds:
            # Its last group is why it ends where it does.
            now = max(now - 1, 0.0)
        expected = (before + now) * stretch.seconds / (self.seconds + stretch.seconds)
        ratio = _term(now, expected) + _term(before, before + now - expected)
        return 2 * ratio > SURPRISE**2


def _term(found: float, expected: float) -> float:
    return found * log(found / expected) if found else 0.0
