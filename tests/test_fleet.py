"""Taps that share a rate limit, simulated with their own pace and tries: none gives up where there is room for all."""

from __future__ import annotations

import math

import pytest

# The sdist has no benchmarks.
fleet = pytest.importorskip("benchmarks.scale.fleet")
Fleet, simulate, share = fleet.Fleet, fleet.simulate, fleet.share

HOUR = 3_600


def test_without_a_limit_that_is_felt_each_run_takes_two_requests() -> None:
    outcome = simulate(Fleet(200, limit=1_000, at_once=200), HOUR)
    assert (outcome.refused, outcome.failed, outcome.runs) == (0, 0, 200 * 12)
    assert outcome.requests == 2 * outcome.runs
    assert max(outcome.ages[200:]) == pytest.approx(300 + 0.2)


@pytest.mark.parametrize("limit", [*(pytest.param(limit, marks=pytest.mark.faults) for limit in (2, 5)), 20])
def test_a_crowd_without_a_pool_is_refused_often_but_none_gives_up(limit: float) -> None:
    outcome = simulate(Fleet(200, limit, at_once=200), 2 * HOUR)
    assert outcome.refused > outcome.requests / 2
    assert outcome.failed == 0
    assert share(outcome.ages[200:], 0.99) < 2 * 300


def test_a_pool_that_fits_the_limit_spares_most_refusals() -> None:
    outcome = simulate(Fleet(200, limit=5, at_once=4), 2 * HOUR)
    assert outcome.failed == 0
    assert outcome.refused < 0.02 * outcome.requests
    assert max(outcome.ages[200:]) < 305


def test_a_backfill_takes_what_the_limit_leaves_and_holds_up_no_news() -> None:
    tenants, months, pages = 20, 6, 22
    outcome = simulate(Fleet(tenants, limit=10, at_once=4, months=months, pages=pages), 24 * HOUR)
    assert outcome.backfill is not None
    assert outcome.failed == 0
    answered = outcome.requests - outcome.refused
    assert answered >= tenants * months * (1 + pages) + 2 * len(outcome.ages)
    assert outcome.backfill < 2 * answered / 10
    assert max(outcome.ages[tenants:]) < 330


@pytest.mark.faults
def test_where_the_limit_has_no_room_for_all_the_news_get_old() -> None:
    outcome = simulate(Fleet(200, limit=1, at_once=4), 3 * HOUR)
    assert share(outcome.ages[200:], 0.5) > 400


@pytest.mark.faults
def test_the_same_seed_gives_the_same_again() -> None:
    crowd = Fleet(50, limit=2, at_once=50)
    assert simulate(crowd, HOUR) == simulate(crowd, HOUR) != simulate(crowd, HOUR, seed=1)


def test_a_share_of_values_is_one_of_them() -> None:
    assert [share([3, 1, 2], part) for part in (0.1, 0.5, 1)] == [1, 2, 3]
    assert math.isnan(share([], 0.5))
