"""What was found, as a table for people and as JSON for machines."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_endorlabs.errors import one_line

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_endorlabs.verify.comparison import Row
    from tap_endorlabs.verify.digests import Digest, Seal
    from tap_endorlabs.verify.span import Span

_MOST_NAMED = 20
"""So many uuids of each kind are printed for a day; JSON has them all."""

_MOST_IN_A_LINE = 10
"""So many days are named in the line that says what is wrong."""

_COLUMNS = ("API", "destination", "missing", "surplus", "repeats", "in a gap")


@dataclass
class Report:
    """What was found.

    Attributes:
        span: what was compared.
        rows: a day or an hour each.
        complaints: what else is wrong, a line each.
        repairs: the settings that would bring what is missing; None where they were not asked for.
        sealed: the lines that were added to the file of digests; None where none was named.
    """

    span: Span
    rows: list[Row]
    complaints: list[str]
    repairs: list[dict[str, str]] | None = None
    sealed: list[Seal] | None = None

    @property
    def differing(self) -> list[Row]:
        """The rows that don't agree."""
        return [row for row in self.rows if not row.agrees]

    @property
    def verdict(self) -> str:
        """What is wrong, in a line; empty where nothing is."""
        lines = []
        if self.differing:
            names, total = _names(row.bucket for row in self.differing), _total(self.rows)
            lines.append(
                f"The destination does not agree with the API for {names}: {total['missing']} missing, "
                f"{total['surplus']} surplus, {total['repeats']} repeats, {_text(total['in_gap'])} in a gap."
            )
        return " ".join([*lines, *self.complaints])

    def lines(self) -> Iterator[str]:
        """Give the table, and what was asked for beside it."""
        yield from _table([*map(_cells, self.rows), ["sum", *map(_text, _total(self.rows).values())]], self.span.by)
        for row in self.rows:
            yield from _named(row)
        if self.repairs:
            yield "\nSettings that bring what is missing (one run for each line, without a state):"
            yield from (
                f'{{"start_date": "{one["start_date"]}", "end_date": "{one["end_date"]}"}}' for one in self.repairs
            )
        if self.sealed:
            yield f"\nSealed {self.sealed[0].day} to {self.sealed[-1].day}; the chain ends with {self.sealed[-1].link}"

    def as_json(self) -> dict[str, t.Any]:
        """Give all of it."""
        found = {
            "agrees": not self.verdict,
            "from": self.span.start,
            "to": self.span.stop,
            "rows": [
                {self.span.by: row.bucket, "agrees": row.agrees, **_figures(row), **_uuids(row)} for row in self.rows
            ],
            "sum": _total(self.rows),
            "complaints": self.complaints,
        }
        if self.repairs is not None:
            found["repairs"] = self.repairs
        if self.sealed is not None:
            found["sealed"] = [seal.day for seal in self.sealed]
            found["chain"] = self.sealed[-1].link if self.sealed else None
        return found


@dataclass
class AgainstReport:
    """The days of a file of digests beside the destination.

    Attributes:
        seals: the lines of the file.
        digests: what the destination has now, by day.
        complaints: what else is wrong, a line each.
    """

    seals: list[Seal]
    digests: dict[str, Digest]
    complaints: list[str] = field(default_factory=list)

    def _is_altered(self, seal: Seal) -> bool:
        return self.digests[seal.day] != (seal.events, seal.sha256)

    @property
    def verdict(self) -> str:
        """Which days were altered, in a line; empty where none was."""
        altered = [seal.day for seal in self.seals if self._is_altered(seal)]
        lines = [f"Altered since the digests were written: {_names(altered)}."] if altered else []
        return " ".join([*lines, *self.complaints])

    def lines(self) -> Iterator[str]:
        """Give the table."""
        rows = [["day", "then", "now", "altered"]]
        for seal in self.seals:
            now = self.digests[seal.day].events
            rows.append([seal.day, f"{seal.events:,}", f"{now:,}", "yes" if self._is_altered(seal) else ""])
        yield from _aligned(rows)
        yield f"\nThe chain ends with {self.seals[-1].link}"

    def as_json(self) -> dict[str, t.Any]:
        """Give all of it."""
        days = [
            {"day": one.day, "then": one.events, "now": self.digests[one.day].events, "altered": self._is_altered(one)}
            for one in self.seals
        ]
        return {
            "agrees": not self.verdict,
            "days": days,
            "chain": self.seals[-1].link,
            "complaints": self.complaints,
        }


def _figures(row: Row) -> dict[str, int | None]:
    return {
        "api": row.api,
        "destination": row.destination,
        "missing": row.missing,
        "surplus": row.surplus,
        "repeats": row.repeats,
        "in_gap": row.in_gap,
    }


def _total(rows: list[Row]) -> dict[str, int | None]:
    figures = [_figures(row) for row in rows]
    names = ("api", "destination", "missing", "surplus", "repeats", "in_gap")
    columns = {name: [one[name] for one in figures] for name in names}
    return {name: None if None in values else sum(value or 0 for value in values) for name, values in columns.items()}


def _uuids(row: Row) -> dict[str, t.Any]:
    if all(one.missing is None for one in row.findings):
        return {}
    missing = [
        {"uuid": uuid, "create_time": stamp} for one in row.findings for uuid, stamp in (one.missing or {}).items()
    ]
    return {"missing_here": missing, "gone_there": [uuid for one in row.findings for uuid in one.gone or []]}


def _named(row: Row) -> Iterator[str]:
    named = _uuids(row)
    # Whatever a server calls a uuid goes to a terminal.
    missing = [f"{one['create_time']}  {one_line(one['uuid'], 100)}" for one in named.get("missing_here", [])]
    gone = [one_line(uuid, 100) for uuid in named.get("gone_there", [])]
    for title, found in (("missing here", missing), ("gone there", gone)):
        if found:
            yield f"\n{row.bucket}, {title}:"
            yield from found[:_MOST_NAMED]
            if len(found) > _MOST_NAMED:
                yield f"and {len(found) - _MOST_NAMED:,} more; --json has them all"


def _cells(row: Row) -> list[str]:
    return [row.bucket, *map(_text, _figures(row).values())]


def _table(rows: list[list[str]], by: str) -> Iterator[str]:
    return _aligned([[by, *_COLUMNS], *rows])


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Give rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _text(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _names(names: t.Iterable[str]) -> str:
    every = list(names)
    shown, more = every[:_MOST_IN_A_LINE], len(every) - _MOST_IN_A_LINE
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    *others, last = shown
    return f"{', '.join(others)} and {last}" if others else last
