"""What target-postgres makes of the records: a row for each event, with columns that can be asked."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections import Counter

import pytest

from fake_endor_api import make_events
from scripts.demo_postgres import FINGERPRINT, QUESTIONS
from tests.conftest import NOW
from tests.targets.conftest import START

if t.TYPE_CHECKING:
    from fake_endor_api import ManualClock
    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

COLUMNS = {
    "uuid": "text",
    "create_time": "timestamp without time zone",
    "tenant_meta": "jsonb",
    "meta": "jsonb",
    "spec": "jsonb",
}


def run(pipeline: Pipeline, *options: str) -> None:
    code, output = pipeline.run(*options)
    assert code == 0, output


def test_each_event_is_a_row_however_often_it_comes(postgres: Pipeline, database: Database, clock: ManualClock) -> None:
    api = postgres.api
    api.store.add(make_events(300, START, NOW))
    run(postgres)
    columns = database.columns()
    assert {name: columns[name] for name in COLUMNS} == COLUMNS
    assert all(name.startswith("_sdc_") for name in columns.keys() - COLUMNS.keys())
    assert len(database.rows()) == 300

    clock.advance(3600)
    api.store.add(make_events(40, NOW, NOW + dt.timedelta(minutes=30), seed=2))
    run(postgres)
    before = database.ask(FINGERPRINT)
    database.ask("UPDATE tap_endorlabs.audit_logs SET spec = '{}' WHERE create_time < '2026-03-31 12:00'")
    assert database.ask(FINGERPRINT) != before
    run(postgres, "--full-refresh")
    assert database.ask(FINGERPRINT) == before
    assert Counter(uuid for uuid, _ in database.rows()) == Counter(api.store.uuids())


def test_null_characters_anywhere_in_an_event_keep_no_row_from_arriving(postgres: Pipeline, database: Database) -> None:
    events = make_events(20, START, NOW)
    events[7]["meta"]["name"] = "na\0me"
    events[7]["spec"]["claims"] = ["email=\0"]
    events[7]["spec"]["payload"] = {"\0": [{"deep": "\0\0"}], "text": "\\u0000"}
    postgres.api.store.add_raw(events)
    run(postgres)
    assert len(database.rows()) == 20
    found = database.select(
        "SELECT meta->>'name' AS name, spec->'payload' AS payload FROM tap_endorlabs.audit_logs "
        "WHERE meta->>'name' LIKE 'na%me'"
    )
    assert found == [("na\ufffdme", {"\ufffd": [{"deep": "\ufffd\ufffd"}], "text": "\\u0000"})]


def test_the_demo_s_questions_have_answers(postgres: Pipeline, database: Database) -> None:
    api = postgres.api
    api.store.add(make_events(300, START, NOW))
    run(postgres)
    answers = {question: database.ask(query).splitlines()[2:] for question, query in QUESTIONS.items()}
    assert all(answers.values())
    actors = Counter(item["meta"]["created_by"] for item in api.store.objects())
    actor, operations = min(actors.items(), key=lambda item: (-item[1], item[0]))
    most = [field.strip() for field in answers["Who did most?"][0].split("|")]
    assert most[:2] == [actor, str(operations)]
