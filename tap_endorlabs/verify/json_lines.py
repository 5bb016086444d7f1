"""JSON Lines files, as `target-jsonl` writes them."""

from __future__ import annotations

import typing as t
from bisect import bisect_right
from pathlib import Path

import msgspec

from tap_endorlabs.errors import TapError
from tap_endorlabs.timestamps import normalize
from tap_endorlabs.verify.destination import Destination, Tally
from tap_endorlabs.verify.normal_form import decode
from tap_endorlabs.verify.packed import Uuids

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_endorlabs.verify.destination import Progress, Record

_STAMP = 27
"""The characters of a stamp."""


class _Row(msgspec.Struct, gc=False):
    uuid: str
    create_time: str


_decode_row = msgspec.json.Decoder(_Row).decode


class JsonLines(Destination):
    """Files that together have the records.

    Args:
        paths: of the files.

    Attributes:
        complaints: a line for each file with lines that are no records.
    """

    complaints: list[str]

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = [Path(path) for path in paths]
        self.complaints = []
        self._found: dict[str, Uuids] = {}

    def tallies(self, cuts: Sequence[str], progress: Progress) -> list[Tally]:
        """Count what lies between each stamp and the next."""
        first, *ends = cuts
        end = ends[-1]
        found = [Uuids() for _ in ends]
        lower = upper = ""
        add = Uuids().add
        for row in self._rows(progress):
            stamp = row.create_time
            if not lower <= stamp < upper:
                if not first <= stamp < end:
                    continue
                place = bisect_right(ends, stamp)
                lower, upper, add = cuts[place], ends[place], found[place].add
            add(row.uuid)
        self._found = dict(zip(cuts, found, strict=False))
        return [Tally(len(uuids), sum(1 for _ in uuids.distinct())) for uuids in found]

    def uuids(self, start: str, stop: str) -> Iterator[str]:  # noqa: ARG002 - as other destinations are asked
        """Give the uuids of a range that was counted."""
        return iter(self._found[start])

    def records(self, start: str, stop: str, progress: Progress) -> Iterator[Record]:
        """Give the rows between two stamps."""
        for line, row in self._lines(progress):
            if start <= row.create_time < stop:
                record = decode(line)
                yield row.create_time, record if isinstance(record, dict) else {"record": record}

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, progress: Progress) -> Iterator[_Row]:
        return (row for _, row in self._lines(progress))

    def _lines(self, progress: Progress) -> Iterator[tuple[bytes, _Row]]:
        """Give each line that is a record; complain of the others, where there are few."""
        self.complaints = []
        size = done = 0
        try:
            size = sum(path.stat().st_size for path in self._paths)
            for path in self._paths:
                for line, row in self._lines_of(path):
                    done += len(line)
                    if row is not None:
                        yield line, row
                    progress(done, size)
        except OSError as error:
            raise TapError(f"--jsonl {error.filename} can't be read: {error.strerror}.") from error

    def _lines_of(self, path: Path) -> Iterator[tuple[bytes, _Row | None]]:
        broken: list[int] = []
        has_records = False
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                row = _row_of(line)
                if row is None and line.strip():
                    broken.append(number)
                has_records = has_records or row is not None
                yield line, row
        if broken and not has_records:
            raise TapError(
                f"--jsonl {path} is not a JSON Lines file of records: none of its lines has a uuid and a time."
            )
        if broken:
            self.complaints.append(
                f"{path}: {len(broken)} of its lines can't be read as records; the first is line {broken[0]}."
            )


def _row_of(line: bytes) -> _Row | None:
    try:
        row = _decode_row(line)
        if len(row.create_time) != _STAMP or row.create_time[10] != "T" or not row.create_time.endswith("Z"):
            row.create_time = normalize(row.create_time)
    except (ValueError, RecursionError):
        return None
    return row
