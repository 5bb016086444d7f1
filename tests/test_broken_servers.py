"""Servers that are odd in two ways at once lose nothing in silence."""

from __future__ import annotations

import datetime as dt
import random
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


def each_second() -> list[JsonObject]:
    return make_events_at(T0 + n * SECOND for n in range(120))


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
        (lambda: make_events_at(T0 + n * 10_000_000 for n in range(4000)), MINUTES, {"page_size": 200}),
        (
            lambda: make_events_at(T0 + n % 30 * SECOND for n in range(3000)),
            {"strict_bounds": True},
            {"page_size": 100},
        ),
        (
            lambda: make_events_at(T0 + n * 1_250_000 for n in range(4000)),
            {"date_offset": dt.timedelta(milliseconds=3)},
            {"page_size": 200},
        ),
        (
            lambda: make_events_at(T0 + n * 1_250_000 for n in range(4000)),
            {"date_offset": -dt.timedelta(milliseconds=3)},
            {"page_size": 200},
        ),
        (ten_days, UNNAMED | {"ignore_sort": True}, {}),
        (lambda: ten_days(1300), UNNAMED | {"max_page_size": 33, "most_counted": 1000}, {}),
        (each_second, MINUTES, {"page_size": 50, "concurrency": 1}),
        (each_second, MINUTES | {"max_page_size": 37}, {"completeness_check": "never"}),
        (each_second, {"max_page_size": 1}, {"completeness_check": "never"}),
        (ten_days, {"max_page_size": 100, "ignore_page_id": True, "ignore_sort": True, "count": 501}, {}),
    ],
    ids=[
        "minutes, dense",
        "strict, ties",
        "ahead, dense",
        "behind, dense",
        "clamped, unsorted",
        "clamped, capped",
        "minutes, one worker",
        "minutes, clamped",
        "one at a time",
        "clamped, always the first page",
    ],
)
def test_what_is_read_again_is_read_whole(  # noqa: PLR0913, PLR0917 - half of them are fixtures
    events: t.Callable[[], list[JsonObject]],
    behaviour: dict[str, t.Any],
    settings: dict[str, t.Any],
    empty_api: FakeEndorApi,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    empty_api.store.add(events())
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


def busy_minutes(seed: int, *, whole: bool) -> list[JsonObject]:
    """Events as timers make them: many where minutes begin, in whole seconds or some ms later, and in bursts."""
    rng = random.Random(seed)
    times: list[int] = []
    for minute in range(100):
        second = T0 + 60 * minute * SECOND
        times += [second + (0 if whole else rng.randrange(10**7)) for _ in range(rng.choice([0, 0, 1, 5, 40]))]
        if rng.random() < 0.3:
            second += rng.randrange(60) * SECOND
            for later in range(rng.randint(1, 25)):
                spread = 1 if whole else rng.choice([10**7, SECOND])
                times += [second + later * SECOND + rng.randrange(spread) for _ in range(rng.randint(1, 60))]
    return make_events_at(times, seed=seed)


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        MINUTES,
        {"strict_bounds": True},
        {"strict_bounds": True} | MINUTES,
        {"date_offset": dt.timedelta(milliseconds=3)},
        {"date_offset": dt.timedelta(milliseconds=0.5)},
        {"date_offset": -dt.timedelta(milliseconds=3)},
    ],
    ids=str,
)
@pytest.mark.parametrize(("page_size", "concurrency", "whole"), [(50, 1, True), (150, 8, False)])
def test_what_happens_at_whole_minutes_is_neither_lost_nor_thought_late(  # noqa: PLR0913, PLR0917 - fixtures
    behaviour: dict[str, t.Any],
    page_size: int,
    concurrency: int,
    whole: bool,  # noqa: FBT001
    empty_api: FakeEndorApi,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    empty_api.store.add(busy_minutes(2, whole=whole))
    for name, value in behaviour.items():
        setattr(empty_api.behaviour, name, value)
    config = config_for(
        empty_api, start_date=(NOW - dt.timedelta(hours=4)).isoformat(), page_size=page_size, concurrency=concurrency
    )
    first = run_command(tmp_path, level=20, config=config)
    clock.advance(90_000)
    second = run_command(tmp_path, level=20, config=config, state=first.state)
    assert (first.code, second.code) == (0, 0), second.stderr
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


def test_a_small_page_that_ends_long_before_the_range_is_proved(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(make_events(600, NOW - dt.timedelta(hours=20), NOW))
    empty_api.behaviour.max_page_size = 33
    empty_api.behaviour.omit = frozenset({"response"})
    first, second = two_runs(empty_api, clock, tmp_path, 0.9)
    assert (first.code, second.code) == (0, 0)
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())


def test_a_count_that_stops_everywhere_proves_nothing(
    empty_api: FakeEndorApi, clock: ManualClock, tmp_path: Path
) -> None:
    empty_api.store.add(ten_days(60))
    empty_api.store.add(make_events_at(T0 - 100 * 3600 * SECOND + n * 1_000_000 for n in range(930)))
    empty_api.behaviour.most_counted = 100
    first, _ = two_runs(empty_api, clock, tmp_path, 11, page_size=50)
    assert sorted(first.uuids) == sorted(empty_api.store.uuids())
    assert "complete, because the API does not count: It never counts more than 100." in first.stderr
