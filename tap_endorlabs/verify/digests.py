"""A file with a digest of each day's records; each line has that of the line before, so that none changes unseen."""

from __future__ import annotations

import datetime as dt
import os
import typing as t
from hashlib import sha256

import msgspec

from tap_endorlabs.errors import TapError
from tap_endorlabs.verify.normal_form import hash_of
from tap_endorlabs.verify.packed import distinct

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tap_endorlabs.verify.destination import Record

_SIZE = sha256().digest_size


class Seal(msgspec.Struct, frozen=True):
    """A day's line in the file.

    Attributes:
        day: the day, in UTC.
        events: how many records the destination had of it, those that are the same counted once.
        api: how many events the API had then, None where that was not known.
        sha256: of the sorted hashes of the records.
        before: the SHA-256 of the line before, empty in the first.
    """

    day: str
    events: int
    api: int | None
    sha256: str
    before: str = ""

    @property
    def line(self) -> bytes:
        """The line, without its end."""
        return msgspec.json.encode(self)

    @property
    def link(self) -> str:
        """What the next line has as `before`."""
        return sha256(self.line).hexdigest()


_decode = msgspec.json.Decoder(Seal).decode


class Digest(t.NamedTuple):
    """What a day's records come to."""

    events: int
    sha256: str


def days_of(start: str, stop: str) -> list[str]:
    """Give the whole days between two stamps."""
    first, last = (dt.date.fromisoformat(stamp[:10]) for stamp in (start, stop))
    first += dt.timedelta(days=start[10:] != "T00:00:00.000000Z")
    return [(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days)]


def next_day(day: str) -> str:
    """Give the day after a day."""
    return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()


def digests_of(records: Iterable[Record], days: Iterable[str]) -> dict[str, Digest]:
    """Give the digest of each day; records of other days are left out."""
    hashes = {day: bytearray() for day in days}
    for stamp, record in records:
        if (own := hashes.get(stamp[:10])) is not None:
            own += hash_of(stamp, record)
    return {day: _digest(hashes.pop(day)) for day in list(hashes)}


def _digest(hashes: bytearray) -> Digest:
    events, digest = 0, sha256()
    for one in distinct(hashes, _SIZE):
        events += 1
        digest.update(one)
    return Digest(events, digest.hexdigest())


def read_seals(path: Path) -> list[Seal]:
    """Read a file of digests.

    Raises:
        TapError: it can't be read, or its lines don't follow from each other.
    """
    try:
        lines = [line for line in path.read_bytes().splitlines() if line]
    except OSError as error:
        raise TapError(f"{path} can't be read: {error.strerror}.") from error
    seals: list[Seal] = []
    for number, line in enumerate(lines, 1):
        try:
            seal = _decode(line)
            next_day(seal.day)
        except (ValueError, OverflowError) as error:
            raise TapError(
                f"{path} is not a file of digests: line {number} is not a digest. If a run was stopped while it wrote "
                "that last line, remove the line."
            ) from error
        last = seals[-1] if seals else None
        follows = (seal.before, seal.day) == (last.link, next_day(last.day)) if last else not seal.before
        if seal.line != line or not follows:
            raise TapError(f"{path} was changed: line {number} ({seal.day}) does not follow from what is before it.")
        seals.append(seal)
    return seals


def append_seals(
    path: Path, before: list[Seal], digests: Mapping[str, Digest], api: Mapping[str, int | None]
) -> list[Seal]:
    """Add the lines of more days, which follow those that are there.

    Args:
        path: of the file; it need not be there.
        before: what it has.
        digests: of the days, in order.
        api: how many events the API has of each.

    Raises:
        TapError: it can't be written.
    """
    link, added = before[-1].link if before else "", []
    for day, (events, digest) in digests.items():
        seal = Seal(day, events, api.get(day), digest, link)
        link = seal.link
        added.append(seal)
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # Else the first line would go on where somebody has cut the last one.
                file.write(b"" if file.read(1) == b"\n" else b"\n")
            file.writelines(seal.line + b"\n" for seal in added)
    except OSError as error:
        raise TapError(f"{path} can't be written: {error.strerror}.") from error
    return added
