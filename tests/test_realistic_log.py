"""The fake's month as real logs look."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections import Counter

import pytest

from fake_endor_api import RealisticLog, make_realistic_log
from fake_endor_api.times import parse_time, to_nanoseconds

END = dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc)
START = END - dt.timedelta(days=30)
COUNT = 12_000


def made(count: int, seed: int = 5) -> RealisticLog:
    return make_realistic_log(count, START, END, sign_ins=500, seed=seed)


@pytest.fixture(scope="module")
def log() -> RealisticLog:
    return made(COUNT)


def test_a_seed_gives_the_same_log_and_another_another() -> None:
    log = made(3_000)
    assert made(3_000) == log
    uuids = {event["uuid"] for event in (*log.events, *log.sign_ins)}
    assert len(uuids) == 3_500
    assert uuids.isdisjoint(event["uuid"] for event in made(3_000, 6).events)


def test_events_are_in_the_order_and_the_range_of_their_times(log: RealisticLog) -> None:
    for items in (log.events, log.sign_ins):
        times = [parse_time(item["meta"]["create_time"]) for item in items]
        assert times == sorted(times)
        assert to_nanoseconds(START) <= times[0]
        assert times[-1] < to_nanoseconds(END)


def test_most_events_are_scans_and_page_visits(log: RealisticLog) -> None:
    kinds = Counter(event["spec"]["message_kind"].rpartition(".")[2] for event in log.events)
    telemetry = kinds["UITelemetry"] + kinds["UserTelemetry"]
    assert telemetry == COUNT // 5
    by_people = [event for event in log.events if "domain=acme.example" in event["spec"]["claims"]]
    assert 0.09 * COUNT <= len(by_people) - telemetry <= 0.13 * COUNT
    runners = {event["spec"]["remote_address"] for event in log.events if "api-key" in event["spec"]["claims"]}
    assert len(runners) > 300


def test_incidents_stand_beside_the_events_and_not_in_them(log: RealisticLog) -> None:
    assert len(log.incidents) == 40
    assert len({incident.rule for incident in log.incidents}) == 16
    events = {event["uuid"]: event for event in log.events}
    assert log.labels.keys() <= events.keys()
    assert all(incident.uuids for incident in log.incidents)
    fields = {json.dumps(sorted(event)) + json.dumps(sorted(event["spec"])) for event in log.events}
    assert len(fields) == 1


def test_every_field_is_there_null_or_empty_where_it_is_unset(log: RealisticLog) -> None:
    nothing: dict[str, object] = {
        "upsert_time": None,
        "index_data": None,
        "tags": [],
        "annotations": {},
        "parent_kind": "",
    }
    assert all(event["meta"].items() >= nothing.items() for event in (*log.events, *log.sign_ins))
    deletions = [event["spec"] for event in log.events if event["spec"]["operation"] == "OPERATION_DELETE"]
    assert deletions
    assert {spec["payload"] for spec in deletions} == {None}


def test_too_short_a_log_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "fake_endor_api", "--profile", "realistic", "--days", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("A realistic log has at least 14 days and 3,000 events.")
