"""`meltano run` with the mapper between the tap and a target: every event arrives as OCSF, once."""

from __future__ import annotations

import json
import typing as t

import pytest

from fake_endor_api import make_events
from tests.conftest import NOW
from tests.ocsf_cases import problems
from tests.targets.conftest import START

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import ManualClock
    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]


def run(pipeline: Pipeline, *options: str) -> None:
    code, output = pipeline.run(*options)
    assert code == 0, output


def test_a_file_gets_each_event_once(jsonl: Pipeline, tmp_path: Path, clock: ManualClock) -> None:
    jsonl.mappings = ("ocsf",)
    jsonl.api.store.add(make_events(300, START, NOW))
    run(jsonl)
    clock.advance(3600)
    jsonl.api.store.add(make_events(40, NOW, clock(), seed=2))
    run(jsonl)
    events = [json.loads(line) for line in (tmp_path / "ocsf_api_activity.jsonl").read_text().split("\n")[:-1]]
    assert sorted(event["metadata"]["uid"] for event in events) == sorted(jsonl.api.store.uuids())
    assert [found for event in events for found in problems(event, "1.5.0")] == []
    times = [event["time"] for event in events]
    assert times == sorted(times)
    assert not jsonl.delivered()


def test_a_table_has_a_row_for_each_event_however_often_it_comes(postgres: Pipeline, database: Database) -> None:
    postgres.mappings = ("ocsf-table",)
    postgres.api.store.add(make_events(300, START, NOW))
    run(postgres)
    run(postgres, "--full-refresh")
    rows = database.select(
        "SELECT uid, metadata->>'uid' AS same, time, type_uid, resources->0->>'uid' AS object "
        "FROM tap_endorlabs.ocsf_api_activity ORDER BY time, uid"
    )
    expected = {event["uuid"]: event["spec"]["message_uuid"] for event in postgres.api.store.objects()}
    assert {uid: found for uid, _, _, _, found in rows} == expected
    assert len(rows) == 300
    assert all(uid == same for uid, same, *_ in rows)
    assert all(isinstance(time, int) and str(kind).startswith("6003") for _, _, time, kind, _ in rows)


def test_a_table_without_a_key_has_a_row_for_each_delivery(postgres: Pipeline, database: Database) -> None:
    postgres.mappings = ("ocsf",)
    postgres.api.store.add(make_events(100, START, NOW))
    run(postgres)
    run(postgres, "--full-refresh")
    rows = database.select("SELECT metadata->>'uid' AS uid FROM tap_endorlabs.ocsf_api_activity")
    assert sorted(uid for (uid,) in rows) == sorted([*postgres.api.store.uuids()] * 2)
