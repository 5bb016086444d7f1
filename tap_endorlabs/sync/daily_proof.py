"""The daily proof that earlier runs have delivered every event, also those that became visible too late for them."""

from __future__ import annotations

import typing as t
from itertools import chain

from tap_endorlabs.proof.ages import ACTIVE_UNTIL
from tap_endorlabs.timestamps import DAY, MINUTE, second_after, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from tap_endorlabs.api.records import Reject
    from tap_endorlabs.proof.counting import Counter
    from tap_endorlabs.reading.gap import Stretch
    from tap_endorlabs.sync.bookmark import Bookmark


PROVED_EVERY = DAY


class DailyProof:
    """Holds what earlier runs have delivered since the proof before the last against a count.

    Args:
        bookmark: knows how much that is.
        start: the second from which on this run reads: the whole minute in which the bookmark lies.
        now: the present second.
        lookback: the setting `lookback_seconds`, for the message.
    """

    def __init__(self, bookmark: Bookmark, start: int, now: int, lookback: int) -> None:
        self._bookmark = bookmark
        self._from = bookmark.value
        self._start = start
        self._now = now
        self._lookback = lookback
        self._settled = second_of(bookmark.limit)
        self._again: set[str | Reject] = set()
        self._seen: list[str] = []
        self._is_over = False

    @property
    def is_due(self) -> bool:
        """Whether the last proof is old enough, or older than a gap that may be filled."""
        has_new_gap = any(gap.end > self._bookmark.proved for gap in self._bookmark.gaps if gap.emitted is not None)
        return has_new_gap or self._now - second_of(self._bookmark.proved) >= PROVED_EVERY

    def missing(self, stretch: Stretch, counter: Counter) -> str:
        """Take note of what this run reads, from its start on; where that passes the bookmark, say what is missing.

        Raises:
            TapError: it can't be counted, as the API can't be reached.
        """
        if self._is_over:
            return ""
        # What lies between the minute in which this run begins and its bookmark earlier runs have seen.
        seen: dict[str | Reject, str | None] = {event.uuid: event.create_time for event in stretch.events}
        seen |= {reject: reject.create_time for reject in stretch.rejected}
        before = [(one, stamp) for one, stamp in seen.items() if stamp and self._bookmark.since <= stamp < self._from]
        # What a gap lacks is still to be delivered, or left out.
        gaps = self._bookmark.gaps
        self._again |= {one for one, stamp in before if not any(gap.lacks(one, stamp) for gap in gaps)}
        self._seen += [stamp for stamp in seen.values() if stamp]
        if stretch.reached <= second_of(self._from):
            return ""
        self._is_over = True
        # What lies within a second of where the reading stands is not all known yet.
        reached = min(stretch.reached - 1, self._settled)
        return self._prove(counter, self._bookmark.emitted_since - len(self._again), reached)

    def _prove(self, counter: Counter, delivered: int, reached: int) -> str:
        since = second_of(self._bookmark.since)
        if not self._now - ACTIVE_UNTIL < since < self._start:
            return ""
        end, count = self._start, counter.count(since, self._start)
        for gap in self._bookmark.gaps:
            first, last = max(second_of(gap.begin), since), min(second_after(gap.end), self._start)
            known = sum(first <= second_of(stamp) < last for stamp in (gap.emitted or {}).values())
            delivered += max(0, (counter.count(first, last) or 0) - known) if first < last else 0
        if count is not None and count > delivered and (quiet := self._quiet_second(reached)):
            # A server whose times are some ms off may count what happened just behind the end.
            end, count = quiet, counter.count(since, quiet)
            delivered += sum(stamp < stamp_of_second(quiet) for stamp in self._seen)
        if count is None or count <= delivered:
            return ""
        return (
            f"From {stamp_of_second(since)} to {stamp_of_second(end)} the API counts {count} events, but only "
            f"{delivered} have been delivered: {count - delivered} became visible later than lookback_seconds "
            f"({self._lookback}) after they happened, or were not listed then. Raise lookback_seconds. To get the "
            "missing events, start a separate run with that start_date and end_date, and its own state."
        )

    def _quiet_second(self, reached: int) -> int | None:
        """Give a second of what has been read with nothing near it, a whole minute if there is one; None if none is."""
        busy = {second_of(stamp) for stamp in self._seen}
        seconds = chain(range(self._start + MINUTE, reached + 1, MINUTE), range(self._start + 1, reached + 1))
        return next((second for second in seconds if busy.isdisjoint((second - 1, second))), None)
