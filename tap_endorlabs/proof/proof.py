"""The proof that what was read of a range is all there is: the API must count as many events as were seen.

A server may clamp pages, ignore a sort or a parameter, or answer nothing where there is something; no page tells. So a
range is proved in parts, and a part leaves only when it is proved. Where the count finds more, the part is read again,
in another way, and if that does not help either, the run ends before it.
"""

from __future__ import annotations

import threading
import typing as t
from bisect import bisect_left
from collections import deque

from tap_endorlabs.errors import ApiError, TapError, UnreadableError
from tap_endorlabs.reading.gap import Stretch
from tap_endorlabs.timestamps import MINUTE, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tap_endorlabs.api.records import Event, Reject
    from tap_endorlabs.proof.counting import Counter
    from tap_endorlabs.proof.rereading import Rereader
    from tap_endorlabs.reading.archive import Databases, Zone

PART_PAGES = 25
"""A part has about so many pages: each costs one request more, and waits in memory until it is proved."""

PART_BYTES = 16 << 20
"""A part has no more than about so many bytes."""

MOST_WAITING = 2
"""So many parts may wait for their counts while the reading goes on."""


class Part:
    """What was read of [start, stop), in seconds, and is to be proved together.

    Attributes:
        start: first second.
        stop: last second, exclusive; where reading stands as long as more is to come.
        events: all of its events, in order.
        rejected: objects met on the way that can't be events.
        seen: how many objects each database had.
        counts: how many each database counts, None where it does not; there when `counted` is set.
        counted: set when the counts are there.
        failure: what ended the counting.
    """

    def __init__(self, start: int, databases: Databases) -> None:
        self.start = self.stop = start
        self.databases = databases
        self.events: list[Event] = []
        self.rejected: set[Reject] = set()
        self.seen = [0] * len(databases)
        self.bytes = 0
        self.counts: list[int | None] = []
        self.counted = threading.Event()
        self.failure: BaseException | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the API has counted all of it."""
        return self.counted.is_set() and self.failure is None and None not in self.counts

    def add(self, stretch: Stretch) -> None:
        """Take in what was read next."""
        # One without a time may be met on both sides of a border.
        again = len(self.rejected.intersection(stretch.rejected))
        self.events += stretch.events
        self.rejected.update(stretch.rejected)
        self.bytes += sum(len(event.raw) for event in stretch.events)
        self.stop = stretch.reached
        for database, seen in enumerate(stretch.seen):
            self.seen[database] += seen - again

    def cut(self) -> Part:
        """Leave what lies behind the last whole minute to another part.

        A server whose times are minutes counts right only between those.
        """
        second = self.stop - self.stop % MINUTE
        rest = Part(self.stop, self.databases)
        if len(self.databases) > 1 or second <= self.start:
            return rest
        events, rejected = self._behind(second)
        rest.add(Stretch(events, self.stop, rejected, (len(events) + len(rejected),)))
        rest.start, self.stop = second, second
        self.events = self.events[: len(self.events) - len(events)]
        self.rejected.difference_update(rejected)
        self.seen[0] -= rest.seen[0]
        return rest

    def _behind(self, second: int) -> tuple[list[Event], list[Reject]]:
        """Give what lies at or after a second."""
        bound = stamp_of_second(second)
        rejected = [one for one in self.rejected if one.create_time is not None and one.create_time >= bound]
        return self.events[bisect_left(self.events, (bound,)) :], rejected

    def seen_before(self, second: int) -> list[int]:
        """Give how many objects each database had before a second."""
        events, rejected = self._behind(second)
        behind = len(events) + len(rejected)
        return [seen - behind for seen in self.seen]


class Proof:
    """Proves a zone.

    Args:
        zone: what is read.
        counter: asks for the counts.
        rereader: reads again what the count finds incomplete.
        page_size: events in a page.
        settled: the second from which on events may still appear, so that no count proves anything.
    """

    def __init__(self, zone: Zone, counter: Counter, rereader: Rereader, page_size: int, settled: int) -> None:
        self._zone = zone
        self._counter = counter
        self._rereader = rereader
        self._page_size = page_size
        self._settled = min(zone.stop, max(settled, zone.start))
        self._all, self._open = (Part(zone.start, zone.databases) for _ in range(2))
        self._before: list[int | None] = [0] * len(zone.databases)
        self._waiting: deque[Part] = deque()

    def prove(self, stretches: Iterator[Stretch]) -> Generator[Stretch]:
        """Hand stretches on when they are proved.

        Args:
            stretches: all of the zone, in order.

        Raises:
            TapError: what ended the reading, when what was proved before it has been handed on; or less can be read
                than the API counts.
        """
        # The last part must have what the others have not, so that nobody waits for its count at the end.
        self._ask(self._all, self._zone.stop)
        while True:
            try:
                stretch = next(stretches, None)
            except TapError as error:
                yield from self._proved_before(error)
                raise
            if stretch is None:
                break
            self._open.add(stretch)
            if self._size_of(self._open) >= 1:
                part, self._open = self._open, self._open.cut()
                self._ask(part, part.stop)
                self._waiting.append(part)
            while self._waiting and (self._waiting[0].counted.is_set() or len(self._waiting) > MOST_WAITING):
                yield from self._proved(self._waiting.popleft())
        while self._waiting:
            yield from self._proved(self._waiting.popleft())
        yield from self._last()

    def _last(self) -> Generator[Stretch]:
        last, end = self._open, min(self._zone.stop, self._settled)
        last.stop = self._zone.stop
        self._all.counted.wait()
        if self._all.failure is not None:
            raise self._all.failure
        pairs = zip(self._all.counts, self._before, strict=True)
        last.counts = [None if None in pair else pair[0] - pair[1] for pair in pairs]  # type: ignore[operator]
        last.counted.set()
        if any(count is None or count > seen for count, seen in zip(last.counts, last.seen_before(end), strict=True)):
            # All was too much to be counted, or something has been deleted since; or else that count is known, whatever
            # comes now.
            known = last.counts
            last.counted.clear()
            self._ask(last, last.stop)
            last.counted.wait()
            last.counts = [one if one is not None else other for one, other in zip(last.counts, known, strict=False)]
        yield from self._proved(last)

    def _size_of(self, part: Part) -> float:
        """Give how large a part is, 1 being as large as it should get."""
        return max(len(part.events) / (PART_PAGES * self._page_size), part.bytes / PART_BYTES)

    def _proved_before(self, error: TapError) -> Generator[Stretch]:
        """Hand on what was read before a failure, up to what can't be proved.

        Where single seconds can't be read, an API that does not count is no reason to keep back the others.
        """
        if isinstance(error, (ApiError, UnreadableError)):
            # The server is there.
            self._ask(self._open, self._open.stop)
            self._waiting.append(self._open)
            for part in self._waiting:
                part.counted.wait()
        while self._waiting and (self._waiting[0].is_counted or isinstance(error, UnreadableError)):
            yield from self._proved(self._waiting.popleft())

    def _ask(self, part: Part, stop: int) -> None:
        """Ask for a part's counts in a thread of its own, so that nobody stands still for them."""

        def count() -> None:
            try:
                end = min(stop, self._settled)
                part.counts = [
                    self._counter.count(part.start, end, archived=archived) if part.start < end else 0
                    for archived in part.databases
                ]
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the part is taken
                part.failure = error
            part.counted.set()

        threading.Thread(target=count, name="counter", daemon=True).start()

    def _is_capped(self, part: Part, stop: int, count: int | None, seen: int, *, archived: bool) -> bool:
        """Whether fewer were counted than seen as the API stops counting somewhere, and there are more than seen."""
        if count is None or count >= seen or not part.events or part.start >= stop:
            return False
        middle = min(second_of(part.events[len(part.events) // 2].create_time), stop)
        return self._counter.doubt(part.start, middle, stop, count, archived=archived) > seen

    def _proved(self, part: Part) -> Generator[Stretch]:
        part.counted.wait()
        if part.failure is not None:
            raise part.failure
        pairs = zip(self._before, part.counts, strict=True)
        self._before = [None if None in pair else sum(pair) for pair in pairs]  # type: ignore[arg-type]
        end = min(part.stop, self._settled)
        for archived, count, seen in zip(part.databases, part.counts, part.seen_before(end), strict=True):
            if (count is not None and count > seen) or self._is_capped(part, end, count, seen, archived=archived):
                yield from self._rereader.reread(part, end, part.counts)
                behind = bisect_left(part.events, (stamp_of_second(end),))
                yield Stretch(part.events[behind:], part.stop, list(part.rejected))
                return
        yield Stretch(part.events, part.stop, list(part.rejected))
