"""The settings with which the tap would bring what a destination lacks."""

from __future__ import annotations

import typing as t

from tap_endorlabs.timestamps import second_of, stamp_of_second

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_endorlabs.verify.comparison import Finding, Row


def repairs(rows: Iterable[Row]) -> list[dict[str, str]]:
    """Give `start_date` and `end_date` of each stretch that lacks something, in whole seconds.

    What is in a gap is left out, as the tap itself tries to fill that.
    """
    found: list[tuple[str, str]] = []
    for row in rows:
        for finding in row.findings:
            if finding.lacks and not finding.piece.in_gap:
                start, stop = _range_of(finding)
                if found and found[-1][1] >= start:
                    start, _ = found.pop()
                found.append((start, stop))
    return [{"start_date": _plain(start), "end_date": _plain(stop)} for start, stop in found]


def _range_of(finding: Finding) -> tuple[str, str]:
    if not finding.missing:
        return finding.piece.start, finding.piece.stop
    first, last = min(finding.missing.values()), max(finding.missing.values())
    return stamp_of_second(second_of(first)), stamp_of_second(second_of(last) + 1)


def _plain(stamp: str) -> str:
    return stamp.replace(".000000Z", "Z")
