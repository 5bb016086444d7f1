"""What could not be read is asked for again, and what of it had been delivered does not come twice."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import pytest

from fake_endor_api import Fault, make_events_at, make_sign_ins
from fake_endor_api.times import to_nanoseconds
from tests.conftest import NOW
from tests.harness import catalog_of, config_for, run_inside
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock
    from tests.harness import Output

SECOND = dt.timedelta(seconds=1)


def at(times: Iterable[dt.datetime], seed: int = 0) -> list[dict[str, t.Any]]:
    return make_events_at([to_nanoseconds(time) for time in times], seed=seed)


def stamp(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.000000Z"


def assert_gaps_are_filled(api: FakeEndorApi, folder: Path, config: dict[str, t.Any], first: Output) -> None:
    second = run_command(folder, level=logging.INFO, config=config, state=first.state)
    assert (second.code, second.bookmark["gaps"]) == (0, [])
    assert sorted(first.uuids + second.uuids) == sorted(api.store.uuids())


def test_a_gap_is_filled_from_a_server_whose_times_are_minutes(empty_api: FakeEndorApi) -> None:
    empty_api.behaviour.date_unit = dt.timedelta(minutes=1)
    begun = NOW - dt.timedelta(days=2)
    events = at(begun + 20 * n * SECOND for n in range(30))
    empty_api.store.add(events)
    gap = {"from": stamp(begun + 300 * SECOND), "to": stamp(begun + 301 * SECOND), "emitted": []}
    bookmark = {"replication_key_value": stamp(NOW - dt.timedelta(days=1)), "gaps": [gap]}
    output = run_inside(config_for(empty_api), {"bookmarks": {"audit_logs": bookmark}})
    assert output.uuids == [events[15]["uuid"]]
    assert output.bookmark["gaps"] == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_fault_on_a_server_whose_times_are_minutes_leaves_all_of_its_minute(
    concurrency: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    """Asked for a second of a minute but the last, such a server answers that there is nothing."""
    empty_api.behaviour.date_unit = dt.timedelta(minutes=1)
    begun = NOW - dt.timedelta(days=2)
    events = at(begun + n * 3600 * SECOND + second * SECOND for n in range(20) for second in (10, 30, 50))
    empty_api.store.add(events)
    empty_api.fail(Fault.status(500), times=None, when=events[31]["uuid"])
    config = config_for(empty_api, start_date=stamp(begun), concurrency=concurrency)
    first = run_command(tmp_path, level=logging.INFO, config=config)
    assert (first.code, len(first.uuids)) == (3, 57)
    empty_api.heal()
    clock.advance(86_400)
    assert_gaps_are_filled(empty_api, tmp_path, config, first)


def test_what_was_delivered_before_the_archive_was_needed_does_not_come_again(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    begun = clock() + dt.timedelta(hours=1)
    empty_api.store.add(at(clock() + 30 * n * SECOND for n in range(115)))
    empty_api.store.add(at((begun + dt.timedelta(days=20) + n * SECOND for n in range(9)), seed=1))
    config = config_for(empty_api, start_date=NOW.isoformat())
    clock.advance(3600)
    first = run_command(tmp_path, level=logging.INFO, config=config)
    assert len(first.bookmark["emitted"]) == 5
    clock.advance(40 * 86_400)
    empty_api.behaviour.archive_denied = True
    second = run_command(tmp_path, level=logging.INFO, config=config, state=first.state)
    assert (second.code, len(second.uuids)) == (3, 9)
    (gap,) = second.bookmark["gaps"]
    assert gap["emitted"] == first.bookmark["emitted"]
    empty_api.behaviour.archive_denied = False
    third = run_command(tmp_path, level=logging.INFO, config=config, state=second.state)
    assert (third.code, third.bookmark["gaps"]) == (0, [])
    assert sorted(first.uuids + second.uuids + third.uuids) == sorted(empty_api.store.uuids())


@pytest.mark.parametrize(("second", "code"), [(10, 0), (39, 3)])
def test_a_second_that_fails_after_it_was_delivered_does_not_come_again(
    second: int, code: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    """The tap looks again at the minute that its bookmark is in."""
    begun = NOW - dt.timedelta(hours=2)
    events = at(begun + n * SECOND for n in range(40))
    empty_api.store.add(events)
    config = config_for(empty_api, start_date=stamp(begun), lookback_seconds=0)
    first = run_command(tmp_path, level=logging.INFO, config=config)
    news = at((NOW - dt.timedelta(minutes=10) + n * SECOND for n in range(5)), seed=1)
    empty_api.store.add(news)
    empty_api.fail(Fault.status(500), when=events[second]["uuid"], times=None)
    output = run_command(tmp_path, level=logging.INFO, config=config, state=first.state)
    # In the second of the bookmark there may be others.
    assert (output.code, len(output.bookmark["gaps"])) == (code, code // 3)
    assert output.uuids == [item["uuid"] for item in news]
    empty_api.heal()
    clock.advance(86_400)
    later = run_command(tmp_path, level=logging.INFO, config=config, state=output.state)
    assert (later.code, later.uuids, later.bookmark["gaps"]) == (0, [], [])


@pytest.mark.parametrize(("youngest", "code"), [(27.5, 3), (20, 0)])
def test_an_archive_without_events_is_told(youngest: float, code: int, empty_api: FakeEndorApi, tmp_path: Path) -> None:
    days = [*range(32, 90), youngest, 10]
    empty_api.store.add(at(NOW - dt.timedelta(days=day) for day in days))
    empty_api.behaviour.archive_path = empty_api.behaviour.archive_parameter = "empty"
    config = config_for(empty_api, start_date=stamp(NOW - dt.timedelta(days=90)))
    output = run_command(tmp_path, level=20, config=config)
    assert (output.code, len(output.uuids)) == (code, 2)
    assert "The archive has nothing" in output.stderr


def test_an_early_archive_that_may_not_be_read_is_told(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(at(NOW - dt.timedelta(days=day) for day in range(1, 20)))
    empty_api.behaviour.archive_after = dt.timedelta(days=7)
    empty_api.behaviour.archive_denied = True
    config = config_for(empty_api, start_date=stamp(NOW - dt.timedelta(days=20)))
    assert (
        "whether some of these events have already been archived"
        in run_command(tmp_path, level=20, config=config).stderr
    )


def test_sign_ins_that_no_list_has_any_more_are_told(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.sign_ins.add(make_sign_ins(20, NOW - dt.timedelta(days=2), NOW))
    options: dict[str, t.Any] = {
        "catalog": catalog_of("authentication_logs"),
        "config": config_for(empty_api, start_date=stamp(NOW)),
    }
    first = run_command(tmp_path, level=logging.INFO, **options)
    assert first.code == 0
    clock.advance(40 * 86_400)
    second = run_command(tmp_path, level=logging.INFO, state=first.state, **options)
    assert second.code == 3
    assert "Some events of authentication_logs from 2026-03-31T12:00:00.000000Z to 2026-04-11" in second.errors[0]
    assert run_command(tmp_path, level=logging.INFO, state=second.state, **options).code == 0


def test_a_gap_of_a_young_log_is_asked_for_by_the_next_run(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    events = at(NOW - dt.timedelta(hours=12) + n * 100 * SECOND for n in range(300))
    empty_api.store.add(events)
    broken = (NOW - dt.timedelta(hours=6)).replace(microsecond=0)
    empty_api.store.add(at([broken], seed=3))
    empty_api.fail(Fault.status(500), times=None, when=at([broken], seed=3)[0]["uuid"])
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(hours=13)).isoformat())
    first = run_command(tmp_path, level=logging.INFO, config=config)
    assert (first.code, len(first.bookmark["gaps"])) == (3, 1)
    empty_api.heal()
    clock.advance(300)
    second = run_command(tmp_path, level=logging.INFO, config=config, state=first.state)
    assert (second.code, second.bookmark["gaps"]) == (0, [])
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_gap_has_what_a_server_whose_times_are_minutes_lists_later(
    concurrency: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    """What fails happened before what is listed before it."""
    empty_api.behaviour.date_unit = dt.timedelta(minutes=1)
    begun = NOW - dt.timedelta(days=1)
    tied = at([begun] * 20)
    failing, listed = at((begun + dt.timedelta(minutes=57, milliseconds=ms) for ms in (1019, 1269)), seed=2)
    failing["uuid"], listed["uuid"] = "f" * 24, "2" * 24
    empty_api.store.add([*tied, failing, listed])
    empty_api.fail(Fault.status(500), times=None, when=failing["uuid"])
    start = stamp(begun - dt.timedelta(hours=1))
    config = config_for(empty_api, start_date=start, page_size=20, concurrency=concurrency)
    first = run_command(tmp_path, level=logging.INFO, config=config)
    assert first.code == 3
    (gap,) = first.bookmark["gaps"]
    assert gap["from"] == stamp(begun + dt.timedelta(minutes=57))
    empty_api.heal()
    clock.advance(25 * 3600)
    assert_gaps_are_filled(empty_api, tmp_path, config, first)


def test_an_object_that_can_be_no_record_is_named_when_a_gap_passes_it(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    minute = NOW - dt.timedelta(hours=7)
    before = at(NOW - dt.timedelta(hours=10) + 360 * n * SECOND for n in range(20))
    *events, bad = at((minute + second * SECOND for second in (*range(5, 19), 40)), seed=1)
    empty_api.store.add([*before, *events, bad])
    nameless = {"uuid": "", "meta": {"create_time": f"{minute + 8.005 * SECOND:%Y-%m-%dT%H:%M:%S.005}Z"}}
    empty_api.store.add_raw([nameless | {"tenant_meta": {"namespace": "acme"}}])
    config = config_for(empty_api, start_date=stamp(NOW - dt.timedelta(hours=10)))
    for event in [*events, bad]:
        empty_api.fail(Fault.status(500), times=None, when=event["uuid"])
    state: dict[str, t.Any] = {}
    codes, lines, uuids = [], [], []
    for run in range(5):
        output = run_command(tmp_path, level=logging.INFO, config=config, state=state)
        state = output.state
        codes.append(output.code)
        lines += output.errors
        uuids += output.uuids
        empty_api.heal()
        if run == 0:
            empty_api.fail(Fault.status(500), times=None, when=bad["uuid"])
        clock.advance(25 * 3600)
    assert codes == [3, 3, 3, 0, 0]
    assert sorted(uuids) == sorted(item["uuid"] for item in (*before, *events, bad))
    assert sum("was left out: it has no uuid" in line for line in lines) == 1
    assert not any("became visible later" in line for line in lines)
