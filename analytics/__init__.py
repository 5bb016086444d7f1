"""SQL views that answer what a security engineer asks of audit logs, and a report made of them."""

from __future__ import annotations

import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
QUESTIONS = (*sorted(FOLDER.glob("views/*.sql")), FOLDER / "alerts.sql")
"""The files of the views that ask something; the last asks those before it."""
VIEWS = tuple(path.stem for path in QUESTIONS)
"""The names of these views."""


LOAD = (FOLDER / "duckdb" / "load.sql").read_text()
"""Takes JSON lines into a DuckDB table."""
LOAD_SIGN_INS = (FOLDER / "duckdb" / "load_sign_ins.sql").read_text()
"""The same for those of sign-ins."""
KEEP_FIRST = (FOLDER / "postgres" / "keep_first.sql").read_text()
"""Lets a PostgreSQL table keep the first record of each event."""


def statements(database: str) -> Iterator[str]:
    """Give the statements that make all views, in the order in which they can be run.

    Args:
        database: `postgres` or `duckdb`.
    """
    for name in ("settings", "events", f"{database}/columns", "take_in"):
        yield (FOLDER / f"{name}.sql").read_text()
    for path in QUESTIONS:
        yield path.read_text()
