"""SQL views that answer what a security engineer asks of audit logs, and a report made of them."""

from __future__ import annotations

import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
VIEWS = tuple(sorted(path.stem for path in FOLDER.glob("views/*.sql")))
"""The names of the views that ask something."""

LOAD = (FOLDER / "duckdb" / "load.sql").read_text()
"""Takes JSON lines into a DuckDB table; gives how many events it has, and how many came again with other content."""

KEEP_FIRST = (FOLDER / "postgres" / "keep_first.sql").read_text()
"""Lets a PostgreSQL table keep the first record of each event."""


def statements(database: str) -> Iterator[str]:
    """Give the statements that make all views, in the order in which they can be run.

    Args:
        database: `postgres` or `duckdb`.
    """
    for path in (FOLDER / "settings.sql", FOLDER / database / "audit_events.sql", *sorted(FOLDER.glob("views/*.sql"))):
        yield path.read_text()
