"""The views of `analytics/` in PostgreSQL."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.analytics_cases import Ask, ViewTests
from tests.targets.postgres import running

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.targets.postgres import Database


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

    def load(self, log: list[dict[str, t.Any]], views: t.Iterable[str]) -> Ask:
        self.server.run(
            "DROP SCHEMA IF EXISTS tap_endorlabs CASCADE; CREATE SCHEMA tap_endorlabs;"
            " CREATE TABLE tap_endorlabs.audit_logs"
            " (uuid TEXT PRIMARY KEY, create_time TIMESTAMP, tenant_meta JSONB, meta JSONB, spec JSONB);"
        )
        for item in log:
            values = (f"$${value if isinstance(value, str) else json.dumps(value)}$$" for value in item.values())
            self.server.run(f"INSERT INTO tap_endorlabs.audit_logs VALUES ({', '.join(values)});")  # noqa: S608
        for view in views:
            self.server.run(view)
        return self.server.select
