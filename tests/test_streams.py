"""Several streams in one run: which are read, where each stands, and what becomes of the others if one fails."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import pytest
from jsonschema import Draft202012Validator

from fake_endor_api import FakeEndorApi, Fault, make_events, make_sign_ins
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.timestamps import normalize
from tests.conftest import NOW
from tests.harness import Output, catalog_of, config_for, run_inside
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import ManualClock

START = NOW - dt.timedelta(days=10)
BOTH = catalog_of("audit_logs", "authentication_logs")
AUDIT_PATH, SIGN_IN_PATH = (f"/v1/namespaces/acme/{stream.resource}" for stream in STREAMS.values())


@pytest.fixture
def api(api: FakeEndorApi) -> FakeEndorApi:
    """The API with 700 sign-ins besides."""
    api.sign_ins.add(make_sign_ins(700, START, NOW))
    return api


def settings(api: FakeEndorApi, **more: t.Any) -> dict[str, t.Any]:
    return config_for(api, start_date=START.isoformat(), page_size=100, **more)


def records_of(output: Output, stream: str) -> list[dict[str, t.Any]]:
    return [message["record"] for message in output.of("RECORD") if message["stream"] == stream]


def uuids_of(records: list[dict[str, t.Any]]) -> list[str]:
    return [record["uuid"] for record in records]


def test_sign_ins_are_not_read_unless_they_are_selected(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_inside(settings(api))
    assert {message["stream"] for message in output.messages if "stream" in message} == {"audit_logs"}
    assert output.state["bookmarks"].keys() == {"audit_logs"}
    discovered = run_command(tmp_path, "--discover").stdout
    again = run_command(tmp_path, level=logging.INFO, config=settings(api), catalog=discovered)
    assert uuids_of(again.records) == uuids_of(output.records)
    assert {request.path for request in api.list_requests} == {AUDIT_PATH, f"{AUDIT_PATH}/archived"}


def test_sign_ins_are_records_as_the_api_has_them(api: FakeEndorApi) -> None:
    output = run_inside(settings(api), catalog=BOTH)
    expected = {
        item["uuid"]: {**item, "create_time": normalize(item["meta"]["create_time"])} for item in api.sign_ins.objects()
    }
    records = records_of(output, "authentication_logs")
    assert {record["uuid"]: record for record in records} == expected
    assert len(records) == 700
    assert [record["create_time"] for record in records] == sorted(record["create_time"] for record in records)
    assert {"system", "acme"} <= {record["tenant_meta"]["namespace"] for record in records}
    assert len(records_of(output, "audit_logs")) == 1200
    (message,) = (m for m in output.of("SCHEMA") if m["stream"] == "authentication_logs")
    assert (message["key_properties"], message["bookmark_properties"]) == (["uuid"], ["create_time"])
    schema = TapEndorLabs(config={}, validate_config=False).streams["authentication_logs"].schema
    for record in records:
        Draft202012Validator(schema).validate(record)
        Draft202012Validator(message["schema"]).validate(record)
    assert set(schema["properties"]["spec"]["properties"]) == set().union(*(r["spec"] for r in records))


@pytest.mark.parametrize("name", STREAMS)
def test_every_field_of_a_schema_is_described(name: str) -> None:
    def fields(schema: dict[str, t.Any]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        for field, inner in schema.get("properties", {}).items():
            yield field, inner
            yield from fields(inner)

    schema: dict[str, t.Any] = dict(TapEndorLabs(config={}, validate_config=False).streams[name].schema)
    assert [field for field, inner in fields(schema) if not inner.get("description")] == []
    Draft202012Validator.check_schema(schema)


def test_each_stream_goes_on_from_a_bookmark_of_its_own(api: FakeEndorApi, clock: ManualClock) -> None:
    first = run_inside(settings(api))
    clock.advance(3600)
    api.sign_ins.add(make_sign_ins(30, NOW, NOW + dt.timedelta(minutes=50), seed=2))
    # The one that is selected later begins at start_date, the other one goes on.
    second = run_inside(settings(api), first.state, catalog=BOTH)
    assert records_of(second, "audit_logs") == []
    assert sorted(uuids_of(records_of(second, "authentication_logs"))) == sorted(api.sign_ins.uuids())
    clock.advance(3600)
    api.store.add(make_events(20, NOW + dt.timedelta(hours=1), NOW + dt.timedelta(hours=2), seed=3))
    third = run_inside(settings(api), second.state, catalog=BOTH)
    assert len(records_of(third, "audit_logs")) == 20
    assert records_of(third, "authentication_logs") == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_stream_that_fails_takes_nothing_from_the_other(concurrency: int, api: FakeEndorApi, tmp_path: Path) -> None:
    config = settings(api, concurrency=concurrency)
    pages = len(api.list_requests)
    run_inside(config)
    pages = len(api.list_requests) - pages
    # The audit logs are complete by then, and some sign-ins have been read.
    api.fail(Fault.status(403), times=None, after=pages + 4)
    failed = run_command(tmp_path, level=logging.INFO, config=config, catalog=BOTH)
    assert failed.code == 1
    (line,) = failed.errors
    assert "may not read this log" in line
    assert len(records_of(failed, "audit_logs")) == 1200
    read = uuids_of(records_of(failed, "authentication_logs"))
    assert len(read) < 700
    api.heal()
    resumed = run_inside(config, failed.state, catalog=BOTH)
    assert records_of(resumed, "audit_logs") == []
    assert sorted(read + uuids_of(resumed.records)) == sorted(api.sign_ins.uuids())


def test_the_state_of_a_stream_outlives_the_failure_of_the_one_before_it(api: FakeEndorApi, tmp_path: Path) -> None:
    before = run_inside(settings(api), catalog=BOTH).state
    api.fail(Fault.status(403))
    failed = run_command(tmp_path, level=logging.INFO, config=settings(api), state=before, catalog=BOTH)
    assert failed.code == 1
    assert failed.state["bookmarks"]["authentication_logs"] == before["bookmarks"]["authentication_logs"]


def test_sign_ins_are_not_looked_for_in_an_archive(api: FakeEndorApi, caplog: pytest.LogCaptureFixture) -> None:
    config = settings(api) | {"start_date": (NOW - dt.timedelta(days=90)).isoformat()}
    with caplog.at_level(logging.WARNING):
        run_inside(config, catalog=BOTH)
    archived = {r.path for r in api.list_requests if "list_parameters.archive" in r.query}
    assert archived == {AUDIT_PATH}
    assert SIGN_IN_PATH in {request.path for request in api.list_requests}
    (line,) = (record for record in caplog.records if "The archive is not read" in record.message)
    assert line.name.endswith("authentication_logs")


def test_the_closing_lines_say_which_stream_they_are_about(api: FakeEndorApi, tmp_path: Path) -> None:
    output = run_command(tmp_path, level=logging.INFO, config=settings(api), catalog=BOTH)
    done = [line for line in output.stderr.splitlines() if "Done: " in line]
    assert [("audit_logs" in line, "authentication_logs" in line) for line in done] == [(True, False), (False, True)]
