"""The bookmark goes no further than what a count has proved."""

from __future__ import annotations

import typing as t

from fake_endor_api import make_events
from tests.conftest import NOW
from tests.harness import config_for, run_inside

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi, ManualClock


def test_empty_answers_among_the_last_seconds_lose_nothing(empty_api: FakeEndorApi, clock: ManualClock) -> None:
    clock.advance(55)
    # All of them are too young for what is counted in whole minutes, and most are old enough for the look-back.
    empty_api.store.add(make_events(300, NOW, clock()))
    config = config_for(
        empty_api,
        start_date=NOW.isoformat(),
        page_size=7,
        concurrency=8,
        lookback_seconds=1,
        completeness_check="always",
    )
    empty_api.behaviour.empty_every = 10
    first = run_inside(config)
    assert len(first.uuids) < len(empty_api.store)
    empty_api.behaviour.empty_every = 0
    second = run_inside(config, first.state)
    assert sorted(first.uuids + second.uuids) == sorted(empty_api.store.uuids())
