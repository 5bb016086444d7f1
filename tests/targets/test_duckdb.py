"""From the API through target-jsonl into DuckDB: a row for each event, as the API has it."""

from __future__ import annotations

import json
import typing as t

import duckdb
import pytest

from analytics import LOAD, statements
from fake_endor_api import make_events
from scripts.demo_duckdb import QUESTIONS
from tests.conftest import NOW
from tests.targets.conftest import START

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.pipeline import Pipeline

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]


def test_every_event_is_a_row_however_often_it_was_delivered(jsonl: Pipeline, tmp_path: Path) -> None:
    jsonl.api.store.add(make_events(300, START, NOW))
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE lines = ?", [str(tmp_path / "audit_logs.jsonl")])
        for options in ((), ("--full-refresh",)):
            code, output = jsonl.run(*options)
            assert code == 0, output
            connection.execute(LOAD)
        assert len(jsonl.delivered()) == 600
        rows = connection.execute("SELECT uuid, tenant_meta, meta, spec FROM tap_endorlabs.audit_logs").fetchall()
        assert {uuid: [json.loads(text) for text in nested] for uuid, *nested in rows} == {
            item["uuid"]: [item["tenant_meta"], item["meta"], item["spec"]] for item in jsonl.api.store.objects()
        }
        assert len(rows) == 300
        stamps = connection.execute(
            "SELECT uuid, strftime(create_time, '%Y-%m-%dT%H:%M:%S.%fZ') FROM tap_endorlabs.audit_logs"
        ).fetchall()
        assert sorted(stamps) == sorted(set(jsonl.delivered()))
        for statement in statements("duckdb"):
            connection.execute(statement)
        assert all(connection.execute(query).fetchall() for query in QUESTIONS.values())
