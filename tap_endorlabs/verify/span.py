"""The range that is compared, cut into pieces: by day or hour, at the gaps of the state, and at its own ends."""

from __future__ import annotations

import typing as t
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from tap_endorlabs.timestamps import DAY, HOUR, MINUTE, minute_after, second_after, second_of, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_endorlabs.sync.bookmark import Bookmark, Gap

By = t.Literal["day", "hour"]
SECONDS: dict[By, int] = {"day": DAY, "hour": HOUR}


class Piece(t.NamedTuple):
    """A part [start, stop) of the range that is compared at once. Its ends are stamps.

    Attributes:
        bucket: the day or hour that it belongs to, as its row in the table says it.
        asked: the seconds that the API is asked for, which may be more.
        in_gap: whether the state says that it could not be read.
        in_tail: whether only what the state names has been delivered of it.
    """

    start: str
    stop: str
    bucket: str
    asked: tuple[int, int]
    in_gap: bool = False
    in_tail: bool = False

    @property
    def is_countable(self) -> bool:
        """Whether a count says what is delivered of it."""
        return not self.in_tail and [stamp_of_second(second) for second in self.asked] == [self.start, self.stop]


@dataclass(frozen=True)
class Span:
    """What a destination should have.

    Attributes:
        start: the first stamp.
        stop: the last stamp, exclusive.
        by: how long a row of the table is.
        gaps: what the state names as not read.
        emitted: what has been delivered at or after `stop`, each uuid with its stamp.
    """

    start: str
    stop: str
    by: By = "day"
    gaps: Sequence[Gap] = ()
    emitted: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, start: str, stop: str | None, by: By, bookmark: Bookmark | None, now: str) -> Span:
        """Give what should be there.

        Args:
            start: the first stamp.
            stop: where to end, if the user says so.
            by: how long a row is.
            bookmark: where the last run ended, if there is a state.
            now: the present stamp.
        """
        most = stop or now
        if bookmark is None or most <= bookmark.value:
            return cls(start, min(most, now), by, bookmark.gaps if bookmark else ())
        named = {uuid: stamp for uuid, stamp in bookmark.emitted.items() if start <= stamp < most}
        return cls(start, max(bookmark.value, start), by, bookmark.gaps, named)

    @property
    def end(self) -> str:
        """The stamp behind all that may be there."""
        return max([self.stop, *(stamp_of_second(second_of(stamp) + 1) for stamp in self.emitted.values())])

    def bucket_of(self, stamp: str) -> str:
        """Name the day or hour of a stamp."""
        return stamp[:10] if self.by == "day" else f"{stamp[:13]}:00"

    def pieces(self) -> list[Piece]:
        """Give its pieces in order; nothing lies between them."""
        gaps = {stamp for gap in self.gaps for stamp in gap[:2]}
        cuts = gaps | {self.start, self.stop, self.end, *self._whole(SECONDS[self.by])}
        # A server may count right between whole minutes only; what is left at the ends is listed.
        cuts |= {stamp_of_second(minute_after(self.start)), stamp_of_second(second_of(self.stop) // MINUTE * MINUTE)}
        ends = sorted(cut for cut in cuts if self.start <= cut <= self.end)
        return [
            Piece(
                start,
                stop,
                self.bucket_of(start),
                # What is next to a gap is not asked for with any of it, as that may be what the API fails to answer.
                (
                    second_of(start) if start in gaps else second_of(start) // MINUTE * MINUTE,
                    second_after(stop) if stop in gaps else minute_after(stop),
                ),
                self._is_in_gap(start),
                start >= self.stop,
            )
            for start, stop in pairwise(ends)
        ]

    def _whole(self, step: int) -> Iterator[str]:
        for second in range(second_of(self.start) // step * step + step, second_of(self.end) + 1, step):
            yield stamp_of_second(second)

    def _is_in_gap(self, stamp: str) -> bool:
        gaps = sorted(gap[:2] for gap in self.gaps)
        before = bisect_right(gaps, (stamp, "~"))
        return any(stop > stamp for _, stop in gaps[:before])
