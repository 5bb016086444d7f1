"""The views of `analytics/` in DuckDB; `tests/targets` has them in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import duckdb

from analytics import FOLDER, VIEWS
from tests.analytics_cases import Ask, ViewTests
from tests.markers import between


def as_text(value: t.Any) -> t.Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def fill(connection: duckdb.DuckDBPyConnection, log: list[dict[str, t.Any]]) -> None:
    """Make the raw table, with events in it."""
    connection.execute(
        "CREATE SCHEMA tap_endorlabs; CREATE TABLE tap_endorlabs.audit_logs"
        " (uuid VARCHAR PRIMARY KEY, create_time TIMESTAMP, tenant_meta JSON, meta JSON, spec JSON)"
    )
    for item in log:
        values = [value if isinstance(value, str) else json.dumps(value) for value in item.values()]
        connection.execute("INSERT INTO tap_endorlabs.audit_logs VALUES (?, ?, ?, ?, ?)", values)


def test_the_readme_has_every_view_with_its_question() -> None:
    table = between((FOLDER.parent / "docs/analytics.md").read_text(), "views")
    rows = ["| view | what it answers |", "|---|---|"]
    for view in VIEWS:
        question = (FOLDER / "views" / f"{view}.sql").read_text().splitlines()[0].removeprefix("-- ")
        rows.append(f"| `{view}` | {question} |")
    assert table.splitlines() == rows


class TestDuckDB(ViewTests):
    database = "duckdb"

    def load(self, log: list[dict[str, t.Any]], views: t.Iterable[str]) -> Ask:
        connection = duckdb.connect()
        fill(connection, log)
        for view in views:
            connection.execute(view)
        return lambda query: [tuple(map(as_text, row)) for row in connection.execute(query).fetchall()]
