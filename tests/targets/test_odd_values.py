"""What real logs and people hand over arrives with the settings as they are shipped: odd values, chosen fields."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest

from fake_endor_api import make_events
from tests.conftest import NOW
from tests.test_loose_schema import odd_events

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

TEXTS = ["\t\n\r\\ \\N", "\\.", "\\N", "", " ", "\"'{}[],;", "é \u2028 \U0001f600 \x7f", "NULL", "x" * 10_000]
"""What COPY or CSV might take for something else."""

NUMBERS = [0.1, -0.0, 1e300, 12345678901234567890123, 1e-7, 3.4e38]


def all_odd() -> list[dict[str, t.Any]]:
    events = odd_events() + make_events(len(TEXTS), NOW - dt.timedelta(hours=5), NOW - dt.timedelta(hours=4), seed=8)
    for event, text in zip(events[6:], TEXTS, strict=True):
        event["meta"] |= {"name": text, "description": text}
        event["spec"] |= {"operation": text, "payload": {text: [text], "numbers": NUMBERS}, "remote_address": text}
    return events


def with_floats(value: t.Any) -> t.Any:
    """A value whose numbers compare however they are written."""
    return json.loads(json.dumps(value), parse_int=float)


def run(pipeline: Pipeline) -> None:
    code, output = pipeline.run()
    assert code == 0, output


def test_odd_values_are_lines_as_they_were_sent(jsonl: Pipeline, tmp_path: Path) -> None:
    events = {event["uuid"]: event for event in all_odd()}
    jsonl.api.store.add_raw(list(events.values()))
    run(jsonl)
    lines = (tmp_path / "audit_logs.jsonl").read_text().split("\n")[:-1]
    records = {record.pop("uuid"): record for record in map(json.loads, lines)}
    for uuid, record in records.items():
        del record["create_time"]
        assert {**record, "uuid": uuid} == events[uuid]
    assert len(records) == len(events)


def test_odd_values_are_rows_as_they_were_sent(postgres: Pipeline, database: Database) -> None:
    events = {event["uuid"]: event for event in all_odd()}
    postgres.api.store.add_raw(list(events.values()))
    run(postgres)
    rows = database.records()
    assert rows.keys() == events.keys()
    for uuid, row in rows.items():
        for name in ("meta", "spec", "tenant_meta"):
            assert with_floats(row[name]) == with_floats(events[uuid][name])


def test_odd_values_are_columns(postgres: Pipeline, database: Database) -> None:
    events = {event["uuid"]: event for event in all_odd()}
    postgres.api.store.add_raw(list(events.values()))
    postgres.settings |= {"TAP_ENDORLABS_FLATTENING_ENABLED": "true", "TAP_ENDORLABS_FLATTENING_MAX_DEPTH": "2"}
    run(postgres)
    rows = database.records()
    assert rows.keys() == events.keys()
    for uuid, row in rows.items():
        event = events[uuid]
        assert row["meta__name"] == event["meta"]["name"]
        assert row["spec__operation"] == event["spec"]["operation"]
        assert json.loads(row["spec__claims"] or "null") == event["spec"].get("claims")
    scores = database.select("SELECT meta__index_data__search_score::text FROM tap_endorlabs.audit_logs")
    assert {score for (score,) in scores} >= {"NaN", "-Infinity", "0.5", None}


def test_a_list_of_fields_is_all_that_arrives(jsonl: Pipeline, tmp_path: Path) -> None:
    events = make_events(20, NOW - dt.timedelta(hours=2), NOW)
    for event in events:
        event["new"] = event["spec"]["new"] = {"of": "a later version"}
    jsonl.api.store.add(events)
    jsonl.settings["TAP_ENDORLABS__SELECT"] = json.dumps(["audit_logs.uuid", "audit_logs.spec.operation"])
    run(jsonl)
    for line in (tmp_path / "audit_logs.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert record.keys() == {"uuid", "create_time", "spec"}
        assert record["spec"].keys() == {"operation"}
