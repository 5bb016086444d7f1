"""Writes figures into `docs/scale.md`, between the markers that name them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENT = Path("docs/scale.md")


def fill(name: str, text: str) -> None:
    """Put a text between the markers of a name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = DOCUMENT.read_text().split(begin)
    _, after = rest.split(end)
    DOCUMENT.write_text(f"{before}{begin}{text}\n{end}{after}")


def filled(name: str) -> str:
    """Give the text between the markers of a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", DOCUMENT.read_text(), re.DOTALL)
    return found[1] if found else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give the rows, the first of them the head, as a table with all but the first column to the right."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
