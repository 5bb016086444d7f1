"""What is expected of a range by what has been read of it: how dense its events are, and so how to read on.

Where time tells the pages apart, they are asked for in its order. In a log of crowded seconds they would overlap too
much: there, stretches of some pages are read whole.
"""

from __future__ import annotations

import typing as t

from tap_endorlabs.reading.density import Density

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_endorlabs.api.records import Event
    from tap_endorlabs.reading.limits import Limits

PAGES_WHOLE = 4
"""Where the tap chooses how long a stretch to read whole, it is made to have about so many pages."""

MOST_GROWTH = 8
"""After a stretch that was read whole, the next is at most so many times as long."""

CROWDED = 0.3
"""Where the group of an average event fills more of a page than this, reading on from the start of a second would fetch
too much twice: about half of such a group with each page."""

MANY_CROWDS = 3
"""A log in which so many crowded seconds have been met is taken to have more of them."""


class Plan:
    """How to read on in a range.

    Args:
        limits: what is known of the server.

    Attributes:
        density: how dense the events are, by what has been read of this range or was expected of it.
        measured: whether that has been read.
        read: all that has been read, to be collected.
        whole_seconds: how many seconds to read whole at a time; 0 where time tells the pages apart.
    """

    def __init__(self, limits: Limits) -> None:
        self.density = Density()
        self.measured = False
        self.read = Density()
        self.whole_seconds = 0
        self._limits = limits
        self._approach = Density()

    def take_in(self, events: Sequence[Event], seconds: int, *, is_complete: bool = True) -> None:
        """Take in what has been read.

        Args:
            events: all events of a stretch, in order.
            seconds: how long it is.
            is_complete: whether no crowd begins where it ends. What leads up to a crowd is not measured without it.
        """
        self._approach = self._approach.plus(Density.of(events, seconds, self._limits.page_size))
        if is_complete and self._approach.seconds:
            self.read = self.read.plus(self._approach)
            self.density = self.density.after(self._approach, self._limits.page_size)
            self.measured = self.density.pages > 0
            self._approach = Density()

    def expect(self, density: Density) -> None:
        """Take for granted how dense the events are, as nothing has been read of the range."""
        self.density = density
        self.whole_seconds = 0
        self.choose()

    def choose(self, *, after_gap: bool = False) -> None:
        """Choose how many seconds to read whole from now on."""
        density = self.density
        is_crowded = density.crowd > CROWDED and density.has_many_groups and self._limits.crowds >= MANY_CROWDS
        if self._limits.sorts and (after_gap or not is_crowded):
            # In the order of time, a gap of any length is passed with one page.
            self.whole_seconds = 0
            return
        # One group more than there were, as chance may have kept it away.
        seconds = density.seconds / (density.pages + density.crowd or 1) * max(PAGES_WHOLE, density.crowd)
        before = max(self.whole_seconds, density.seconds)
        if after_gap:
            seconds = max(seconds, before * MOST_GROWTH)
        self.whole_seconds = max(round(min(seconds, before * MOST_GROWTH)), 1)

    def shorten(self, events: int, seconds: int) -> None:
        """Read less whole at a time than a stretch that turned out too long.

        Args:
            events: how many it has, at least.
            seconds: how long it is; more than one.
        """
        pages = events / self._limits.page_size
        self.density, self.measured = Density(pages, seconds), True
        self.whole_seconds = max(min(int(seconds * PAGES_WHOLE / pages), seconds // 2), 1)
