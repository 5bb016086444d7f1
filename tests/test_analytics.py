"""The views of `analytics/` in DuckDB; `tests/targets` has them in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import duckdb
import pytest

from analytics import LOAD, LOAD_SIGN_INS, QUESTIONS, statements
from fake_endor_api import make_realistic_log
from tests.analytics_answers import LOG, SIGN_INS
from tests.analytics_cases import AS_OF, Ask, ViewTests
from tests.analytics_events import numbered
from tests.markers import between
from tests.test_readme import document

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import RealisticLog
    from tests.analytics_events import Log

_TABLE = (
    "CREATE TABLE tap_endorlabs.{}"
    " (uuid VARCHAR PRIMARY KEY, create_time TIMESTAMP, tenant_meta JSON, meta JSON, spec JSON)"
)
END = dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc)
DAYS = 30


def as_text(value: t.Any) -> t.Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def fill(connection: duckdb.DuckDBPyConnection, log: Log, sign_ins: Log | None = None) -> None:
    """Make the raw tables, with events in them."""
    connection.execute("CREATE SCHEMA tap_endorlabs")
    for table, items in (("audit_logs", log), ("authentication_logs", sign_ins or [])):
        connection.execute(_TABLE.format(table))
        insert(connection, table, items)


def insert(connection: duckdb.DuckDBPyConnection, table: str, items: Log) -> None:
    for item in items:
        values = [
            item["uuid"],
            item["create_time"],
            *(json.dumps(item[name]) for name in ("tenant_meta", "meta", "spec")),
        ]
        connection.execute(f"INSERT INTO tap_endorlabs.{table} VALUES (?, ?, ?, ?, ?)", values)  # noqa: S608


def test_the_page_has_every_view_with_its_question() -> None:
    rows = ["| view | what it answers |", "|---|---|"]
    for path in QUESTIONS:
        question = path.read_text().splitlines()[0].removeprefix("-- ")
        rows.append(f"| `{path.stem}` | {question} |")
    assert between(document("analytics.md"), "views").splitlines() == rows


class TestDuckDB(ViewTests):
    database = "duckdb"

    def load(self, log: Log, views: t.Iterable[str], sign_ins: Log) -> Ask:
        self.connection = duckdb.connect()
        fill(self.connection, log, sign_ins)
        for view in views:
            self.connection.execute(view)
        return self._ask

    def again(self, log: Log) -> Ask:
        self.connection.execute("DELETE FROM tap_endorlabs.audit_logs")
        insert(self.connection, "audit_logs", log)
        for view in statements(self.database):
            self.connection.execute(view)
        return self._ask

    def _ask(self, query: str) -> list[tuple[t.Any, ...]]:
        return [tuple(map(as_text, row)) for row in self.connection.execute(query).fetchall()]


def test_both_logs_are_loaded_once_with_the_time_of_loading(tmp_path: Path) -> None:
    connection = duckdb.connect()
    for variable, items in (("lines", numbered(LOG)), ("sign_ins", numbered(SIGN_INS, 1 << 20))):
        path = tmp_path / variable
        path.write_text("".join(f"{json.dumps(item)}\n" for item in items * 2))
        connection.execute(f"SET VARIABLE {variable} = ?", [str(path)])
    for text in (LOAD, LOAD_SIGN_INS, LOAD, LOAD_SIGN_INS, *statements("duckdb")):
        connection.execute(text)
    query = (
        "SELECT stream, count(*), count(loaded_at), count(DISTINCT loaded_at) FROM audit_events GROUP BY 1 ORDER BY 1"
    )
    assert connection.execute(query).fetchall() == [
        ("audit_logs", len(LOG), len(LOG), 1),
        ("authentication_logs", len(SIGN_INS), len(SIGN_INS), 1),
    ]


def loaded(log: RealisticLog, folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    fill(connection, [])
    for table, items in (("audit_logs", log.events), ("authentication_logs", log.sign_ins)):
        path = folder / f"{table}.jsonl"
        path.write_text(
            "".join(f"{json.dumps({**item, 'create_time': item['meta']['create_time']})}\n" for item in items)
        )
        connection.execute(
            f"INSERT INTO tap_endorlabs.{table} SELECT * FROM read_json('{path}', format = 'newline_delimited',"  # noqa: S608
            " columns = {uuid: 'VARCHAR', create_time: 'TIMESTAMP', tenant_meta: 'JSON', meta: 'JSON', spec: 'JSON'})"
        )
    for statement in statements("duckdb"):
        connection.execute(statement.replace(AS_OF, f"TIMESTAMP '{END:%Y-%m-%d}' AS as_of"))
    return connection


# Seeds that no threshold was chosen with.
@pytest.mark.faults
@pytest.mark.parametrize("seed", [1977, 271_828])
def test_a_month_has_alerts_for_its_incidents_and_few_others(seed: int, tmp_path: Path) -> None:
    log = make_realistic_log(60_000, END - dt.timedelta(days=DAYS), END, sign_ins=6_000, seed=seed)
    alerts = loaded(log, tmp_path).execute("SELECT uuid, rule FROM alerts").fetchall()
    missed = [
        incident.rule
        for incident in log.incidents
        if not any(uuid in incident.uuids and rule == incident.rule for uuid, rule in alerts)
    ]
    assert len(log.incidents) == 40
    assert len(missed) <= 3, missed
    others = [rule for uuid, rule in alerts if uuid not in log.labels]
    assert len(others) <= 8 * DAYS
