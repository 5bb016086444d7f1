"""Writes figures as tables, and into `docs/scale.md` between the markers that name them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from tests.markers import filled

if t.TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENT = Path("docs/scale.md")


def fill(name: str, text: str) -> None:
    """Put a text between the markers of a name."""
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), name, text))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give the rows, the first of them the head, as an aligned table with figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [f"{'-' * (width - 1)}{':' if place else '-'}" for place, width in enumerate(widths)]
    padded = [
        [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in (rows[0], rule, *rows[1:])
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in padded)
