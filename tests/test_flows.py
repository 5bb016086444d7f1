"""Whole syncs from the fake API, in this process: odd logs, odd answers, faults and late events."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
import typing as t

import pytest
from singer_sdk.io_base import SingerWriter

from fake_endor_api import (
    PARTNER_SAMPLE,
    FakeEndorApi,
    Fault,
    RateLimit,
    SlowQuery,
    make_events,
    make_events_at,
)
from tap_endorlabs.errors import ApiError, IncompleteError, TransientError, UncountedError
from tap_endorlabs.sync.bookmark import Bookmark, Scope
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW
from tests.harness import Clock, Output, config_for, run_inside

if t.TYPE_CHECKING:
    from fake_endor_api import ManualClock

START = "2026-03-03T00:00:00Z"
SECOND = 1_000_000_000
DAY = 86_400
BASE = int(NOW.timestamp()) * SECOND - 7200 * SECOND


def uuids_of(api: FakeEndorApi) -> list[str]:
    return sorted(item["uuid"] for item in api.store.objects())


def test_the_samples_of_the_contract_pass_unharmed(empty_api: FakeEndorApi) -> None:
    empty_api.store.add([PARTNER_SAMPLE])
    config = config_for(empty_api, namespace="your-org", start_date="2024-11-13T00:00:00Z")
    (record,) = run_inside(config).records
    assert record == {**PARTNER_SAMPLE, "create_time": "2024-11-13T15:30:45.123456Z"}


@pytest.mark.parametrize(
    "times",
    [
        [BASE + n * SECOND for n in range(300)] + [BASE + 400 * SECOND + 123_456_789] * 1300,
        [BASE + n * SECOND // 5000 for n in range(5000)],
    ],
    ids=["1,300 at one instant", "5,000 in one second"],
)
def test_dense_logs_are_read_completely(times: list[int], empty_api: FakeEndorApi) -> None:
    empty_api.store.add(make_events_at(times))
    output = run_inside(config_for(empty_api, start_date=START))
    assert sorted(output.uuids) == uuids_of(empty_api)
    assert all(
        "list_parameters.sort.path" not in request.query
        for request in empty_api.list_requests
        if "list_parameters.page_id" in request.query
    )


@pytest.mark.parametrize(
    "behaviour",
    [
        {"endless_token": True},
        {"omit": frozenset({"response"})},
        {"max_page_size": 100},
        {"ignore_sort": True},
        {"slow_query": SlowQuery(max_range=dt.timedelta(days=1), max_page_size=200)},
        {"honour_fractions": True},
        {"gzip": False},
        {"expiry_field": None},
    ],
    ids=str,
)
def test_odd_servers_lose_nothing(behaviour: dict[str, t.Any], api: FakeEndorApi) -> None:
    for name, value in behaviour.items():
        setattr(api.behaviour, name, value)
    assert sorted(run_inside(config_for(api, start_date=START)).uuids) == uuids_of(api)


def test_a_server_that_does_not_tell_the_time_loses_nothing(api: FakeEndorApi) -> None:
    api.behaviour.date_header = False
    # The clock of this machine is far ahead of the fake's: all events are old.
    assert sorted(run_inside(config_for(api, start_date=START, include_archived=False)).uuids) == uuids_of(api)


@pytest.mark.parametrize("field", ["list", "objects"])
def test_an_answer_without_its_parts_is_an_empty_one(field: str, api: FakeEndorApi) -> None:
    api.behaviour.omit = frozenset({field})
    output = run_inside(config_for(api, start_date=START, completeness_check="never"))
    assert output.records == []
    assert output.bookmark["replication_key_value"] == "2026-03-03T00:00:00.000000Z"
    with pytest.raises(UncountedError, match="it lists only 0"):
        run_inside(config_for(api, start_date=START))


def test_only_the_namespace_itself_is_read_without_traverse(api: FakeEndorApi) -> None:
    own = {item["uuid"] for item in api.store.objects() if item["tenant_meta"]["namespace"] == "acme"}
    assert 0 < len(own) < 1200
    assert set(run_inside(config_for(api, start_date=START, traverse=False)).uuids) == own


def test_a_filter_narrows_what_is_read(api: FakeEndorApi) -> None:
    wanted = {
        item["uuid"]
        for item in api.store.objects()
        if item["spec"]["operation"] in {"OPERATION_DELETE", "OPERATION_CREATE"}
    }
    expression = "spec.operation=='OPERATION_DELETE' or spec.operation=='OPERATION_CREATE'"
    assert set(run_inside(config_for(api, start_date=START, filter=expression)).uuids) == wanted


def test_end_date_is_exclusive_to_the_microsecond(empty_api: FakeEndorApi) -> None:
    times = [BASE, BASE + 499_999_000, BASE + 499_999_999, BASE + 500_000_000]
    empty_api.store.add(make_events_at(times))
    end = dt.datetime.fromtimestamp(BASE // SECOND, tz=dt.timezone.utc).replace(microsecond=500_000)
    config = config_for(empty_api, start_date=START, end_date=end.isoformat())
    first = run_inside(config)
    assert len(first.uuids) == 3
    assert len(run_inside(config_for(empty_api), first.state).uuids) == 1


def test_late_events_inside_the_look_back_come_with_the_next_run(api: FakeEndorApi, clock: ManualClock) -> None:
    output = run_inside(config_for(api, start_date=START))
    late = make_events(20, NOW - dt.timedelta(seconds=59), NOW, seed=3)
    api.store.add(late, visible_at=NOW + dt.timedelta(seconds=30))
    everything = output.uuids
    for _ in range(4):
        clock.advance(40)
        output = run_inside(config_for(api), output.state)
        everything += output.uuids
    assert sorted(everything) == uuids_of(api)


def test_a_bookmark_is_true_at_every_state(api: FakeEndorApi) -> None:
    # With a look-back of two days the last fifth of the events stands in S.
    output = run_inside(config_for(api, start_date=START, page_size=100, lookback_seconds=172_800))
    emitted: list[list[str]] = []
    all_times = {record["uuid"]: record["create_time"] for record in output.records}
    states = 0
    for message in output.messages:
        if message["type"] == "RECORD":
            emitted.append([message["record"]["create_time"], message["record"]["uuid"]])
        elif message["type"] == "STATE":
            states += 1
            bookmark = message["value"]["bookmarks"]["audit_logs"]
            value = bookmark["replication_key_value"]
            assert value <= "2026-03-29T12:00:00.000000Z"
            assert {uuid for uuid, time in all_times.items() if time < value} <= {uuid for _, uuid in emitted}
            assert sorted(pair for pair in emitted if pair[0] >= value) == bookmark["emitted"]
    assert states > 5


def test_a_state_follows_every_page_while_it_is_short(api: FakeEndorApi) -> None:
    output = run_inside(config_for(api, start_date=START, page_size=100))
    kinds = "".join(message["type"][0:2] for message in output.messages)
    assert max(len(run) // 2 for run in kinds.replace("SC", "").split("ST")) <= 100


def test_a_long_state_does_not_follow_every_page(api: FakeEndorApi) -> None:
    output = run_inside(config_for(api, start_date=START, page_size=10, lookback_seconds=20 * 86_400))
    assert len(output.stdout) < 5 * 1200 * 60 + 2 * sum(len(str(record)) for record in output.records)
    assert len(output.of("STATE")) < 40


def test_a_long_bookmark_is_put_in_order_for_the_states_alone(
    api: FakeEndorApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After each page it would take the square of the number of events.
    made = []
    to_state = Bookmark.to_state

    def counted(self: Bookmark, scope: Scope) -> dict[str, t.Any]:
        made.append(scope)
        return to_state(self, scope)

    monkeypatch.setattr(Bookmark, "to_state", counted)
    output = run_inside(config_for(api, start_date=START, page_size=10, lookback_seconds=20 * 86_400))
    assert len(output.bookmark["emitted"]) == 1200
    # The last is made three times: after the last page, at the end, and for the closing line.
    assert len(made) <= len(output.of("STATE")) + 2


def test_a_token_that_is_revoked_in_mid_run_is_renewed(api: FakeEndorApi) -> None:
    api.fail(Fault.status(401), where="list", after=1)
    assert len(run_inside(config_for(api, start_date=START)).uuids) == 1200
    assert len(api.auth_requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(429, headers={"Retry-After": "1"}),
        Fault.status(500),
        Fault.status(503),
        Fault.status(504),
        Fault.reset(),
        Fault.reset_in_body(),
        Fault.truncated(),
        Fault.html(),
        Fault.empty(),
        Fault.wrong_encoding(),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["list", "auth"])
def test_faults_that_pass_lose_nothing(fault: Fault, where: t.Literal["list", "auth"], api: FakeEndorApi) -> None:
    api.fail(fault, where=where, times=2)
    assert sorted(run_inside(config_for(api, start_date=START)).uuids) == uuids_of(api)


def test_a_fault_that_stays_ends_the_run_after_all_tries(api: FakeEndorApi, caplog: pytest.LogCaptureFixture) -> None:
    api.fail(Fault.status(503), where="list", times=None)
    with pytest.raises(TransientError, match="answered 503"), caplog.at_level(logging.WARNING):
        run_inside(config_for(api, start_date=START))
    assert len(api.list_requests) == 8


def test_a_namespace_that_has_answered_is_not_said_to_be_missing(api: FakeEndorApi) -> None:
    api.fail(Fault.status(404), after=3, times=None)
    with pytest.raises(ApiError, match="answered 404") as raised:
        run_inside(config_for(api, start_date=START))
    assert "There is no namespace" not in str(raised.value)


def test_a_redirect_takes_no_credential_along(api: FakeEndorApi) -> None:
    api.fail(Fault.redirect("http://localhost:9/elsewhere"), where="list", times=None)
    with pytest.raises(ApiError, match="redirects to localhost:9"):
        run_inside(config_for(api, start_date=START))


def test_an_object_without_a_uuid_is_reported_once(api: FakeEndorApi) -> None:
    broken = make_events(1, NOW - dt.timedelta(days=2), NOW - dt.timedelta(days=1), seed=9)[0]
    broken["uuid"] = None
    api.store.add_raw([broken])
    with pytest.raises(IncompleteError, match=r"^Left out: 1 object that"):
        run_inside(config_for(api, start_date=START, page_size=3))


def test_records_can_be_read_without_messages(api: FakeEndorApi) -> None:
    stream = TapEndorLabs(config=config_for(api, start_date=START)).streams["audit_logs"]
    assert sorted(t.cast("dict[str, t.Any]", record)["uuid"] for record in stream.get_records(None)) == uuids_of(api)


def record_lines(output: Output) -> list[str]:
    """The RECORD lines, without the time at which they were written."""
    lines = [line for line in output.stdout.split("\n") if line.startswith('{"type":"RECORD"')]
    return [line.partition(',"time_extracted":')[0] for line in lines]


def in_days(rng: random.Random, count: int, start: float, length: float) -> list[int]:
    """Random times, in nanoseconds; `start` days before now, within `length` days."""
    begin = int(NOW.timestamp()) - int(start * DAY)
    return [begin * SECOND + int(rng.random() * length * DAY * SECOND) for _ in range(count)]


RNG = random.Random(4)
SHAPES = {
    "uniform": in_days(RNG, 2000, 25, 25),
    "a burst": in_days(RNG, 400, 25, 25) + in_days(RNG, 1600, 12, 0.25),
    "several bursts": in_days(RNG, 400, 25, 25) + [n for d in (3, 9, 14, 20) for n in in_days(RNG, 400, d, 0.06)],
    "tied": in_days(RNG, 8, 25, 25) * 130 + in_days(RNG, 960, 25, 25),
    "sparse": in_days(RNG, 20, 25, 25),
    "empty": [],
}


@pytest.mark.parametrize("times", SHAPES.values(), ids=SHAPES)
def test_records_are_the_same_bytes_whatever_the_concurrency(times: list[int], empty_api: FakeEndorApi) -> None:
    empty_api.store.add(make_events_at(sorted(times)))
    outputs = [
        run_inside(config_for(empty_api, start_date=START, page_size=50, concurrency=number)) for number in (1, 4, 32)
    ]
    lines = [record_lines(output) for output in outputs]
    assert len(lines[0]) == len(times)
    assert lines[0] == lines[1] == lines[2]
    assert outputs[0].bookmark == outputs[1].bookmark == outputs[2].bookmark


def test_both_ways_to_write_a_record_give_the_same(api: FakeEndorApi) -> None:
    odd = {
        "a": 0.1000,
        "b": 1e300,
        "c": 12345678901234567890123,
        "d": '\u2028 \x7f \U0001f600 "\\',
        "e": [None, {}, []],
    }
    extra = make_events(3, NOW - dt.timedelta(hours=2), NOW, seed=5)
    extra[0]["spec"]["payload"] = odd
    extra[1]["create_time"] = "not what the tap means by it"
    extra[2] = {"create_time": {"deep": [1]}, **extra[2], "unknown field": odd}
    api.store.add(extra)
    config = config_for(api, start_date=START)
    direct, by_the_sdk = run_inside(config), run_inside(config, writer=SingerWriter())
    assert '"d":"\u2028' in direct.stdout
    assert '"d":"\\u2028' in by_the_sdk.stdout
    assert direct.records == by_the_sdk.records
    assert len(direct.records) == 1203


def test_an_answer_on_many_lines_gives_records_on_one(api: FakeEndorApi) -> None:
    event = make_events(1, NOW - dt.timedelta(hours=2), NOW, seed=5)[0]
    event["spec"]["payload"] = {"text": "two\nlines", "number": 1.50}
    body = json.dumps({"list": {"objects": [event]}}, indent=2).replace("\n", "\r\n")
    api.fail(Fault.raw(body.encode()))
    (record,) = run_inside(config_for(api, start_date=START, completeness_check="never")).records
    assert record == {**event, "create_time": record["create_time"]}


def test_a_rate_limit_is_kept_by_all_workers() -> None:
    clock = Clock()
    with FakeEndorApi(clock=lambda: NOW + dt.timedelta(seconds=clock.now)) as api:
        api.store.add(make_events(1200, NOW - dt.timedelta(days=10), NOW - dt.timedelta(hours=1)))
        api.behaviour.rate_limit = RateLimit(5, burst=5)
        api.behaviour.latency = 0.01
        output = run_inside(config_for(api, start_date=START, page_size=50, concurrency=8), clock=clock)
        assert sorted(output.uuids) == uuids_of(api)
        assert any(request.status == 429 for request in api.list_requests)


def test_an_end_that_is_met_by_all_workers_is_told_once(api: FakeEndorApi) -> None:
    api.fail(Fault.status(403), times=None, after=3)
    with pytest.raises(ApiError, match="may not read this log") as caught:
        run_inside(config_for(api, start_date=START, page_size=20, concurrency=8))
    assert caught.value.__context__ is not None
    assert caught.value.__context__ is caught.value.__cause__


@pytest.mark.parametrize("way", [{}, {"stream_maps": {"audit_logs": {"meta": None}}}], ids=["direct", "SDK"])
@pytest.mark.parametrize("replace", [False, True])
def test_null_characters_are_replaced_on_either_way_and_only_on_request(
    replace: bool,  # noqa: FBT001
    way: dict[str, t.Any],
    empty_api: FakeEndorApi,
) -> None:
    (event,) = make_events(1, NOW - dt.timedelta(days=1), NOW)
    event["spec"]["payload"] = {"n\0": ["a\0b", {"\0": "\\u0000"}]}
    empty_api.store.add_raw([event])
    output = run_inside(config_for(empty_api, start_date=START, replace_null_characters=replace, **way))
    mark = "\ufffd" if replace else "\0"
    assert output.records[0]["spec"]["payload"] == {f"n{mark}": [f"a{mark}b", {mark: "\\u0000"}]}
    assert output.uuids == [event["uuid"]]
