"""The views of `analytics/` in PostgreSQL."""

from __future__ import annotations

import json
import typing as t

import pytest

from analytics import statements
from tests.analytics_cases import Ask, ViewTests
from tests.targets.postgres import running

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.analytics_events import Log
    from tests.targets.postgres import Database

_TABLE = "(uuid TEXT PRIMARY KEY, create_time TIMESTAMP, tenant_meta JSONB, meta JSONB, spec JSONB)"
_BEFORE = """
DROP SCHEMA IF EXISTS tap_endorlabs CASCADE;
DROP TABLE IF EXISTS audit_events CASCADE;
CREATE SCHEMA tap_endorlabs;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with running() as database:
        yield database


@pytest.mark.targets
class TestPostgres(ViewTests):
    database = "postgres"

    @pytest.fixture(autouse=True)
    def _server(self, server: Database) -> None:
        self.server = server

    def load(self, log: Log, views: t.Iterable[str], sign_ins: Log) -> Ask:
        self.server.run(_BEFORE)
        for table, items in (("audit_logs", log), ("authentication_logs", sign_ins)):
            self.server.run(f"CREATE TABLE tap_endorlabs.{table} {_TABLE};")
            self._insert(table, items)
        for view in views:
            self.server.run(view)
        return self.server.select

    def again(self, log: Log) -> Ask:
        self.server.run("DELETE FROM tap_endorlabs.audit_logs;")
        self._insert("audit_logs", log)
        for view in statements(self.database):
            self.server.run(view)
        return self.server.select

    def _insert(self, table: str, items: Log) -> None:
        rows = (
            ", ".join(
                f"$${value}$$"
                for value in (
                    item["uuid"],
                    item["create_time"],
                    *(json.dumps(item[name]) for name in ("tenant_meta", "meta", "spec")),
                )
            )
            for item in items
        )
        text = "\n".join(f"INSERT INTO tap_endorlabs.{table} VALUES ({row});" for row in rows)  # noqa: S608
        if text:
            self.server.run(text)
