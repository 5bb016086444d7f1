"""Servers that are odd in two ways at once lose nothing in silence."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from fake_endor_api import Fault, SlowQuery, make_events, make_events_at
from fake_endor_api.errors import ApiError
from fake_endor_api.times import SECOND, to_nanoseconds
from tests.conftest import NOW
from tests.harness import config_for
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi, ManualClock
    from tests.harness import Output

pytestmark = pytest.mark.faults

JsonObject = dict[str, t.Any]
T0 = to_nanoseconds(NOW - dt.timedelta(hours=3))
MINUTES = {"date_unit": dt.timedelta(minutes=1)}
UNNAMED = {"max_page_size": 100, "omit": frozenset({"response"})}


def ten_days(count: int = 3000) -> list[JsonObject]:
    return make_events(count, NOW - dt.timedelta(days=10), NOW - dt.timedelta(hours=1))


def two_runs(
    api: FakeEndorApi, clock: ManualClock, folder: Path, days: float, **settings: t.Any
) -> tuple[Output, Output]:
    config = config_for(api, start_date=(NOW - dt.timedelta(days=days)).isoformat(), **settings)
    first = run_command(folder, level=20, config=config)
    clock.advance(3600)
    return first, run_command(folder, level=20, config=config, state=first.state if first.of("STATE") else {})


@pytest.mark.parametrize(
    ("events", "behaviour", "settings"),
    [
        (make_events_at(T0 + n * 10_000_000 for n in range(4000)), MINUTES, {"page_size": 200}),
        (make_events_at(T0 + n % 30 * SECOND for n in range(3000)), {"strict_bounds": True}, {"page_size": 100}),
        (
            make_events_at(T0 + n * 1_250_000 for n in range(4000)),
            {"date_offset": dt.timedelta(milliseconds=3)},
            {"page_size": 200},
        ),
        (
            make_events_at(T0 + n * 1_250_000 for n in range(4000)),
            {"date_offset": -dt.timedelta(milliseconds=3)},
            {"page_size": 200},
        ),
        (ten_days(), UNNAMED | {"ignore_sort": True}, {}),
    ],
    ids=["minutes, dense", "strict, ties", "ahead, dense", "behind, dense", "clamped, unsorted"],
)
def test_what_is_read_again_is_read_whole(  # noqa: PLR0913, PLR0917 - half of them are fixtures
    events: list[JsonObject],
    behaviour: dict[str, t.Any],
    settings: dict[str, t.Any],
    empty_api: FakeEndorApi,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    empty_api.store.add(events)
    for name, value in behaviour.items():
        setattr(empty_api.behaviour, name, value)
    first, second = two_runs(empty_api, clock, tmp_path, 11, **settings)
    assert (first.code, second.code) == (0, 0), first.stderr
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


@pytest.mark.parametrize("answered", [2, 3, 4])
def test_a_shortage_that_was_counted_is_not_forgotten(
    answered: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(ten_days())
    for name, value in UNNAMED.items():
        setattr(empty_api.behaviour, name, value)
    count, asked = empty_api.store._count, iter(range(10**6))

    def sometimes(found: int) -> int:
        if next(asked) >= answered:
            raise ApiError(501, "no")
        return count(found)

    empty_api.store._count = sometimes  # type: ignore[method-assign]
    first, second = two_runs(empty_api, clock, tmp_path, 11)
    if (first.code, second.code) == (0, 0):
        assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


@pytest.mark.parametrize("low", [200, 10**6])
def test_a_count_that_is_low_now_and_then_hides_nothing(
    low: int, empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(ten_days())
    for name, value in UNNAMED.items():
        setattr(empty_api.behaviour, name, value)
    asked = iter(range(10**6))
    empty_api.store._count = lambda found: max(found - low * (next(asked) % 3 == 1), 0)  # type: ignore[method-assign]
    first, second = two_runs(empty_api, clock, tmp_path, 11)
    if (first.code, second.code) == (0, 0):
        assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


def test_a_range_that_is_too_wide_to_count_stops_no_other_proof(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(make_events(3000, NOW - dt.timedelta(days=90), NOW - dt.timedelta(hours=1)))
    empty_api.behaviour.slow_query = SlowQuery(max_range=dt.timedelta(days=10))
    empty_api.behaviour.archive_after = dt.timedelta(days=45)
    first, second = two_runs(empty_api, clock, tmp_path, 90)
    assert (first.code, second.code) == (0, 0), first.stderr
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


def test_a_second_that_fails_within_the_look_back_comes_once(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(make_events(600, NOW - dt.timedelta(days=2), NOW - dt.timedelta(hours=1)))
    (bad,) = make_events_at([to_nanoseconds(NOW - dt.timedelta(seconds=100))], seed=3)
    empty_api.store.add([bad])
    empty_api.fail(Fault.status(500), times=None, when=bad["uuid"])
    config = config_for(empty_api, start_date=(NOW - dt.timedelta(days=3)).isoformat())
    uuids: list[str] = []
    state: dict[str, t.Any] = {}
    for wait in (0, 600, 90_000, 90_000):
        clock.advance(wait)
        output = run_command(tmp_path, level=20, config=config, state=state)
        state, uuids = output.state, uuids + output.uuids
        empty_api.heal()
    assert sorted(uuids) == sorted(empty_api.store.uuids())
