"""PostgreSQL keeps the first record of an event, and says which came again with other content."""

from __future__ import annotations

import typing as t

import pytest

from analytics import KEEP_FIRST
from fake_endor_api import Fault, make_events
from scripts.demo_postgres import FINGERPRINT
from tests.conftest import NOW
from tests.targets.conftest import START
from tests.test_loading import QUERIES

if t.TYPE_CHECKING:
    from tests.targets.pipeline import Pipeline
    from tests.targets.postgres import Database

pytestmark = [pytest.mark.targets, pytest.mark.timeout(300)]

FLAT = {"TAP_ENDORLABS_FLATTENING_ENABLED": "true", "TAP_ENDORLABS_FLATTENING_MAX_DEPTH": "1"}


def run(pipeline: Pipeline, *options: str) -> None:
    code, output = pipeline.run(*options)
    assert code == 0, output


@pytest.mark.parametrize(("settings", "before"), [({}, True), ({}, False), (FLAT, True)], ids=["new", "old", "flat"])
def test_a_record_that_comes_again_with_other_content_is_put_beside_the_first(
    settings: dict[str, str], *, before: bool, postgres: Pipeline, database: Database
) -> None:
    postgres.settings |= settings
    postgres.api.store.add(make_events(300, START, NOW))
    if before:
        database.run(KEEP_FIRST)
    run(postgres)
    # It may be run again.
    database.run(KEEP_FIRST)
    assert len(database.rows()) == 300
    stored = database.records()
    changed = set(postgres.api.store.uuids()[::50])

    def altered(items: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        return [
            item | {"spec": item["spec"] | {"operation": "OPERATION_NONE"}} if item["uuid"] in changed else item
            for item in items
        ]

    postgres.api.fail(Fault.rewritten(altered), times=None)
    # However often.
    for _ in range(2):
        run(postgres, "--full-refresh")
        assert database.records() == stored
        beside = database.select(
            "SELECT stream, uuid, record->'spec'->>'operation', record FROM tap_endorlabs.conflicts"
        )
        assert {uuid for _, uuid, *_ in beside} == changed
        assert len(beside) == len(changed)
        for stream, _, operation, record in beside:
            assert stream == "audit_logs"
            assert "OPERATION_NONE" in {operation, record.get("spec__operation")}
            assert not any(name.startswith("_sdc_") for name in record)


def test_the_documented_queries_say_how_many_and_which(postgres: Pipeline, database: Database) -> None:
    assert QUERIES is not None
    postgres.api.store.add(make_events(20, START, NOW))
    run(postgres)
    database.run(
        "UPDATE tap_endorlabs.audit_logs SET spec = '{}' WHERE uuid = (SELECT min(uuid) FROM tap_endorlabs.audit_logs);"
    )
    database.run(KEEP_FIRST)
    run(postgres, "--full-refresh")
    count, which = (database.select(query) for query in QUERIES[1].strip().rstrip(";").split(";"))
    assert count == [(1,)]
    ((uuid, _, kept, again),) = which
    assert (uuid, kept) == (min(postgres.api.store.uuids()), {})
    assert again["operation"]


def test_what_comes_again_unchanged_changes_nothing(postgres: Pipeline, database: Database) -> None:
    database.run(KEEP_FIRST)
    postgres.api.store.add(make_events(300, START, NOW))
    run(postgres)
    first = database.ask(FINGERPRINT)
    run(postgres, "--full-refresh")
    assert database.ask(FINGERPRINT) == first
    assert database.select("SELECT count(*) FROM tap_endorlabs.conflicts") == [(0,)]
