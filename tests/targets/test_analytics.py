"""The views of `analytics/` in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import duckdb
import pytest

from analytics import statements
from fake_endor_api import make_realistic_log
from tests.analytics_cases import AS_OF, Ask, ViewTests
from tests.targets.postgres import running
from tests.test_analytics import DAYS, END, as_text, fill

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

    def test_a_month_has_the_same_alerts_as_in_duckdb(self) -> None:
        log = make_realistic_log(3_000, END - dt.timedelta(days=DAYS), END, sign_ins=300, seed=3)
        logs = [
            [{**item, "create_time": item["meta"]["create_time"].removesuffix("Z")[:26]} for item in items]
            for items in (log.events, log.sign_ins)
        ]
        views = [text.replace(AS_OF, f"TIMESTAMP '{END:%Y-%m-%d}' AS as_of") for text in statements(self.database)]
        query = "SELECT severity, rule, actor, remote_address, object, uuid FROM alerts"
        alerts = self.load(logs[0], views, logs[1])(query)
        with duckdb.connect() as connection:
            fill(connection, *logs)
            for text in statements("duckdb"):
                connection.execute(text.replace(AS_OF, f"TIMESTAMP '{END:%Y-%m-%d}' AS as_of"))
            expected = [tuple(map(as_text, row)) for row in connection.execute(query).fetchall()]
        assert len(expected) > 40
        assert sorted(alerts, key=str) == sorted(expected, key=str)

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
