"""The API beside the destination: a row for each day or hour."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from tap_endorlabs.errors import ApiError, TransientError, UnreadableError
from tap_endorlabs.verify.destination import Tally
from tap_endorlabs.verify.in_order import in_order

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_endorlabs.verify.api_log import ApiLog
    from tap_endorlabs.verify.destination import Destination, Progress
    from tap_endorlabs.verify.span import Piece, Span

_FAILURES = (ApiError, TransientError, UnreadableError)
"""How the API fails to answer, as it may for what the tap could not read either."""


@dataclass
class Finding:
    """What a piece of the range came to.

    Attributes:
        piece: the piece.
        api: how many events the API has, None where that can't be known.
        tally: what the destination has.
        missing: the uuids that the destination lacks, each with its stamp; None where they were not asked for.
        gone: the uuids that the API lacks; likewise.
    """

    piece: Piece
    api: int | None
    tally: Tally
    missing: dict[str, str] | None = None
    gone: list[str] | None = None

    @property
    def lacks(self) -> int:
        """How many events the destination lacks, at least."""
        if self.missing is not None:
            return len(self.missing)
        return max((self.api or 0) - self.tally.events, 0)

    @property
    def has_more(self) -> int:
        """How many events the API lacks, at least."""
        if self.gone is not None:
            return len(self.gone)
        return 0 if self.api is None else max(self.tally.events - self.api, 0)


@dataclass
class Row:
    """A day or an hour.

    Attributes:
        bucket: which.
        api: how many events the API has, None where that can't be known.
        destination: how many the destination has, each once.
        missing: how many it lacks, at least; those in gaps left out.
        surplus: how many it has that the API has not, at least.
        repeats: how many of its rows are of an event that another row has.
        in_gap: how many it lacks as the tap could not read them, as its state says; None where that can't be known.
    """

    bucket: str
    findings: list[Finding] = field(repr=False)
    api: int | None = 0
    destination: int = 0
    missing: int = 0
    surplus: int = 0
    repeats: int = 0
    in_gap: int | None = 0

    def __post_init__(self) -> None:
        """Add the findings up."""
        known = [one.api for one in self.findings if one.api is not None]
        outside = [one for one in self.findings if not one.piece.in_gap]
        inside = [one for one in self.findings if one.piece.in_gap]
        self.api = sum(known) if len(known) == len(self.findings) else None
        self.destination = sum(one.tally.events for one in self.findings)
        self.missing = sum(one.lacks for one in outside)
        self.surplus = sum(one.has_more for one in self.findings)
        self.repeats = sum(one.tally.rows - one.tally.events for one in self.findings)
        self.in_gap = None if any(one.api is None for one in inside) else sum(one.lacks for one in inside)

    @property
    def agrees(self) -> bool:
        """Whether both sides have the same, each event once."""
        return self.api is not None and not (self.missing or self.surplus or self.repeats or self.in_gap)


class Comparison:
    """Compares the API with a destination.

    Args:
        api: what the API has.
        destination: where the records are.
        span: what should be there.
        concurrency: requests under way at once.
    """

    def __init__(self, api: ApiLog, destination: Destination, span: Span, concurrency: int) -> None:
        self._api, self._destination = api, destination
        self._span, self._concurrency = span, concurrency

    def rows(self, looking: Progress, asking: Progress) -> list[Row]:
        """Count both.

        Args:
            looking: is told how much of the destination has been looked through.
            asking: is told of how many pieces the API has been asked.

        Raises:
            TapError: either can't be asked.
        """
        pieces = self._span.pieces()
        if not pieces:
            return []
        tallies = self._destination.tallies([*(piece.start for piece in pieces), pieces[-1].stop], looking)
        findings = []
        jobs = in_order(self._ask, list(zip(pieces, tallies, strict=True)), self._concurrency)
        for done, ((piece, tally), answer) in enumerate(jobs, 1):
            if isinstance(answer, list):
                findings.append(self._compared(piece, tally, answer))
            else:
                findings.append(Finding(piece, answer, tally))
            asking(done, len(pieces))
        return [Row(bucket, list(some)) for bucket, some in groupby(findings, key=attrgetter("piece.bucket"))]

    def _ask(self, job: tuple[Piece, Tally]) -> int | list[tuple[str, str]] | None:
        """Ask the API for a piece: for a number, or for the uuids where no number would be exact."""
        piece, tally = job
        try:
            if piece.is_countable:
                return self._api.count(*piece.asked, tally.events)
            listed = self._api.uuids(piece)
            return None if listed is None else list(listed)
        except _FAILURES:
            if not piece.in_gap:
                raise
            return None

    def with_uuids(self, rows: Iterable[Row], asking: Progress, *, every: bool) -> list[Row]:
        """Name what differs, by listing what was only counted.

        Args:
            rows: all rows.
            asking: is told for how many rows that has been done.
            every: whether to list the rows that agree, too: one event lost and one deleted leave counts equal.
        """
        found, told = list(rows), []
        for done, row in enumerate(found, 1):
            needed = every or row.missing or row.surplus or row.in_gap
            told.append(Row(row.bucket, [self._named(one) for one in row.findings]) if needed else row)
            asking(done, len(found))
        return told

    def _named(self, finding: Finding) -> Finding:
        if finding.api is None or finding.missing is not None:
            return finding
        try:
            listed = self._api.uuids(finding.piece)
            return finding if listed is None else self._compared(finding.piece, finding.tally, listed)
        except _FAILURES:
            if not finding.piece.in_gap:
                raise
            return finding

    def _compared(self, piece: Piece, tally: Tally, listed: Iterable[tuple[str, str]]) -> Finding:
        """Hold what the API lists against the uuids in the destination."""
        here: Iterable[str] = self._destination.uuids(piece.start, piece.stop)
        if piece.in_tail:
            # Of the rest nobody has said that it has been delivered.
            emitted = self._span.emitted
            listed = (one for one in listed if one[0] in emitted)
            times = Counter(uuid for uuid in here if uuid in emitted)
            here, tally = times, Tally(times.total(), len(times))
        rest, missing, number = set(here), {}, 0
        for uuid, stamp in listed:
            number += 1
            if uuid in rest:
                rest.remove(uuid)
            else:
                missing[uuid] = stamp
        return Finding(piece, number, tally, missing, sorted(rest))
